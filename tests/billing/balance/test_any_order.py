"""Whatever happens to two balances, in whatever order, said twice or too late: books, tables and a plain model agree.

The model below knows nothing of settling: it takes every spending out of the lot that expires first at the moment of
the spending, as one would with coins in labelled jars.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mvne_billing.balance.account import BalanceConflict, InsufficientBalance
from mvne_billing.balance.holding import hold
from mvne_billing.balance.statement import Statement
from mvne_plans.money import Money
from mvne_plans.period import Every
from mvne_plans.prepaid import Bonus, PrepaidRules, Sending, good_until
from tests.billing.balance.purse import START, A, B, Purse, day
from tests.billing.builders import PARIS, Books, money, open_books

FLOORS = {A: 0, B: -500}
LASTS = [None, "2 days", "5 days"]
RULES = PrepaidRules(
    bonuses=(Bonus(money("6"), Decimal(10), Every.parse("3 days")),),
    sending=Sending(money("0.01"), money("100"), money("10000")),
)


@dataclass
class Jar:
    """Coins, in cents, that are good until `ends`."""

    coins: int
    ends: datetime | None

    def is_over(self, at: datetime) -> bool:
        return self.ends is not None and self.ends <= at


@dataclass
class Person:
    """Somebody's jars in the order in which they came, what sessions hold of it all, and what is owed to the brand."""

    jars: list[Jar] = field(default_factory=list)
    held: int = 0
    owed: int = 0
    broken: int = 0

    @property
    def free(self) -> int:
        return sum(jar.coins for jar in self.jars) - self.held - self.owed

    def by_end(self) -> Counter[datetime | None]:
        """Return what there is, in micro-units, by when it ends."""
        found = Counter[datetime | None]()
        for jar in self.jars:
            found[jar.ends] += jar.coins * 10_000
        return found

    def get(self, *jars: Jar) -> None:
        """Take in jars that come together."""
        self.jars += jars
        self._even()

    def lose(self, coins: int, at: datetime | None = None) -> list[Jar]:
        """Take coins out of the jar that ends first (with `at`: of those that have not ended), and owe the rest."""
        taken = []
        for jar in self._ordered():
            part = 0 if at and jar.is_over(at) else min(jar.coins, coins)
            jar.coins -= part
            coins -= part
            taken += [Jar(part, jar.ends)] if part else []
        self.owed += coins
        self._even()
        return taken

    def lapse(self, at: datetime) -> None:
        """Throw away what has ended and is neither held nor owed."""
        held = self.held
        for jar in self._ordered():
            if jar.is_over(at):
                kept = min(jar.coins, held)
                held -= kept
                gone = min(jar.coins - kept, max(self.free, 0))
                jar.coins -= gone
                self.broken += gone

    def _even(self) -> None:
        """Pay what is owed out of what is there."""
        while self.owed and any(jar.coins for jar in self.jars):
            jar = next(jar for jar in self._ordered() if jar.coins)
            part = min(jar.coins, self.owed)
            jar.coins -= part
            self.owed -= part

    def _ordered(self) -> list[Jar]:
        never = day(10**5)
        return sorted(self.jars, key=lambda jar: jar.ends or never)  # stable: the older jar of two comes first


CENTS = st.integers(1, 1500)
LINES = st.sampled_from([A, B])


def text(cents: int) -> str:
    return Money(cents, "EUR").decimal()


class Prepaid(RuleBasedStateMachine):
    """Two lines, one of which may owe 5.00."""

    @initialize()
    def open(self) -> None:
        self.opened: AbstractContextManager[Books] = open_books()
        self.purse = Purse(self.opened.__enter__(), RULES)
        for line, floor in FLOORS.items():
            self.purse.open(line, floor=text(floor))
        self.people = {A: Person(), B: Person()}
        self.now = START
        self.done: list[Callable[[], Any]] = []
        self.others: list[Callable[[], Any]] = []
        self.past: list[tuple[datetime, str, Statement]] = []

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            for at, line, then in self.past:
                assert self.purse.statement(line, at) == then, "what was so stays so"
            self.opened.__exit__(None, None, None)

    @rule(line=LINES, cents=CENTS, lasts=st.sampled_from(LASTS))
    def pay_in(self, line: str, cents: int, lasts: str | None) -> None:
        every = None if lasts is None else Every.parse(lasts)
        purse, name, at = self.purse.with_rules(lasts=every), self.purse.name(), self.now
        purse.pay_in(text(cents), line, at, name)
        person = self.people[line]
        person.lapse(at)
        bonus = [Jar((cents + 5) // 10, good_until(at, Every.parse("3 days"), PARIS))] if cents >= 600 else []
        person.get(Jar(cents, good_until(at, every, PARIS)), *bonus)
        self._remember(
            lambda: purse.pay_in(text(cents), line, self.now, name),
            lambda: purse.pay_in(text(cents + 1), line, self.now, name),
        )

    @rule(line=LINES, cents=CENTS, down=st.booleans())
    def adjust(self, line: str, cents: int, down: bool) -> None:
        name, signed, person = self.purse.name(), -cents if down else cents, self.people[line]
        trial = self._lapsed_free(line)
        if down and trial - cents < FLOORS[line]:
            with pytest.raises(InsufficientBalance):
                self.purse.adjust(text(signed), line, self.now, name)
            return
        self.purse.adjust(text(signed), line, self.now, name)
        person.lapse(self.now)
        if down:
            person.lose(cents, self.now)
        else:
            person.get(Jar(cents, None))
        self._remember(
            lambda: self.purse.adjust(text(signed), line, self.now, name),
            lambda: self.purse.adjust(text(-signed), line, self.now, name),
        )

    @rule(giver=LINES, cents=CENTS)
    def send(self, giver: str, cents: int) -> None:
        taker, name = {A: B, B: A}[giver], self.purse.name()
        if self._lapsed_free(giver) < cents:
            with pytest.raises(InsufficientBalance):
                self.purse.send(text(cents), giver, taker, self.now, name)
            return
        self.purse.send(text(cents), giver, taker, self.now, name)
        for person in self.people.values():
            person.lapse(self.now)
        self.people[taker].get(*self.people[giver].lose(cents, self.now))
        self._remember(
            lambda: self.purse.send(text(cents), giver, taker, self.now, name),
            lambda: self.purse.send(text(cents), taker, giver, self.now, name),
        )

    @rule(line=LINES, share=st.integers(1, 100))
    def reserve(self, line: str, share: int) -> None:
        """Let a session hold a part of what may be spent; it may not know that some of that has expired."""
        cents = (self.people[line].free - FLOORS[line]) * share // 100
        if cents:
            self.purse.reserve(text(cents), line, self.now)
            self.people[line].held += cents

    @rule(line=LINES, share=st.integers(1, 100))
    def use(self, line: str, share: int) -> None:
        cents = self.people[line].held * share // 100
        if cents:
            self.purse.use(text(cents), line, self.now)
            self.people[line].held -= cents
            self.people[line].lose(cents)

    @rule(line=LINES, share=st.integers(1, 100))
    def give_back(self, line: str, share: int) -> None:
        cents = self.people[line].held * share // 100
        if cents:
            self.purse.give_back(text(cents), line, self.now)
            self.people[line].held -= cents

    @rule(line=LINES)
    def lapse(self, line: str) -> None:
        self.purse.lapse(self.now, line)
        self.people[line].lapse(self.now)

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.past += [(self.now, line, self.purse.statement(line)) for line in self.people]
        self.now += (day(0, 1) - day(0)) * hours

    @precondition(lambda self: self.done)
    @rule(number=st.integers(0, 10**6))
    def say_again(self, number: int) -> None:
        """What was done before is done once, whenever it is said again."""
        before = [self.purse.balance(line) for line in self.people]
        again = self.done[number % len(self.done)]()
        assert not any(one.is_new for one in (again if isinstance(again, tuple) else (again,)))
        assert [self.purse.balance(line) for line in self.people] == before

    @precondition(lambda self: self.others)
    @rule(number=st.integers(0, 10**6))
    def say_something_else(self, number: int) -> None:
        """The same id with other content is refused."""
        with pytest.raises(BalanceConflict):
            self.others[number % len(self.others)]()

    @invariant()
    def all_agree(self) -> None:
        if not hasattr(self, "purse"):
            return
        self.purse.agrees()
        with self.purse.books.transact() as conn:
            both = hold(conn, self.purse.books.brand, A, B)
        for line, person in self.people.items():
            known = both[line].balance
            assert (known.free_micro, known.reserved_micro) == (person.free * 10_000, person.held * 10_000)
            lots = Counter[datetime | None]()
            for lot in both[line].lots:
                lots[lot.expires_at] += lot.left_micro
            assert +lots == +person.by_end()
        broken = sum(person.broken for person in self.people.values())
        assert sum(self.purse.statement(line).expired for line in self.people) == broken * 10_000

    def _lapsed_free(self, line: str) -> int:
        """Return what would be free once what has expired is gone."""
        person = self.people[line]
        copy = Person([Jar(jar.coins, jar.ends) for jar in person.jars], person.held, person.owed)
        copy.lapse(self.now)
        return copy.free

    def _remember(self, again: Callable[[], Any], other: Callable[[], Any]) -> None:
        self.done.append(again)
        self.others.append(other)


TestAnyOrder = Prepaid.TestCase
# A step is several transactions and a proof of the books, so every run tries a fifth of the usual number of lives.
_usual = settings()
TestAnyOrder.settings = settings(
    max_examples=_usual.max_examples // 5, stateful_step_count=_usual.stateful_step_count // 2, deadline=None
)
