"""Charging against a store: lines in memory, requests decided one by one, written together, answered afterwards.

This half knows no event loop and no thread: `attempt` decides in memory, `load` and `drop` keep the memory true. Who
drives it (`ask_together` here, for scripts and simulations; `front` for servers) gives an answer away only when the
batch that holds it is written.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from mvne_billing.charging import deciding, events, straight
from mvne_billing.charging.account import Account, Live
from mvne_billing.charging.answering import answer_from, answer_text, digest
from mvne_billing.charging.checking import check
from mvne_billing.charging.effects import Effects
from mvne_billing.charging.keeping import called, session_from
from mvne_billing.charging.loading import Known, ensure, load, look_up, versions
from mvne_billing.charging.routing import Terms
from mvne_billing.charging.session import (
    Action,
    Answer,
    ChargingRefused,
    ClockBackwards,
    Contended,
    Event,
    ForeignSession,
    Request,
    SequenceConflict,
    SequenceGap,
    SessionClosed,
    SessionExists,
    Step,
    UnknownSession,
    UnknownSubscription,
)
from mvne_billing.charging.store import ChargingStore, Moved, Unwritten
from mvne_billing.mediation.counters import Counters
from mvne_billing.mediation.desk import BRAND
from mvne_billing.sql import row_of
from mvne_billing.states import SessionState
from mvne_billing.tables import session as session_table

#: Lines kept in memory, and sessions that ended lately: a repeat of theirs is answered without a look at the store.
MOST_ACCOUNTS = 200_000
MOST_FINISHED = 100_000

#: Requests of a session that are remembered with their answers, beside the store.
_REMEMBERED = 4

#: How often one request may need something to be read.
_MOST_READS = 5

#: How often a request is tried again because others wrote to its line.
MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Sweep:
    """The end of a session whose client never came back, if it has not by `at`."""

    brand: str
    session: str
    subscription: str
    at: datetime


Asked = Request | Event | Sweep

#: Finds a brand's terms; raises when there is no such brand.
FindTerms = Callable[[Connection, str], Terms]


class Entry:
    """Something that was asked, on its way: how often it was tried, whether the store is to be asked about its session
    first, and what came of it."""

    __slots__ = ("answer", "asked", "digest", "done", "is_sure", "key", "looks", "refusal", "tries")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        #: Which line it is about.
        self.key = (asked.brand, asked.subscription)
        self.digest = ""
        self.tries = 0
        self.looks = False
        #: Whether memory was held against the store since it was asked; a refusal needs that.
        self.is_sure = False
        self.answer: Answer | None = None
        self.refusal: ChargingRefused | None = None
        #: Where a driver on an event loop waits for it.
        self.done: Any = None

    def again(self) -> None:
        """Begin anew: what was decided was not written, and may have been already, by an earlier try."""
        self.answer = self.refusal = None
        self.looks = True
        self.is_sure = False
        self.tries += 1


class Cold(Exception):
    """Something is to be read from the store before this can be decided."""


class Charger:
    """Lines and sessions of any number of brands, as this process knows them."""

    def __init__(self, store: ChargingStore, find_terms: FindTerms, most_accounts: int = MOST_ACCOUNTS) -> None:
        self.store = store
        self.durability = store.durability
        self._find_terms = find_terms
        self._most_accounts = most_accounts
        self._terms: dict[str, Terms] = {}
        self._accounts: dict[tuple[str, str], Account] = {}
        self._missing: set[tuple[str, str]] = set()
        self._finished: dict[tuple[str, str], Finished] = {}
        self._looked: dict[tuple[str, str, int], Known | None] = {}
        self._rows: dict[tuple[str, str], Row[Any] | None] = {}

    def lane_of(self, asked: Asked) -> int:
        """Return the lane of a line that is in memory, 0 for another."""
        account = self._accounts.get((asked.brand, asked.subscription))
        return account.lane if account is not None else 0

    def knows(self, entry: Entry) -> bool:
        """Say whether the line of an entry is in memory."""
        return entry.key in self._accounts

    def attempt(self, entry: Entry, effects: Effects) -> None:
        """Decide what was asked, as far as memory goes, and note what is to be written.

        Raises `Cold` when something must be read first. A refusal is an outcome like an answer. What writes nothing,
        though, is never found out to rest on an old copy of the line: it is held against the store first.
        """
        asked = entry.asked
        account = self._accounts.get((asked.brand, asked.subscription))
        if account is None:
            if (asked.brand, asked.subscription) not in self._missing:
                raise Cold
            self._missing.discard((asked.brand, asked.subscription))
            entry.refusal = UnknownSubscription(f"brand {asked.brand} has no line {asked.subscription}")
            return
        if account.asks_on_net and not isinstance(asked, Sweep) and not self._knows_called(asked):
            raise Cold
        try:
            if isinstance(asked, Request):
                entry.answer = self._step(effects, account, asked, entry)
            elif isinstance(asked, Event):
                entry.answer = self._event(effects, account, asked, entry)
            else:
                self._sweep(effects, account, asked)
        except ChargingRefused as refusal:
            self._be_sure(effects, account, entry)
            entry.refusal = refusal

    def _knows_called(self, asked: Request | Event) -> bool:
        terms = self._terms[asked.brand]
        return all(terms.knows(number, asked.at) for number in numbers_called(asked))

    def _be_sure(self, effects: Effects, account: Account, entry: Entry) -> None:
        """Have a line's copy held against the store, unless the commit that the entry waits for does that."""
        if not entry.is_sure and account not in effects.accounts:
            entry.is_sure = True
            raise Cold

    def _step(self, effects: Effects, account: Account, asked: Request, entry: Entry) -> Answer:
        terms = self._terms[asked.brand]
        session = account.sessions.get(asked.session)
        is_new = session is None or asked.sequence <= session.sequence
        if is_new:
            answered = self._answered(account, session, asked, entry, may_open=asked.step is Step.CREATE)
            if answered is not None:
                return answered
            session = Live(account, asked.session, asked.at, asked.msisdn)
        elif asked.step is Step.CREATE:
            raise _exists(asked)
        assert session is not None  # for the reader: `_answered` returned or refused every other case
        moment = asked.at if is_new else _in_order(session, asked, terms)
        deciding.check(session, asked, moment)
        if moment is not session.at:
            session.moves_to(moment)
        session.sequence = asked.sequence
        answer = straight.run(effects, terms, session, asked, self.durability)
        session.valid_until = moment + terms.lifetime
        if is_new and session.is_open:
            account.sessions[session.id] = session
        return self._keep(effects, session, answer, entry, is_new)

    def _event(self, effects: Effects, account: Account, asked: Event, entry: Entry) -> Answer:
        terms = self._terms[asked.brand]
        if asked.action in (Action.CHECK, Action.PRICE):
            self._be_sure(effects, account, entry)
            return replace(events.enquire(terms, account, asked), durability=self.durability)
        session = account.sessions.get(asked.session)
        answered = self._answered(account, session, asked, entry, may_open=True)
        if answered is not None:
            return answered
        session = Live(account, asked.session, asked.at, asked.msisdn)
        session.sequence = asked.sequence
        if asked.action is Action.CHARGE:
            answer = events.charge(effects, terms, session, asked)
        else:
            answer = events.refund(effects, terms, session, asked, self._refunded(account, asked))
        return self._keep(effects, session, replace(answer, durability=self.durability), entry, is_new=True)

    def _sweep(self, effects: Effects, account: Account, asked: Sweep) -> None:
        session = account.sessions.get(asked.session)
        if session is None or session.valid_until > asked.at:
            return
        deciding.expire(effects, self._terms[asked.brand], session, asked.at)
        effects.sessions.setdefault(session, False)
        self._finish(session)

    def _keep(self, effects: Effects, session: Live, answer: Answer, entry: Entry, is_new: bool) -> Answer:
        """Keep an answer with what it answers, and put away a session that has ended."""
        asked, text = entry.asked, answer_text(answer)
        answers = session.answers
        answers[answer.sequence] = (entry.digest, text)
        if len(answers) > _REMEMBERED:
            del answers[next(iter(answers))]
        row = (asked.brand, session.id, answer.sequence, entry.digest, text, session.stamp)
        effects.batch.requests.append(row)
        if is_new or session not in effects.sessions:
            effects.sessions[session] = is_new
        if session.state is not SessionState.OPEN:
            self._finish(session)
        return answer

    def _finish(self, session: Live) -> None:
        account = session.account
        account.sessions.pop(session.id, None)
        finished = self._finished
        if len(finished) >= MOST_FINISHED:
            del finished[next(iter(finished))]
        finished[account.brand, session.id] = Finished(account.id, session.sequence, session.answers)

    def _answered(
        self, account: Account, session: Live | None, asked: Request | Event, entry: Entry, may_open: bool
    ) -> Answer | None:
        """Return the answer that a request had before; None when it `may_open` a session and there is none yet.

        Refuses what was answered with another content, comes too late, or is about no session of the line.
        """
        known: Finished | Live | None = session or self._finished.get((asked.brand, asked.session))
        if known is not None:
            if session is None and known.account_id != account.id:
                raise ForeignSession(f"session {asked.session} is not of line {asked.subscription}")
            told = known.answers.get(asked.sequence)
            if told is not None:
                return self._told(asked, entry, *told)
            if asked.sequence > known.sequence:
                raise (
                    SessionExists(f"session {asked.session} is over; choose another id") if may_open else _closed(asked)
                )
        elif may_open and not entry.looks:
            return None
        key = (asked.brand, asked.session, asked.sequence)
        if key not in self._looked:
            entry.looks = True
            raise Cold
        return self._told_by_store(account, asked, entry, self._looked.pop(key), may_open)

    def _told_by_store(
        self, account: Account, asked: Request | Event, entry: Entry, known: Known | None, may_open: bool
    ) -> Answer | None:
        if known is None:
            if may_open:
                return None
            raise UnknownSession(f"there is no session {asked.session} in brand {asked.brand}; create it first")
        if known.subscription != account.id:
            raise ForeignSession(f"session {asked.session} is not of line {asked.subscription}")
        if known.digest is not None and known.answer is not None:
            return self._told(asked, entry, known.digest, known.answer)
        if may_open:
            raise _exists(asked)
        if known.state is not SessionState.OPEN:
            raise _closed(asked)
        raise SequenceConflict(f"request {asked.sequence} of session {asked.session} comes after {known.sequence}")

    def _told(self, asked: Request | Event, entry: Entry, known: str, text: str) -> Answer:
        if known != entry.digest:
            raise SequenceConflict(
                f"request {asked.sequence} of session {asked.session} was answered, and it said something else"
            )
        return answer_from(asked.session, asked.sequence, text, self.durability)

    def _refunded(self, account: Account, asked: Event) -> Live | None:
        """Return the session that a refund names; raise `Cold` when it must be read."""
        key = (asked.brand, asked.refunds)
        if key not in self._rows:
            raise Cold
        row = self._rows.pop(key)
        if row is None or row.subscription != account.id:
            return None
        return session_from(account, self._terms[asked.brand], row)

    # Memory: what is read, and what is thrown away because it may not be true any more.

    def read(self, entries: Sequence[Entry]) -> list[Found]:
        """Read what these need and memory lacks: terms, lines with their sessions, answers of long ago.

        Changes nothing in memory, so that a thread may do it while others decide.
        """
        brands: dict[str, list[Entry]] = {}
        for entry in entries:
            brands.setdefault(entry.asked.brand, []).append(entry)
        return [self._read(brand, its) for brand, its in brands.items()]

    def _read(self, brand: str, entries: Sequence[Entry]) -> Found:
        at = max(entry.asked.at for entry in entries)
        wanted = sorted({entry.asked.subscription for entry in entries if entry.key not in self._accounts})
        with self.store.reading() as conn:
            terms = self._terms.get(brand) or self._find_terms(conn, brand)
            found = Found(brand, terms, wanted)
            if wanted:
                found.accounts = load(conn, brand, terms, wanted, at)
            known = [(found.accounts.get(one.key[1]) or self._accounts.get(one.key), one.asked) for one in entries]
            asking = [asked for account, asked in known if account is not None and account.asks_on_net]
            terms.look(conn, {number for asked in asking for number in numbers_called(asked)}, at)
            _look(conn, entries, found)
            found.versions = versions(conn, brand, sorted({one.key[1] for one in entries if one.is_sure}))
        if any(line not in found.accounts for line in wanted):
            with self.store.writing() as conn:
                ensure(conn, brand, terms, wanted, at)
            with self.store.reading() as conn:
                found.accounts = load(conn, brand, terms, wanted, at)
        return found

    def learn(self, found: Iterable[Found]) -> None:
        """Take what was read into memory; what came to be there meanwhile stays."""
        for one in found:
            self._terms.setdefault(one.brand, one.terms)
            self._missing |= {(one.brand, line) for line in one.wanted if line not in one.accounts}
            self._looked |= one.looked
            for line, version in one.versions.items():
                known = self._accounts.get((one.brand, line))
                if known is not None and known.version < version:
                    self.drop([known.key])
            self._rows |= one.rows
            for line, account in one.accounts.items():
                if (one.brand, line) not in self._accounts:
                    self._make_room(account)
                    self._remember(account)

    def _make_room(self, account: Account) -> None:
        """Forget another copy of a line's pool: the one that was just read goes with the line."""
        owner = account.owner
        if owner is not None and self._accounts.get((owner.brand, owner.id), owner) is not owner:
            self.drop([(owner.brand, owner.id)])

    def _remember(self, account: Account) -> None:
        head = account.owner or account
        account.lane = zlib.crc32(f"{head.brand}\x1f{head.id}".encode()) % self.store.lanes
        self._accounts[account.brand, account.id] = account

    def undo(self, entries: Iterable[Entry]) -> None:
        """Forget all that was decided and not written: it is to be decided again, from what the store says."""
        for entry in entries:
            asked = entry.asked
            self._finished.pop((asked.brand, asked.session), None)
            self.drop([entry.key])
            if asked.brand in self._terms:
                self._terms[asked.brand].wholesale = Counters(BRAND)

    def drop(self, keys: Iterable[tuple[str, str]]) -> None:
        """Forget lines, and with each all lines of its pool: what memory says of them may not be true."""
        for key in keys:
            account = self._accounts.get(key)
            if account is not None:
                head = account.owner or account
                for line in (head.id, *head.members):
                    self._accounts.pop((head.brand, line), None)

    def trim(self, busy: set[tuple[str, str]]) -> None:
        """Forget the oldest lines beyond the most that are kept, but for those that something is under way for."""
        over = len(self._accounts) - self._most_accounts
        for key in [key for key in list(self._accounts)[: max(over, 0)] if key not in busy]:
            self.drop([key])

    def forget_terms(self, brand: str) -> None:
        """Read a brand's terms again with the next request: its plans, number groups or agreements have changed."""
        self._terms.pop(brand, None)
        self.drop([key for key in self._accounts if key[0] == brand])


def ask_together(charger: Charger, asked: Sequence[Asked]) -> list[Answer | ChargingRefused | None]:
    """Answer requests in one commit, in order; what cannot be written so is done again, each by itself.

    A request that cannot be is answered with its refusal, a sweep with None.
    """
    entries = [entered(one) for one in asked]
    waiting = [entry for entry in entries if entry.refusal is None]
    for is_last in (False, True):
        try:
            _commit(charger, waiting)
            break
        except (Moved, Unwritten):
            for entry in waiting:
                alone(charger, entry) if is_last else entry.again()
    return [entry.refusal or entry.answer for entry in entries]


def entered(asked: Asked) -> Entry:
    """Return something asked on its way; what cannot be asked is refused already."""
    entry = Entry(asked)
    if not isinstance(asked, Sweep):
        try:
            check(asked)
        except ChargingRefused as refusal:
            entry.refusal = refusal
        else:
            entry.digest = digest(asked)
    return entry


def _commit(charger: Charger, entries: Sequence[Entry]) -> None:
    lanes = [Effects() for _ in range(charger.store.lanes)]
    missing = [entry for entry in entries if not charger.knows(entry)]
    if missing:
        charger.learn(charger.read(missing))
    try:
        for entry in entries:
            decide(charger, entry, lanes)
        for lane, effects in enumerate(lanes):
            if effects:
                charger.store.write(lane, effects.flush())
    except (Moved, Unwritten):
        charger.undo(entries)
        raise


def decide(charger: Charger, entry: Entry, lanes: Sequence[Effects]) -> None:
    """Decide what was asked, reading what is missing."""
    for _ in range(_MOST_READS):
        try:
            charger.attempt(entry, lanes[charger.lane_of(entry.asked)])
        except Cold:
            charger.learn(charger.read([entry]))
        else:
            return
    entry.refusal = Contended(f"what session {entry.asked.session} needs cannot be read; send it again")


def alone(charger: Charger, entry: Entry) -> None:
    """Write an entry by itself, as often as it takes; `Contended` is its refusal when that is too often."""
    for _ in range(MOST_TRIES):
        entry.again()
        try:
            _commit(charger, [entry])
        except (Moved, Unwritten):
            continue
        return
    entry.refusal = Contended(f"line {entry.asked.subscription} is written to by others all the time; send it again")


def _look(conn: Connection, entries: Sequence[Entry], found: Found) -> None:
    """Read what the store knows of the sessions that entries name, where memory has forgotten it."""
    for entry in entries:
        asked = entry.asked
        if entry.looks and not isinstance(asked, Sweep):
            key = (asked.brand, asked.session, asked.sequence)
            found.looked[key] = look_up(conn, *key)
        if isinstance(asked, Event) and asked.action is Action.REFUND:
            row = row_of(conn, session_table, asked.brand, asked.refunds)
            found.rows[asked.brand, asked.refunds] = row
            found.terms.look(conn, called(row.content) if row else (), asked.at)


def numbers_called(asked: Asked) -> list[str]:
    """Return the numbers that a request or an event calls, as dialled."""
    if isinstance(asked, Request):
        services = [units.service for units in asked.groups]
    else:
        services = [asked.service] if isinstance(asked, Event) else []
    return [one.to for one in services if one is not None and one.to is not None]


@dataclass(slots=True)
class Found:
    """What was read for some entries of a brand."""

    brand: str
    terms: Terms
    wanted: Sequence[str]
    accounts: dict[str, Account] = field(default_factory=dict)
    looked: dict[tuple[str, str, int], Known | None] = field(default_factory=dict)
    rows: dict[tuple[str, str], Row[Any] | None] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)


class Finished(NamedTuple):
    """A session that ended lately: whose it was, and its last answers."""

    account_id: str
    sequence: int
    answers: dict[int, tuple[str, str]]


def _exists(asked: Request | Event) -> SessionExists:
    return SessionExists(f"session {asked.session} was opened already; update it, or choose another id")


def _closed(asked: Request | Event) -> SessionClosed:
    return SessionClosed(f"session {asked.session} is over; open another one")


def _in_order(session: Live, asked: Request, terms: Terms) -> datetime:
    """Return the moment of the next request of a session; refuse a gap, and a clock that went back."""
    if asked.sequence != session.sequence + 1:
        raise SequenceGap(
            f"session {asked.session} stands at {session.sequence}; the next request is {session.sequence + 1}, "
            f"not {asked.sequence}"
        )
    if asked.at >= session.at:
        return asked.at
    if asked.at < session.at - terms.policy.clock_slack:
        raise ClockBackwards(
            f"session {asked.session} was at {session.at.isoformat()}; {asked.at.isoformat()} is before that"
        )
    return session.at
