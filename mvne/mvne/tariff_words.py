"""The parts of a tariff in words, for whoever compares two versions of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from mvne_plans.bands import EVERY_DAY, Band
from mvne_plans.money import MICRO
from mvne_plans.quantity import Kind, format_amount, format_bit_rate
from mvne_plans.rate import BY_UNIT
from mvne_plans.tariff import DOMESTIC, Beyond, Bucket, Guard, NextTier, Priced, Stop


def step_words(one: Beyond, kind: Kind) -> str:
    """Say one step of what happens beyond an allowance."""
    if isinstance(one, Stop):
        return "stop"
    if isinstance(one, NextTier):
        return f"on at {one.plan} for {one.fee:f} more, {format_amount(one.amount, kind)} more"
    words = one.rate.text(kind) if isinstance(one, Priced) else f"slow {format_bit_rate(one.bits_per_second)}"
    return words if one.amount is None else f"{words} for {format_amount(one.amount, kind)}"


def bucket_words(bucket: Bucket) -> str:
    """Say an allowance with all that narrows it and how it burns."""
    return " ".join(
        [f"{bucket.kind} {format_amount(bucket.amount, bucket.kind)}", *_narrowed(bucket), *_burning(bucket)]
    )


def _narrowed(bucket: Bucket) -> Iterator[str]:
    if bucket.groups or bucket.to != (DOMESTIC,):
        yield f"to {', '.join(bucket.groups or bucket.to)}"
    if bucket.within != (DOMESTIC,):
        yield f"in {', '.join(bucket.within)}"
    if bucket.bands:
        yield f"at {', '.join(bucket.bands)}"
    if bucket.labels:
        yield f"for {', '.join(bucket.labels)}"
    if bucket.fair_use is not None:
        yield f"(fair use {format_amount(bucket.fair_use, bucket.kind)})"


def _burning(bucket: Bucket) -> Iterator[str]:
    kind = bucket.kind
    if bucket.priority:
        yield f"priority {bucket.priority}"
    if bucket.increments != BY_UNIT:
        yield f"counted {bucket.increments}"
    if bucket.factor != 1:
        yield f"counted {bucket.factor:f} times"
    if bucket.rate is not None:
        yield f"at {bucket.rate.text(kind)}"
    for limit in bucket.limits:
        yield f"{limit.of} at most {format_amount(limit.amount, kind)}"
    if bucket.rollover is not None:
        most = "" if bucket.rollover.limit is None else f", at most {format_amount(bucket.rollover.limit, kind)}"
        yield f"rolled over {bucket.rollover.periods} times{most}"
    if bucket.thresholds:
        yield f"notice at {', '.join(map(str, bucket.thresholds))} percent"
    if bucket.credit is not None:
        yield f"unused credited {bucket.credit.text(kind)}"
    yield from (word for word, holds in (("shared", bucket.shared), ("last", bucket.blocks)) if holds)


def guard_words(guard: Guard) -> str:
    """Say a limit against fraud and bill shock; money in main units of the currency."""
    amount = f"{Decimal(guard.amount) / MICRO:f}" if guard.measure == "spend" else str(guard.amount)
    if guard.measure == "units":
        amount = format_amount(guard.amount, guard.kinds[0])
    what = "" if guard.measure == "units" else f" of {', '.join(guard.kinds) or 'all use'}"
    to = f" to {', '.join(guard.to)} numbers" if guard.to else ""
    within = f" in {', '.join(guard.within)}" if guard.within else ""
    named = "" if guard.measure == "units" else f"{guard.measure} "
    return f"{named}{amount}{what}{to}{within} per {guard.window}, then {guard.then}"


def band_words(band: Band) -> str:
    """Say a time band as a plan file writes it."""
    days = "" if band.days == EVERY_DAY else "".join(f" {_DAYS[day]}" for day in band.days)
    hours = f" {band.start:%H:%M} to {band.end:%H:%M}" if band.start != band.end else ""
    since = f" since {band.since}" if band.since else ""
    return f"{band.name}{days}{hours}{since}{f' until {band.until}' if band.until else ''}"


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
