"""A price per unit of use, exact, with the increments it is counted in: `0.05/min 60/1`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, Self

from mvne_plans.errors import PlansError
from mvne_plans.money import MICRO
from mvne_plans.quantity import UNITS, Kind, QuantityError, format_amount, parse_units


class RateError(PlansError):
    """This is not a price per unit of that kind of use."""


#: The unit a price is written for when it is written bare.
PER_UNIT: dict[Kind, str] = {Kind.VOICE: "min", Kind.SMS: "sms", Kind.DATA: "GB"}

_RATE = re.compile(
    r"(\d{1,9}(?:[.,]\d{1,9})?)(?:\s*/\s*((?:\d{1,9}(?:\.\d{1,6})?\s*)?[A-Za-z]+))?(?:\s+(\S.*))?", re.ASCII
)
_SESSION_WORD = re.compile(r"\s+(setup|minimum|maximum|percent)\s+", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_PAIR = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Increments:
    """How use is counted: at least `first` units, then steps of `next`. `60/1` is a whole first minute, then seconds.

    >>> [Increments(60, 1).raise_to(units) for units in (0, 5, 60, 61)]
    [0, 60, 60, 61]
    """

    first: int = 1
    next: int = 1

    @classmethod
    def parse(cls, text: str, kind: Kind) -> Self:
        """Read `60/1` (base units) or one step written as a quantity, `10 KB`; raise `RateError` otherwise."""
        match = _PAIR.fullmatch(text.strip())
        if match and int(match.group(1)) and int(match.group(2)):
            return cls(int(match.group(1)), int(match.group(2)))
        try:
            step = parse_units(text, kind)
        except QuantityError:
            raise RateError(f"{text!r} are not increments; write 60/1 (first/next, in {kind.base_unit}s)") from None
        return cls(step, step)

    def raise_to(self, units: int) -> int:
        """Return `units` raised to what is charged for; none stays none."""
        if units <= 0:
            return 0
        return self.first + -(-max(units - self.first, 0) // self.next) * self.next

    def __str__(self) -> str:
        return f"{self.first}/{self.next}"


#: Unit by unit.
BY_UNIT = Increments()


class Scheme(StrEnum):
    """What the steps of a tiered price mean; units are those charged for in the period, after increments."""

    GRADUATED = "graduated"  #: each unit costs what the step it falls in says
    VOLUME = "volume"  #: all units cost what the step that the period's total has reached says
    PACKAGE = "package"  #: like graduated, by started block of `per` units


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of a tiered price up to `up_to` units of the period: `amount` per `per` units, `flat` for entering it."""

    up_to: int | None
    amount: Decimal
    per: int
    flat: Decimal = Decimal(0)


@dataclass(frozen=True)
class Rate:
    """`amount` of the main currency unit for `per` base units, counted in `increments`.

    Once per session: `setup` is added when anything is charged, the sum is at least `minimum` and at most `maximum`,
    after which the use goes on `free` or the network is told to `stop`; `percent` comes on top of it all. `tiers`, by
    `scheme`, replace `amount` with steps over the period. `bands` replace it in a time band, by the band's name; only
    amount, per and increments of such a rate count.
    """

    amount: Decimal
    per: int
    increments: Increments = BY_UNIT
    setup: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)
    maximum: Decimal | None = None
    at_maximum: Literal["free", "stop"] = "free"
    percent: Decimal = Decimal(0)
    tiers: tuple[Tier, ...] = ()
    scheme: Scheme = Scheme.GRADUATED
    bands: tuple[tuple[str, Rate], ...] = ()

    @classmethod
    def parse(cls, text: str, kind: Kind, increments: Increments = BY_UNIT) -> Self:
        """Read `0.05/min`, `0.0035/min 60/1`, `0.85/GB` or, for messages, `0.002`; raise `RateError` otherwise.

        `increments` count where the text names none. The unit may be several, `1/100 MB`. What counts once per session
        may follow: `0.05/min 60/1 setup 0.10 minimum 0.20 maximum 2 stop percent 2.5`.

        >>> Rate.parse("0.05/min 60/1", Kind.VOICE).charge(90)
        Fraction(75000, 1)
        """
        main, *rest = _SESSION_WORD.split(text.strip())
        match = _RATE.fullmatch(main.strip())
        per = _per((match.group(2) or (PER_UNIT[kind] if kind is Kind.SMS else "")), kind) if match else None
        if not match or per is None:
            raise RateError(f"{text!r} is not a price of {kind}; write it like {_EXAMPLES[kind]}")
        if "," in match.group(1):
            raise RateError(f"{match.group(1)!r} has a comma; use {match.group(1).replace(',', '.')}")
        counted = Increments.parse(match.group(3), kind) if match.group(3) else increments
        return cls(plain(match.group(1)), per, counted, **_session_terms(text, rest))

    def charge(self, units: int, before: int = 0) -> Fraction:
        """Return the exact price in micro-units of `units` base units, after `before` that were charged in the period.

        Increments and what counts once per session are the caller's business; below 0 only where a volume step makes
        earlier units cheaper.
        """
        if not self.tiers:
            return self.micro_per_unit * units
        return _through(self, before + units) - _through(self, before)

    def session(self, charged: Fraction) -> Fraction:
        """Return what a session costs whose units cost `charged`, both in micro-units: set-up, bounds, percentage."""
        return self.bounded(charged + Fraction(self.setup) * MICRO)

    def bounded(self, charged: Fraction) -> Fraction:
        """Return `charged`, set-up included, within this rate's bounds and with its percentage."""
        at_least = max(charged, Fraction(self.minimum) * MICRO) if self.minimum else charged
        bounded = at_least if self.maximum is None else min(at_least, Fraction(self.maximum) * MICRO)
        return bounded * (1 + Fraction(self.percent) / 100) if self.percent else bounded

    # The rates of a brand are few and its records many: what depends on a rate alone is worked out once.

    @cached_property
    def micro_per_unit(self) -> Fraction:
        """The exact price of one base unit, in micro-units."""
        return Fraction(self.amount) * MICRO / self.per

    @cached_property
    def by_unit_alone(self) -> bool:
        """Whether nothing but units and increments makes the price."""
        return not (self.setup or self.minimum or self.maximum is not None or self.percent or self.tiers)

    @cached_property
    def is_free(self) -> bool:
        """Whether nothing is ever charged."""
        return not (self.amount or self.setup or self.minimum or self.tiers or any(one.amount for _, one in self.bands))

    def in_band(self, name: str) -> Rate:
        """Return the rate of a time band: its own, or this one."""
        return next((rate for band, rate in self.bands if band == name), self) if self.bands else self

    def text(self, kind: Kind) -> str:
        """Write the price as `parse` reads it; tiers and bands, which it does not, follow in words.

        >>> [Rate.parse(text, Kind.VOICE).text(Kind.VOICE) for text in ("0.05/min 60/1", "0.10/min maximum 2 stop")]
        ['0.05/min 60/1', '0.1/min maximum 2 stop']
        """
        if kind not in self._texts:
            self._texts[kind] = _text(self, kind)
        return self._texts[kind]

    @cached_property
    def _texts(self) -> dict[Kind, str]:
        return {}

    def __str__(self) -> str:
        usual = (kind for kind, unit in PER_UNIT.items() if UNITS[kind][unit] == self.per)
        return self.text(next(usual, Kind.VOICE if self.per in UNITS[Kind.VOICE].values() else Kind.DATA))


def plain(text: str) -> Decimal:
    """Return a decimal without the zeros that say nothing, so that equal prices are equal texts."""
    return Decimal(text).normalize() + 0


def _per(unit: str, kind: Kind) -> int | None:
    """Return the base units of `min` or `100 MB`; None when it is no unit of that kind."""
    if unit in UNITS[kind] or not unit:
        return UNITS[kind].get(unit)
    try:
        return parse_units(unit, kind)
    except QuantityError:
        return None


def _session_terms(text: str, words: list[str]) -> dict[str, Any]:
    """Read what follows the price of a unit: pairs of a word and its value."""
    terms: dict[str, Any] = {}
    for name, value in zip(words[::2], words[1::2], strict=True):
        number, _, mark = value.strip().partition(" ")
        stops = name == "maximum" and mark == "stop"
        if name in terms or not _NUMBER.fullmatch(number) or (mark and not stops):
            raise RateError(f"{text!r}: after {name} comes one number, as in {name} 0.10")
        terms[name] = plain(number)
        terms |= {"at_maximum": "stop"} if stops else {}
    return terms


_EXAMPLES = {Kind.VOICE: "0.05/min or 0.05/min 60/1", Kind.SMS: "0.06", Kind.DATA: "0.85/GB"}

FREE = Rate(Decimal(0), 1)


def _text(rate: Rate, kind: Kind) -> str:
    steps = "" if rate.increments == Increments() else f" {rate.increments}"
    terms = [f" {name} {getattr(rate, name):f}" for name in ("setup", "minimum") if getattr(rate, name)]
    if rate.maximum is not None:
        terms.append(f" maximum {rate.maximum:f}{' stop' if rate.at_maximum == 'stop' else ''}")
    terms += [f" percent {rate.percent:f}"] if rate.percent else []
    terms += [f" {rate.scheme} {', '.join(_tier_text(one, kind) for one in rate.tiers)}"] if rate.tiers else []
    terms += [f" {name} {one.amount:f}/{_unit_text(one.per, kind)}" for name, one in rate.bands]
    return f"{rate.amount:f}/{_unit_text(rate.per, kind)}{steps}{''.join(terms)}"


def _unit_text(per: int, kind: Kind) -> str:
    return next((name for name, size in UNITS[kind].items() if size == per), None) or format_amount(per, kind)


def _tier_text(tier: Tier, kind: Kind) -> str:
    until = "beyond" if tier.up_to is None else f"to {format_amount(tier.up_to, kind)}"
    flat = f" and {tier.flat:f} once" if tier.flat else ""
    return f"{until} {tier.amount:f}/{_unit_text(tier.per, kind)}{flat}"


def _through(rate: Rate, units: int) -> Fraction:
    """Return what the first `units` of a period cost by the rate's tiers, in main units times a million."""
    total, low = Fraction(0), 0
    for tier in rate.tiers:
        if units <= low:
            break
        inside = (units if tier.up_to is None else min(units, tier.up_to)) - low
        if rate.scheme is Scheme.VOLUME:
            total = Fraction(tier.flat) + Fraction(tier.amount) * units / tier.per
        else:
            blocks = -(-inside // tier.per) if rate.scheme is Scheme.PACKAGE else Fraction(inside, tier.per)
            total += Fraction(tier.flat) + Fraction(tier.amount) * blocks
        low += inside
    return total * MICRO
