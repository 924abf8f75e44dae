"""Lines made ready for joins: an account per period, terms as numbers, and who is left to the reference."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from mvne_billing.rating.engine.duck import DuckEngine, quoted
from mvne_billing.rating.engine.lines import COLUMNS, OPTIONAL, TIMES
from mvne_billing.rating.engine.port import EngineError
from mvne_billing.rating.engine.tables import Table
from mvne_billing.rating.engine.terms import Terms

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Accounts:
    """What became of the lines: their terms, how many accounts they have, whether there are pools, when they begin.

    An account is a subscription in one period: what its allowances are counted by.
    """

    terms: tuple[Terms, ...]
    count: int
    has_pools: bool
    since: datetime
    until: datetime


def _cast(name: str, is_known: bool) -> str:
    """Return a column of lines as it is kept: a time, or a text that is empty where there is none."""
    if name in TIMES:
        return f"CAST({name if is_known else 'NULL'} AS TIMESTAMPTZ) AS {name}"
    return f"coalesce(CAST({name} AS VARCHAR), '') AS {name}" if is_known else f"'' AS {name}"


def load_lines(engine: DuckEngine, lines: Path | pa.Table) -> Accounts:
    """Read lines into the tables `span` (with the number of its account) and `account`; raise `EngineError` for none.

    Files are Parquet, or CSV with a head. The columns are those of `LineSpan`; those of pools may be missing.
    """
    import duckdb

    if not isinstance(lines, Path):
        engine.connection.register("arriving", lines)
        source = "arriving"
    elif not lines.exists():
        raise EngineError(f"there is no file {lines}")
    else:
        is_csv = lines.suffix.lower() == ".csv"
        source = f"read_csv('{quoted(lines)}', all_varchar = true)" if is_csv else f"read_parquet('{quoted(lines)}')"
    try:
        known = {str(row[0]) for row in engine.fetch(f"DESCRIBE SELECT * FROM {source}")}
        if missing := [name for name in COLUMNS if name not in known and name not in OPTIONAL]:
            raise EngineError(f"lines lack {', '.join(missing)}; they need {', '.join(COLUMNS[: -len(OPTIONAL)])}")
        engine.make("given", f"SELECT {', '.join(_cast(name, name in known) for name in COLUMNS)} FROM {source}")
    except duckdb.Error as problem:
        raise EngineError(f"{lines}: these are no lines ({str(problem).partition(chr(10))[0]})") from None
    engine.connection.execute("DROP VIEW IF EXISTS arriving")
    [(since, until, pools)] = engine.fetch("SELECT min(since), max(until), count(nullif(owner, '')) FROM given")
    if not isinstance(since, datetime) or not isinstance(until, datetime):
        raise EngineError("there are no lines; without them nobody used the network")
    [(broken,)] = engine.fetch(f"SELECT count(*) FROM given WHERE {_BROKEN}")
    if broken:
        raise EngineError(f"{broken} lines lack a number, a time, a subscription or a plan, or end before they begin")
    owns = "subscription IN (SELECT owner FROM given WHERE owner <> '')" if pools else "FALSE"
    numbered = "CAST(row_number() OVER (ORDER BY subscription, opened) - 1 AS INTEGER) AS account"
    engine.make("account", f"SELECT {numbered}, * FROM (SELECT DISTINCT subscription, opened FROM given)")
    engine.make(
        "span", f"SELECT g.*, {owns} AS owns, a.account FROM given g JOIN account a USING (subscription, opened)"
    )
    if pools:
        engine.make("account", _WITH_POOLS)
    found = engine.fetch("SELECT DISTINCT plan, owner_plan, timezone, owns FROM span ORDER BY ALL")
    terms = tuple(Terms(str(plan), str(owner), str(zone), bool(owns)) for plan, owner, zone, owns in found)
    if unknown := sorted({one.timezone for one in terms} - available_timezones()):
        raise EngineError(
            f"lines have time zones that there are not: {', '.join(unknown)}; write them like Europe/Paris"
        )
    [(count,)] = engine.fetch("SELECT count(*) FROM account")
    return Accounts(terms, int(str(count)), bool(pools), since, until)


#: A line that says too little, or that never was.
_BROKEN = (
    "msisdn = '' OR subscription = '' OR plan = '' OR timezone = '' OR since IS NULL OR opened IS NULL "
    "OR NOT coalesce(until >= since AND expires >= opened, FALSE) OR (owner <> '' AND owner_opened IS NULL)"
)

#: Owners of pools in their periods, and members in the periods of their owners, are accounts too.
_WITH_POOLS = """
SELECT account, subscription, opened FROM account
UNION ALL
SELECT CAST(row_number() OVER (ORDER BY subscription, opened) - 1 + (SELECT count(*) FROM account) AS INTEGER),
    subscription, opened
FROM (
    (
        SELECT owner AS subscription, owner_opened AS opened FROM span WHERE owner <> ''
        UNION SELECT subscription, owner_opened FROM span WHERE owner <> ''
    )
    EXCEPT SELECT subscription, opened FROM account
)
"""


def number_lines(
    engine: DuckEngine,
    accounts: Accounts,
    msisdn: str,
    clocks: Mapping[Terms, int],
    refused: Mapping[str, str],
    tied: Collection[Terms],
    parts: int,
) -> Mapping[str, str]:
    """Make the table `stay`: each line's account, the accounts of its pool, its terms and clock, from when until when.

    `msisdn` is the type of numbers in the usage files. `refused` says which plans no engine can express and why; under
    the terms in `tied` it is the expiry of own and pooled buckets that decides which burns first. With several
    `parts` each line is in one of them, together with all of its pool. Returns the columns of numbers with their types.
    """
    numbered = list(enumerate(accounts.terms))
    told: dict[str, Sequence[object]] = {
        "plan": [one.plan for _, one in numbered],
        "owner_plan": [one.owner_plan for _, one in numbered],
        "timezone": [one.timezone for _, one in numbered],
        "is_owner": [int(one.is_owner) for _, one in numbered],
        "terms": [place for place, _ in numbered],
        "clock": [clocks[one] for _, one in numbered],
        "refused": [refused.get(one.plan) or refused.get(one.owner_plan) or "" for _, one in numbered],
        "tied": [int(one in tied) for _, one in numbered],
    }
    engine.put(Table("terms", told))
    engine.make("left_over", _left_over(accounts, refused, tied))
    spread(engine)
    key = "CAST(substr(s.msisdn, 2) AS BIGINT)" if msisdn == "long" else "s.msisdn"
    pooled = ", coalesce(h.account, s.account) AS holder, coalesce(g.account, s.account) AS guest"
    is_pooled = accounts.has_pools
    part = f", CAST(hash(coalesce(nullif(s.owner, ''), s.subscription)) % {parts} AS SMALLINT) AS slice"
    columns = (pooled if is_pooled else "") + (part if parts > 1 else "")
    stays = _STAYS.format(key=key, columns=columns, joins=_POOLED if is_pooled else "")
    engine.make("stay", stays)
    found = {"account": "int", **({"holder": "int", "guest": "int"} if accounts.has_pools else {})}
    found |= {"slice": "small"} if parts > 1 else {}
    return {**found, "terms": "small", "clock": "tiny", "by_reference": "tiny"}


def _left_over(accounts: Accounts, refused: Mapping[str, str], tied: Collection[Terms]) -> str:
    """Return the query of the subscriptions that are left to the reference from the start, and why."""
    parts = ["SELECT subscription, by_reference AS reason FROM span WHERE by_reference <> ''"]
    joined = (
        "FROM span s JOIN terms t ON t.plan = s.plan AND t.owner_plan = s.owner_plan AND t.timezone = s.timezone "
        "AND t.is_owner = s.owns::INT"
    )
    if refused:
        parts.append(f"SELECT s.subscription, t.refused {joined} WHERE t.refused <> ''")
    if tied:
        reason = "'a pooled bucket expires before an own one of the same priority'"
        later = "(s.expires, s.opened) > (s.owner_expires, s.owner_opened)"
        parts.append(f"SELECT s.subscription, {reason} {joined} WHERE t.tied = 1 AND {later}")
    if len({one.plan for one in accounts.terms}) > 1:
        several = "SELECT account FROM span GROUP BY account HAVING count(DISTINCT plan) > 1"
        parts.append(
            f"SELECT subscription, 'its plan changes within a period' FROM account WHERE account IN ({several})"
        )
    return f"SELECT subscription, min(reason) AS reason FROM ({' UNION ALL '.join(parts)}) GROUP BY subscription"


_STAYS = """
SELECT {key} AS msisdn, s.since, s.until, s.account{columns}, CAST(t.terms AS SMALLINT) AS terms,
    CAST(t.clock AS TINYINT) AS clock, CAST(l.subscription IS NOT NULL AS TINYINT) AS by_reference
FROM span s
JOIN terms t ON t.plan = s.plan AND t.owner_plan = s.owner_plan AND t.timezone = s.timezone AND t.is_owner = s.owns::INT
{joins}LEFT JOIN left_over l ON l.subscription = s.subscription
"""

_POOLED = """LEFT JOIN account h ON h.subscription = s.owner AND h.opened = s.owner_opened
LEFT JOIN account g ON g.subscription = s.subscription AND g.opened = s.owner_opened
"""


def spread(engine: DuckEngine) -> None:
    """Add to `left_over` whoever shares a pool with somebody in it: a counter is kept by one of the two ways."""
    before = -1
    while True:
        [(count,)] = engine.fetch("SELECT count(*) FROM left_over")
        if count == before:
            return
        before = int(str(count))
        engine.make("left_over", _SPREAD)


_SPREAD = """
SELECT subscription, min(reason) AS reason FROM (
    SELECT subscription, reason FROM left_over
    UNION ALL SELECT s.owner, l.reason FROM span s JOIN left_over l USING (subscription) WHERE s.owner <> ''
    UNION ALL SELECT s.subscription, l.reason FROM span s JOIN left_over l ON l.subscription = s.owner
) GROUP BY subscription
"""
