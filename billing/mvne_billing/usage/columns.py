"""The columns of the normalised record, as CSV and Parquet files have them.

Columns: `id, msisdn, kind, start, amount, country, to`, and where there are any `session, label, corrects`. `kind` is
voice, sms or data; `start` is ISO 8601 with a zone; `amount` is in seconds, messages or bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_billing.usage.rows import UsageFileError
from mvne_plans.quantity import Kind

COLUMNS = ("id", "msisdn", "kind", "start", "amount", "country", "to")

#: Columns that need not be there.
OPTIONAL = ("session", "label", "corrects")

_KINDS = {kind.value: kind for kind in Kind}


def check_columns(path: Path, columns: Sequence[str]) -> None:
    """Raise `UsageFileError` naming the columns that are missing or there twice."""
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise UsageFileError(f"{path}: no column {', '.join(missing)}; a usage file has {','.join(COLUMNS)}")
    twice = [column for column in (*COLUMNS, *OPTIONAL) if columns.count(column) > 1]
    if twice:
        raise UsageFileError(f"{path}: column {', '.join(twice)} is there more than once; keep one of each")


def record_from(cells: Mapping[str, object], source: str) -> UsageRecord:
    """Return the record of one row of named cells; raise `InvalidUsage` saying what is wrong."""
    if "" in cells:
        raise InvalidUsage(f"the row does not fit the columns: {cells['']}")
    name, amount, start = str(cells["kind"]), str(cells["amount"]), cells["start"]
    kind = _KINDS.get(name)
    if kind is None:
        raise InvalidUsage(f"kind {name!r} is none of voice, sms, data")
    if not (amount.isascii() and amount.isdigit() and len(amount) <= 18):
        raise InvalidUsage(f"amount {amount!r} is not a whole number of {kind.base_unit}s")
    return UsageRecord(
        id=str(cells["id"]),
        msisdn=str(cells["msisdn"]),
        kind=kind,
        start=start if isinstance(start, datetime) else _moment(str(start)),
        amount=int(amount),
        country=checked_country(str(cells["country"])),
        to=str(cells["to"]) or None,
        source=source,
        session=str(cells.get("session", "")) or None,
        label=str(cells.get("label", "")),
        corrects=str(cells.get("corrects", "")) or None,
    )


def checked_country(country: str) -> str:
    """Return an ISO 3166 code; raise `InvalidUsage` for what does not look like one."""
    if len(country) != 2 or not (country.isascii() and country.isalpha() and country.isupper()):
        raise InvalidUsage(f"country {country!r} is not an ISO 3166 code such as FR")
    return country


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidUsage(f"start {text!r} is not a time; write it like 2027-03-01T10:00:00Z") from None
