"""A seeded life of charging: requests shuffled, doubled, delayed and lost, processes that crash, clocks that step.

Two charging processes serve one store. Before every commit, or between the commit and the answers, a process may die;
its memory is gone and its clients ask again. Money comes in meanwhile, and sessions whose clients are gone are swept.
After every commit the lines that it touched are held against an account kept here, by other means: every transfer is
read once and added up.
"""

from __future__ import annotations

import hashlib
import heapq
import io
import pickle
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import BinaryIO

from sqlalchemy import Connection

from mvne_billing.charging.answering import digest
from mvne_billing.charging.asking import Asked, Sweep
from mvne_billing.charging.charger import Charger
from mvne_billing.charging.effects import Batch
from mvne_billing.charging.moments import read_stamp
from mvne_billing.charging.routing import Terms
from mvne_billing.charging.session import (
    Action,
    Answer,
    ChargingRefused,
    Event,
    Policy,
    Request,
    Result,
    Service,
    Step,
    Units,
)
from mvne_billing.charging.sqlite_store import SqliteStore
from mvne_billing.charging.together import ask_together
from mvne_billing.subscription.pools import Membership, join
from mvne_plans.catalogue import Pay
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import Bucket, Guard, Limit, Priced, Slow
from tests.billing.builders import (
    CARE_HOME,
    GB,
    HOME_NUMBER,
    MB,
    MINUTE,
    NUMBER,
    US_NUMBER,
    data,
    plan,
    sms,
    voice,
)
from tests.billing.charging.till import START, Till, prepaid_tariff

POLICY = Policy(validity=timedelta(minutes=30), grace=timedelta(minutes=2))
LINES = 40
NO_PRICE = (Result.RATING_FAILED, Result.END_USER_SERVICE_DENIED)

#: What clients ask for: a kind of use, where, and how much of it one report is about.
USES = (
    (Service(Kind.DATA, country="FR"), 40 * MB),
    (Service(Kind.DATA, country="FR", label="hotspot"), 25 * MB),
    (Service(Kind.VOICE, HOME_NUMBER, "FR"), 200),
    (Service(Kind.VOICE, US_NUMBER, "FR"), 100),
    (Service(Kind.VOICE, "112", "FR"), 60),
    (Service(Kind.SMS, HOME_NUMBER, "FR"), 3),
    (Service(Kind.DATA, country="DE"), 10 * MB),
    (Service(Kind.DATA, country="US"), MB),
    (Service(Kind.VOICE, "+999123456", "FR"), 50),
    (Service(Kind.VOICE, CARE_HOME, "FR"), 90),
)


class Crash(Exception):
    """The process died."""


class Broken(AssertionError):
    """Something that must always hold does not."""


class Mortal:
    """A store whose process may die around a commit, when the dice say so."""

    def __init__(self, inner: SqliteStore, dice: random.Random, tally: Counter[str]) -> None:
        self.inner, self.dice, self.tally = inner, dice, tally
        self.risk = 0.0

    @property
    def lanes(self) -> int:
        return self.inner.lanes

    @property
    def durability(self) -> str:
        return self.inner.durability

    def write(self, lane: int, batch: Batch) -> None:
        chance = self.dice.random()
        if chance < self.risk:
            self.tally["crashed before a commit"] += 1
            raise Crash
        if chance < 1.5 * self.risk:
            # Its last rows never reach the file: the transaction is undone as a whole.
            self.tally["crashed inside a commit"] += 1
            broken = replace(batch, requests=[*batch.requests, batch.requests[-1] if batch.requests else ()])
            with _expected():
                self.inner.write(lane, broken)
            raise Crash
        self.inner.write(lane, batch)
        if chance > 1 - self.risk:
            self.tally["crashed after a commit"] += 1
            raise Crash

    def reading(self) -> AbstractContextManager[Connection]:
        return self.inner.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        return self.inner.writing()

    def close(self) -> None:
        self.inner.close()


@contextmanager
def _expected() -> Iterator[None]:
    try:
        yield
    except Exception:  # whatever a store says of a half-written batch, it is undone
        return


@dataclass
class Client:
    """A network element with one session: what it has sent, what it was told, what it does next."""

    session: str
    line: str
    use: tuple[Service, ...]
    amounts: tuple[int, ...]
    steps: int
    at: datetime
    sequence: int = 0
    used: dict[int, int] = field(default_factory=dict)
    told: dict[int, Answer] = field(default_factory=dict)
    is_gone: bool = False


#: A request on the network: when it arrives, its place among those, what it asks, and who waits for the answer.
Sent = tuple[int, int, Asked, Client | None]


class Simulation:
    """The world, run request by request; `step` takes one from the network and raises `Broken` when a rule is."""

    def __init__(
        self, till: Till, seed: int, lines: int = LINES, risk: float = 0.01, log: BinaryIO | None = None
    ) -> None:
        self.till, self.books = till, till.books
        self.dice = random.Random(seed)
        self.tally: Counter[str] = Counter()
        self.risk = risk
        self.now = START
        self.numbers = 0
        self.network: list[Sent] = []
        self.place = 0
        self.clients: dict[str, Client] = {}
        self.expired: set[str] = set()
        self.steps = 0
        self.log = io.BytesIO() if log is None else log
        self.last_transfer = self.last_request = 0
        self.books_of: dict[str, int] = defaultdict(int)
        self.funded: dict[str, int] = defaultdict(int)
        self.spent: dict[str, int] = defaultdict(int)
        self.lines = [f"line-{number:02}" for number in range(lines)]
        a_world(till, self.lines)
        self.stores = [Mortal(store_of(till), self.dice, self.tally) for _ in range(2)]
        self.chargers = [self._charger(place) for place in range(2)]
        self.driver = self.stores[0].inner._driver
        self._check(self.lines)

    def _charger(self, place: int) -> Charger:
        terms = lambda conn, brand: Terms(self.books.rater, POLICY)  # noqa: E731  # one line of wiring
        return Charger(self.stores[place], terms, most_accounts=len(self.lines) * 4 // 5)

    # What happens

    def step(self) -> None:
        """Let something happen: mostly a commit of one to eight requests in one of the processes."""
        self.steps += 1
        chance = self.dice.random()
        if chance < 0.02:
            self._pay_in()
        elif chance < 0.03:
            self._sweep()
        elif chance < 0.04:
            self.now += timedelta(seconds=self.dice.randint(0, 900))
        while len(self.network) < 60:
            self._begin()
        sent: tuple[list[Sent], list[Sent]] = ([], [])
        for _ in range(self.dice.choice((1, 1, 2, 4, 8, 16))):
            one = heapq.heappop(self.network)
            sent[self._process(one[2].subscription)].append(one)
        for place in (0, 1):
            self._deliver(place, sent[place])

    def _begin(self) -> None:
        """Let a client open a session, or ask for something that is over at once."""
        self.numbers += 1
        line, name = self.dice.choice(self.lines), f"s-{self.numbers:07}"
        if self.dice.random() < 0.15:
            service, amount = self.dice.choice(USES)
            action = self.dice.choice((Action.CHARGE, Action.CHARGE, Action.REFUND, Action.CHECK, Action.PRICE))
            refunds = f"s-{self.dice.randint(1, self.numbers):07}" if action is Action.REFUND else ""
            units = 0 if refunds else max(amount // 4, 1)
            self._send(Event(self.books.brand, name, action, line, self.now, service, units, 1, refunds, NUMBER), None)
            return
        uses = self.dice.sample(USES, self.dice.choice((1, 1, 1, 2)))
        services, amounts = tuple(use for use, _ in uses), tuple(amount for _, amount in uses)
        client = Client(name, line, services, amounts, self.dice.randint(0, 5), self.now)
        self.clients[name] = client
        self._next(client)

    def _next(self, client: Client) -> None:
        """Send a client's next request."""
        sequence, last = client.sequence, client.steps + 1
        step = Step.CREATE if sequence == 0 else Step.RELEASE if sequence == last else Step.UPDATE
        client.at = max(client.at, self.now) + timedelta(seconds=self.dice.randint(0, 60))
        if self.dice.random() < 0.02:
            client.at -= timedelta(seconds=self.dice.randint(1, 30))
        groups = []
        for number, (service, amount) in enumerate(zip(client.use, client.amounts, strict=True), 1):
            used = self.dice.randint(0, amount) if sequence else 0
            wanted = None if step is Step.RELEASE else self.dice.choice((0, amount, 3 * amount))
            groups.append(Units(number, service if step is Step.CREATE else None, wanted, used))
        client.used[sequence] = sum(units.used for units in groups)
        asked = Request(self.books.brand, client.session, sequence, step, client.line, client.at, tuple(groups), NUMBER)
        self._send(asked, client)
        if self.dice.random() < 0.05:
            self._queue(self._stray(asked), None, self.dice.randint(0, 30))

    def _stray(self, asked: Request) -> Request:
        """Return a request that somebody got wrong: another number, another line, another content."""
        wrong = self.dice.randint(0, 2)
        if wrong == 0:
            return replace(asked, sequence=asked.sequence + self.dice.randint(2, 5))
        if wrong == 1:
            return replace(asked, subscription=self.dice.choice(self.lines), sequence=asked.sequence + 1)
        return replace(asked, groups=(Units(1, asked.groups[0].service, 0, 77),), sequence=max(asked.sequence - 1, 0))

    def _send(self, asked: Asked, client: Client | None) -> None:
        """Put a request on the network: at any place in the queue, perhaps twice, perhaps late."""
        self._queue(asked, client, self.dice.randint(0, 30))
        if self.dice.random() < 0.1:
            self.tally["doubled"] += 1
            self._queue(asked, client, self.dice.randint(0, 300))

    def _queue(self, asked: Asked, client: Client | None, delay: int) -> None:
        self.place += 1
        self.tally["delayed"] += delay > 60
        heapq.heappush(self.network, (self.steps + delay, self.place, asked, client))

    def _deliver(self, place: int, sent: Sequence[Sent]) -> None:
        """Give requests to a process in one commit, and the answers to the clients that are still there."""
        asked = [one for _, _, one, _ in sent]
        self.stores[place].risk = self.risk
        self.tally["requests"] += len(asked)
        try:
            told = ask_together(self.chargers[place], asked)
        except Crash:
            self.chargers[place] = self._charger(place)
            for _, _, one, client in sent:
                self._queue(one, client, self.dice.randint(0, 40))
            self._note(asked)
            return
        self._note(asked)
        for (_, _, one, client), answer in zip(sent, told, strict=True):
            self._tell(one, client, answer)

    def _process(self, line: str) -> int:
        """Return which process is asked: each has its lines, and now and then is asked about the other's."""
        return self._home(line) ^ (self.dice.random() < 0.01)

    def _home(self, line: str) -> int:
        return int(line[-2:]) // 5 % 2

    def _note(self, asked: Sequence[Asked]) -> None:
        """Note which requests were written now, in their order, and hold their lines against the store.

        A client whose clock went back asks the same again with a better one. Where both come at once, the one that was
        written is the one of its moment.
        """
        named: dict[tuple[str, int, str], list[Request | Event]] = defaultdict(list)
        for one in asked:
            if not isinstance(one, Sweep):
                named[one.session, one.sequence, digest(one)].append(one)
        query = "SELECT rowid, at, session, sequence, hash FROM billing_session_request WHERE rowid > ? ORDER BY rowid"
        for rowid, at, *name in self.driver.execute(query, (self.last_request,)):
            self.last_request = rowid
            self.tally["requests answered"] += 1
            moment = read_stamp(at)
            pickle.dump(min(named[tuple(name)], key=lambda one: abs(one.at - moment)), self.log)
        expired = "SELECT 1 FROM billing_session WHERE brand = ? AND id = ? AND state = 'expired'"
        for one in asked:
            if not isinstance(one, Sweep) or one.session in self.expired:
                continue
            if self.driver.execute(expired, (one.brand, one.session)).fetchone():
                self.expired.add(one.session)
                pickle.dump(one, self.log)
        self._check(sorted({one.subscription for one in asked}))

    def done(self) -> Iterator[Asked | tuple[str, int]]:
        """Yield all that was written, in order: requests, sweeps, and payments as lines with amounts."""
        end = self.log.tell()
        self.log.seek(0)
        while self.log.tell() < end:
            yield pickle.load(self.log)

    def _tell(self, asked: Asked, client: Client | None, answer: Answer | ChargingRefused | None) -> None:
        if isinstance(answer, ChargingRefused):
            self.tally[type(answer).__name__] += 1
            if isinstance(asked, Request) and client is not None:
                self._after_refusal(asked, client, answer)
            return
        if not isinstance(asked, Request) or client is None or answer is None:
            return
        known = client.told.get(asked.sequence)
        if known is not None:
            self.tally["repeats"] += 1
            if known != answer:
                raise Broken(f"{asked.session}/{asked.sequence} was told {known} and then {answer}")
            return
        client.told[asked.sequence] = answer
        if not answer.is_open:
            self._ended(client)
            return
        client.sequence = asked.sequence + 1
        if self.dice.random() < 0.03:
            client.is_gone = True
            self.tally["never came back"] += 1
        else:
            self._next(client)

    def _after_refusal(self, asked: Request, client: Client, refusal: ChargingRefused) -> None:
        """A client whose clock went back asks again with a better one; what came too late is left."""
        if type(refusal).__name__ == "ClockBackwards" and asked.sequence == client.sequence:
            client.at += timedelta(minutes=2)
            self._queue(replace(asked, at=client.at), client, 1)

    def _ended(self, client: Client) -> None:
        """A session that was closed has left its use, all of it once."""
        self.tally["sessions closed"] += 1
        query = (
            "SELECT coalesce(sum(amount), 0), coalesce(sum(charge_micro), 0) FROM billing_usage"
            " WHERE brand = ? AND session = ?"
        )
        amount, charge = self.driver.execute(query, (self.books.brand, client.session)).fetchone()
        last = client.told[max(client.told)]
        if charge != last.charged_micro:
            raise Broken(f"{client.session} was charged {last.charged_micro}; its rows of usage say {charge}")
        failed = {one.rating_group for one in client.told[0].groups if one.granted == 0 and "no " in one.message}
        if (
            not failed
            and last.sequence
            and amount != sum(used for place, used in client.used.items() if place <= last.sequence)
        ):
            raise Broken(f"{client.session} used {client.used}; its rows of usage say {amount}")
        del self.clients[client.session]

    def _pay_in(self) -> None:
        line = self.dice.choice([one for one in self.lines if int(one[-2:]) % 5])
        micro = self.dice.randint(1, 3_000_000)
        self.till.pay_in_micro(micro, line)
        self.tally["paid in"] += 1
        pickle.dump((line, micro), self.log)
        self._check([line])

    def _sweep(self) -> None:
        query = (
            "SELECT id, subscription FROM billing_session"
            " WHERE brand = ? AND state = 'open' AND valid_until <= ? LIMIT 20"
        )
        due = self.driver.execute(query, (self.books.brand, self.now.isoformat(" ", "microseconds")[:26])).fetchall()
        if due:
            self.tally["swept"] += len(due)
            sweeps = [(0, 0, Sweep(self.books.brand, name, line, self.now), None) for name, line in due]
            for place in (0, 1):
                self._deliver(place, [one for one in sweeps if self._home(one[2].subscription) == place])

    # What must hold

    def _check(self, lines: Sequence[str]) -> None:
        """Read the new transfers and hold these lines, and all that the transfers touch, against the store."""
        query = "SELECT rowid, debit, credit, micro FROM billing_transfer WHERE rowid > ? ORDER BY rowid"
        touched = set(lines)
        for rowid, debit, credit, micro in self.driver.execute(query, (self.last_transfer,)):
            self.last_transfer = rowid
            self.books_of[debit] += micro
            self.books_of[credit] -= micro
            for account, other, sign in ((debit, credit, -1), (credit, debit, 1)):
                kind, _, line = account.partition(":")
                if kind in ("wallet", "reserved"):
                    touched.add(line)
                    if other.startswith(("revenue:usage", "cost:")):
                        self.spent[line] -= sign * micro
                    elif not other.startswith(("wallet", "reserved")):
                        self.funded[line] += sign * micro
        for line in touched:
            self._hold(line)

    def _hold(self, line: str) -> None:
        brand = self.books.brand
        row = self.driver.execute(
            "SELECT free_micro, reserved_micro, floor_micro FROM billing_balance WHERE brand = ? AND subscription = ?",
            (brand, line),
        ).fetchone()
        if row is None:
            return
        free, reserved, floor = row
        held = self.driver.execute(
            "SELECT coalesce(sum(reserved_micro), 0) FROM billing_session"
            " WHERE brand = ? AND subscription = ? AND state = 'open'",
            (brand, line),
        ).fetchone()[0]
        wallet, kept = -self.books_of[f"wallet:{line}"], -self.books_of[f"reserved:{line}"]
        if (free, reserved, reserved) != (wallet, kept, held) or free < floor or reserved < 0:
            raise Broken(f"{line}: free {free} of {wallet}, reserved {reserved} of {kept}, held {held}, floor {floor}")
        if reserved + self.spent[line] + free != self.funded[line]:
            raise Broken(f"{line}: {reserved} + {self.spent[line]} + {free} is not {self.funded[line]}")

    def finish(self) -> str:
        """Sweep all that is open, prove the books by the product's own means, and return a hash of them."""
        for store in self.stores:
            store.risk = 0.0
        self.now += timedelta(days=1)
        while self.driver.execute("SELECT 1 FROM billing_session WHERE state = 'open' LIMIT 1").fetchone():
            self.risk = 0.0
            self._sweep()
        if sum(self.books_of.values()):
            raise Broken(f"the accounts add up to {sum(self.books_of.values())}")
        if faults := self.books.faults():
            raise Broken("; ".join(faults[:5]))
        if left := [account for account, micro in self.books_of.items() if account.startswith("reserved:") and micro]:
            raise Broken(f"still reserved: {left}")
        over = self.driver.execute(
            "SELECT bucket, used, reserved FROM billing_allowance WHERE reserved <> 0"
            " OR (bucket = 'family' AND used > ?) OR (bucket = 'data' AND used > ?)",
            (GB, 500 * MB),
        ).fetchall()
        if over:
            raise Broken(f"allowances past their end: {over[:3]}")
        return self.digest()

    def digest(self) -> str:
        """Return a hash of every account, counter and session."""
        hashed = hashlib.sha256(repr(sorted(self.books_of.items())).encode())
        for query in (
            "SELECT subscription, bucket, period_start, used, reserved FROM billing_allowance ORDER BY 1, 2, 3",
            "SELECT id, state, sequence, reserved_micro FROM billing_session ORDER BY 1",
            "SELECT session, sequence, hash, answer FROM billing_session_request ORDER BY 1, 2",
            "SELECT id, charge_micro, cost_micro FROM billing_usage ORDER BY 1",
        ):
            for row in self.driver.execute(query):
                hashed.update(repr(row).encode())
        return hashed.hexdigest()


def store_of(till: Till) -> SqliteStore:
    return SqliteStore(till.books.engine, till.reading, till.books.transact)


def a_world(till: Till, lines: Sequence[str]) -> None:
    """Lines of four plans: prepaid by the unit, prepaid with everything, billed after, and families of five."""
    terms = prepaid_tariff(
        buckets=(
            Bucket("voice", Kind.VOICE, 10 * MINUTE, thresholds=(50, 80)),
            Bucket("data", Kind.DATA, 500 * MB, limits=(Limit("hotspot", 100 * MB),)),
        ),
        guards=(Guard("shock", "spend", 20_000_000, window="day"), Guard("often", "count", 400, window="day")),
    )
    rich = replace(
        terms,
        beyond={
            Kind.VOICE: Priced(voice("0.05/min 60/1 setup 0.02 maximum 0.50 stop")),
            Kind.SMS: Priced(sms("0.06")),
            Kind.DATA: Priced(Rate.parse("5/GB 100 KB", Kind.DATA), amount=200 * MB, then=Slow(128_000)),
        },
    )
    family = replace(
        terms, buckets=(Bucket("family", Kind.DATA, GB, shared=True, limits=(Limit("member", 400 * MB),)),)
    )
    member = replace(terms, buckets=())
    till.books.plans |= {
        "go": plan(
            "5",
            id="go",
            pay=Pay.PREPAID,
            tariff=replace(member, beyond={**terms.beyond, Kind.DATA: Priced(data("4/GB"))}),
        ),
        "rich": plan("5", id="rich", pay=Pay.PREPAID, tariff=rich),
        "after": plan("5", id="after", pay=Pay.POSTPAID, tariff=terms),
        "family": plan("5", id="family", pay=Pay.PREPAID, tariff=family),
        "member": plan("5", id="member", pay=Pay.PREPAID, tariff=member),
    }
    for place, line in enumerate(lines):
        sold = {0: "after", 1: "family", 2: "member", 3: "rich", 4: "go"}[place % 5]
        till.line(line, "2" if place % 5 else "0", plan_id=sold, floor="-0.10" if place % 10 == 4 else "0")
        if sold == "member":
            with till.books.transact() as conn:
                join(conn, till.books.brand, Membership(line, lines[place - 1], START))


def replayed(first: Simulation, till: Till) -> str:
    """Do all that one life did once more, in the order in which it was done, in one process that never dies."""
    second = Simulation(till, 0, len(first.lines), 0.0)
    group: list[Asked] = []

    def commit() -> None:
        for told in ask_together(second.chargers[0], group):
            if isinstance(told, ChargingRefused):
                raise Broken(f"in the replay something was refused: {told}")
        group.clear()

    for one in first.done():
        if isinstance(one, tuple):
            commit()
            till.pay_in_micro(one[1], one[0])
        else:
            group.append(one)
            if len(group) == 64:
                commit()
    commit()
    second._check(second.lines)
    return second.digest()
