"""What an engine that runs the queries has to do: keep small tables, make and read queries, write Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from mvne_billing.errors import BillingError
from mvne_billing.rating.engine.dialect import Dialect
from mvne_billing.rating.engine.tables import Table


class EngineError(BillingError):
    """Usage files or lines that no engine can rate; the message says why and what to do."""


class Engine(Protocol):
    """An engine: DuckDB in this process, or Spark."""

    @property
    def dialect(self) -> Dialect:
        """The words of its SQL."""

    def put(self, table: Table) -> None:
        """Keep a small table under its name, in the place of one of the same name."""

    def make(self, name: str, sql: str) -> None:
        """Run a query and keep its rows under a name, in the place of those of the same name."""

    def make_apart(self, name: str, sql: str, by: str) -> None:
        """Run a query and keep its rows under a name, so that those of one value of `by` are read alone."""

    def take(self, name: str, paths: Sequence[Path]) -> None:
        """Keep the rows of Parquet files, or of folders of them, under a name."""

    def fetch(self, sql: str) -> list[tuple[object, ...]]:
        """Run a query and return its rows, which are few."""

    def write(self, sql: str, path: Path) -> None:
        """Run a query and write its rows as Parquet: a file, or a folder of files, called `path`."""
