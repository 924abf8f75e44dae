"""Which usage files came in, and which did not: every sender counts its files, and a number that is missing is seen."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from mvne_billing.sql import change_row, row_of, upsert
from mvne_billing.states import UsageState
from mvne_billing.tables import suspense, usage
from mvne_billing.tables import usage_batch as table
from mvne_billing.usage.facts import Format, UsageFile

#: After this number a sender of roaming files begins again with 1 (GSMA TD.57, file sequence number).
_LAST_TAP = 99_999

#: Findings of one file that are kept with it.
_MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Facts:
    """What a usage file says of itself: its sender, the sender's number for it, and all else as JSON can hold it."""

    sender: str = ""
    sequence: int | None = None
    content: Mapping[str, Any] = field(default_factory=dict)


#: Of what is no file.
NO_FACTS = Facts()


class Arrival(NamedTuple):
    """A file that came in: who sent it as which number, what became of its rows."""

    batch: str
    source: str
    sender: str
    sequence: int | None
    at: datetime
    read: int
    duplicates: int
    counts: Mapping[str, int]
    facts: Mapping[str, Any]
    unloaded_at: datetime | None


class Series(NamedTuple):
    """The files of one sender by their numbers: which are missing (from, to), came twice, or after a later one.

    `first` is the lowest number, `last` the newest file's.
    """

    sender: str
    first: int
    last: int
    missing: tuple[tuple[int, ...], ...]
    twice: tuple[int, ...]
    out_of_order: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every file came once, in order."""
        return not (self.missing or self.twice or self.out_of_order)


def facts_of(file: UsageFile) -> Facts:
    """Return what is known of a file that has been read."""
    content: dict[str, Any] = {
        "format": file.format,
        "recipient": file.recipient,
        "created": file.created.isoformat() if file.created else None,
        "declared": file.declared,
        "records": file.records,
        "broken": file.broken,
        "left_out": dict(file.left_out),
        "findings": [
            {"severity": one.severity, "code": one.code, "place": one.place, "message": one.message}
            for one in file.findings.kept[:_MOST_FINDINGS]
        ],
        "found": {severity.value: number for severity, number in file.findings.count.items()},
    }
    return Facts(file.sender, file.sequence, {name: value for name, value in content.items() if value})


def begin(conn: Connection, brand: str, batch: str, source: str, facts: Facts, read: int, at: datetime) -> list[str]:
    """Note that a batch comes in, and return in words what is wrong with its number; a known batch is renewed."""
    content = json.dumps(facts.content, sort_keys=True, ensure_ascii=False)
    said = {"sender": facts.sender, "sequence": facts.sequence, "facts": content, "read": read, "unloaded_at": None}
    is_new = row_of(conn, table, brand, batch) is None
    findings = list(_out_of_sequence(conn, brand, facts)) if is_new and facts.sequence is not None else []
    row = {"brand": brand, "id": batch, "source": source[:200], "at": at, "duplicates": 0}
    upsert(conn, table, [row | said], update=tuple(said))
    return findings


def finish(conn: Connection, brand: str, batch: str, duplicates: int) -> None:
    """Note how many records of a batch were known already, when it is through."""
    change_row(conn, table, brand, batch, values={"duplicates": duplicates})


def arrivals(conn: Connection, brand: str, limit: int = 100) -> list[Arrival]:
    """Return the batches that came in, newest first, each with its records by where they stand now."""
    query = select(table).where(table.c.brand == brand).order_by(table.c.at.desc(), table.c.id).limit(limit)
    rows = conn.execute(query).all()
    counts = _counts(conn, brand, [row.id for row in rows])
    return [_arrival(row, counts.get(row.id, {})) for row in rows]


def series(conn: Connection, brand: str, sender: str | None = None) -> list[Series]:
    """Return every sender's files by their numbers; `sender` asks for one. Files that were unloaded did come in."""
    return [numbered.series(name) for name, numbered in _numbers(conn, brand, sender).items()]


@dataclass
class _Numbered:
    """A sender's numbers of the files that came in, in that order, with their batches.

    A sender that `wraps` begins again with 1 at some time; here its numbers go on.
    """

    wraps: bool = False
    batches: dict[int, list[str]] = field(default_factory=dict)

    def number(self, sequence: int) -> int:
        """Return a number as it would be if the sender never began again: the nearest to the last of that shape."""
        last = max(self.batches, default=None)
        if last is None or not self.wraps:
            return sequence
        rounds = (last - 1) // _LAST_TAP
        near = (number * _LAST_TAP + sequence for number in (rounds - 1, rounds, rounds + 1))
        return min(near, key=lambda number: abs(number - last))

    def shown(self, *numbers: int) -> tuple[int, ...]:
        """Return numbers as the sender writes them."""
        return tuple((one - 1) % _LAST_TAP + 1 if self.wraps else one for one in numbers)

    def series(self, sender: str) -> Series:
        """Return what is missing, came twice, or late."""
        there, came = sorted(self.batches), list(self.batches)
        missing = [(before + 1, after - 1) for before, after in pairwise(there) if after > before + 1]
        twice = [number for number in there if len(self.batches[number]) > 1]
        late = sorted(number for number, highest in zip(came, accumulate(came, max), strict=True) if number < highest)
        spans = [self.shown(first, last) for first, last in missing]
        first, last = self.shown(there[0], came[-1])
        return Series(sender, first, last, tuple(spans), self.shown(*twice), self.shown(*late))


def _numbers(conn: Connection, brand: str, sender: str | None) -> dict[str, _Numbered]:
    """Return the numbers of the files that came in, by sender."""
    columns = (table.c.id, table.c.sender, table.c.sequence, table.c.facts)
    query = select(*columns).where(table.c.brand == brand, table.c.sequence.is_not(None))
    if sender is not None:
        query = query.where(table.c.sender == sender)
    found: dict[str, _Numbered] = defaultdict(_Numbered)
    for row in conn.execute(query.order_by(table.c.sender, table.c.at, table.c.sequence)):
        there = found[row.sender]
        there.wraps = there.wraps or _wraps(json.loads(row.facts))
        there.batches.setdefault(there.number(row.sequence), []).append(row.id)
    return found


def _wraps(facts: Mapping[str, Any]) -> bool:
    return bool(facts.get("format") == Format.TAP)


def _out_of_sequence(conn: Connection, brand: str, facts: Facts) -> Iterator[str]:
    """Say what is wrong with the number of a file that comes in now."""
    known = _numbers(conn, brand, facts.sender).get(facts.sender)
    if known is None or facts.sequence is None:
        return
    known.wraps = known.wraps or _wraps(facts.content)
    number, last = known.number(facts.sequence), max(known.batches)
    file = f"file {facts.sequence} of {facts.sender or 'the sender'}"
    if number in known.batches:
        yield f"{file} came before with other content, as {known.batches[number][0]}"
    elif number > last + 1:
        first, until, before = known.shown(last + 1, number - 1, last)
        yield f"{file} follows {before}: {_span(first, until)} missing"
    elif number < last:
        yield f"{file} comes after {known.shown(last)[0]}"


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _counts(conn: Connection, brand: str, batches: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return by batch how many of its records are in each state, how many came late or out of order, how many wait."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    query = (
        select(usage.c.batch, usage.c.state, usage.c.came, func.count())
        .where(usage.c.brand == brand, usage.c.batch.in_(batches))
        .group_by(usage.c.batch, usage.c.state, usage.c.came)
    )
    for batch, state, came, number in conn.execute(query):
        found[batch][state] += number
        found[batch][came] += number
    held = (
        select(suspense.c.batch, func.count())
        .where(suspense.c.brand == brand, suspense.c.batch.in_(batches), suspense.c.resolved_at.is_(None))
        .group_by(suspense.c.batch)
    )
    for batch, number in conn.execute(held):
        found[batch][UsageState.HELD] = number
    return {batch: dict(counts) for batch, counts in found.items()}


def _arrival(row: Row[Any], counts: Mapping[str, int]) -> Arrival:
    facts = json.loads(row.facts)
    said = (row.id, row.source, row.sender, row.sequence, row.at, row.read, row.duplicates)
    return Arrival(*said, counts, facts, row.unloaded_at)
