"""What a brand sells: plans, add-ons, promotions, number groups and the host's agreement, as one comparable whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from mvne_plans.agreement import Agreement
from mvne_plans.errors import PlansError
from mvne_plans.money import Money
from mvne_plans.period import MONTH, Every
from mvne_plans.tariff import Bucket, Tariff


class Pay(StrEnum):
    """When a plan is paid: before use, or by a bill after."""

    PREPAID = "prepaid"
    POSTPAID = "postpaid"


@dataclass(frozen=True, slots=True)
class Term:
    """Several periods paid at once: `price` for `periods`, `first` for a subscriber's first such term if cheaper."""

    periods: int
    price: Money
    first: Money | None = None


@dataclass(frozen=True)
class Plan:
    """One plan as it is sold; a version of it never changes once somebody has bought it.

    `price` is per `every` for whoever pays period by period, None when the plan is only sold by `terms`. `fees` are
    percentages charged on top of the recurring price, such as a recovery fee, by name.
    """

    id: str
    name: str
    pay: Pay
    every: Every
    price: Money | None
    terms: tuple[Term, ...]
    tariff: Tariff
    fees: tuple[tuple[str, Decimal], ...] = ()

    def term(self, periods: int) -> Term:
        """Return what `periods` periods paid at once cost; raise `TermNotSold` if they are not sold so."""
        for term in self.terms:
            if term.periods == periods:
                return term
        if periods == 1 and self.price is not None:
            return Term(1, self.price)
        sold = sorted({term.periods for term in self.terms} | ({1} if self.price is not None else set()))
        raise TermNotSold(
            f"plan {self.id} is sold for {', '.join(map(str, sold))} periods of {self.every}, not {periods}"
        )


class TermNotSold(PlansError):
    """The plan is not sold for that many periods."""


@dataclass(frozen=True, slots=True)
class Addon:
    """Something bought on top of `plans` (empty: all): more allowance, until the period ends or for `lasts`."""

    id: str
    name: str
    price: Money
    buckets: tuple[Bucket, ...]
    lasts: Every | None = None
    plans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promotion:
    """A reduction of the recurring price for some periods: `percent` or `amount`, by `code` if it has one."""

    id: str
    periods: int
    percent: Decimal | None = None
    amount: Money | None = None
    code: str | None = None
    new_only: bool = True
    starts: date | None = None
    ends: date | None = None  #: the last day on which it can be taken up
    plans: tuple[str, ...] = ()  #: empty for all

    def open_on(self, day: date) -> bool:
        """Say whether it can be taken up on `day`."""
        return (self.starts is None or self.starts <= day) and (self.ends is None or day <= self.ends)

    def reduction(self, price: Money, before: int = 0, paid: int = 1) -> Money:
        """Return how much it takes off `price`, never more than all of it.

        `price` is for `paid` periods at once, after `before` periods that were paid earlier: those of them that are
        still within the promotion are reduced, the rest is not.
        """
        reduced = max(min(self.periods - before, paid), 0)
        share = Fraction(self.percent or 0) / 100 * Fraction(reduced, paid)
        off = self.amount * reduced if self.amount is not None else price.share(share)
        return min(off, price)


@dataclass(frozen=True, slots=True)
class OwnList:
    """How a subscriber keeps a number list: at most `size` numbers, `changes` to it in every `per` (None: any)."""

    size: int
    changes: int | None = None
    per: Every = MONTH


@dataclass(frozen=True, slots=True)
class NumberGroup:
    """A named set of E.164 numbers, sorted; or, with `own`, one that every subscriber fills alone."""

    id: str
    numbers: tuple[str, ...] = ()
    own: OwnList | None = None


@dataclass(frozen=True)
class Catalogue:
    """All that a plan file sells, in file order."""

    currency: str
    plans: tuple[Plan, ...]
    addons: tuple[Addon, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    groups: tuple[NumberGroup, ...] = ()
    agreements: tuple[Agreement, ...] = ()
