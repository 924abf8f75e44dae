"""Spark, where one machine is not enough: the same definition, run by a cluster or, as in the tests, in local mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

from mvne_billing.rating.engine.dialect import SPARK, Dialect
from mvne_billing.rating.engine.duck import arrow
from mvne_billing.rating.engine.expression import NUMBERS
from mvne_billing.rating.engine.port import Engine, EngineError
from mvne_billing.rating.engine.sources import Source
from mvne_billing.rating.engine.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: What a session in this process is started with; whole numbers that do not fit are errors, never cut.
LOCAL: Mapping[str, str] = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.driver.memory": "2g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "4",
    "spark.log.level": "ERROR",
}


@dataclass
class SparkCluster:
    """A Spark session, one's own or one that is started in this process and kept until `close`."""

    session: SparkSession | None = None
    settings: Mapping[str, str] = field(default_factory=lambda: dict(LOCAL))

    @contextmanager
    def opened(self, source: Source, folder: Path) -> Iterator[Engine]:
        """Open an engine over usage files; what it keeps lies in `folder`, which all workers can read."""
        session = self.session = self.session or self._started()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        session.conf.set("spark.sql.ansi.enabled", "true")
        session.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        files = source.files
        stores = {"id": files.key, "msisdn": files.msisdn, "called": files.called, "amount": "long"}
        rows = session.read.parquet(*map(str, source.inputs))
        shown = [
            f"CAST(`{column}` AS BIGINT) AS {name}" if stores.get(name) == "long" else f"`{column}` AS {name}"
            for name, column in source.columns.items()
        ]
        rows.selectExpr(*shown).createOrReplaceTempView("usage")
        yield SparkEngine(session, folder)

    def close(self) -> None:
        """Stop the session."""
        if self.session is not None:
            self.session.stop()
            self.session = None

    def _started(self) -> SparkSession:
        if which("java") is None:
            raise EngineError("Spark needs Java 17, which is not here; install openjdk-17-jre-headless")
        from pyspark.sql import SparkSession

        builder = SparkSession.Builder().appName("mvne rating")
        for name, value in self.settings.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()


@dataclass
class SparkEngine:
    """Spark below one session; each result is kept as Parquet files, so that none is made twice."""

    session: SparkSession
    folder: Path
    made: int = 0

    @property
    def dialect(self) -> Dialect:
        """The words of its SQL."""
        return SPARK

    def put(self, table: Table) -> None:
        """Keep a small table."""
        import pyarrow.parquet as pq

        path = self._new(table.name)
        pq.write_table(arrow(table), path)
        # Types are said, so that no job runs only to find them.
        types = ", ".join(f"`{name}` {_KEPT_AS.get(like.store, 'BIGINT')}" for name, like in table.likes.items())
        columns = [
            f"CAST(`{name}` AS {SPARK.types[like.store]}) AS `{name}`" if like.store in NUMBERS else f"`{name}`"
            for name, like in table.likes.items()
        ]
        kept = self.session.read.schema(types).parquet(str(path))
        kept.selectExpr(*columns).createOrReplaceTempView(table.name)

    def make(self, name: str, sql: str) -> None:
        """Run a query and keep its rows."""
        path, rows = self._new(name), self.session.sql(sql)
        rows.write.parquet(str(path))
        self.session.read.schema(rows.schema).parquet(str(path)).createOrReplaceTempView(name)

    def make_apart(self, name: str, sql: str, by: str) -> None:
        """Run a query and keep its rows; a cluster has room for all of them at once."""
        self.make(name, sql)

    def take(self, name: str, paths: Sequence[Path]) -> None:
        """Keep Parquet files under a name."""
        self.session.read.parquet(*map(str, paths)).createOrReplaceTempView(name)

    def fetch(self, sql: str) -> list[tuple[object, ...]]:
        """Run a query and return its rows; times are in UTC."""
        rows = self.session.sql(sql)
        moments = [place for place, one in enumerate(rows.schema.fields) if one.dataType.typeName() == "timestamp"]
        shown = [
            f"unix_micros(`{name}`) AS `{name}`" if place in moments else f"`{name}`"
            for place, name in enumerate(rows.columns)
        ]
        found = rows.selectExpr(*shown).collect() if moments else rows.collect()
        return [
            tuple(_moment(value) if place in moments else value for place, value in enumerate(row)) for row in found
        ]

    def write(self, sql: str, path: Path) -> None:
        """Run a query and write its rows as a folder of Parquet files."""
        self.session.sql(sql).write.mode("overwrite").parquet(str(path), compression="snappy")

    def _new(self, name: str) -> Path:
        self.made += 1
        return self.folder / f"{self.made}-{name}.parquet"


#: How `duck.arrow` writes what is no whole number of 64 bits.
_KEPT_AS = {"text": "STRING", "name": "STRING", "time": "TIMESTAMP", "wide": "DECIMAL(38, 0)"}


def _moment(value: Any) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)
