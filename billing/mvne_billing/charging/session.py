"""What charging is asked and what it answers: plain values that HTTP, Diameter and a program in process all use.

A session is what a network element opens for one use of a line (a data connection, a call): `CREATE` it, `UPDATE` it
as often as needed, `RELEASE` it (the words of 3GPP TS 32.290; RFC 8506 says INITIAL, UPDATE and TERMINATION). Every
request names its session, which the client chooses, and a sequence number that goes up by one. In each rating group it
says what was `used` since the last report and what it would like to have next (`requested`); the answer says how much
is `granted`. Units are base units: seconds, messages, bytes.

    opened = Request("tilleul", "smf;1;7", 0, Step.CREATE, "ada-1", at, (
        Units(10, Service(Kind.DATA, country="FR"), requested=0),))               # 0: as much as you think fit
    later = Request("tilleul", "smf;1;7", 1, Step.UPDATE, "ada-1", at, (Units(10, used=5_000_000, requested=0),))
    last = Request("tilleul", "smf;1;7", 2, Step.RELEASE, "ada-1", at, (Units(10, used=1_200_000),))

The same request again (same session, sequence and content) gets the very same answer and changes nothing. An `Event` is
a use that is over as it begins (a message, a purchase), a refund, or a question; it is known by its session id too.

Whatever charging will not do is a `ChargingRefused` of a sort of its own: nothing was changed. What it will do but not
grant is an `Answer` with a `Result` that says why, as TS 32.291 and RFC 8506 name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from mvne_billing.errors import BillingError
from mvne_plans.quantity import Kind

#: The longest session id; what a network calls it otherwise (a Diameter Session-Id may be longer) is the edge's affair.
MOST_SESSION = 100

#: The most rating groups in one session.
MOST_GROUPS = 32


class Step(StrEnum):
    """Where in the life of a session a request stands."""

    CREATE = "create"
    UPDATE = "update"
    RELEASE = "release"


class Trigger(StrEnum):
    """Why a client reports; kept with the request, and no price depends on it (TS 32.291 table 5.1.6.3.6-1)."""

    QUOTA_THRESHOLD = "QUOTA_THRESHOLD"
    QHT = "QHT"  #: quota holding time: nothing was used for so long
    FINAL = "FINAL"
    QUOTA_EXHAUSTED = "QUOTA_EXHAUSTED"
    VALIDITY_TIME = "VALIDITY_TIME"
    OTHER_QUOTA_TYPE = "OTHER_QUOTA_TYPE"
    FORCED_REAUTHORISATION = "FORCED_REAUTHORISATION"
    TARIFF_TIME_CHANGE = "TARIFF_TIME_CHANGE"
    PLMN_CHANGE = "PLMN_CHANGE"
    RAT_CHANGE = "RAT_CHANGE"
    ABNORMAL_RELEASE = "ABNORMAL_RELEASE"


class Result(StrEnum):
    """What became of a request or of one of its rating groups (TS 32.291 `ResultCode`; RFC 8506 beside)."""

    SUCCESS = "SUCCESS"  #: DIAMETER_SUCCESS 2001
    END_USER_SERVICE_DENIED = "END_USER_SERVICE_DENIED"  #: 4010: barred, or the plan has no such use there
    QUOTA_MANAGEMENT_NOT_APPLICABLE = "QUOTA_MANAGEMENT_NOT_APPLICABLE"  #: 4011: free, no quota needed
    QUOTA_LIMIT_REACHED = "QUOTA_LIMIT_REACHED"  #: 4012: neither money nor allowance, or a guard has stopped it
    RATING_FAILED = "RATING_FAILED"  #: 5031: the tariff has no price for it


class Final(StrEnum):
    """What the network does when the granted units are used up (RFC 8506, 8.35)."""

    TERMINATE = "TERMINATE"
    REDIRECT = "REDIRECT"
    RESTRICT = "RESTRICT_ACCESS"


class FinalUnit(NamedTuple):
    """The end of the quota: `action`, where to redirect to, which filters still let through."""

    action: Final = Final.TERMINATE
    redirect_to: str = ""
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """What a rating group is used for: the called number as dialled (None for data), where the phone is (ISO 3166), and
    the use label where the network tells sorts of use apart (`hotspot`)."""

    kind: Kind
    to: str | None = None
    country: str = ""
    label: str = ""


class Units(NamedTuple):
    """One rating group in a request.

    `service` comes with the group's first mention; a later one that differs (the phone crossed a border) begins a new
    leg, priced by itself. `used` counts what was used since the last report. `requested` is what the client would like
    to have next: None for nothing, 0 for whatever charging thinks fit.
    """

    rating_group: int
    service: Service | None = None
    requested: int | None = None
    used: int = 0
    trigger: Trigger | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A step of a session at `at` (aware, the client's clock). `msisdn` (E.164) is what its usage is recorded under."""

    brand: str
    session: str
    sequence: int
    step: Step
    subscription: str
    at: datetime
    groups: tuple[Units, ...] = ()
    msisdn: str = ""


class Action(StrEnum):
    """What an event asks for (RFC 8506, 8.41 Requested-Action)."""

    CHARGE = "charge"  #: direct debiting: charge for `units` of `service` at once
    REFUND = "refund"  #: refund account: give back what `units` of an earlier session cost; 0 for all of it
    CHECK = "check_balance"  #: would `units` of `service` be granted? Changes nothing
    PRICE = "price_enquiry"  #: what would `units` of `service` cost? Changes nothing


@dataclass(frozen=True, slots=True)
class Event:
    """A use that is over as it begins, a refund, or a question. `session` is its own id; a refund names what it
    `refunds` and the rating group in it."""

    brand: str
    session: str
    action: Action
    subscription: str
    at: datetime
    service: Service | None = None
    units: int = 1
    rating_group: int = 0
    refunds: str = ""
    msisdn: str = ""
    sequence: int = 0


class Granted(NamedTuple):
    """The answer for one rating group.

    `granted` is None when nothing was asked for. The grant is good for `valid_s` seconds; the client asks again when
    `threshold` units are left, when nothing was used for `holding_s` seconds, at the latest. `final` says that this is
    all there is, and what then. At `tariff_change` another price begins: units used after it are reported apart.
    `charged_micro` is what this group has cost so far, `message` says in words what the result does not.
    """

    rating_group: int
    result: Result
    granted: int | None = None
    valid_s: int = 0
    threshold: int | None = None
    holding_s: int | None = None
    final: FinalUnit | None = None
    tariff_change: datetime | None = None
    charged_micro: int = 0
    message: str = ""


class Answer(NamedTuple):
    """The answer to a request or an event, given only when all that follows from it is on disk.

    `result` is SUCCESS unless every group that asked was refused. `charged_micro` is what the session has cost so far,
    in micro-units of `currency`; an event's own price, below 0 for a refund. `free_micro` is what is left to spend,
    None for a line that is billed after. `durability` says what "on disk" means here.
    """

    session: str
    sequence: int
    result: Result
    groups: tuple[Granted, ...]
    charged_micro: int
    currency: str
    free_micro: int | None
    is_open: bool
    durability: str = ""


class ChargingRefused(BillingError):
    """Charging will not do this; nothing was changed."""


class InvalidRequest(ChargingRefused):
    """This cannot be a request: a negative or gigantic amount, a group twice, a moment without a zone."""


class UnknownSubscription(ChargingRefused):
    """There is no such line, or it has not begun or has ended (RFC 8506 5030, DIAMETER_USER_UNKNOWN)."""


class UnknownSession(ChargingRefused):
    """No such session was opened (DIAMETER_UNKNOWN_SESSION_ID 5002; 404 in TS 32.291)."""


class SessionClosed(ChargingRefused):
    """The session is over: released, or swept because its client had not come back (5002 as well)."""


class SessionExists(ChargingRefused):
    """A session with this id was opened by another request."""


class ForeignSession(ChargingRefused):
    """The session belongs to another line."""


class SequenceConflict(ChargingRefused):
    """A request with this sequence number was answered, and it said something else."""


class SequenceGap(ChargingRefused):
    """Sequence numbers go up by one; one or more are missing."""


class ClockBackwards(ChargingRefused):
    """The request is earlier than one that was answered before it."""


class UnknownRatingGroup(ChargingRefused):
    """Use is reported in a rating group that the session never said the service of."""


class NothingToRefund(ChargingRefused):
    """A refund names a closed session of the line, and gives back at most what it cost."""


class Contended(ChargingRefused):
    """Others wrote to the line again and again, so that this could not be written; send it again."""


def _by_kind(voice: int, sms: int, data: int) -> Mapping[Kind, int]:
    return {Kind.VOICE: voice, Kind.SMS: sms, Kind.DATA: data}


@dataclass(frozen=True)
class Policy:
    """How a brand grants, apart from its tariffs.

    `quota` is granted where a client leaves it to us, `most` is the most at once, in base units by kind. A grant is
    good for `validity`; a session whose client is silent for `grace` more is swept. A client asks again when
    `threshold_percent` of the grant is left, or when nothing was used for `holding`. `final` is what the network does
    at the end of the money. Moments up to `clock_slack` before the last one are taken as that one.
    """

    quota: Mapping[Kind, int] = field(default_factory=lambda: _by_kind(300, 1, 10_000_000))
    most: Mapping[Kind, int] = field(default_factory=lambda: _by_kind(7_200, 100, 1_000_000_000))
    validity: timedelta = timedelta(hours=1)
    grace: timedelta = timedelta(minutes=5)
    threshold_percent: int = 20
    holding: timedelta | None = None
    final: Mapping[Kind, FinalUnit] = field(default_factory=dict)
    clock_slack: timedelta = timedelta(seconds=2)
