"""What a charging process knows: lines with their sessions, read when they are needed and forgotten when they moved."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from mvne_billing.charging.account import Account
from mvne_billing.charging.asking import Asked, Entry, Sweep, numbers_called
from mvne_billing.charging.keeping import called
from mvne_billing.charging.loading import Known, ensure, load, look_up, versions
from mvne_billing.charging.routing import Terms
from mvne_billing.charging.session import Action, Event
from mvne_billing.charging.store import ChargingStore
from mvne_billing.mediation.counters import Counters
from mvne_billing.mediation.desk import BRAND
from mvne_billing.sql import row_of
from mvne_billing.tables import session as session_table

#: Lines kept in memory.
MOST_ACCOUNTS = 200_000

#: Finds a brand's terms; raises when there is no such brand.
FindTerms = Callable[[Connection, str], Terms]


class Memory:
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

    def read(self, entries: Sequence[Entry]) -> list[Found]:
        """Read what these need and memory lacks: terms, lines with their sessions, answers of long ago.

        Changes nothing that others decide by, so that a thread may do it meanwhile; whose numbers are whose it adds.
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
