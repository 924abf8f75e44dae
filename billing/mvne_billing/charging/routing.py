"""Where a leg stands in its tariff: its route, the allowances open to it, the plan it is priced by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mvne_billing.charging.account import Account, KindTerms, Leg
from mvne_billing.charging.compiling import compiled
from mvne_billing.charging.costing import Fixed, fixed
from mvne_billing.charging.session import FinalUnit, Policy, Service
from mvne_billing.mediation.counters import Counters
from mvne_billing.mediation.desk import BRAND
from mvne_billing.mediation.rater import Held, Rater
from mvne_billing.rating.guarding import watches
from mvne_billing.rating.result import Unrateable, World
from mvne_billing.rating.route import Line, Route, route
from mvne_billing.rating.wholesale import cost
from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind

#: Routes that are remembered; numbers called are many, and most are called again.
MOST_ROUTES = 100_000

#: A route is the same for all lines of a plan version in a time zone that keep no number lists of their own, as long as
#: the called number is the brand's own, or is not.
RouteKey = tuple[str, int, str, Service, bool]

#: How long it is believed when a number was the brand's own: numbers come and go.
_BELIEVED = timedelta(minutes=10)


class Day(NamedTuple):
    """A day in the brand's time zone, from `start` to `end` in UTC: the host's prices are those of a day."""

    date: date
    start: datetime
    end: datetime


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Terms:
    """A brand as charging sees it: what pricing needs from outside, how it grants, and the routes found so far.

    `on_net` remembers of called numbers (E.164) when they were the brand's own, and when that was read. `wholesale` are
    the brand's own counters under tiered prices of the host, `prices` those of `today` that go by the unit alone.
    """

    rater: Rater
    policy: Policy = field(default_factory=Policy)
    routes: dict[RouteKey, Route | Unrateable] = field(default_factory=dict)
    on_net: dict[str, tuple[datetime, Sequence[Held]]] = field(default_factory=dict)
    prices: dict[tuple[str, int, Service], Fixed | None] = field(default_factory=dict)
    today: Day = field(default_factory=lambda: _day(_LONG_AGO, "UTC"))
    wholesale: Counters = field(default_factory=lambda: Counters(BRAND))

    @cached_property
    def by_kind(self) -> Mapping[Kind, KindTerms]:
        """How each kind of use is granted."""
        policy, second = self.policy, timedelta(seconds=1)
        holding = None if policy.holding is None else policy.holding // second
        return {
            kind: KindTerms(
                policy.quota[kind],
                policy.most[kind],
                policy.final.get(kind, FinalUnit()),
                policy.threshold_percent,
                policy.validity,
                policy.validity // second,
                holding,
            )
            for kind in Kind
        }

    @cached_property
    def lifetime(self) -> timedelta:
        """After how long without a word a session is swept."""
        return self.policy.validity + self.policy.grace

    def world(self, at: datetime, called: str | None) -> World:
        """Return the world at a moment; whether a called number is on-net is in it."""
        world = self.rater.on(at)
        return replace(world, on_net=frozenset([self.number(called)])) if called and self.is_ours(called, at) else world

    def number(self, called: str) -> str:
        """Return a called number, as dialled, in E.164."""
        return self.rater.world.numbering.normalise(called)

    def is_ours(self, called: str, at: datetime) -> bool:
        """Say whether a called number was the brand's own at a moment; no, where that was not looked up."""
        _, held = self.on_net.get(self.number(called), (None, ()))
        return any(since <= at and (until is None or at < until) for since, until in held)

    def knows(self, called: str, at: datetime) -> bool:
        """Say whether it was looked up lately when a called number was the brand's own."""
        known = self.on_net.get(self.number(called))
        return known is not None and abs(at - known[0]) < _BELIEVED

    def look(self, conn: Connection, called: Iterable[str], at: datetime) -> None:
        """Look up when called numbers were the brand's own."""
        numbers = {self.number(one) for one in called}
        if numbers:
            if len(self.on_net) >= MOST_ROUTES:
                self.on_net.clear()
            found = self.rater.on_net(conn, numbers)
            self.on_net.update({one: (at, tuple(found.get(one, ()))) for one in numbers})


def find(account: Account, terms: Terms, service: Service, at: datetime) -> Route:
    """Return the route of a service of a line; raise `Unrateable` when the plan has no such use."""
    line = account.meter.subscription
    if account.meter.groups:
        return _route(account, terms, service, at)
    ours = account.asks_on_net and service.to is not None and terms.is_ours(service.to, at)
    key = (line.plan, line.version, line.timezone, service, ours)
    found = terms.routes.get(key)
    if found is None:
        if len(terms.routes) >= MOST_ROUTES:
            terms.routes.clear()
        try:
            found = _route(account, terms, service, at)
        except Unrateable as problem:
            found = problem
        terms.routes[key] = found
    if isinstance(found, Unrateable):
        raise found
    return found


def _route(account: Account, terms: Terms, service: Service, at: datetime) -> Route:
    """Find a route, and make sure that the host's price of it is agreed: what has no cost has no price either."""
    meter, world = account.meter, terms.world(at, service.to)
    record = UsageRecord("live", "live", service.kind, at, 0, service.country, service.to, label=service.label)
    found = route(record, meter.plan.tariff, world, Line(meter.subscription.timezone, meter.groups))
    cost(found, 1, at, world, 0, {})
    return found


def settle(account: Account, terms: Terms, leg: Leg) -> None:
    """Set a leg's route, guards, open allowances and plan as they are when its next use begins.

    Raises `Unrateable` when the plan has no such use.
    """
    leg.route = find(account, terms, leg.service, leg.since)
    leg.host = _host(account, terms, leg)
    leg.terms = terms.by_kind[leg.service.kind]
    leg.guards = tuple([guard for guard in account.guards if watches(guard, leg.route)]) if account.guards else ()
    leg.shelves = account.meter.shelves(leg.since)
    if account.shelves is not leg.shelves:
        account.shelves = leg.shelves
        account.compiled.clear()
    key = (leg.service, leg.route.on_net)
    leg.plan = account.compiled.get(key)
    if leg.plan is None and key not in account.compiled:
        start = account.meter.opening(leg.since).start
        leg.plan = account.compiled[key] = compiled(account, leg.route, leg.shelves, start)


def _host(account: Account, terms: Terms, leg: Leg) -> Fixed | None:
    """Return the host's price of a leg by the unit, on the day of its next use."""
    line, at = account.meter.subscription, leg.since
    if not terms.today.start <= at < terms.today.end:
        terms.today = _day(at, terms.rater.on(at).timezone)
        terms.prices.clear()
    key = (line.plan, line.version, leg.service)
    if key not in terms.prices:
        terms.prices[key] = fixed(leg.route, terms.rater.on(at), terms.today.date)
    return terms.prices[key]


def _day(at: datetime, timezone: str) -> Day:
    zone = ZoneInfo(timezone)
    date_ = at.astimezone(zone).date()
    start, end = (datetime.combine(one, time(0), zone).astimezone(UTC) for one in (date_, date_ + timedelta(days=1)))
    return Day(date_, start, end)
