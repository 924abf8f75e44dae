"""Charging against a store: lines in memory, requests decided one by one, written together, answered afterwards.

This half knows no event loop and no thread: `attempt` decides in memory, what `Memory` does keeps that true. Who drives
it (`together` for scripts and simulations, `front` for servers) gives an answer away only when the batch that holds it
is written.
"""

from __future__ import annotations

from datetime import datetime

from mvne_billing.charging import deciding, events, straight
from mvne_billing.charging.account import Account, Live
from mvne_billing.charging.answering import answer_from, answer_text
from mvne_billing.charging.asking import Cold, Entry, Sweep, numbers_called
from mvne_billing.charging.effects import Effects
from mvne_billing.charging.keeping import session_from
from mvne_billing.charging.loading import Known
from mvne_billing.charging.memory import Finished, Memory
from mvne_billing.charging.routing import Terms
from mvne_billing.charging.session import (
    Action,
    Answer,
    ChargingRefused,
    ClockBackwards,
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
from mvne_billing.states import SessionState

#: Sessions that ended lately: a repeat of theirs is answered without a look at the store.
MOST_FINISHED = 100_000

#: Requests of a session that are remembered with their answers, beside the store.
_REMEMBERED = 4


class Charger(Memory):
    """Decides what is asked about lines and sessions of any number of brands, as this process knows them."""

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
            return events.enquire(terms, account, asked)._replace(durability=self.durability)
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
        return self._keep(effects, session, answer._replace(durability=self.durability), entry, is_new=True)

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
