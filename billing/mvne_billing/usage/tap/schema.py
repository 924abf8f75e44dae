"""The parts of a TAP file, compiled once from pycrate's module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from mvne_billing.usage.ber.schema import Field, compiled


@dataclass(frozen=True)
class Schema:
    """The two things a TAP file can be; the parts of a batch by their tags; the item of its list of events."""

    batch: Field
    notification: Field
    events: Field
    event: Field


@cache
def schema() -> Schema:
    """Return the schema of TAP 3.12 (pycrate is imported when a file is first read: it takes its time)."""
    from pycrate_asn1dir.TAP3 import TAP_0312

    whole = compiled("DataInterChange", TAP_0312.DataInterChange).type.by_name
    events = whole["transferBatch"].type.by_name["callEventDetails"]
    return Schema(whole["transferBatch"], whole["notification"], events, events.type.fields[0])
