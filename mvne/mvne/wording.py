"""Saying in words what a stored thing is, and how two versions of it differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from mvne.versions import BrandSettings
from mvne_plans.agreement import Agreement
from mvne_plans.catalogue import Addon, NumberGroup, Plan, Promotion
from mvne_plans.money import Money
from mvne_plans.period import Every
from mvne_plans.quantity import format_amount, format_bit_rate
from mvne_plans.rate import Rate
from mvne_plans.tariff import Bucket, Priced, Slow, Stop


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
        return f"{off} off for {thing.periods} periods{f', code {thing.code}' if thing.code else ''}"
    raise TypeError(f"{type(thing).__name__} has no words")


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yield what differs between two versions, each as `price: 4.90 EUR becomes 5.90 EUR`; at most one line a field."""
    if old == new:
        return
    plain = (Money, Rate, Every, Bucket, Priced, Slow, Stop)
    if is_dataclass(old) and type(old) is type(new) and not isinstance(old, plain):
        for one in fields(old):
            if one.init and one.compare:
                yield from differences(getattr(old, one.name), getattr(new, one.name), f"{path}.{one.name}".lstrip("."))
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}, key=str):
            yield from differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(old, tuple) and isinstance(new, tuple) and len(old) > _SHOWN:
        yield f"{path}: {len(set(new) - set(old))} added, {len(set(old) - set(new))} removed"
    else:
        yield f"{path}: {_value(old)} becomes {_value(new)}"


#: How many elements of a list are worth spelling out.
_SHOWN = 6


def _plan(plan: Plan) -> str:
    price = f"{plan.price} per {plan.every}" if plan.price is not None else ""
    terms = ", ".join(f"{term.price} for {term.periods} × {plan.every}" for term in plan.terms)
    return "; ".join(filter(None, (f"{plan.name}: {plan.pay}", price, terms)))


def _value(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, Bucket):
        zones = "" if value.to == ("domestic",) else f" to {', '.join(value.to)}"
        return f"{value.kind} {format_amount(value.amount, value.kind)}{zones}"
    if isinstance(value, Priced):
        return str(value.rate)
    if isinstance(value, Slow):
        return f"slow {format_bit_rate(value.bits_per_second)}"
    if isinstance(value, Stop):
        return "stop"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return ", ".join(_value(one) for one in value)
    return str(value)
