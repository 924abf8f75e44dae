"""Loading usage: one short transaction per slice, so that charging goes on and a crash resumes where it stopped."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from mvne_billing.mediation.correcting import correct
from mvne_billing.mediation.files import NO_FACTS, Facts, begin, finish
from mvne_billing.mediation.rater import Rater
from mvne_billing.mediation.settled import Settled, Slice
from mvne_billing.mediation.settling import settle
from mvne_billing.mediation.suspense import BY_HAND, EVERYTHING, Held, Which, hold, outcomes, waiting
from mvne_billing.rating.result import Reason
from mvne_billing.sql import Transact
from mvne_billing.states import UsageState
from mvne_billing.usage.record import UsageRecord
from mvne_billing.usage.rows import BrokenRow

#: Called inside the transaction of each slice with what it changed: the place for events and network commands.
Noticed = Callable[[Connection, Settled], None]

#: Records settled in one transaction: about 20 ms on SQLite.
SLICE = 500

#: Reasons that trying again does not mend: somebody has to look.
_FOR_A_PERSON = (Reason.CONFLICT,)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a batch: counts, totals in micro-units, and how many went to suspense by reason.

    `matched` were charged live already, `corrected` stand in the place of another, `dropped` were written off before.
    Of the rated ones `late` came after their time was billed, `out_of_order` after later use had the allowance.
    """

    batch: str
    read: int
    rated: int
    duplicates: int
    suspended: Mapping[str, int]
    charge_micro: int
    cost_micro: int
    matched: int = 0
    corrected: int = 0
    late: int = 0
    out_of_order: int = 0
    dropped: int = 0
    findings: Sequence[str] = field(default=())


def load(
    transact: Transact,
    brand: str,
    batch: str,
    source: str,
    rows: Iterable[UsageRecord | BrokenRow],
    rater: Rater,
    at: datetime,
    noticed: Noticed,
    facts: Callable[[], Facts] = lambda: NO_FACTS,
) -> Loaded:
    """Load a batch of usage; whatever was loaded before is recognised, so that an interrupted load is simply run again.

    Records are priced in the order of their start within the batch, corrections after what they correct. `facts` tells
    what is known of the file once its rows have been read. Memory holds the batch once.
    """
    everything = list(rows)
    broken = [_malformed(row, batch) for row in everything if isinstance(row, BrokenRow)]
    records = [row for row in everything if isinstance(row, UsageRecord)]
    with transact() as conn:
        findings = begin(conn, brand, batch, source, facts(), len(everything), at)
        known = outcomes(conn, brand, [one.id for one in broken])
        hold(conn, brand, [one for one in broken if known.get(one.id) not in BY_HAND], at)
    settled = [_unread(batch, broken, known)]
    for wave in _waves(records):
        settled += _settle(transact, brand, rater, Slice(batch, at), wave, noticed)
    loaded = _summary(batch, len(everything), settled, findings)
    with transact() as conn:
        finish(conn, brand, batch, loaded.duplicates)
    return loaded


def replay(
    transact: Transact, brand: str, rater: Rater, at: datetime, noticed: Noticed, which: Which = EVERYTHING
) -> Loaded:
    """Try what waits in suspense again and return what became of it; what still has no price keeps waiting.

    Each record goes on belonging to the batch that first brought it.
    """
    batch = f"replay-{at.isoformat()}"
    settled: list[Settled] = []
    after, read = "", 0
    while True:
        with transact() as conn:
            held = waiting(conn, brand, after, SLICE, which)
            if held:
                begin(conn, brand, batch, "suspense", NO_FACTS, read + len(held), at)
        if not held:
            return _summary(batch, read, settled)
        records = [record for one in held if one.reason not in _FOR_A_PERSON and (record := one.usage())]
        batches = {one.id.rpartition("~")[0]: one.batch for one in held if one.batch}
        for wave in _waves(records):
            settled += _settle(transact, brand, rater, Slice(batch, at, batches), wave, noticed)
        after, read = held[-1].id, read + len(held)


def _settle(
    transact: Transact, brand: str, rater: Rater, part: Slice, records: Sequence[UsageRecord], noticed: Noticed
) -> Iterator[Settled]:
    """Settle records slice by slice, and those that correct others one by one: each prices a line's period again."""
    plain = [one for one in records if one.corrects is None]
    for some in _slices(plain):
        with transact() as conn:
            outcome = settle(conn, brand, rater, part, some)
            noticed(conn, outcome)
        yield outcome
    for one in records:
        if one.corrects is not None:
            with transact() as conn:
                outcome = correct(conn, brand, rater, part, one)
                noticed(conn, outcome)
            yield outcome


def _waves(records: Sequence[UsageRecord]) -> Iterator[list[UsageRecord]]:
    """Yield records in the order of their start, those first that correct nothing; a correction after its target."""
    depths: dict[str, int] = {}
    targets = {one.id: one.corrects for one in records if one.corrects is not None}
    for id_ in targets:
        chain, seen = [], set[str]()
        step: str | None = id_
        # A circle of corrections is cut where it closes: what is left of it waits in suspense.
        while step in targets and step not in depths and step not in seen:
            chain.append(step)
            seen.add(step)
            step = targets[step]
        depth = depths.get(step or "", 0)
        for place, name in enumerate(reversed(chain), start=1):
            depths[name] = depth + place
    waves: dict[int, list[UsageRecord]] = defaultdict(list)
    for one in records:
        waves[depths.get(one.id, 0) if one.corrects is not None else 0].append(one)
    for _, wave in sorted(waves.items()):
        yield sorted(wave, key=lambda one: (one.start, one.id))


def _slices(records: Sequence[UsageRecord]) -> Iterator[list[UsageRecord]]:
    left = iter(records)
    while part := list(islice(left, SLICE)):
        yield part


def _malformed(row: BrokenRow, batch: str) -> Held:
    return Held(row.id, Reason.MALFORMED, row.message, row.text, row.source, batch)


def _unread(batch: str, broken: Sequence[Held], known: Mapping[str, UsageState]) -> Settled:
    """Return what becomes of rows that could not be read; one that was mended or dropped before does not come back."""
    found = Settled(batch)
    for one in broken:
        state = known.get(one.id)
        if state in BY_HAND:
            (found.dropped if state is UsageState.DROPPED else found.duplicates).append(one.id)
        else:
            found.held.append(one)
    return found


def _summary(batch: str, read: int, settled: Sequence[Settled], findings: Sequence[str] = ()) -> Loaded:
    held = [one for outcome in settled for one in outcome.held]
    counts = {
        name: sum(len(getattr(outcome, name)) for outcome in settled)
        for name in ("rated", "duplicates", "matched", "corrected", "late", "out_of_order", "dropped")
    }
    return Loaded(
        batch=batch,
        read=read,
        suspended=dict(sorted(Counter(one.reason.value for one in held).items())),
        charge_micro=sum(outcome.charge_micro for outcome in settled),
        cost_micro=sum(outcome.cost_micro for outcome in settled),
        findings=tuple(findings),
        **counts,
    )
