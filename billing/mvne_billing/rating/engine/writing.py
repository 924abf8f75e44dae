"""Files of what was left over: rated by the reference, in the columns of the engine's files and with their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from mvne_billing.rating.engine.byreference import ByReference
from mvne_billing.rating.engine.leftover import Leftover
from mvne_billing.rating.engine.staging import Files
from mvne_billing.rating.result import Rated, Reason, Unrateable, parts_text
from mvne_billing.usage.record import InvalidUsage, UsageRecord

#: Records written at once.
_BATCH = 50_000


class LeftoverFiles:
    """Writes `rated/reference.parquet` and `suspense/reference.parquet`, as much at once as fits into memory easily."""

    def __init__(self, output: Path, files: Files, accounts: Mapping[tuple[str, datetime], int]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._output, self._files, self._accounts = output, files, accounts
        key = {name: pa.int64() if store == "long" else pa.string() for name, store in _stores(files).items()}
        record = [("id", key["id"]), ("msisdn", key["msisdn"]), ("kind", pa.string())]
        record += [("start", pa.timestamp("us", "UTC")), ("amount", pa.int64()), ("country", pa.string())]
        record += [("to", key["called"]), *((name, pa.string()) for name in files.optional)]
        money = [(name, pa.int64()) for name in ("billable", "charge_micro", "cost_micro")]
        found = [("account", pa.int32()), ("destination", pa.string()), *money, ("cost_rule", pa.string())]
        self._rated = pa.schema([*record, *found, ("parts", pa.string())])
        self._held = pa.schema([*record, ("reason", pa.string()), ("message", pa.string())])
        self._rated_file = pq.ParquetWriter(output / "rated" / "reference.parquet", self._rated)
        self._held_file = pq.ParquetWriter(output / "suspense" / "reference.parquet", self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rated_file.close()
        self._held_file.close()

    def rate(
        self, rater: ByReference, records: Iterable[tuple[dict[str, object], UsageRecord | InvalidUsage]]
    ) -> Leftover:
        """Rate records in their order and write what becomes of them."""
        left = Leftover()
        rated: list[dict[str, object]] = []
        held: list[dict[str, object]] = []
        for raw, record in records:
            try:
                if isinstance(record, InvalidUsage):
                    raise Unrateable(Reason.MALFORMED, str(record))
                one = rater.rate(record)
            except Unrateable as problem:
                left.suspended[problem.reason] += 1
                held.append({**raw, "reason": str(problem.reason), "message": problem.message})
                continue
            span = rater.span_of(record)
            account = self._accounts[span.subscription, span.opened]
            left.add(record, account, one)
            number = rater.world.numbering.normalise(record.to) if record.to is not None else None
            named = {"destination": "" if one.destination == number else one.destination}
            rated.append({**raw, "account": account, **_row(one), **named})
            if len(rated) >= _BATCH:
                self._write(rated, held)
        self._write(rated, held)
        self._write_totals(left, rater)
        return left

    def _write_totals(self, left: Leftover, rater: ByReference) -> None:
        """Write totals as the engine does, and what was taken of each counter, which is no sum of columns here."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = ("records", "amount", "charge_micro", "cost_micro")
        totals = [
            {"account": account, "kind": kind, **dict(zip(names, values, strict=True))}
            for (account, kind), values in left.totals.items()
        ]
        columns = [("account", pa.int32()), ("kind", pa.string()), *((name, pa.int64()) for name in names)]
        pq.write_table(pa.Table.from_pylist(totals, pa.schema(columns)), self._output / "totals" / "reference.parquet")
        taken = [
            {"subscription": holder, "counter": name, "opened": opened, "used": used}
            for (holder, name, opened), used in rater.taken.items()
        ]
        columns = [("subscription", pa.string()), ("counter", pa.string()), ("opened", pa.timestamp("us", "UTC"))]
        schema = pa.schema([*columns, ("used", pa.int64())])
        pq.write_table(pa.Table.from_pylist(taken, schema), self._output / "counters.parquet")

    def _write(self, rated: list[dict[str, object]], held: list[dict[str, object]]) -> None:
        import pyarrow as pa

        self._rated_file.write_table(pa.Table.from_pylist(rated, self._rated))
        self._held_file.write_table(pa.Table.from_pylist(held, self._held))
        rated.clear()
        held.clear()


def _stores(files: Files) -> dict[str, str]:
    return {"id": files.key, "msisdn": files.msisdn, "called": files.called}


def _row(one: Rated) -> dict[str, object]:
    return {
        "billable": sum(part.billable for part in one.parts),
        "charge_micro": one.charge_micro,
        "cost_micro": one.cost_micro,
        "cost_rule": one.cost_rule,
        "parts": parts_text(one.parts),
    }
