"""The part of a plan that prices use: what is included, what happens beyond, what costs extra where.

Where the phone is (`within`) and whom it calls (`to`) are two things. Both are said in zones: `domestic`, a zone of the
market pack such as `eea`, an ISO 3166 country such as `GB`, or `international` (anywhere but home).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal

from mvne_plans.bands import NO_BANDS, Calendar
from mvne_plans.money import EXACT, Rounding
from mvne_plans.numbering import Destination, NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.rate import BY_UNIT, Increments, Rate

DOMESTIC = "domestic"
INTERNATIONAL = "international"
OTHER = "other"
ON_NET = "on_net"  #: numbers of the same brand

#: What a bucket's limit can be of, beside a use label: each member of a pool, and use abroad.
MEMBER = "member"
ROAMING = "roaming"


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that one sort of use may take of a bucket: `of` is `member`, `roaming` or a use label like `hotspot`."""

    of: str
    amount: int


@dataclass(frozen=True, slots=True)
class Rollover:
    """What is left at the end of a period stays good for `periods` more, at most `limit` of it (None for all)."""

    periods: int = 1
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """An allowance: `amount` base units of a kind per period, None for unlimited.

    `to` holds the zones that may be called (data ignores it), `within` the zones the phone may be in. `fair_use` is the
    amount after which an unlimited bucket is looked at by a person; the service goes on.

    What else may narrow it: `groups` of numbers that may be called instead of zones, time `bands`, use `labels`, each
    empty for any. How it burns: low `priority` first, in whole `increments`, each unit of use taking `factor` units of
    it, at a price of its own where it has a `rate`. A bucket that `blocks` is the last one looked at for use that fits
    it. One that is `shared` belongs to the pool's owner and serves all members. `limits` cap a sort of use within it.
    `thresholds` are the percentages whose passing is an event. `credit` is what an unused unit gives back.
    """

    id: str
    kind: Kind
    amount: int | None
    to: tuple[str, ...] = (DOMESTIC,)
    within: tuple[str, ...] = (DOMESTIC,)
    fair_use: int | None = None
    groups: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    priority: int = 0
    increments: Increments = BY_UNIT
    factor: Decimal = Decimal(1)
    rate: Rate | None = None
    blocks: bool = False
    shared: bool = False
    limits: tuple[Limit, ...] = ()
    rollover: Rollover | None = None
    thresholds: tuple[int, ...] = ()
    credit: Rate | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """Beyond the allowance, use is priced; after `amount` units of the period, by what comes `then`."""

    rate: Rate
    rule: Literal["price"] = "price"
    amount: int | None = None
    then: Beyond | None = None


@dataclass(frozen=True, slots=True)
class Slow:
    """Beyond the allowance, data goes on free of charge at this speed; after `amount` units, by what comes `then`."""

    bits_per_second: int
    rule: Literal["slow"] = "slow"
    amount: int | None = None
    then: Beyond | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Beyond the allowance, the network is told to stop; what slips through is the brand's loss, and visible."""

    rule: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class NextTier:
    """Beyond the allowance, the period goes on at the next `plan`: its `fee` more, once, for `amount` more units."""

    plan: str
    fee: Decimal
    amount: int | None
    rule: Literal["next"] = "next"
    then: Beyond | None = None


Beyond = Priced | Slow | Stop | NextTier


def steps_beyond(first: Beyond | None) -> Iterator[Beyond]:
    """Yield what happens beyond an allowance, step after step."""
    step = first
    while step is not None:
        yield step
        step = None if isinstance(step, Stop) else step.then


@dataclass(frozen=True, slots=True)
class Guard:
    """A limit against fraud and bill shock: so much of a `measure` per `window`, and what happens `then`.

    `spend` is counted in micro-units, `count` in sessions, `units` in base units of the one kind in `kinds`. Empty
    `kinds`, `within` (zones the phone is in) and `to` (kinds of numbers called) mean any. Emergency use never counts.
    """

    id: str
    measure: Literal["spend", "count", "units"]
    amount: int
    window: Literal["hour", "day", "period"] = "period"
    kinds: tuple[Kind, ...] = ()
    within: tuple[str, ...] = ()
    to: tuple[NumberKind, ...] = ()
    then: Literal["stop", "alert"] = "stop"


@dataclass(frozen=True, slots=True)
class DeckRow:
    """One row of a rate deck: a called prefix (`+44`), its name, and prices of calls and messages to it."""

    prefix: str
    name: str
    voice: Rate | None = None
    sms: Rate | None = None

    def rate(self, kind: Kind) -> Rate | None:
        """Return the price of this kind of use, None when the row has none."""
        return {Kind.VOICE: self.voice, Kind.SMS: self.sms, Kind.DATA: None}[kind]


@dataclass(frozen=True)
class RateDeck:
    """Prices by called prefix; the longest prefix that has a price for the kind of use wins."""

    rows: tuple[DeckRow, ...] = ()

    @cached_property
    def _by_prefix(self) -> dict[str, DeckRow]:
        return {row.prefix: row for row in self.rows}

    def row_to(self, number: str, destination: Destination | None, kind: Kind) -> DeckRow | None:
        """Return the row that prices a called number, or None.

        Only ordinary numbers go by whatever prefix fits: a premium number under `+44` needs a row of at least its own
        prefix, and a short code a row of exactly itself.
        """
        row = self.find(number, kind)
        if row is None or (not number.startswith("+") and row.prefix != number):
            return None
        special = destination is not None and destination.kind is not NumberKind.ORDINARY
        return None if special and destination and len(row.prefix) < len(destination.prefix) else row

    def find(self, number: str, kind: Kind) -> DeckRow | None:
        """Return the row of the longest prefix of `number` with a price for `kind`, or None."""
        for length in range(len(number), 0, -1):
            row = self._by_prefix.get(number[:length])
            if row and row.rate(kind):
                return row
        return None


@dataclass(frozen=True, slots=True)
class Roaming:
    """What happens in a zone abroad: `domestic` (as at home), `refuse`, or prices of its own.

    `prices` of a zone that is as at home hold for what its fair-use limit keeps out of the allowances.
    """

    zone: str
    treatment: Literal["domestic", "refuse", "price"]
    prices: Mapping[Kind, Rate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RatingService:
    """A service that prices calls to a number group: `rate`, out of or beside the allowance, up to `limit` per call."""

    id: str
    kind: Kind
    group: str
    rate: Rate
    from_allowance: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class Tariff:
    """All that prices a plan's use. `home` is the ISO country; `zones` names its zones' countries.

    `calendar` holds the time bands; calls that cross one are cut there if `splits_calls`, else the band of their start
    holds, as it does for data and messages. `rounding` makes micro-units of a session's exact price. `guards` limit
    spending and velocity.
    """

    currency: str
    home: str
    zones: Mapping[str, tuple[str, ...]]
    buckets: tuple[Bucket, ...] = ()
    beyond: Mapping[Kind, Beyond] = field(default_factory=dict)
    deck: RateDeck = field(default_factory=RateDeck)
    roaming: tuple[Roaming, ...] = ()
    services: tuple[RatingService, ...] = ()
    calendar: Calendar = NO_BANDS
    splits_calls: bool = True
    rounding: Rounding = EXACT
    guards: tuple[Guard, ...] = ()

    @cached_property
    def bucket_groups(self) -> frozenset[str]:
        """The number groups that some bucket pays calls to."""
        return frozenset(name for bucket in self.buckets for name in bucket.groups)

    def in_zone(self, country: str | None, zone: str) -> bool:
        """Say whether a country lies in a zone; `other` and `international` are all countries but home."""
        if zone == DOMESTIC:
            return country == self.home
        if zone in (INTERNATIONAL, OTHER):
            return country != self.home
        return country == zone or country in self.zones.get(zone, ())

    def reaches(self, destination: Destination, zone: str) -> bool:
        """Say whether a called destination lies in a zone: only ordinary numbers do."""
        return destination.kind is NumberKind.ORDINARY and self.in_zone(destination.country, zone)

    def roaming_in(self, country: str) -> Roaming | None:
        """Return the rule for a visited country: its own name before a named zone before `other`; None at home."""
        if country == self.home:
            return None
        mine = [rule for rule in self.roaming if self.in_zone(country, rule.zone)]
        rank = {OTHER: 2, INTERNATIONAL: 2, country: 0}
        return min(mine, key=lambda rule: rank.get(rule.zone, 1), default=Roaming(OTHER, "refuse"))
