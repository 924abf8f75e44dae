"""What a run writes beside rated records, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mvne_billing.rating.engine.expression import equals
from mvne_billing.rating.engine.passes import CONTENT, Passes
from mvne_billing.rating.engine.routes import HELD, REASONS
from mvne_billing.rating.engine.staging import located
from mvne_billing.rating.result import Reason


@dataclass(frozen=True)
class EngineRun:
    """What became of the records of a run: each is rated, a duplicate of a rated one, or suspended.

    `by_reference` of the rated and suspended ones were left to the reference, for the `reasons` that their lines had
    (subscriptions by reason). Money is in micro-units.
    """

    output: Path
    records: int
    rated: int
    duplicates: int
    suspended: Mapping[Reason, int]
    by_reference: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    charge_micro: int = 0
    cost_micro: int = 0

    @property
    def margin_micro(self) -> int:
        """What use brings less what it costs."""
        return self.charge_micro - self.cost_micro

    @property
    def share_percent(self) -> str:
        """The share of records that were left to the reference, in percent, as it is printed."""
        hundredths = self.by_reference * 10_000 // max(self.records, 1)
        return f"{hundredths // 100}.{hundredths % 100:02d} %"

    def __str__(self) -> str:
        held = ", ".join(f"{count} {reason}" for reason, count in self.suspended.items()) or "none"
        return (
            f"{self.records} records: {self.rated} rated, {self.duplicates} duplicates, suspended: {held}; "
            f"{self.by_reference} by the reference ({self.share_percent})"
        )


def twins(passes: Passes) -> tuple[int, int]:
    """Return how many records are duplicates of one with their id, and how many say something else under it."""
    if not passes.twins:
        return 0, 0
    quote = passes.engine.dialect.identifier
    said = [quote(name) for name in CONTENT if name in passes.fresh]
    same = " AND ".join(f"t.{name} IS NOT DISTINCT FROM f.{name}" for name in said)
    passes.engine.make(
        "conflict", f"SELECT t.* FROM twin t JOIN first_twin f ON f.id = t.id WHERE t.place > 1 AND NOT ({same})"
    )
    conflicts = passes.count("SELECT count(*) FROM conflict")
    return passes.count("SELECT count(*) FROM twin WHERE place > 1") - conflicts, conflicts


def suspense_sql(passes: Passes, conflicts: int) -> Iterator[str]:
    """Yield the queries of the records that have no price, with their reason."""
    quote, fresh = passes.engine.dialect.identifier, passes.fresh.as_source(passes.engine.dialect)
    same = "JOIN sort c ON c.sort = s.sort"
    extra = "".join(f", s.{quote(name)}" for name in passes.files.optional)
    called = f"s.started AS {quote('start')}, {{amount}} AS amount, {{country}}, s.called AS {quote('to')}{extra}"
    shown = f"SELECT s.id, s.msisdn, c.kind, {called.format(amount='s.units', country='c.country')}"
    for lane in passes.lanes:
        if lane >= HELD and lane != _MALFORMED:
            yield f"{shown}, '{REASONS[lane - HELD]}' AS reason FROM {fresh} s {same} WHERE s.lane = {lane}"
    if conflicts:
        yield f"{shown}, '{Reason.CONFLICT}' AS reason FROM conflict s {same}"
    if _MALFORMED in passes.lanes:
        rows = located(passes.files, passes.prepared.market)
        broken = rows.filter(equals(rows["sound"], 0)).as_source(passes.engine.dialect)
        shown = f"SELECT s.id, s.msisdn, s.kind, {called.format(amount='s.amount', country='s.country')}"
        yield f"{shown}, '{Reason.MALFORMED}' AS reason FROM {broken} s"


_MALFORMED = HELD + REASONS.index(Reason.MALFORMED)
