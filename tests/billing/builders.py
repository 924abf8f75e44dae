"""What the tests of billing are made of: a small world, plans, subscriptions, records, and a store for them.

The world: home is FR with the care home +33142000001; DE and IT are the zone `eea`; GB, US and the rest lie outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from mvne_billing.cycle import Billed, Biller, bill
from mvne_billing.invoice.invoice import Invoice, Parties
from mvne_billing.invoice.issuing import Form
from mvne_billing.ledger.verifying import verify
from mvne_billing.mediation.loading import Loaded, load, replay
from mvne_billing.mediation.marks import Crossing
from mvne_billing.mediation.rater import Rater
from mvne_billing.mediation.rerating import Rerated, Wanted, rerate
from mvne_billing.mediation.scope import Scope
from mvne_billing.mediation.settled import Settled
from mvne_billing.mediation.unloading import Unloading, unload
from mvne_billing.rating.buckets import opened
from mvne_billing.rating.reference import rate
from mvne_billing.rating.result import Rated, World
from mvne_billing.sql import Transact
from mvne_billing.states import SubscriptionState
from mvne_billing.subscription.subscription import Subscription, move, subscribe
from mvne_billing.tables import metadata, transfer
from mvne_billing.tax import TaxPolicy, TaxRule
from mvne_billing.usage.record import UsageRecord
from mvne_billing.usage.rows import BrokenRow
from mvne_plans.agreement import Agreement
from mvne_plans.catalogue import Pay, Plan, Term
from mvne_plans.money import Money
from mvne_plans.numbering import Destination, NumberingPlan, NumberKind
from mvne_plans.period import MONTH, Every, Period
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import Bucket, DeckRow, Priced, RateDeck, Slow, Tariff
from tests.database import open_engine

BRAND = "tilleul"
PARIS = "Europe/Paris"
NUMBER = "+33639980001"
CARE_HOME = "+33142000001"
HOME_NUMBER = "+33142990000"
GB_NUMBER = "+447700900123"
DE_NUMBER = "+4915111111111"
IT_NUMBER = "+393331111111"
US_NUMBER = "+12025550123"
PREMIUM = "+33899123456"
GB_PREMIUM = "+449090000000"
FREEPHONE = "+33800000000"
GB_FREEPHONE = "+448080000000"
SATELLITE = "+8816123456"

MINUTE = 60
MB = 10**6
GB = 10**9


def moment(text: str) -> datetime:
    """Read `2027-03-01 10:00` as UTC, or a time with its own zone."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def money(text: str, currency: str = "EUR") -> Money:
    return Money.parse(text, currency)


def voice(text: str) -> Rate:
    return Rate.parse(text, Kind.VOICE)


def sms(text: str) -> Rate:
    return Rate.parse(text, Kind.SMS)


def data(text: str) -> Rate:
    return Rate.parse(text, Kind.DATA)


#: A period that holds every record of the tables.
PERIOD = Period(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def rated(
    one: UsageRecord, terms: Tariff, where: World, used: Mapping[str, int], addons: tuple[Bucket, ...] = ()
) -> Rated:
    """Price a record, given what was used of each bucket and counted by each rule."""
    return rate(one, terms, where, opened((*terms.buckets, *addons), used, PERIOD), used)


def numbering() -> NumberingPlan:
    rows = [
        ("+33", "FR", NumberKind.ORDINARY, "France"),
        ("+3389", "FR", NumberKind.PREMIUM, "France, premium"),
        ("+3380", "FR", NumberKind.FREEPHONE, "France, freephone"),
        ("+44", "GB", NumberKind.ORDINARY, "United Kingdom"),
        ("+449", "GB", NumberKind.PREMIUM, "United Kingdom, premium"),
        ("+44808", "GB", NumberKind.FREEPHONE, "United Kingdom, freephone"),
        ("+49", "DE", NumberKind.ORDINARY, "Germany"),
        ("+39", "IT", NumberKind.ORDINARY, "Italy"),
        ("+1", "US", NumberKind.ORDINARY, "United States"),
        ("+881", None, NumberKind.SATELLITE, "Satellite"),
        ("112", "FR", NumberKind.EMERGENCY, "Emergency"),
        ("15", "FR", NumberKind.EMERGENCY, "Emergency"),
        ("3639", "FR", NumberKind.SHORT, "La Poste"),
    ]
    return NumberingPlan("FR", "33", "0", tuple(Destination(*row) for row in rows))


def agreement(starts: str = "2026-01-01", voice_rate: str = "0.01/min", **changes: Any) -> Agreement:
    rates: Mapping[Kind, Mapping[str, Rate]] = {
        Kind.VOICE: {
            "domestic": voice(voice_rate),
            "international": voice("0.02/min"),
            "eea": voice("0.03/min"),
            "DE": voice("0.025/min"),
            "other": voice("0.50/min"),
        },
        Kind.SMS: {"domestic": sms("0.002"), "international": sms("0.03"), "eea": sms("0.004")},
        Kind.DATA: {"domestic": data("1/GB"), "eea": data("2/GB")},
    }
    deck = RateDeck((DeckRow("+44", "UK", voice("0.04/min 60/60")), DeckRow("+3389", "Premium", voice("1/min"))))
    built = Agreement(date.fromisoformat(starts), "EUR", line_micro=600_000, rates=rates, deck=deck)
    return replace(built, **changes)


def world(**changes: Any) -> World:
    groups = {"care_homes": frozenset({CARE_HOME, GB_NUMBER})}
    return replace(World(numbering(), groups, (agreement(),), PARIS), **changes)


def tariff(**changes: Any) -> Tariff:
    """60 minutes and 1 GB at home and as at home; then 0.05/min counted 60/1, and slowed data."""
    built = Tariff(
        currency="EUR",
        home="FR",
        zones={"eea": ("DE", "IT")},
        buckets=(Bucket("voice", Kind.VOICE, 60 * MINUTE), Bucket("data", Kind.DATA, GB)),
        beyond={
            Kind.VOICE: Priced(voice("0.05/min 60/1")),
            Kind.SMS: Priced(sms("0.06")),
            Kind.DATA: Slow(128_000),
        },
        deck=RateDeck(
            (
                DeckRow("+44", "United Kingdom", voice("0.10/min"), sms("0.15")),
                DeckRow("+447", "UK mobile", voice("0.30/min 60/60")),
                DeckRow("+1", "United States", voice("0.20/min")),
                DeckRow("+3389", "France, premium", voice("0.80/min")),
                DeckRow("+33", "should never price a premium number", voice("0.01/min")),
            )
        ),
    )
    return replace(built, **changes)


def plan(price: str | None = "4.90", **changes: Any) -> Plan:
    built = Plan(
        id="douceur",
        name="Douceur",
        pay=Pay.POSTPAID,
        every=MONTH,
        price=money(price) if price else None,
        terms=(),
        tariff=tariff(),
    )
    return replace(built, **changes)


def ladder(**changes: Any) -> Plan:
    """Prepaid, 30 days, three periods for 45.00 (the first time 30.00) or twelve for 150.00."""
    terms = (Term(3, money("45"), money("30")), Term(12, money("150")))
    return plan(None, id="fan", name="Fan", pay=Pay.PREPAID, every=Every.parse("30 days"), terms=terms, **changes)


def subscription(subscription_id: str = "line-a", anchor: str = "2027-03-01 10:00", **changes: Any) -> Subscription:
    built = Subscription(
        id=subscription_id,
        customer="cus-a",
        plan="douceur",
        version=1,
        state=SubscriptionState.PENDING,
        anchor=moment(anchor),
        timezone=PARIS,
    )
    return replace(built, **changes)


def record(
    amount: int = 60,
    to: str | None = HOME_NUMBER,
    kind: Kind = Kind.VOICE,
    start: str = "2027-03-05 10:00",
    country: str = "FR",
    record_id: str = "cdr-1",
    msisdn: str = NUMBER,
) -> UsageRecord:
    called = None if kind is Kind.DATA else to
    return UsageRecord(record_id, msisdn, kind, moment(start), amount, country, called, "test.csv")


def texts(amount: int = 1, **changes: Any) -> UsageRecord:
    return record(amount, kind=Kind.SMS, **changes)


def bytes_used(amount: int, **changes: Any) -> UsageRecord:
    return record(amount, kind=Kind.DATA, **changes)


def calls(count: int, seconds: int = 60, first: str = "2027-03-05 08:00", prefix: str = "call") -> list[UsageRecord]:
    """Return `count` calls one minute apart."""
    starts = [(moment(first) + timedelta(minutes=place)).isoformat() for place in range(count)]
    return [record(seconds, record_id=f"{prefix}-{place:05}", start=start) for place, start in enumerate(starts)]


VAT = TaxPolicy(True, {None: (TaxRule("TVA", Decimal(20)),)})
PARTIES = Parties("Tilleul Mobile", "aide@tilleul.example", "Jeanne Martin", "fr")


@dataclass
class Books:
    """A store with billing's tables, one brand's plans, and what happened to it."""

    engine: Engine
    brand: str = BRAND
    plans: dict[str, Plan] = field(default_factory=lambda: {"douceur": plan(), "fan": ladder()})
    numbers: dict[str, str] = field(default_factory=lambda: {NUMBER: "line-a"})
    world: World = field(default_factory=world)
    policy: TaxPolicy = VAT
    crossings: list[Crossing] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    billed: list[Billed] = field(default_factory=list)

    @property
    def transact(self) -> Transact:
        return self.engine.begin

    def subscribe(self, wanted: Subscription | None = None, active: bool = True) -> Subscription:
        one = wanted or subscription()
        with self.transact() as conn:
            stored = subscribe(conn, self.brand, one)
            return move(conn, self.brand, one.id, SubscriptionState.ACTIVE) if active else stored

    @property
    def rater(self) -> Rater:
        def owners(_: Connection, records: Sequence[UsageRecord]) -> Mapping[str, str]:
            return {one.id: self.numbers[one.msisdn] for one in records if one.msisdn in self.numbers}

        return Rater(self.world, lambda conn, plan_id, version: self.plans[plan_id], owners)

    def load(self, rows: Sequence[UsageRecord | BrokenRow], batch: str = "batch-1", at: str = "2028-01-01") -> Loaded:
        return load(self.transact, self.brand, batch, "test.csv", rows, self.rater, moment(at), self._settled)

    def replay(self, at: str = "2028-01-02") -> Loaded:
        return replay(self.transact, self.brand, self.rater, moment(at), self._settled)

    def rerate(
        self, rerating_id: str = "rerating-1", at: str = "2028-02-01", dry_run: bool = False, **which: Any
    ) -> Rerated:
        """Price use again; `version_to_price_by` is a plan version, everything else names the use."""
        version = which.pop("version_to_price_by", None)
        wanted = Wanted(rerating_id, Scope(**which), "a test", "tester", moment(at), version)
        return rerate(self.transact, self.engine.connect, self.brand, self.rater, wanted, self._settled, dry_run)

    def unload(self, batch: str, unloading_id: str = "", at: str = "2028-02-01", dry_run: bool = False) -> Rerated:
        """Take a batch back."""
        wanted = Unloading(unloading_id or f"unload-{batch}", batch, "a test", "tester", moment(at))
        return unload(self.transact, self.engine.connect, self.brand, self.rater, wanted, self._settled, dry_run)

    def bill(self, as_of: str, subscription_id: str = "line-a") -> list[Invoice]:
        """Bill one subscription and return the invoices of this run."""
        steps = list(bill(self.transact, self.brand, subscription_id, self.biller, moment(as_of), self._billed))
        return [step.invoice for step in steps if step.invoice]

    @property
    def biller(self) -> Biller:
        return Biller(
            lambda conn, plan_id, version: self.plans[plan_id],
            lambda conn, owner: Form(self.policy, PARTIES),
            self.world.agreements,
        )

    def faults(self) -> tuple[str, ...]:
        with self.engine.connect() as conn:
            return verify(conn, self.brand).faults

    def balances(self) -> dict[str, int]:
        """Return the balances in euros' micro-units."""
        with self.engine.connect() as conn:
            return verify(conn, self.brand).balances.get("EUR", {})

    def transfers(self) -> int:
        with self.engine.connect() as conn:
            query = select(func.count()).where(transfer.c.brand == self.brand)
            return int(conn.execute(query).scalar_one())

    def number(self, place: int, series: str = "2027") -> str:
        """Return the number of a document: of this brand, in a series."""
        return f"{self.brand.upper()}-{series}-{place:06}"

    def marks(self) -> list[tuple[str, str]]:
        return [(one.mark, one.name) for one in self.crossings]

    def _settled(self, _: Connection, outcome: Settled) -> None:
        self.settled.append(outcome)
        self.crossings.extend(outcome.crossings)

    def _billed(self, _: Connection, step: Billed) -> None:
        self.billed.append(step)


@contextmanager
def open_books(url: str = "sqlite://") -> Iterator[Books]:
    """Open books on a store of their own; in memory unless told otherwise."""
    engine = open_engine(url)
    metadata.create_all(engine)
    try:
        yield Books(engine)
    finally:
        engine.dispose()
