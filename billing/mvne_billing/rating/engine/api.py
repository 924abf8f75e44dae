"""Rating whole files: usage as Parquet in; rated records, totals, counters and suspense as Parquet out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from mvne_billing.rating.engine.accounts import load_lines
from mvne_billing.rating.engine.duck import DuckEngine, opened
from mvne_billing.rating.engine.lines import Counters
from mvne_billing.rating.engine.port import Engine, EngineError
from mvne_billing.rating.engine.prepare import prepare
from mvne_billing.rating.engine.results import EngineRun
from mvne_billing.rating.engine.run import Run
from mvne_billing.rating.engine.sources import Source, read_source
from mvne_billing.rating.engine.supports import engine_supports
from mvne_billing.rating.result import World
from mvne_plans.tariff import Tariff

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Cluster", "Limits", "engine_supports", "rate_files"]

_NO_COUNTERS: Counters = {}

#: Memory that a record takes while it is summed, with room for what is kept beside it.
_BYTES = 200

_MEMORY = re.compile(r"(\d+)\s*([KMGT])i?B?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What a run may use: memory such as `1GB` (more than that goes to disk), and threads; None for what there is.

    Raises `EngineError` for a limit of memory that is none.
    """

    memory: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        self.parts(0)

    def parts(self, records: int) -> int:
        """Return in how many goes so many records are best summed, so that each go fits into memory.

        >>> Limits().parts(10**9), Limits("1GB").parts(20_000_000), Limits("500 MB").parts(1000)
        (1, 4, 1)
        """
        if self.memory is None:
            return 1
        match = _MEMORY.fullmatch(self.memory.strip())
        if match is None:
            raise EngineError(f"{self.memory!r} is no limit of memory; write it like 1GB")
        size = int(match.group(1)) * {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}[match.group(2).upper()]
        return max(-(-records * _BYTES // size), 1)


class Cluster(Protocol):
    """Another engine that runs the queries; lines and small tables are prepared in this process all the same."""

    def opened(self, source: Source, folder: Path) -> AbstractContextManager[Engine]:
        """Open it for usage files; `folder` is for what is handed over."""


def rate_files(
    inputs: Sequence[Path],
    output: Path,
    lines: Path | pa.Table,
    tariffs: Mapping[str, Tariff],
    world: World,
    *,
    opening: Counters = _NO_COUNTERS,
    limits: Limits | None = None,
    cluster: Cluster | None = None,
) -> EngineRun:
    """Rate usage files and return what became of their records; the same semantics as `rating.reference.rate`.

    `inputs` have the columns of the normalised record, see `sources`. `lines` say who used the network, see `LineSpan`;
    `tariffs` are found by the `plan` of a line; `opening` is what was used of counters before. In the folder `output`:
    `rated/` (see `outputs`), `suspense/` (records without a price, with their `reason`), `totals/` (per
    account and kind; `summing.counters_of` says what was taken of each counter), and `account.parquet`, `route.parquet`
    and `tally.parquet`, which say what the numbers of accounts (a subscription in a period) and routes stand for.
    Records are priced in the order of their start, then of their id. Raises `EngineError` for files that are none.
    """
    import duckdb

    allowed = limits or Limits()
    output.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=output) as folder, opened(allowed.memory, allowed.threads, Path(folder)) as duck:
            source = read_source(duck, inputs)
            accounts = load_lines(duck, lines)
            parts = 1 if cluster is not None else allowed.parts(source.files.count)
            prepared = prepare(duck, source, accounts, tariffs, world, opening, parts)
            with _engine(cluster, duck, source, Path(folder)) as engine:
                return Run(duck, engine, source, prepared, output, tariffs, Path(folder)).rate(opening)
    except duckdb.OutOfMemoryException as problem:
        raise EngineError(f"{allowed.memory or 'all memory'} was not enough ({problem}); allow more") from None


def _engine(cluster: Cluster | None, duck: DuckEngine, source: Source, folder: Path) -> AbstractContextManager[Engine]:
    return nullcontext(duck) if cluster is None else cluster.opened(source, folder)
