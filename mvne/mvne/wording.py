"""Saying in words what a stored thing is, and how two versions of it differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from mvne.versions import BrandSettings
from mvne_plans.agreement import Agreement
from mvne_plans.catalogue import Addon, NumberGroup, Plan, Promotion, Term
from mvne_plans.money import Money
from mvne_plans.period import Every
from mvne_plans.quantity import format_amount, format_bit_rate
from mvne_plans.rate import Rate
from mvne_plans.tariff import Bucket, Priced, RatingService, Roaming, Slow, Stop


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
    if isinstance(thing, NumberGroup):
        return f"{len(thing.numbers)} number{'s' if len(thing.numbers) != 1 else ''}"
    if isinstance(thing, Addon):
        return f"{thing.price}, {', '.join(_value(bucket) for bucket in thing.buckets)}"
    if isinstance(thing, Promotion):
        off = f"{thing.percent:f} %" if thing.percent is not None else str(thing.amount)
        periods = f"{thing.periods} period{'s' if thing.periods != 1 else ''}"
        return f"{off} off for {periods}{f', code {thing.code}' if thing.code else ''}"
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
            yield from differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(old, tuple) and isinstance(new, tuple) and max(len(old), len(new)) > _SHOWN:
        yield f"{path}: {len(set(new) - set(old))} added, {len(set(old) - set(new))} removed"
    elif isinstance(old, tuple) and isinstance(new, tuple) and all(map(_name, (*old, *new))):
        yield from differences({_name(one): one for one in old}, {_name(one): one for one in new}, path)
    else:
        yield f"{path}: {_value(old)} becomes {_value(new)}"


#: How many elements of a list are worth spelling out.
_SHOWN = 6

#: What is shown as a whole.
_PLAIN = (Money, Rate, Every, Bucket, Priced, Slow, Stop)


def _name(thing: object) -> str | None:
    """Return what a thing in a list is called among its like, None when it has no name."""
    if isinstance(thing, RatingService):
        return thing.id
    if isinstance(thing, Term):
        return f"{thing.periods} periods"
    return thing.zone if isinstance(thing, Roaming) else None


def _plan(plan: Plan) -> str:
    price = f"{plan.price} per {plan.every}" if plan.price is not None else ""
    terms = ", ".join(f"{term.price} for {term.periods} × {plan.every}" for term in plan.terms)
    return "; ".join(filter(None, (f"{plan.name}: {plan.pay}", price, terms)))


def _value(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return ", ".join(_value(one) for one in value)
    return _WORDS.get(type(value), str)(value)


def _bucket(bucket: Bucket) -> str:
    zones = "" if bucket.to == ("domestic",) else f" to {', '.join(bucket.to)}"
    return f"{bucket.kind} {format_amount(bucket.amount, bucket.kind)}{zones}"


#: How single values are said, where they do not say it themselves.
_WORDS: Mapping[type, Callable[[Any], str]] = {
    Bucket: _bucket,
    Priced: lambda priced: str(priced.rate),
    Slow: lambda slow: f"slow {format_bit_rate(slow.bits_per_second)}",
    Stop: lambda stop: "stop",
    RatingService: lambda service: f"{service.kind} to {service.group} at {service.rate}",
    Term: lambda term: str(term.price) if term.first is None else f"{term.price}, at first {term.first}",
    Roaming: lambda roaming: roaming.treatment,
    Decimal: lambda number: f"{number:f}",
}
