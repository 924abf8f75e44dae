"""The normalised usage record: what every reader of usage makes and what rating takes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from mvne_plans.quantity import MOST, Kind

#: Years in which use can have begun; outside them calendars run off their ends.
YEARS = range(2000, 2200)

#: The longest id, number and called number that are kept.
_LENGTHS = {"id": 120, "msisdn": 20, "to": 24, "session": 120, "label": 24, "corrects": 120}


class InvalidUsage(ValueError):
    """This cannot be a usage record."""


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One use of the network by one line.

    `id` is the network's own key, unique within a brand. `msisdn` is the line's number in E.164. `amount` counts base
    units (seconds, messages, bytes). `to` is the called number as dialled, None for data. `country` is where the phone
    was (ISO 3166). `source` names the file or feed it came from. `session` is the network's charging id, which the
    partial records of one use share with each other and with its live session; None for a use of its own. `label` says
    what sort of use it was where the network tells them apart, such as `hotspot`. `corrects` is the id of an earlier
    record that this one stands in the place of.
    """

    id: str
    msisdn: str
    kind: Kind
    start: datetime
    amount: int
    country: str
    to: str | None = None
    source: str = ""
    session: str | None = None
    label: str = ""
    corrects: str | None = None

    def __post_init__(self) -> None:
        if not self.id or not self.msisdn:
            raise InvalidUsage("a usage record needs an id and the number (msisdn) that used the network")
        for name, longest in _LENGTHS.items():
            text = getattr(self, name) or ""
            if len(text) > longest or not text.isprintable():
                raise InvalidUsage(f"{name} {text[:longest]!r} is not plain text of at most {longest} characters")
        if self.start.tzinfo is None:
            raise InvalidUsage(f"start {self.start.isoformat()} has no time zone; write it like 2027-03-01T10:00:00Z")
        if self.start.year not in YEARS:
            raise InvalidUsage(f"start {self.start.isoformat()} is not in the years {YEARS[0]} to {YEARS[-1]}")
        if not 0 <= self.amount <= MOST:
            raise InvalidUsage(f"amount {self.amount} is not a whole number of {self.kind.base_unit}s from 0 to {MOST}")
        if self.corrects == self.id:
            raise InvalidUsage(f"record {self.id} cannot correct itself; a correction has an id of its own")
        if (self.to is None) != (self.kind is Kind.DATA):
            raise InvalidUsage("voice and sms need the called number (to), data has none")

    def content_hash(self) -> str:
        """Return a hash of what was used, whatever file brought it: equal for a true duplicate."""
        return _content_hash(self)


@lru_cache(maxsize=2048)  # a record is asked for it three times while its slice is settled
def _content_hash(record: UsageRecord) -> str:
    start = record.start.astimezone(UTC).isoformat()
    used = [record.kind.value, start, str(record.amount), record.country, record.to or ""]
    if record.session is not None or record.label:
        used += [record.session or "", record.label]
    if record.corrects is not None:
        used += ["corrects", record.corrects]
    return hashlib.sha256("\x1f".join((record.id, record.msisdn, *used)).encode()).hexdigest()[:32]
