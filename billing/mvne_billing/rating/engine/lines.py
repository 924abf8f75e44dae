"""The lines whose use is rated: who had which number on which terms, from when until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class LineSpan:
    """One line from `since` until `until` (excluded), while number, plan, period and pool stay the same. All in UTC.

    `plan` names a tariff of the run. `opened` and `expires` bound the period of its allowances. A member of a pool has
    the `owner`'s subscription, plan and period too; the owner is a line of its own. `by_reference` says why a line is
    left to the reference whatever its plan, empty for no reason: it has add-ons, lists of its own, open sessions.
    """

    msisdn: str
    since: datetime
    until: datetime
    subscription: str
    plan: str
    timezone: str
    opened: datetime
    expires: datetime
    owner: str = ""
    owner_plan: str = ""
    owner_opened: datetime | None = None
    owner_expires: datetime | None = None
    by_reference: str = ""


COLUMNS = tuple(field.name for field in fields(LineSpan))
#: Columns that lines without pools and exceptions do not need.
OPTIONAL = COLUMNS[8:]
#: Columns that hold moments.
TIMES = frozenset({"since", "until", "opened", "expires", "owner_opened", "owner_expires"})

#: Used of a counter before the files begin: by subscription, counter (see `Rated.taken`) and start of its time.
Counters = Mapping[tuple[str, str, datetime], int]


def line_table(spans: Iterable[LineSpan]) -> pa.Table:
    """Return lines as an Arrow table, which `rate_files` takes and Parquet keeps."""
    import pyarrow as pa

    known = list(spans)
    moment = pa.timestamp("us", "UTC")
    columns = {
        name: pa.array([getattr(one, name) for one in known], moment if name in TIMES else pa.string())
        for name in COLUMNS
    }
    return pa.table(columns)


def write_lines(spans: Iterable[LineSpan], path: Path) -> None:
    """Write lines as a Parquet file."""
    import pyarrow.parquet as pq

    pq.write_table(line_table(spans), path)
