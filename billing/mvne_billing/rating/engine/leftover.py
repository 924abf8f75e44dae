"""Records of lines that the engine leaves over: read, rated one by one by the reference, written beside the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from mvne_billing.rating.engine.accounts import spread
from mvne_billing.rating.engine.duck import DuckEngine
from mvne_billing.rating.engine.lines import LineSpan
from mvne_billing.rating.engine.passes import Passes
from mvne_billing.rating.engine.routes import BY_REFERENCE
from mvne_billing.rating.engine.staging import Files
from mvne_billing.rating.engine.tables import Table
from mvne_billing.rating.result import Rated, Reason
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_plans.quantity import Kind


def leave_over(passes: Passes, duck: DuckEngine) -> Table | None:
    """Find the lines that some record leaves to the reference, and all that share a pool with them.

    Returns the table of their accounts, None when there are none; `left_over` keeps the subscriptions and why.
    """
    fresh, found = passes.fresh.as_source(passes.engine.dialect), dict[int, str]()
    if "session" in passes.files.optional:
        found |= _asked(passes, _PARTIAL.format(fresh=fresh), "partial records of one session")
    if passes.lanes.get(BY_REFERENCE):
        found |= _asked(passes, _BEYOND.format(fresh=fresh), "a record that no query can price")
    if not found:
        return None
    duck.put(Table("found", {"account": list(found), "reason": list(found.values())}))
    duck.make("left_over", _FOUND)
    spread(duck)
    several = duck.fetch("SELECT account FROM account JOIN left_over USING (subscription)")
    return Table("by_reference", {"account": [int(str(one)) for (one,) in several]}, {"account": "int"})


def _asked(passes: Passes, sql: str, reason: str) -> dict[int, str]:
    return {int(str(one)): reason for (one,) in passes.engine.fetch(sql)}


_BEYOND = f"SELECT DISTINCT account FROM {{fresh}} AS b WHERE lane = {BY_REFERENCE}"

_PARTIAL = f"""
SELECT DISTINCT min(b.account) FROM {{fresh}} AS b JOIN account a ON a.account = b.account
WHERE b.session <> '' AND b.lane <= {BY_REFERENCE} GROUP BY a.subscription, b.session HAVING count(*) > 1
"""

_FOUND = """
SELECT subscription, min(reason) AS reason FROM (
    SELECT subscription, reason FROM left_over
    UNION ALL SELECT a.subscription, f.reason FROM account a JOIN found f ON f.account = a.account
        WHERE a.subscription NOT IN (SELECT subscription FROM left_over)
) GROUP BY subscription
"""


@dataclass
class Leftover:
    """What became of the records that were left over: counts, money, totals by account and kind."""

    rated: int = 0
    charge_micro: int = 0
    cost_micro: int = 0
    suspended: Counter[Reason] = field(default_factory=Counter)
    totals: dict[tuple[int, str], list[int]] = field(default_factory=dict)

    def add(self, record: UsageRecord, account: int, one: Rated) -> None:
        """Count a rated record."""
        self.rated += 1
        self.charge_micro += one.charge_micro
        self.cost_micro += one.cost_micro
        total = self.totals.setdefault((account, str(record.kind)), [0, 0, 0, 0])
        for place, value in enumerate((1, record.amount, one.charge_micro, one.cost_micro)):
            total[place] += value


def records_of(passes: Passes, accounts: Table) -> Iterator[tuple[dict[str, object], UsageRecord | InvalidUsage]]:
    """Yield the records of accounts that are left over, in their order, each with its columns as the file has them.

    What has columns that no record may have comes as what is wrong with it.
    """
    dialect, files = passes.engine.dialect, passes.files
    passes.engine.put(accounts)
    inside = ("id", "msisdn", "started", "units", "called", *files.optional)
    columns = ", ".join(f"s.{name}" for name in inside)
    sql = (
        f"SELECT {columns}, c.kind, c.country FROM {passes.fresh.as_source(dialect)} AS s "
        "JOIN by_reference b ON b.account = s.account JOIN sort c ON c.sort = s.sort "
        f"WHERE s.lane <= {BY_REFERENCE} ORDER BY s.started, s.id"
    )
    for row in passes.engine.fetch(sql):
        values = dict(zip((*inside, "kind", "country"), row, strict=True))
        raw = {name: values[name] for name in ("id", "msisdn", "kind", "country", *files.optional)}
        raw |= {"start": values["started"], "amount": values["units"], "to": values["called"]}
        try:
            yield raw, record_from(values, files)
        except InvalidUsage as problem:
            yield raw, problem


def record_from(values: Mapping[str, Any], files: Files) -> UsageRecord:
    """Return the usage record of a staged row; raise `InvalidUsage` for what is none."""
    called, msisdn = values["called"], values["msisdn"]
    return UsageRecord(
        id=str(values["id"]),
        msisdn=f"+{msisdn}" if files.msisdn == "long" else msisdn,
        kind=Kind(values["kind"]),
        start=values["started"].astimezone(UTC),
        amount=values["units"],
        country=values["country"],
        to=(number_text(called) if files.called == "long" else called) if called else None,
        session=values.get("session") or None,
        label=values.get("label") or "",
    )


def number_text(called: int) -> str:
    """Return the number that an integer stands for.

    >>> number_text(33612345678), number_text(-1112)
    ('+33612345678', '112')
    """
    return f"+{called}" if called > 0 else str(-called)[1:]


def spans_of(duck: DuckEngine) -> list[LineSpan]:
    """Return the lines that are left over."""
    names = [one.name for one in fields(LineSpan)]
    listed = ", ".join(f"s.{name}" for name in names)
    found = duck.fetch(f"SELECT {listed} FROM span s JOIN left_over USING (subscription)")
    return [LineSpan(*map(_in_utc, row)) for row in found]


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
