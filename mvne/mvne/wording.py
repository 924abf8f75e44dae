"""Saying in words what a stored thing is, and how two versions of it differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from mvne.tariff_words import band_words, bucket_words, guard_words, step_words
from mvne.versions import BrandSettings
from mvne_plans.agreement import Agreement
from mvne_plans.bands import Band
from mvne_plans.catalogue import Addon, NumberGroup, OwnList, Plan, Promotion, Term
from mvne_plans.money import MICRO, Money, Rounding
from mvne_plans.period import Every
from mvne_plans.prepaid import Bonus, PrepaidRules, Sending
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import (
    Beyond,
    Bucket,
    Guard,
    NextTier,
    Priced,
    RatingService,
    Roaming,
    Slow,
    Stop,
    steps_beyond,
)


def described(thing: object) -> str:
    """Say in one line what a thing is.

    >>> described(NumberGroup("homes", ("+33199001234",)))
    '1 number'
    """
    if isinstance(thing, Plan):
        return _plan(thing)
    if isinstance(thing, BrandSettings):
        return f"{thing.name}, {thing.market}, {thing.currency}, host {thing.network}"
    if isinstance(thing, Agreement):
        return f"wholesale prices from {thing.starts}"
    if isinstance(thing, NumberGroup) and thing.own is not None:
        return worded(thing.own)
    if isinstance(thing, NumberGroup):
        return f"{len(thing.numbers)} number{'s' if len(thing.numbers) != 1 else ''}"
    if isinstance(thing, Addon):
        return f"{thing.price}, {', '.join(worded(bucket) for bucket in thing.buckets)}"
    if isinstance(thing, Promotion):
        off = f"{thing.percent:f} %" if thing.percent is not None else str(thing.amount)
        periods = f"{thing.periods} period{'s' if thing.periods != 1 else ''}"
        return f"{off} off for {periods}{f', code {thing.code}' if thing.code else ''}"
    if isinstance(thing, PrepaidRules):
        return f"prepaid money lasts {thing.lasts or 'for ever'}, {'may' if thing.sending else 'cannot'} be sent on"
    raise TypeError(f"{type(thing).__name__} has no words")


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yield what differs between two versions, each as `price: 4.90 EUR becomes 5.90 EUR`; at most one line a field."""
    if old == new:
        return
    if is_dataclass(old) and type(old) is type(new) and not isinstance(old, _PLAIN):
        for one in fields(old):
            if one.init and one.compare:
                yield from differences(getattr(old, one.name), getattr(new, one.name), f"{path}.{one.name}".lstrip("."))
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}, key=str):
            # What a kind of use is counted in decides how an amount of it reads.
            pair = (_of_kind(key, old.get(key)), _of_kind(key, new.get(key)))
            yield from differences(*pair, f"{path}.{key}".lstrip("."))
    elif isinstance(old, tuple) and isinstance(new, tuple) and max(len(old), len(new)) > _SHOWN:
        yield f"{path}: {len(set(new) - set(old))} added, {len(set(old) - set(new))} removed"
    elif isinstance(old, tuple) and isinstance(new, tuple) and all(map(_name, (*old, *new))):
        yield from differences({_name(one): one for one in old}, {_name(one): one for one in new}, path)
    else:
        yield f"{path}: {worded(old)} becomes {worded(new)}"


#: How many elements of a list are worth spelling out.
_SHOWN = 6

#: What is shown as a whole.
_PLAIN = (Money, Rate, Every, Bucket, Band, Guard, Rounding, OwnList, Bonus, Sending)


def _name(thing: object) -> str | None:
    """Return what a thing in a list is called among its like, None when it has no name."""
    if isinstance(thing, RatingService | Bucket | Guard):
        return thing.id
    if isinstance(thing, Term):
        return f"{thing.periods} periods"
    return thing.zone if isinstance(thing, Roaming) else None


def _plan(plan: Plan) -> str:
    price = f"{plan.price} per {plan.every}" if plan.price is not None else ""
    terms = ", ".join(f"{term.price} for {term.periods} × {plan.every}" for term in plan.terms)
    return "; ".join(filter(None, (f"{plan.name}: {plan.pay}", price, terms)))


def worded(value: object) -> str:
    """Say a single value, `none` for nothing.

    >>> worded(Rounding(10_000))
    'to 0.01, half-up, per session'
    """
    if value is None or value == ():
        return "none"
    if isinstance(value, _OfKind):
        return value.words
    if isinstance(value, tuple):
        yearly = len(value) == 2 and all(type(one) is int for one in value)
        return f"{value[0]:02}-{value[1]:02}" if yearly else ", ".join(worded(one) for one in value)
    return _WORDS.get(type(value), str)(value)


class _OfKind(NamedTuple):
    """A price, or what happens beyond an allowance, with the kind of use that says what its amounts are."""

    kind: Kind
    thing: Rate | Beyond

    @property
    def words(self) -> str:
        """It in words."""
        if isinstance(self.thing, Rate):
            return self.thing.text(self.kind)
        return ", then ".join(step_words(one, self.kind) for one in steps_beyond(self.thing))


def _of_kind(key: object, thing: Any) -> Any:
    if isinstance(key, Kind) and isinstance(thing, Rate | Priced | Slow | Stop | NextTier):
        return _OfKind(key, thing)
    if isinstance(key, Kind) and isinstance(thing, dict):
        return {name: _of_kind(key, one) for name, one in thing.items()}
    return thing


def _own_list(own: OwnList) -> str:
    changes = "" if own.changes is None else f", {own.changes} changes per {own.per}"
    return f"every subscriber's own list of {own.size} numbers{changes}"


def _bonus(bonus: Bonus) -> str:
    share = "" if bonus.percent is None else f"{bonus.percent:f} %{f' for {bonus.lasts}' if bonus.lasts else ''}"
    return f"{' and '.join(filter(None, (share, bonus.addon)))} from {bonus.above}"


#: How single values are said, where they do not say it themselves.
_WORDS: Mapping[type, Callable[[Any], str]] = {
    Bucket: bucket_words,
    Guard: guard_words,
    Band: band_words,
    OwnList: _own_list,
    Bonus: _bonus,
    Sending: lambda one: f"{one.least} to {one.most}, {one.most_a_day} a day",
    Rounding: lambda one: f"to {Decimal(one.unit_micro) / MICRO:f}, {one.mode}, per {one.per}",
    RatingService: lambda service: f"{service.kind} to {service.group} at {service.rate.text(service.kind)}",
    Term: lambda term: str(term.price) if term.first is None else f"{term.price}, at first {term.first}",
    Roaming: lambda roaming: roaming.treatment,
    Decimal: lambda number: f"{number:f}",
}
