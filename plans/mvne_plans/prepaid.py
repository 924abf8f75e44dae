"""The rules of prepaid money: how long it lasts, what comes on top of a payment, when to warn, how it may move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from mvne_plans.errors import PlansError
from mvne_plans.money import Money
from mvne_plans.period import Every, boundary


class NotAllowed(PlansError):
    """The brand's rules of prepaid money do not allow this; the message says what they do."""


@dataclass(frozen=True, slots=True)
class Bonus:
    """What comes with a top-up of at least `above`: `percent` of it as money good for `lasts`, an add-on, or both.

    >>> Bonus(Money(2000, "EUR"), Decimal(10)).money(Money(2505, "EUR"))
    Money(minor=251, currency='EUR')
    """

    above: Money
    percent: Decimal | None = None
    lasts: Every | None = None
    addon: str | None = None

    def money(self, paid: Money) -> Money:
        """Return the money that comes on top of what was paid, rounded half up."""
        return paid.share(Fraction(self.percent or 0) / 100)


@dataclass(frozen=True, slots=True)
class Sending:
    """How much may go from one line to another: at least and at most at once, and at most within 24 hours."""

    least: Money
    most: Money
    most_a_day: Money

    def check(self, amount: Money, sent_today: Money) -> None:
        """Raise `NotAllowed` when `amount`, after what was sent in the last 24 hours, is outside the limits.

        >>> one = Sending(Money(100, "EUR"), Money(1000, "EUR"), Money(1500, "EUR"))
        >>> one.check(Money(600, "EUR"), Money(1000, "EUR"))
        Traceback (most recent call last):
        ...
        mvne_plans.prepaid.NotAllowed: 6.00 EUR are too much: 15.00 EUR may be sent in 24 hours, 5.00 EUR are left
        """
        if not self.least <= amount <= self.most:
            raise NotAllowed(f"{amount} cannot be sent; send {self.least} to {self.most} at once")
        left = self.most_a_day - sent_today
        if left < amount:
            raise NotAllowed(f"{amount} are too much: {self.most_a_day} may be sent in 24 hours, {left} are left")


@dataclass(frozen=True, slots=True)
class PrepaidRules:
    """The rules of a brand. Every amount is in the brand's currency; None means that there is no limit.

    `lasts` is how long money paid in is good (None: for ever); with `extends` a payment renews what is left of earlier
    ones until it expires itself. `least` and `most` bound one top-up, `holds` bounds the balance that a payment may
    lead to. `bonuses`: of those that fit, the one with the highest `above` counts. `marks` are the balances at which a
    subscriber is warned. `sending` is None where lines cannot send each other money. After `wrong_codes` wrong voucher
    codes within `code_pause` a line has to wait.
    """

    lasts: Every | None = None
    extends: bool = False
    least: Money | None = None
    most: Money | None = None
    holds: Money | None = None
    bonuses: tuple[Bonus, ...] = ()
    marks: tuple[Money, ...] = ()
    sending: Sending | None = None
    wrong_codes: int = 5
    code_pause: timedelta = timedelta(days=1)

    def check_topup(self, amount: Money) -> None:
        """Raise `NotAllowed` when a top-up is not above 0 or outside its limits."""
        if amount.minor <= 0:
            raise NotAllowed(f"{amount} is no top-up; it is an amount above 0")
        if self.least is not None and amount < self.least:
            raise NotAllowed(f"{amount} is too little; the smallest top-up is {self.least}")
        if self.most is not None and self.most < amount:
            raise NotAllowed(f"{amount} is too much; the largest top-up is {self.most}")

    def check_holding(self, micro: int) -> None:
        """Raise `NotAllowed` when a balance would hold more than it may, in micro-units."""
        if self.holds is not None and micro > self.holds.micro:
            raise NotAllowed(f"a balance may hold {self.holds} at most, and this would lead above that")

    def bonus(self, paid: Money) -> Bonus | None:
        """Return the bonus that comes with a top-up, if there is one."""
        fitting = [one for one in self.bonuses if one.above <= paid]
        return max(fitting, key=lambda one: one.above.minor, default=None)


def good_until(at: datetime, lasts: Every | None, timezone: str) -> datetime | None:
    """Return when money that comes in at `at` expires, by the wall clock of `timezone`; None: never.

    >>> paid_in = datetime.fromisoformat("2027-01-31T10:00:00+01:00")
    >>> str(good_until(paid_in, Every.parse("month"), "Europe/Paris"))
    '2027-02-28 10:00:00+01:00'
    """
    return None if lasts is None else boundary(at.astimezone(ZoneInfo(timezone)), lasts, 1)
