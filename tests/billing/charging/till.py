"""Lines to charge live: a prepaid and a postpaid plan, money in wallets, and requests as short as they can be said."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from mvne_billing.balance import adjusting
from mvne_billing.balance.account import open_balance
from mvne_billing.charging.asking import Asked, Sweep
from mvne_billing.charging.charger import Charger
from mvne_billing.charging.postgresql_store import PostgresqlStore
from mvne_billing.charging.routing import Terms
from mvne_billing.charging.session import (
    Action,
    Answer,
    ChargingRefused,
    Event,
    Granted,
    Policy,
    Request,
    Service,
    Step,
    Units,
)
from mvne_billing.charging.sqlite_store import SqliteStore
from mvne_billing.charging.store import ChargingStore
from mvne_billing.charging.together import ask_together
from mvne_billing.tables import balance as balance_table
from mvne_plans.catalogue import Pay, Plan
from mvne_plans.period import Every
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket, Priced, Tariff
from tests.billing.builders import (
    GB,
    HOME_NUMBER,
    MINUTE,
    NUMBER,
    Books,
    data,
    moment,
    money,
    plan,
    sms,
    subscription,
    tariff,
    voice,
)

START = moment("2027-03-05 10:00")
A, B = "line-a", "line-b"

DATA = Service(Kind.DATA, country="FR")
CALL = Service(Kind.VOICE, HOME_NUMBER, "FR")
TEXT = Service(Kind.SMS, HOME_NUMBER, "FR")
EMERGENCY = Service(Kind.VOICE, "112", "FR")


def prepaid_tariff(**changes: Any) -> Tariff:
    """10 minutes and 1 GB; then 0.05/min counted 60/1, 0.06 a message and 5.00/GB."""
    built = tariff(
        buckets=(Bucket("voice", Kind.VOICE, 10 * MINUTE), Bucket("data", Kind.DATA, GB)),
        beyond={
            Kind.VOICE: Priced(voice("0.05/min 60/1")),
            Kind.SMS: Priced(sms("0.06")),
            Kind.DATA: Priced(data("5/GB")),
        },
    )
    return replace(built, **changes)


def prepaid(**changes: Any) -> Plan:
    return plan(
        "5", id="go", name="Go", pay=Pay.PREPAID, every=Every.parse("30 days"), tariff=prepaid_tariff(**changes)
    )


@dataclass(repr=False)
class Till:
    """Books with a charging process in front of them."""

    books: Books
    policy: Policy = field(default_factory=Policy)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    store: ChargingStore | None = None
    charger: Charger | None = None

    def __repr__(self) -> str:
        return f"Till({self.books.brand})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Keep what Hypothesis prints short."""
        printer.text(repr(self))

    def plan(self, **changes: Any) -> Till:
        self.books.plans["go"] = prepaid(**changes)
        return self

    def line(self, name: str = A, amount: str = "10", floor: str = "0", plan_id: str = "go", **changes: Any) -> Till:
        """Open a line with so much in its wallet; a postpaid one has none."""
        self.books.plans.setdefault("go", prepaid())
        self.books.subscribe(subscription(name, plan=plan_id, **changes))
        if self.books.plans[plan_id].pay is Pay.PREPAID:
            with self.books.transact() as conn:
                open_balance(conn, self.books.brand, name, "EUR", START, money(floor).micro)
            self.pay_in(amount, name)
        return self

    def pay_in(self, amount: str, line: str = A) -> None:
        self.pay_in_micro(money(amount).micro, line)

    def pay_in_micro(self, micro: int, line: str = A) -> None:
        if micro:
            with self.books.transact() as conn:
                name = f"adj-{next(self.numbers)}"
                adjusting.adjust(conn, self.books.brand, name, line, micro, "zoe", "sorry", START)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a reader as the product does: it does not wait for the writer."""
        with self.books.engine.connect() as conn:
            conn.connection.info["mvne_read"] = True
            try:
                yield conn
            finally:
                conn.connection.info.pop("mvne_read", None)

    def open(self) -> Charger:
        """Return the charging process; a fresh one knows only what is in the store."""
        if self.store is None:
            self.store = open_store(self)
        if self.charger is None:
            self.charger = Charger(self.store, lambda conn, brand: Terms(self.books.rater, self.policy))
        return self.charger

    def restart(self) -> Till:
        """Lose all memory."""
        self.charger = None
        return self

    def close(self) -> None:
        if self.store is not None:
            self.store.close()

    def ask(self, *asked: Asked) -> list[Answer | ChargingRefused | None]:
        """Ask several things in one commit."""
        return ask_together(self.open(), asked)

    def one(self, asked: Asked) -> Answer:
        """Ask one thing, and raise its refusal."""
        (told,) = self.ask(asked)
        if isinstance(told, ChargingRefused):
            raise told
        assert told is not None
        return told

    def request(
        self, step: Step, sequence: int, *groups: Units, session: str = "s", line: str = A, at: datetime | int = 0
    ) -> Request:
        when = START + timedelta(seconds=at) if isinstance(at, int) else at
        return Request(self.books.brand, session, sequence, step, line, when, groups, NUMBER)

    def create(self, *groups: Units, sequence: int = 0, **where: Any) -> Answer:
        return self.one(self.request(Step.CREATE, sequence, *groups, **where))

    def update(self, sequence: int, *groups: Units, **where: Any) -> Answer:
        return self.one(self.request(Step.UPDATE, sequence, *groups, **where))

    def release(self, sequence: int, *groups: Units, **where: Any) -> Answer:
        return self.one(self.request(Step.RELEASE, sequence, *groups, **where))

    def event(self, action: Action, session: str = "e", line: str = A, at: int = 0, **changes: Any) -> Answer:
        when = START + timedelta(seconds=at)
        return self.one(Event(self.books.brand, session, action, line, when, msisdn=NUMBER, **changes))

    def sweep(self, session: str, at: int, line: str = A) -> None:
        self.ask(Sweep(self.books.brand, session, line, START + timedelta(seconds=at)))

    def money(self, line: str = A) -> tuple[int, int]:
        """Return what is free and what is reserved, in micro-units, as the store says."""
        mine = (balance_table.c.brand == self.books.brand, balance_table.c.subscription == line)
        with self.books.engine.connect() as conn:
            row = conn.execute(select(balance_table).where(*mine)).one()
        return row.free_micro, row.reserved_micro

    def rows(self, table: Any, **where: Any) -> list[dict[str, Any]]:
        query = select(table).where(table.c.brand == self.books.brand)
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        with self.books.engine.connect() as conn:
            return [dict(row._mapping) for row in conn.execute(query.order_by(*table.primary_key))]


def open_store(till: Till) -> ChargingStore:
    """Open the charging store of the books' kind."""
    made = PostgresqlStore if till.books.engine.dialect.name == "postgresql" else SqliteStore
    return made(till.books.engine, till.reading, till.books.transact)


def group(answer: Answer, number: int = 1) -> Granted:
    return next(one for one in answer.groups if one.rating_group == number)
