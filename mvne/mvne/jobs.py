"""Work after the fact: written in the transaction that asks for it, done later under its own key, at least once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from mvne.errors import MvneError
from mvne.states import JobState
from mvne.tables import job as table
from mvne_billing.errors import BillingError
from mvne_billing.payments.gateway import GatewayUnavailable
from mvne_billing.sql import Transact, upsert
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.order.errors import LineBusy, OrderInterrupted

#: The outside gave no answer, or somebody is at the same line just now.
_TRY_AGAIN = (GatewayUnavailable, OrderInterrupted, LineBusy)


class NotRefused(MvneError):
    """Only a job that was refused can be tried again."""


_WAITING = (
    select(table)
    .where(table.c.brand == bindparam("brand"), table.c.state == JobState.WAITING, table.c.at <= bindparam("until"))
    .order_by(table.c.at, table.c.id)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work: `id` is also the key under which the outside world is asked, so that twice is once."""

    id: str
    kind: str
    content: Mapping[str, Any]
    at: datetime


def ask(conn: Connection, brand: str, job_id: str, kind: str, content: Mapping[str, object], at: datetime) -> None:
    """Ask for a job; the same id again asks for nothing new."""
    row = {"brand": brand, "id": job_id, "kind": kind, "content": json.dumps(content, sort_keys=True)}
    upsert(conn, table, [row | {"state": JobState.WAITING, "at": at}])


def waiting(conn: Connection, brand: str, until: datetime, limit: int = 200) -> list[Job]:
    """Return what waits to be done by `until`, oldest first."""
    found = conn.execute(_WAITING, {"brand": brand, "until": until, "most": limit})
    return [Job(row.id, row.kind, json.loads(row.content), row.at) for row in found]


def refused(conn: Connection, brand: str) -> list[tuple[str, str]]:
    """Return ids and reasons of the jobs that a person should look at."""
    query = select(table.c.id, table.c.message).where(table.c.brand == brand, table.c.state == JobState.REFUSED)
    return [(row.id, row.message or "") for row in conn.execute(query.order_by(table.c.id))]


def retry(conn: Connection, brand: str, job_id: str) -> None:
    """Let a refused job wait to be done again; raise `NotRefused` for any other."""
    refusal = (table.c.brand == brand, table.c.id == job_id, table.c.state == JobState.REFUSED)
    if not conn.execute(update(table).where(*refusal).values(state=JobState.WAITING, message=None)).rowcount:
        raise NotRefused(f"there is no refused job {job_id} in brand {brand}")


def work(transact: Transact, brand: str, do: Callable[[Job], None], until: datetime) -> int:
    """Do what waits, in order, and return how much was done.

    `do` works in transactions of its own. A job that cannot be done for a reason a person can mend is kept with that
    reason; no answer from the outside, or any other error, stops the work and leaves the job waiting.
    """
    done = 0
    while True:
        with transact() as conn:
            found = waiting(conn, brand, until)
        if not found:
            return done
        for one in found:
            state, message = JobState.DONE, None
            try:
                do(one)
            except _TRY_AGAIN:
                raise
            except (MvneError, BillingError, ProvisioningError) as problem:
                state, message = JobState.REFUSED, str(problem)
            with transact() as conn:
                where = (table.c.brand == brand, table.c.id == one.id, table.c.state == JobState.WAITING)
                conn.execute(update(table).where(*where).values(state=state, message=message))
            done += state is JobState.DONE
