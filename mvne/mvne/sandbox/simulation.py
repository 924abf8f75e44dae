"""What a simulation came to: numbers only, so that every way of showing them says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from mvne.errors import MvneError


class SandboxError(MvneError):
    """The sandbox cannot simulate this."""


class Failure(StrEnum):
    """What goes wrong in a simulated life, on purpose."""

    HOST_SILENT = "host_silent"  #: the host network gave no answer and did nothing
    HOST_ANSWER_LOST = "host_answer_lost"  #: it did what was asked, its answer was lost
    SMDP_SILENT = "smdp_silent"
    SMDP_ANSWER_LOST = "smdp_answer_lost"
    GATEWAY_SILENT = "gateway_silent"
    GATEWAY_ANSWER_LOST = "gateway_answer_lost"
    GATEWAY_FAILURE_KEPT = "gateway_failure_kept"  #: money moved, and the key answers with an error for good
    CARD_REFUSED = "card_refused"  #: the gateway does not even keep the card
    FIRST_PAYMENT_DECLINED = "first_payment_declined"
    PAYMENT_DECLINED = "payment_declined"  #: a later bill
    NOTIFICATION_LATE = "notification_late"  #: the profile was installed, and nobody told us for a day
    RECORD_REPEATED = "record_repeated"
    RECORD_LATE = "record_late"
    RECORD_EARLY = "record_early"  #: before the sign-up it belongs to was entered
    RECORD_UNREADABLE = "record_unreadable"
    RECORD_OF_NOBODY = "record_of_nobody"
    RECORD_CONFLICTING = "record_conflicting"  #: a known id with another content


@dataclass(frozen=True, slots=True)
class Asked:
    """What a simulation was asked for; `begins` and `ends` are local midnights."""

    subscribers: int
    months: int
    seed: int
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Handled:
    """How often a failure happened, and how often it was made good by the end."""

    failure: Failure
    happened: int
    handled: int

    @property
    def under_way(self) -> int:
        """How many wait for their repair when the simulation ends."""
        return self.happened - self.handled


@dataclass(frozen=True, slots=True)
class Day:
    """Lines at the end of a day: in service, suspended, and bought but not in service yet."""

    day: date
    active: int
    suspended: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came in and what it cost, in micro-units before tax.

    `revenue` is what was billed; `host` what the host charges for lines and use; `minimum` what the agreement's minimum
    costs beyond that.
    """

    revenue: int = 0
    host: int = 0
    minimum: int = 0

    @property
    def profit(self) -> int:
        """What is left."""
        return self.revenue - self.host - self.minimum

    def __add__(self, other: Result) -> Result:
        return Result(self.revenue + other.revenue, self.host + other.host, self.minimum + other.minimum)


@dataclass(frozen=True, slots=True)
class Month:
    """One calendar month, `2027-01`: lines sold and ended in it, lines in service at its end, money."""

    month: str
    sold: int
    ended: int
    lines: int
    result: Result


@dataclass(frozen=True, slots=True)
class PlanResult:
    """One plan: lines sold and in service at the end, money, and what its subscribers owe (micro-units, tax in)."""

    plan: str
    name: str
    sold: int
    lines: int
    result: Result
    owed: int


@dataclass(frozen=True)
class Simulation:
    """A simulated life. Amounts are in micro-units of `currency`; counts are plain.

    `version` is that of the program, `pack` the date of the market pack, `hash` names the plan file's content. `trial`
    is the money of the test journey that ends a launch. `earned` and `spent` say what for, by account; `owed` is what
    subscribers owe and `unbilled` what they used since their last bill, both with tax. `events` count what happened to
    lines, `tried` uses of the network, `refused` those that it did not allow, by reason, `priced` records, `suspense`
    those that wait, by reason. `books` are balances by currency and class of account.
    """

    brand: str
    name: str
    language: str
    colour: str
    currency: str
    market: str
    pack: date
    timezone: str
    version: str
    hash: str
    agreements: tuple[date, ...]
    asked: Asked
    days: tuple[Day, ...]
    months: tuple[Month, ...]
    plans: tuple[PlanResult, ...]
    trial: Result
    earned: Mapping[str, int]
    spent: Mapping[str, int]
    owed: int
    unbilled: int
    cash: int
    failures: tuple[Handled, ...]
    events: Mapping[str, int]
    tried: int
    priced: int
    refused: Mapping[str, int]
    suspense: Mapping[str, int]
    documents: int
    transfers: int
    books: Mapping[str, Mapping[str, int]]

    @property
    def total(self) -> Result:
        """All months: what the books say. It is the plans, the agreement's minimum and the test journey together."""
        return sum((month.result for month in self.months), start=Result())
