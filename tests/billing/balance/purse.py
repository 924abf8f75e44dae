"""Prepaid lines to play with: their balances, what people do with them, and sessions that reserve, use and give back.

Amounts are written as people write them, `10.00`; days are counted from `START`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, update

from mvne_billing.balance import adjusting, lapsing, statement, topup, transferring
from mvne_billing.balance.account import Balance, get, open_balance
from mvne_billing.balance.holding import Change, lots_of
from mvne_billing.balance.lots import Lot
from mvne_billing.balance.statement import Statement
from mvne_billing.balance.topup import Source, TopUp
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer, post
from mvne_billing.sql import upsert
from mvne_billing.tables import balance as balance_table
from mvne_billing.tables import session as session_table
from mvne_plans.money import Money, micro_text
from mvne_plans.period import Every
from mvne_plans.prepaid import PrepaidRules, Sending
from tests.billing.builders import Books, moment, money, subscription

START = moment("2027-03-01 10:00")
A, B = "line-a", "line-b"

#: What use earns here: an account that no record of use has to agree with.
EARNED = "revenue:live"

#: Money lasts 30 days, up to 100.00 at once, and lines may send each other up to 20.00 a day.
RULES = PrepaidRules(
    lasts=Every.parse("30 days"),
    most=money("100"),
    sending=Sending(money("1"), money("15"), money("20")),
)


def day(number: int, hour: int = 0) -> datetime:
    return START + timedelta(days=number, hours=hour)


@dataclass
class Purse:
    """The balances of lines `a` and `b` in books of their own."""

    books: Books
    rules: PrepaidRules = RULES
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, *lines: str, floor: str = "0") -> Purse:
        for line in lines or (A, B):
            self.books.subscribe(subscription(line))
            with self.books.transact() as conn:
                open_balance(conn, self.books.brand, line, "EUR", START, money(floor).micro)
        return self

    def with_rules(self, **changes: object) -> Purse:
        return replace(self, rules=replace(self.rules, **changes))  # type: ignore[arg-type]  # names are the rules' own

    def pay_in(self, amount: str, line: str = A, at: datetime = START, name: str | None = None) -> Change:
        wanted = TopUp(name or self.name(), line, Source.SHOP, money(amount), at, "kiosk 4", "cash")
        with self.books.transact() as conn:
            return topup.take(conn, self.books.brand, wanted, self.rules)

    def adjust(self, amount: str, line: str = A, at: datetime = START, name: str | None = None) -> Change:
        with self.books.transact() as conn:
            micro = money(amount).micro
            return adjusting.adjust(conn, self.books.brand, name or self.name(), line, micro, "zoe", "sorry", at)

    def send(
        self, amount: str | Money, giver: str = A, taker: str = B, at: datetime = START, name: str | None = None
    ) -> tuple[Change, Change]:
        wanted = money(amount) if isinstance(amount, str) else amount
        with self.books.transact() as conn:
            return transferring.send(conn, self.books.brand, name or self.name(), giver, taker, wanted, self.rules, at)

    def lapse(self, at: datetime, line: str = A) -> Change:
        with self.books.transact() as conn:
            return lapsing.lapse(conn, self.books.brand, line, at)

    def reserve(self, amount: str, line: str = A, at: datetime = START) -> None:
        self._session("reserve", accounts.wallet(line), accounts.reserved(line), amount, line, at)

    def use(self, amount: str, line: str = A, at: datetime = START) -> None:
        """Let a session use what it holds."""
        self._session("use", accounts.reserved(line), EARNED, amount, line, at)

    def give_back(self, amount: str, line: str = A, at: datetime = START) -> None:
        self._session("return", accounts.reserved(line), accounts.wallet(line), amount, line, at)

    def spend(self, amount: str, line: str = A, at: datetime = START) -> None:
        self.reserve(amount, line, at)
        self.use(amount, line, at)

    def refund(self, amount: str, line: str = A, at: datetime = START) -> None:
        """Give money back that was charged by mistake, as a session's refund does."""
        self._session("refund", EARNED, accounts.wallet(line), amount, line, at)

    def _session(self, code: str, debit: str, credit: str, amount: str, line: str, at: datetime) -> None:
        """Do what a charging process does: guarded by the version, lots untouched."""
        micro = money(amount).micro
        brand, table = self.books.brand, balance_table.c
        with self.books.transact() as conn:
            known = get(conn, brand, line)
            change = {accounts.wallet(line): 0, accounts.reserved(line): 0, debit: -micro, credit: micro}
            values = {
                "free_micro": known.free_micro + change[accounts.wallet(line)],
                "reserved_micro": known.reserved_micro + change[accounts.reserved(line)],
                "version": known.version + 1,
            }
            where = (table.brand == brand, table.subscription == line, table.version == known.version)
            assert conn.execute(update(balance_table).where(*where).values(values)).rowcount == 1
            self._hold(conn, line, values["reserved_micro"], at)
            like = Entry("EUR", code, at, "session", line)
            post(conn, brand, [Transfer(f"session:{self.name()}", debit, credit, micro, *like)])

    def _hold(self, conn: Connection, line: str, micro: int, at: datetime) -> None:
        """Let the line's one session hold what is reserved."""
        content = {"open": {}, "paid": True, "held": []}
        row = {"brand": self.books.brand, "id": f"session-{line}", "subscription": line, "state": "open", "sequence": 0}
        row |= {"opened_at": at, "valid_until": at, "reserved_micro": micro, "content": json.dumps(content)}
        upsert(conn, session_table, [row], update=("reserved_micro",))

    def balance(self, line: str = A) -> Balance:
        with self.books.transact() as conn:
            return get(conn, self.books.brand, line)

    def free(self, line: str = A) -> str:
        return micro_text(self.balance(line).free_micro, "EUR").removesuffix(" EUR")

    def lots(self, line: str = A) -> list[Lot]:
        with self.books.transact() as conn:
            return list(lots_of(conn, self.books.brand, line))

    def statement(self, line: str = A, at: datetime | None = None) -> Statement:
        with self.books.transact() as conn:
            return statement.recomputed(conn, self.books.brand, line, at)

    def expired(self) -> str:
        return micro_text(-self.books.balances().get(accounts.BREAKAGE, 0), "EUR").removesuffix(" EUR")

    def name(self) -> str:
        return f"op-{next(self.numbers)}"

    def agrees(self) -> None:
        """Check that the books prove themselves and tell what the tables keep."""
        assert self.books.faults() == ()
        with self.books.transact() as conn:
            for line in (A, B):
                self._agrees(conn, line)

    def _agrees(self, conn: Connection, line: str) -> None:
        known, told = get(conn, self.books.brand, line), statement.recomputed(conn, self.books.brand, line)
        assert (told.free, told.reserved) == (known.free_micro, known.reserved_micro)
        assert told.funded == told.free + told.reserved + told.spent
        assert known.free_micro >= known.floor_micro
