"""Usage files as they come: which types their columns have, how many records they hold, and from when to when."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mvne_billing.rating.engine.duck import DuckEngine, quoted
from mvne_billing.rating.engine.port import EngineError
from mvne_billing.rating.engine.staging import Files
from mvne_billing.usage.record import YEARS
from mvne_plans.quantity import Kind

#: The columns of a usage file by what they are called inside.
NAMES: Mapping[str, str] = {
    "id": "id",
    "msisdn": "msisdn",
    "kind": "kind",
    "started": "start",
    "amount": "amount",
    "country": "country",
    "called": "to",
}
OPTIONAL = ("label", "session")

_WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CODE = re.compile("[A-Z]{2}")
_MOMENT = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True)
class Source:
    """Usage files: what they hold, and the first and the last start (None when they hold nothing)."""

    inputs: tuple[Path, ...]
    files: Files
    since: datetime | None
    until: datetime | None

    @property
    def columns(self) -> Mapping[str, str]:
        """Their columns by what they are called inside."""
        return {**NAMES, **{name: name for name in self.files.optional}}


def read_source(engine: DuckEngine, inputs: Sequence[Path]) -> Source:
    """Look at usage files and keep them under the name `usage`; raise `EngineError` for what is none.

    They have the columns of the normalised record (`usage.readers`). `id`, `msisdn` and `to` may be whole numbers, as
    ingesting writes them: a number in E.164 is its digits, a short code minus a one followed by its digits.
    """
    listed = ", ".join(f"'{quoted(one)}'" for one in inputs)
    types = _types(engine, inputs, listed)
    stores = {name: _store(types, NAMES[name]) for name in ("id", "msisdn", "called")}
    _check(types)
    if "corrects" in types and engine.fetch(f"SELECT 1 FROM read_parquet([{listed}]) WHERE corrects <> '' LIMIT 1"):
        raise EngineError("column corrects names other records; corrections are loaded one by one: mvne usage load")
    optional = tuple(name for name in OPTIONAL if name in types)
    columns = {**NAMES, **{name: name for name in optional}}
    cast = {"amount": "BIGINT"} | {name: "BIGINT" for name, store in stores.items() if store == "long"}
    cast |= {name: "VARCHAR" for name in ("kind", "country", *optional)}
    selected = ", ".join(
        f'CAST("{column}" AS {cast[name]}) AS {name}' if name in cast else f'"{column}" AS {name}'
        for name, column in columns.items()
    )
    engine.connection.execute(f"CREATE OR REPLACE TEMP VIEW usage AS SELECT {selected} FROM read_parquet([{listed}])")
    called = "min(called)" if stores["called"] == "long" else "NULL"
    [(count, least, most, since, until, lowest)] = engine.fetch(
        f"SELECT count(*), min(amount), max(amount), min(started), max(started), {called} FROM usage"
    )
    occur = engine.fetch("SELECT DISTINCT kind, country FROM usage")
    known = sorted({(str(kind), str(country)) for kind, country in occur if _is_known(kind, country)}, key=_kind_first)
    files = Files(
        key=stores["id"],
        msisdn=stores["msisdn"],
        called=stores["called"],
        count=_whole(count),
        least=_whole(least),
        most=_whole(most),
        optional=optional,
        sorts=tuple(known),
        has_unknown_sorts=len(known) < len(occur),
        nullable=_nullable(engine, listed),
        called_from=_whole(lowest),
        micros=_in_years(since, until),
    )
    return Source(tuple(inputs), files, _moment(since), _moment(until))


def _types(engine: DuckEngine, inputs: Sequence[Path], listed: str) -> dict[str, str]:
    import duckdb

    if missing := [str(one) for one in inputs if not one.exists()]:
        raise EngineError(f"there is no file {', '.join(missing)}")
    try:
        described = engine.fetch(f"DESCRIBE SELECT * FROM read_parquet([{listed}])")
    except duckdb.Error as problem:
        names, why = ", ".join(map(str, inputs)), str(problem).partition("\n")[0]
        raise EngineError(f"{names}: usage is rated in bulk from Parquet files of one sort ({why})") from None
    return {str(row[0]): str(row[1]) for row in described}


def _is_known(kind: object, country: object) -> bool:
    """Say whether a record can be of this kind and country (ISO 3166: two capital letters)."""
    return kind in set(Kind) and isinstance(country, str) and len(country) == 2 and _CODE.fullmatch(country) is not None


def _kind_first(sort: tuple[str, str]) -> tuple[int, str]:
    return list(Kind).index(Kind(sort[0])), sort[1]


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _in_years(since: object, until: object) -> tuple[int, int] | None:
    """Return the microseconds since 1970 of two moments, None if one is not in the years that records can have."""
    known = [one for one in (since, until) if isinstance(one, datetime) and one.astimezone(UTC).year in YEARS]
    if len(known) < 2:
        return None
    first, last = ((one - _EPOCH) // timedelta(microseconds=1) for one in known)
    return first, last


def _nullable(engine: DuckEngine, listed: str) -> frozenset[str]:
    """Return the columns, by what they are called inside, in which the files do not say that nothing is missing."""
    missing = "bool_or(coalesce(stats_null_count, 1) > 0)"
    found = engine.fetch(f"SELECT path_in_schema, {missing} FROM parquet_metadata([{listed}]) GROUP BY path_in_schema")
    sound = {str(name) for name, some in found if not some}
    return frozenset(name for name, column in NAMES.items() if column not in sound)


def _store(types: Mapping[str, str], column: str) -> str:
    found = types.get(column)
    if found in _WHOLE:
        return "long"
    if found != "VARCHAR":
        raise EngineError(f"column {column} is {found or 'missing'}; it is text or a whole number")
    return "text"


def _check(types: Mapping[str, str]) -> None:
    for column in ("kind", "country"):
        if not str(types.get(column)).startswith(("VARCHAR", "ENUM")):
            raise EngineError(f"column {column} is {types.get(column, 'missing')}; it is text")
    if types.get("amount") not in _WHOLE:
        raise EngineError(f"column amount is {types.get('amount', 'missing')}; it is a whole number of 64 bits")
    if types.get("start") != _MOMENT:
        raise EngineError(f"column start is {types.get('start', 'missing')}; it is a time with a zone, in microseconds")
