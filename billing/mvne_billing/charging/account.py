"""What a charging process keeps in memory: lines with their money and allowances, and the sessions open on them.

A copy is true as long as nobody else writes to the line: every writer raises the balance's `version`, and a commit that
finds another version than the one it knows changes nothing. Then the copy is thrown away and read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mvne_billing.balance.lots import Lot
from mvne_billing.charging.compiled import Compiled
from mvne_billing.charging.costing import Fixed
from mvne_billing.charging.session import FinalUnit, Service
from mvne_billing.charging.spots import Place, Walked
from mvne_billing.ledger import accounts
from mvne_billing.mediation.counters import CounterKey, Counters
from mvne_billing.mediation.desk import asks_on_net
from mvne_billing.mediation.meter import Meter
from mvne_billing.mediation.shelves import Shelves, Slot
from mvne_billing.rating.result import Part
from mvne_billing.rating.route import Route
from mvne_billing.rating.walk import Stretch
from mvne_billing.states import SessionState
from mvne_plans.catalogue import Pay
from mvne_plans.tariff import Guard

#: The length of a moment in UTC without a fraction of a second.
_WHOLE_SECONDS = len("2027-03-01T10:00:00+00:00")


class Account:
    """A line as it stands after everything decided so far, whether that is on disk yet or not.

    `free`, `reserved` and `floor` are micro-units; they stay 0 for a line that is billed after its use. `held` are the
    units that open sessions hold of each counter. A pool's lines are written in one lane. `guards` are its tariff's.
    Of its `lots` of money the first expires at `fades_at` (None: none does); `faded` is what is not to be spent.
    """

    __slots__ = (
        "asks_on_net",
        "brand",
        "compiled",
        "counters",
        "currency",
        "faded",
        "fades_at",
        "floor",
        "free",
        "guards",
        "held",
        "id",
        "is_prepaid",
        "key",
        "lane",
        "lots",
        "members",
        "meter",
        "owner",
        "reserved",
        "reserved_account",
        "sessions",
        "shelves",
        "touched",
        "unbilled_account",
        "version",
        "wallet_account",
    )

    def __init__(
        self,
        brand: str,
        meter: Meter,
        free: int,
        reserved: int,
        floor: int,
        version: int,
        held: Mapping[CounterKey, int],
        owner: Account | None = None,
        lots: Sequence[Lot] = (),
    ) -> None:
        self.brand = brand
        self.id = meter.subscription.id
        self.key = (brand, self.id)
        self.meter = meter
        self.counters: Counters = meter.counters
        self.currency = meter.plan.tariff.currency
        self.wallet_account = accounts.wallet(self.id)
        self.reserved_account = accounts.reserved(self.id)
        self.unbilled_account = accounts.unbilled(self.id)
        self.is_prepaid = meter.plan.pay is Pay.PREPAID
        self.free = free
        self.reserved = reserved
        self.floor = floor
        self.version = version
        self.held = dict(held)
        self.lots = lots
        self.fades_at = min((lot.expires_at for lot in lots if lot.expires_at is not None), default=None)
        self.faded = 0
        self.owner = owner
        self.lane = 0
        self.members: set[str] = set()
        self.sessions: dict[str, Live] = {}
        self.touched: set[CounterKey] = set()
        #: Plans of the services used lately, on-net or not, for the allowances that were open then.
        self.compiled: dict[tuple[Service, bool], Compiled | None] = {}
        self.shelves: Shelves | None = None
        self.guards: tuple[Guard, ...] = meter.plan.tariff.guards
        #: Whether it matters to its allowances that a called number is the brand's own.
        self.asks_on_net: bool = asks_on_net(meter.plan, meter.purchases) or (owner is not None and owner.asks_on_net)

    def of(self, holder: str) -> Account:
        """Return who keeps a holder's counters: this line, or the owner of its pool."""
        return self if holder == self.id or self.owner is None else self.owner

    def hold(self, counter: str, start: datetime, units: int) -> None:
        """Hold `units` more of a counter, or fewer."""
        key = (counter, start)
        left = self.held.get(key, 0) + units
        if left:
            self.held[key] = left
        else:
            self.held.pop(key, None)
        self.touched.add(key)

    def use(self, counter: str, start: datetime, units: int) -> tuple[int, int]:
        """Count `units` more as used; return the counter before and after."""
        self.touched.add((counter, start))
        return self.counters.add(counter, start, units)


class KindTerms(NamedTuple):
    """How a brand grants one kind of use: see `session.Policy`. Times are in seconds."""

    quota: int
    most: int
    final: FinalUnit
    threshold_percent: int
    validity: timedelta
    validity_s: int
    holding_s: int | None


class Leg:
    """A rating group of a session while one kind of service is used: its units so far, what they cost, what it holds.

    `stretches` are all of its units; `taken` is what they took of which counter. `since` is when the next report's use
    began. What was used since the last row of usage was written is the `segment`.
    """

    __slots__ = (
        "charged",
        "granted",
        "group",
        "guards",
        "held",
        "held_micro",
        "host",
        "kind",
        "paid",
        "plan",
        "route",
        "said",
        "segment",
        "service",
        "shelves",
        "since",
        "start",
        "stretches",
        "taken",
        "terms",
        "through",
        "units",
        "walked",
    )

    def __init__(self, group: int, service: Service, start: datetime) -> None:
        self.group = group
        self.service = service
        #: The kind of use as plain text, and what of the leg never changes, as the text it is kept in.
        self.kind = str(service.kind.value)
        self.said = ""
        self.start = start
        self.since = start
        self.route: Route
        self.shelves: Shelves
        self.terms: KindTerms
        self.host: Fixed | None = None
        self.plan: Compiled | None = None
        self.guards: tuple[Guard, ...] = ()
        self.stretches: tuple[Stretch, ...] = ()
        #: The stretches as the compiled plan counts them: places of rules with their units, and their price.
        self.walked: Walked = []
        self.through = self.paid = 0
        self.units = 0
        self.charged = 0
        self.taken: dict[Place, int] = {}
        self.granted = 0
        self.held_micro = 0
        self.held: Sequence[tuple[Slot, int]] = ()
        self.segment = Segment(start)


class Segment:
    """What a leg used in one country and one allowance period: a row of usage in the making."""

    __slots__ = ("charge", "parts", "start", "taken", "units")

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.units = 0
        self.charge = 0
        self.parts: list[Part] = []
        self.taken: dict[Place, int] = {}


class Live:
    """A session: where it stands, its legs by rating group, and its last requests with their answers."""

    __slots__ = (
        "account",
        "answers",
        "at",
        "charged",
        "id",
        "iso",
        "kinds",
        "legs",
        "lost",
        "msisdn",
        "opened",
        "opened_at",
        "reserved",
        "rows",
        "sequence",
        "stamp",
        "state",
        "valid_until",
    )

    def __init__(self, account: Account, session: str, opened_at: datetime, msisdn: str) -> None:
        self.account = account
        self.id = session
        self.opened_at = opened_at
        self.valid_until = opened_at
        self.moves_to(opened_at)
        #: When it was opened, as the store writes it.
        self.opened = self.stamp
        self.msisdn = msisdn
        self.state = SessionState.OPEN
        self.sequence = -1
        self.reserved = 0
        self.charged = 0
        #: What of it nobody paid: used past the end of the money.
        self.lost = 0
        #: What of it was charged and is in no row of usage yet, by kind of use.
        self.kinds: dict[str, int] = {}
        self.legs: dict[int, Leg] = {}
        #: How many rows of usage it has left.
        self.rows = 0
        #: The hash and the answer of its last requests, by sequence number.
        self.answers: dict[int, tuple[str, str]] = {}

    def moves_to(self, at: datetime) -> None:
        """Note the moment of its last request, and how the store and the books write it."""
        utc = at if at.tzinfo is UTC else at.astimezone(UTC)
        self.at = utc
        self.iso = iso = utc.isoformat()
        self.stamp = f"{iso[:10]} {iso[11:19]}{'.000000' if len(iso) == _WHOLE_SECONDS else iso[19:26]}"

    @property
    def account_id(self) -> str:
        """Whose session it is."""
        return self.account.id

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.state is SessionState.OPEN
