"""Roaming like at home in the EU: how much data of a plan has to work abroad, and what may be charged beyond.

Both follow from what a host abroad may charge at most, in EUR before tax, by the day of use: Regulation (EU) 2022/612,
art. 9 to 11, and before July 2022 Regulation (EU) 2017/920. The volume is that of Implementing Regulation (EU)
2016/2286, art. 2 and 4: a plan is open when its data is unlimited or dearer at the host abroad than in the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from mvne_plans.errors import PlansError
from mvne_plans.quantity import UNITS, Kind

#: The last day of the regulation.
LAST_DAY = date(2032, 6, 30)

#: A volume is rounded up, in favour of the subscriber, to a hundredth of a gigabyte.
_STEP = 10**7


class NoCap(PlansError):
    """No cap is known for that day."""


@dataclass(frozen=True, slots=True)
class Caps:
    """What a host abroad may charge from `starts` on: EUR per GB, per minute and per message (None: not listed)."""

    starts: date
    data: Decimal
    voice: Decimal | None = None
    sms: Decimal | None = None

    def of(self, kind: Kind) -> Decimal | None:
        """Return the cap on a kind of use: per GB, minute or message."""
        return {Kind.DATA: self.data, Kind.VOICE: self.voice, Kind.SMS: self.sms}[kind]


def _caps(starts: str, *prices: str) -> Caps:
    return Caps(date.fromisoformat(starts), *map(Decimal, prices))


CAPS: tuple[Caps, ...] = (
    _caps("2017-06-15", "7.70"),
    _caps("2018-01-01", "6.00"),
    _caps("2019-01-01", "4.50"),
    _caps("2020-01-01", "3.50"),
    _caps("2021-01-01", "3.00"),
    _caps("2022-01-01", "2.50"),
    _caps("2022-07-01", "2.00", "0.022", "0.004"),
    _caps("2023-01-01", "1.80", "0.022", "0.004"),
    _caps("2024-01-01", "1.55", "0.022", "0.004"),
    _caps("2025-01-01", "1.30", "0.019", "0.003"),
    _caps("2026-01-01", "1.10", "0.019", "0.003"),
    _caps("2027-01-01", "1.00", "0.019", "0.003"),
)


def caps_on(day: date) -> Caps:
    """Return the caps in force on a day; raise `NoCap` before the first and after the regulation ends.

    >>> caps_on(date(2026, 11, 24)).data
    Decimal('1.10')
    """
    if not CAPS[0].starts <= day <= LAST_DAY:
        raise NoCap(f"no roaming cap is known for {day}; they are known from {CAPS[0].starts} to {LAST_DAY}")
    return max((one for one in CAPS if one.starts <= day), key=lambda one: one.starts)


def roaming_volume(price: Fraction, included: int | None, cap: Decimal) -> int | None:
    """Return how many bytes of a plan have to work abroad, None for all that it includes.

    `price` is what the plan costs per period in EUR before tax, `included` its bytes at home (None: unlimited), `cap`
    in EUR per GB. Of an open plan it is twice the price over the cap, but never more than what it includes.

    >>> roaming_volume(Fraction("10.75"), None, Decimal("1.10")), roaming_volume(Fraction(10), 5 * 10**9, Decimal(1))
    (19550000000, None)
    """
    gigabyte = UNITS[Kind.DATA]["GB"]
    if included is not None and price / Fraction(included, gigabyte) >= Fraction(cap):
        return None
    exact = 2 * price / Fraction(cap) * gigabyte / _STEP
    volume = -(-exact.numerator // exact.denominator) * _STEP
    return None if included is not None and volume >= included else volume
