"""What rating answers: the parts of a record, each with its rule and price, or the reason why there is none."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mvne_plans.agreement import Agreement
from mvne_plans.numbering import NumberingPlan


class Rule(StrEnum):
    """Which rule of the tariff a part of a record fell under."""

    FREE = "free"  #: emergency and freephone numbers: never charged, never counted
    SERVICE = "service"
    BUCKET = "bucket"
    PRICE = "price"
    SLOW = "slow"
    STOP = "stop"  #: past a cap at which the network should have stopped: the brand's loss, named
    NEXT = "next"  #: the period goes on at the next tier, for a fee
    DECK = "deck"
    ROAMING = "roaming"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a record under one rule: `units` used, `billable` charged for, at `rate`, for `charge_micro`.

    `name` says which one of its kind: the bucket, the service, the called prefix, the zone. `band` is the time band it
    began in, empty for none.
    """

    rule: Rule
    name: str
    units: int
    billable: int = 0
    rate: str = ""
    charge_micro: int = 0
    band: str = ""


@dataclass(frozen=True, slots=True)
class Rated:
    """A priced record: retail and wholesale side by side.

    `taken` is what it adds to each counter: a bucket's under its id, its limits' under `id/of`, a rule's under
    `rule:name` (units used) and `rule:name#` (units charged for), the brand's wholesale ones under `wholesale:...`.
    """

    parts: tuple[Part, ...]
    charge_micro: int
    cost_micro: int
    cost_rule: str
    destination: str
    taken: Mapping[str, int]

    @property
    def margin_micro(self) -> int:
        """What the brand keeps of it: its price less its cost."""
        return self.charge_micro - self.cost_micro


_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def parts_text(parts: tuple[Part, ...]) -> str:
    """Return parts as the compact JSON they are stored in."""
    rows = [(one.rule, one.name, one.units, one.billable, one.rate, one.charge_micro, one.band) for one in parts]
    return _COMPACT.encode(rows)


def parts_from(text: str) -> tuple[Part, ...]:
    """Return the parts that `parts_text` wrote."""
    return tuple(Part(Rule(rule), *rest) for rule, *rest in json.loads(text))


class Reason(StrEnum):
    """Why a record cannot be priced; it waits in suspense until the cause is gone."""

    UNKNOWN_SUBSCRIBER = "unknown_subscriber"
    UNKNOWN_DESTINATION = "unknown_destination"
    NO_TARIFF = "no_tariff"
    ROAMING_REFUSED = "roaming_refused"
    NO_WHOLESALE_PRICE = "no_wholesale_price"
    TOO_LARGE = "too_large"  #: the price would not fit the books
    CONFLICT = "conflict"  #: the id is known with other content
    FUTURE_DATED = "future_dated"  #: it begins after it came in
    CHARGED_LIVE = "charged_live"  #: a live session charges this use: it is open still, or charged less
    NOTHING_TO_CORRECT = "nothing_to_correct"  #: it corrects a record that is not there
    MENDED = "mended"  #: a person changed it; it was not tried again yet
    MALFORMED = "malformed"


class Unrateable(Exception):
    """The record has no price under this tariff; never a price of 0, never dropped."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class World:
    """What is the same for all records of a brand: numbering, number groups, the host's agreements, the time zone.

    `groups` maps a group's id to its numbers in E.164; `timezone` (IANA) decides on which day an agreement begins;
    `on_net` holds the brand's own numbers in E.164.
    """

    numbering: NumberingPlan
    groups: Mapping[str, Container[str]]
    agreements: tuple[Agreement, ...]
    timezone: str
    on_net: Container[str] = frozenset()
