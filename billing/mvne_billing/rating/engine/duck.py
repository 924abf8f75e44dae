"""DuckDB, in this process: the default engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mvne_billing.rating.engine.dialect import DUCKDB, Dialect
from mvne_billing.rating.engine.expression import NUMBERS
from mvne_billing.rating.engine.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

#: How files are written. Version 2 packs numbers better; of what differs in nearly every row no dictionary is tried.
FORM = "FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 512"


class DuckEngine:
    """DuckDB below one connection."""

    def __init__(self, connection: DuckDBPyConnection, spill: Path | None = None) -> None:
        self.connection, self._spill = connection, spill

    @property
    def dialect(self) -> Dialect:
        """The words of its SQL."""
        return DUCKDB

    def put(self, table: Table) -> None:
        """Keep a small table; names that are written to many rows are kept as an enumeration, which writes fast."""
        self.connection.register("arriving", arrow(table))
        columns = []
        for name, like in table.likes.items():
            quoted = DUCKDB.identifier(name)
            if like.store == "name":
                self._enumerate(f"{table.name}_{name}", table.columns[name])
                columns.append(f"CAST({quoted} AS {DUCKDB.identifier(f'{table.name}_{name}')}) AS {quoted}")
            elif like.store in NUMBERS:
                columns.append(f"CAST({quoted} AS {DUCKDB.types[like.store]}) AS {quoted}")
            else:
                columns.append(quoted)
        self.make(table.name, f"SELECT {', '.join(columns)} FROM arriving")
        self.connection.unregister("arriving")

    def _enumerate(self, name: str, values: Sequence[object]) -> None:
        shown = ", ".join("'" + str(one).replace("'", "''") + "'" for one in sorted(set(map(str, values))) or [""])
        self.connection.execute(f"DROP TYPE IF EXISTS {DUCKDB.identifier(name)} CASCADE")
        self.connection.execute(f"CREATE TYPE {DUCKDB.identifier(name)} AS ENUM ({shown})")

    def make(self, name: str, sql: str) -> None:
        """Run a query and keep its rows in a temporary table."""
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {DUCKDB.identifier(name)} AS {sql}")

    def make_apart(self, name: str, sql: str, by: str) -> None:
        """Run a query and keep its rows as files on the disk, apart by a small number: each part is read alone."""
        if self._spill is None:
            self.make(name, sql)
            return
        folder = quoted(self._spill / name)
        self.connection.execute(f"COPY ({sql}) TO '{folder}' ({FORM}, PARTITION_BY ({by}))")
        known = f"hive_partitioning = true, hive_types = {{'{by}': SMALLINT}}"
        view = f"CREATE OR REPLACE TEMP VIEW {DUCKDB.identifier(name)} AS SELECT * FROM read_parquet"
        self.connection.execute(f"{view}('{folder}/*/*.parquet', {known})")

    def take(self, name: str, paths: Sequence[Path]) -> None:
        """Keep Parquet files under a name."""
        listed = ", ".join(f"'{quoted(one)}'" for one in paths)
        view = f"CREATE OR REPLACE TEMP VIEW {DUCKDB.identifier(name)} AS SELECT * FROM read_parquet([{listed}])"
        self.connection.execute(view)

    def fetch(self, sql: str) -> list[tuple[object, ...]]:
        """Run a query and return its rows."""
        # By way of Arrow, whose times need no further package.
        table = self.connection.sql(sql).to_arrow_table()
        return list(zip(*(one.to_pylist() for one in table.columns), strict=True))

    def write(self, sql: str, path: Path) -> None:
        """Run a query and write its rows as one Parquet file."""
        self.connection.execute(f"COPY ({sql}) TO '{quoted(path)}' ({FORM})")


def quoted(path: Path) -> str:
    """Return a path as it stands between the quotes of a query."""
    return str(path).replace("'", "''")


def arrow(table: Table) -> pa.Table:
    """Return a small table as Arrow: whole numbers of 64 bits or 38 digits, texts, times in UTC."""
    import pyarrow as pa

    types = {"text": pa.string(), "name": pa.string(), "time": pa.timestamp("us", "UTC"), "wide": pa.decimal128(38, 0)}
    columns = {
        name: pa.array(list(table.columns[name]), types.get(like.store, pa.int64()))
        for name, like in table.likes.items()
    }
    return pa.table(columns)


@contextmanager
def opened(
    memory_limit: str | None = None, threads: int | None = None, spill: Path | None = None
) -> Iterator[DuckEngine]:
    """Open an engine for a while; what does not fit into `memory_limit` (such as `1GB`) goes to the folder `spill`."""
    import duckdb

    connection = duckdb.connect()
    try:
        settings = ["SET TimeZone = 'UTC'", "SET preserve_insertion_order = false"]
        # The queries are written in the order in which they are best done: a small table is the one looked up, before
        # anything is summed.
        settings.append("SET disabled_optimizers = 'join_order,build_side_probe_side,partial_aggregate_pushdown'")
        settings += [f"SET threads = {threads}"] if threads else []
        settings += [f"SET memory_limit = '{memory_limit}'"] if memory_limit else []
        settings += [f"SET temp_directory = '{quoted(spill)}'"] if spill else []
        for one in settings:
            connection.execute(one)
        yield DuckEngine(connection, spill)
    finally:
        connection.close()
