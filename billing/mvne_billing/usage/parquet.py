"""Reading Parquet with the columns of the normalised record, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvne_billing.usage.columns import COLUMNS, OPTIONAL, check_columns, record_from
from mvne_billing.usage.facts import Format, UsageFile
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_billing.usage.rows import BrokenRow, UsageFileError, broken

if TYPE_CHECKING:
    from pyarrow import RecordBatch

#: Rows that are held at once.
_BATCH = 10_000


def open_parquet(path: Path) -> UsageFile:
    """Return a Parquet file; going through its rows raises `UsageFileError` when it is damaged or lacks a column."""
    return UsageFile(path.name, Format.PARQUET, _rows(path))


def _rows(path: Path) -> Iterator[UsageRecord | BrokenRow]:
    for place, row in enumerate(_raw(path), start=1):
        try:
            yield record_from({name: "" if cell is None else cell for name, cell in row.items()}, path.name)
        except InvalidUsage as error:
            yield broken(path.name, place, repr(row), str(error))


def _raw(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            check_columns(path, names)
            wanted = [name for name in (*COLUMNS, *OPTIONAL) if name in names]
            for batch in file.iter_batches(batch_size=_BATCH, columns=wanted):
                yield from _whole_microseconds(batch).to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UsageFileError(f"{path}: not a Parquet file, or a damaged one ({error})") from None


def _whole_microseconds(batch: RecordBatch) -> RecordBatch:
    """Return the batch with a `start` of nanoseconds cut to the microseconds that Python's clocks keep."""
    import pyarrow as pa

    place = batch.schema.get_field_index("start")
    kind = batch.schema.field(place).type
    if not pa.types.is_timestamp(kind) or kind.unit != "ns":
        return batch
    starts = batch.column(place).cast(pa.timestamp("us", kind.tz), safe=False)
    return batch.set_column(place, "start", starts)
