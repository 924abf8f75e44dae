"""The usage records of the simulated host network, written and read inside one of its transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from mvne_provisioning.network.port import HostLine, NetworkUsage, UsageBatch, UsageKind
from mvne_provisioning.network.simulated_use import Conditions, Use, UseRefused, check_use
from mvne_provisioning.network.simulator_lines import imsi_of, lines_by_imsi, msisdn_of
from mvne_provisioning.network.simulator_tables import counter, usage
from mvne_provisioning.statements import insert_or_ignore, select_in

#: Told of a use that the network did not allow, and why.
Refused = Callable[[Use, UseRefused], None]


def start_counter(conn: Connection) -> None:
    """Make sure that the counter of records exists."""
    conn.execute(insert_or_ignore(conn, counter).values(name="usage", value=0))


def record_uses(
    conn: Connection, uses: Sequence[Use], conditions: Conditions, refused: Refused | None = None
) -> tuple[NetworkUsage, ...]:
    """Append a record for each of `uses` and return them; one that is already there is returned as it is.

    When the network does not let a phone do it, or a record's id has other content, tell `refused` and go on, or,
    without it, raise `UseRefused`.
    """
    # The counter's row is locked first, so that two writers never take the same sequence.
    sequence = _advance(conn, 0)
    lines = lines_by_imsi(conn, {use.imsi for use in uses})
    records = {record.id: record for record in map(_usage, select_in(conn, usage.c.id, map(Use.record_id, uses)))}
    new: list[NetworkUsage] = []
    done: list[NetworkUsage] = []
    for use in uses:
        try:
            if known := records.get(use.record_id()):
                _refuse_other_content(use, known, conditions)
            else:
                line = check_use(use, lines.get(use.imsi), conditions)
                known = _record(use, line, conditions, sequence + len(new) + 1)
                new.append(known)
                records[known.id] = known
            done.append(known)
        except UseRefused as refusal:
            if refused is None:
                raise
            refused(use, refusal)
    if new:
        conn.execute(insert(usage), list(map(_columns, new)))
        _advance(conn, len(new))
    return tuple(done)


def usage_after(conn: Connection, after: int, limit: int) -> UsageBatch:
    """Return at most `limit` records with a sequence above `after`."""
    query = select(usage).where(usage.c.sequence > after).order_by(usage.c.sequence).limit(limit)
    records = tuple(map(_usage, conn.execute(query)))
    return UsageBatch(records, records[-1].sequence if records else after)


_MOVED = (
    update(counter)
    .where(counter.c.name == "usage")
    .values(value=counter.c.value + bindparam("by", type_=counter.c.value.type))
    .returning(counter.c.value)
)


def _advance(conn: Connection, by: int) -> int:
    """Move the counter of records on and return where it stands."""
    value: int = conn.execute(_MOVED, {"by": by}).scalar_one()
    return value


def _record(use: Use, line: HostLine, conditions: Conditions, sequence: int) -> NetworkUsage:
    return NetworkUsage(
        id=use.record_id(),
        imsi=use.imsi,
        msisdn=line.msisdn,
        kind=use.kind,
        start=use.at,
        amount=use.amount,
        called=use.to,
        country=use.country or conditions.country,
        sequence=sequence,
    )


def _refuse_other_content(use: Use, known: NetworkUsage, conditions: Conditions) -> None:
    told = (use.imsi, use.kind, use.at.astimezone(UTC), use.amount, use.to, use.country or conditions.country)
    if told != (known.imsi, known.kind, known.start, known.amount, known.called, known.country):
        raise UseRefused("id_reused", f"the record {known.id!r} exists with other content")


def _usage(row: Row[Any]) -> NetworkUsage:
    known = {**row._mapping, "imsi": imsi_of(row.imsi), "msisdn": msisdn_of(row.msisdn), "kind": UsageKind(row.kind)}
    return NetworkUsage(**known)


def _columns(record: NetworkUsage) -> dict[str, object]:
    return {column.name: getattr(record, column.name) for column in usage.c}
