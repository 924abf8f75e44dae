"""The two tariffs of the rating benchmark, `basic` and `full`, with the world and the lines that use them.

`basic`: calls, messages and data at home; 200 called prefixes in 20 zones; allowances at home and in the two nearest
zones; increments. `full`: besides, peak and off-peak calls cut at the band, three buckets of minutes in burn order (the
last one shared by a family), graduated tiers of data, roaming as at home and at prices of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count, islice, pairwise

from mvne_billing.rating.engine.lines import LineSpan
from mvne_billing.rating.result import World
from mvne_plans.agreement import Agreement
from mvne_plans.bands import Band, Calendar
from mvne_plans.numbering import Destination, NumberingPlan, NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate, Tier
from mvne_plans.tariff import Bucket, DeckRow, Priced, RateDeck, Roaming, Tariff

PREFIXES, ZONES = 200, 20
HOME = "FR"
START, END = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
TIMEZONE = "Europe/Paris"

#: Countries beside home, by made-up codes, each with five prefixes of two to six digits.
_CODES = [code for code in range(30, 90) if code != 33][: PREFIXES // 5 - 1]


@dataclass(frozen=True)
class Prefix:
    """A called prefix in digits, its country and its zone (0 for home)."""

    digits: str
    country: str
    zone: int


def prefixes() -> list[Prefix]:
    """Return the 200 prefixes: some begin others, so that the longest has to be found."""
    home = [Prefix(f"33{tail}", HOME, 0) for tail in ("", "6", "70", "756", "1420")]
    abroad = []
    for place, code in enumerate(_CODES):
        zone = 1 + place % (ZONES - 1)
        abroad += [
            Prefix(f"{code}{tail}", f"{chr(65 + place // 26)}{chr(65 + place % 26)}", zone)
            for tail in ("", "7", "71", "905", "6112")
        ]
    return home + abroad


def _rate(text: str, kind: Kind) -> Rate:
    return Rate.parse(text, kind)


def _price(prefix: Prefix) -> DeckRow:
    cents, special = 5 + 3 * prefix.zone, len(prefix.digits) - 2
    voice = _rate(f"0.{cents:02d}{special}/min 60/1", Kind.VOICE)
    return DeckRow(
        f"+{prefix.digits}", f"zone {prefix.zone}, {prefix.digits}", voice, _rate(f"0.{cents + special:02d}", Kind.SMS)
    )


def world() -> World:
    """Return numbering and the host's agreement, with a wholesale price per prefix."""
    known = [
        Destination(f"+{one.digits}", one.country, NumberKind.ORDINARY, f"{one.country} {one.digits}")
        for one in prefixes()
    ]
    known.append(Destination("112", HOME, NumberKind.EMERGENCY, "Emergency"))
    rates: Mapping[Kind, Mapping[str, Rate]] = {
        Kind.VOICE: {
            "domestic": _rate("0.0035/min", Kind.VOICE),
            "near": _rate("0.019/min", Kind.VOICE),
            "other": _rate("0.09/min", Kind.VOICE),
        },
        Kind.SMS: {
            "domestic": _rate("0.002", Kind.SMS),
            "near": _rate("0.003", Kind.SMS),
            "other": _rate("0.05", Kind.SMS),
        },
        Kind.DATA: {
            "domestic": _rate("0.85/GB", Kind.DATA),
            "near": _rate("1/GB", Kind.DATA),
            "other": _rate("4/GB", Kind.DATA),
        },
    }
    rows = tuple(
        DeckRow(
            f"+{one.digits}",
            one.digits,
            _rate(f"0.0{20 + one.zone}/min 30/6", Kind.VOICE),
            _rate(f"0.0{10 + one.zone}", Kind.SMS),
        )
        for one in prefixes()
        if one.zone
    )
    agreement = Agreement(date(2026, 1, 1), "EUR", rates=rates, deck=RateDeck(rows))
    return World(NumberingPlan(HOME, "33", "0", tuple(known)), {}, (agreement,), TIMEZONE)


def _zones() -> dict[str, tuple[str, ...]]:
    countries = {
        zone: tuple(sorted({one.country for one in prefixes() if one.zone == zone})) for zone in range(1, ZONES)
    }
    return {"near": countries[1] + countries[2], "far": countries[3] + countries[4]}


def basic() -> Tariff:
    """Return the tariff of `performance.md`: longest prefix, an allowance per kind, increments."""
    return Tariff(
        currency="EUR",
        home=HOME,
        zones=_zones(),
        buckets=(
            Bucket("minutes", Kind.VOICE, 90 * 60),
            Bucket("texts", Kind.SMS, 8),
            Bucket("data", Kind.DATA, 4 * 10**8),
        ),
        beyond={
            Kind.VOICE: Priced(_rate("0.05/min 60/1", Kind.VOICE)),
            Kind.SMS: Priced(_rate("0.06", Kind.SMS)),
            Kind.DATA: Priced(_rate("2/GB 10 KB", Kind.DATA)),
        },
        deck=RateDeck(tuple(_price(one) for one in prefixes() if one.zone)),
    )


def full() -> Tariff:
    """Return the tariff with everything that makes rating hard."""
    off_peak = Calendar((Band("off-peak", (0, 1, 2, 3, 4), time(19), time(8)), Band("off-peak", (5, 6, 7))))
    tiers = (
        Tier(10**8, Decimal("4"), 10**9),
        Tier(10**9, Decimal("3"), 10**9),
        Tier(None, Decimal("2"), 10**9, Decimal("0.5")),
    )
    voice = replace(_rate("0.06/min 60/1", Kind.VOICE), bands=(("off-peak", _rate("0.04/min 30/1", Kind.VOICE)),))
    to = ("domestic", "near")
    return replace(
        basic(),
        calendar=off_peak,
        buckets=(
            Bucket("evenings", Kind.VOICE, 40 * 60, to, bands=("off-peak",)),
            Bucket("minutes", Kind.VOICE, 60 * 60, to, priority=1),
            Bucket("texts", Kind.SMS, 10, to),
            Bucket("data", Kind.DATA, 4 * 10**8),
        ),
        beyond={
            Kind.VOICE: Priced(voice),
            Kind.SMS: Priced(_rate("0.06", Kind.SMS)),
            Kind.DATA: Priced(Rate(Decimal(0), 1, tiers=tiers)),
        },
        roaming=(
            Roaming("near", "domestic"),
            Roaming(
                "other",
                "price",
                {
                    Kind.VOICE: _rate("0.5/min 60/60", Kind.VOICE),
                    Kind.SMS: _rate("0.2", Kind.SMS),
                    Kind.DATA: _rate("9/GB 100 KB", Kind.DATA),
                },
            ),
        ),
    )


def family() -> Tariff:
    """Return the tariff of who pays for a family: the full one, and minutes for all of it."""
    one = full()
    shared = Bucket("family", Kind.VOICE, 200 * 60, ("domestic", "near"), priority=2, shared=True)
    return replace(one, buckets=(*one.buckets, shared))


def tariffs(name: str) -> dict[str, Tariff]:
    """Return the tariffs of a benchmark by the plan of a line."""
    return {"basic": basic()} if name == "basic" else {"full": full(), "family": family()}


def msisdn(number: int) -> int:
    """Return the number of a subscriber, in digits."""
    return 33_600_000_000 + number


def lines(name: str, subscribers: int) -> Iterator[LineSpan]:
    """Yield the lines: periods of a month from any day on; in `full`, two of five lines are in a family of four."""
    for number in range(subscribers):
        mine = list(_periods(number))
        place = number % 10
        owner = number - place if name == "full" and place < 4 else None
        plan = name if name == "basic" or owner != number else "family"
        theirs = list(_periods(owner)) if owner is not None and owner != number else []
        cuts = sorted(
            {START, END, *(at for at, _ in mine if START < at < END), *(at for at, _ in theirs if START < at < END)}
        )
        for since, until in pairwise(cuts):
            opened, expires = next(one for one in mine if one[0] <= since < one[1])
            span = LineSpan(f"+{msisdn(number)}", since, until, f"sub-{number:07d}", plan, TIMEZONE, opened, expires)
            if theirs and owner is not None:
                at, end = next(one for one in theirs if one[0] <= since < one[1])
                span = replace(span, owner=f"sub-{owner:07d}", owner_plan="family", owner_opened=at, owner_expires=end)
            yield span


def _periods(number: int) -> Iterator[tuple[datetime, datetime]]:
    day = number % 28
    for start in islice(count(), 2):
        opened = START + timedelta(days=day, hours=9) - timedelta(days=31 * (1 - start))
        yield opened, opened + timedelta(days=31)
