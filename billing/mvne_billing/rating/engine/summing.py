"""Totals of rated records: per account and kind of use, and from them what was taken of every counter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mvne_billing.rating.engine.duck import quoted
from mvne_billing.rating.engine.tallies import sums
from mvne_billing.rating.engine.terms import POOL, Scope

#: What totals are of: accounts, the pool that serves them, and endless buckets by their names.
_KEYS = ("account", "holder", "guest", "bucket_endless", "bucket_endless_after")


def totals_sql(rated: Sequence[str]) -> str:
    """Return the query of totals of rated records, kept as `rated` with these columns, by account and tally.

    `amount` is what all rules took: a record uses what its parts use.
    """
    parts = sums(rated)
    keys = [name for name in _KEYS if name in rated]
    whole = {name: " + ".join(f"r.{one}" for one in columns) for name, columns in parts.items()}
    values = {"charge_micro": "r.charge_micro", "cost_micro": "r.cost_micro", **whole}
    # A sum of 64-bit integers is wider in some engines: said to be one of 64 bits, it fails rather than be cut.
    added = ", ".join(f"CAST(sum({text}) AS BIGINT) AS {name}" for name, text in values.items())
    grouped = ", ".join([*(f"r.{name}" for name in keys), "t.tally"])
    source = "rated r JOIN route t ON t.route = r.route"
    own = f"SELECT {grouped}, count(*) AS records, {added} FROM {source} GROUP BY {grouped}"
    used = " + ".join(f"s.{name}" for name in parts if not name.startswith(("billed_", "counted_"))) or "0"
    named = ", ".join(f"s.{name}" for name in (*keys, "tally", "records", *values))
    joined = f"({own}) s JOIN tally_kind k ON k.tally = s.tally"
    return f"SELECT k.kind, CAST({used} AS BIGINT) AS amount, {named} FROM {joined}"


def counters_of(output: Path) -> dict[tuple[str, str, datetime], int]:
    """Return what the records of a run took of every counter: by subscription, counter and start of its time (UTC).

    It is what `Rated.taken` says, summed, without guards; `output` is the folder of the run.
    """
    import duckdb
    import pyarrow.parquet as pq

    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        for name in ("account", "tally"):
            files = f"{quoted(output / name)}.parquet"
            source = f"{files}/*.parquet" if (output / f"{name}.parquet").is_dir() else files
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{source}')")
        totals = [str(one) for one in sorted((output / "totals").rglob("*.parquet")) if one.is_file()]
        listed = ", ".join(f"'{quoted(Path(one))}'" for one in totals)
        connection.execute(f"CREATE VIEW totals AS SELECT * FROM read_parquet([{listed}], union_by_name = true)")
        columns = [str(row[0]) for row in connection.execute("DESCRIBE totals").fetchall()]
        table = connection.sql(_counters_sql(columns)).to_arrow_table()
    finally:
        connection.close()
    found: Counter[tuple[str, str, datetime]] = Counter()
    left = output / "counters.parquet"
    for one in (table, *([pq.read_table(left)] if left.exists() else [])):
        values = (one.column(name).to_pylist() for name in ("subscription", "counter", "opened", "used"))
        for holder, counter, opened, used in zip(*values, strict=True):
            found[holder, counter, opened.astimezone(UTC)] += used
    return {key: used for key, used in found.items() if used}


def _counters_sql(totals: Sequence[str]) -> str:
    columns = [name for name in sums(totals) if not name.startswith(("counted_", "taken_endless"))]
    shown = [(name, f"counted_{name[6:]}" if f"counted_{name[6:]}" in totals else name) for name in columns]
    value = " ".join(f"WHEN '{name}' THEN t.{column}" for name, column in shown)
    value = f"CASE g.column_name {value} ELSE 0 END" if shown else "0"
    keeper, holder = "t.account", "t.account"
    if "holder" in totals:
        guest = f"WHEN {int(Scope.GUEST)} THEN t.guest"
        keeper = f"CASE g.scope WHEN {int(Scope.HOLDER)} THEN t.holder {guest} ELSE t.account END"
        holder = f"CASE g.scope WHEN {int(Scope.GUEST)} THEN t.holder ELSE t.account END"
    own = f"SELECT {keeper} AS account, {holder} AS holder, g.counter, g.scope, {value} AS units"
    parts = [f"{own} FROM totals t JOIN tally g ON g.tally = t.tally"]
    parts += [_endless(totals, after) for after in ("", "_after") if f"taken_endless{after}" in totals]
    # A member's own part of a pooled bucket is counted under the bucket and the owner.
    guest = f"concat(substr(c.counter, {len(POOL) + 1}), '/', h.subscription)"
    named = f"CASE WHEN c.scope = {int(Scope.GUEST)} THEN {guest} ELSE c.counter END AS counter"
    joined = "JOIN account a ON a.account = c.account JOIN account h ON h.account = c.holder"
    return (
        f"SELECT a.subscription, {named}, a.opened, CAST(sum(c.units) AS BIGINT) AS used "
        f"FROM ({' UNION ALL '.join(parts)}) c {joined} GROUP BY 1, 2, 3 HAVING sum(c.units) <> 0"
    )


def _endless(totals: Sequence[str], after: str) -> str:
    """Return the query of what endless buckets gave: each goes by the name that its records show."""
    name, units = (
        f"t.bucket_endless{after}",
        f"t.taken_endless{after} AS units FROM totals t WHERE t.taken_endless{after} > 0",
    )
    if "holder" not in totals:
        return f"SELECT t.account, t.account AS holder, {name} AS counter, 0 AS scope, {units}"
    is_pooled = f"substr({name}, 1, {len(POOL)}) = '{POOL}'"
    keeper = f"CASE WHEN {is_pooled} THEN t.holder ELSE t.account END"
    counter = f"CASE WHEN {is_pooled} THEN substr({name}, {len(POOL) + 1}) ELSE {name} END"
    return f"SELECT {keeper} AS account, t.account AS holder, {counter} AS counter, 0 AS scope, {units}"
