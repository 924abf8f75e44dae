"""Usage files as a host network delivers them: repeated, unreadable, of nobody, contradictory, too early."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mvne_billing.usage.readers import COLUMNS
from mvne_provisioning.network.port import NetworkUsage

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsageFiles:
    """A folder in which usage files are written."""

    folder: Path

    def write(self, name: str, rows: Iterable[Row]) -> Path:
        """Write a CSV file of usage and return its path."""
        path = self.folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([COLUMNS, *rows])
        return path


def row(record: NetworkUsage) -> Row:
    """Return a record as a row of a file."""
    return (
        record.id,
        record.msisdn,
        record.kind,
        record.start.isoformat(),
        str(record.amount),
        record.country,
        record.called or "",
    )


def call(record_id: str, msisdn: str, start: datetime, country: str, to: str) -> Row:
    """Return a call of a minute as a row of a file."""
    return (record_id, msisdn, "voice", start.isoformat(), "60", country, to)
