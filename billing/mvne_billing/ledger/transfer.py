"""A transfer moves money from one account to another. One row is both sides, so the books always balance."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select

from mvne_billing.errors import BillingError
from mvne_billing.tables import transfer

_INSERT = insert(transfer)
_HASHES = select(transfer.c.id, transfer.c.hash).where(
    transfer.c.brand == bindparam("brand"), transfer.c.id.in_(bindparam("ids", expanding=True))
)

#: Ids looked up at once; below the 999 variables that an old SQLite allows.
_CHUNK = 500


class LedgerError(BillingError):
    """The ledger refuses this."""


class TransferConflict(LedgerError):
    """A transfer with this id exists and says something else."""


class InvalidTransfer(LedgerError):
    """A transfer moves an amount above 0 between two accounts."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """`micro` (above 0, micro-units of `currency`) from `credit` to `debit`.

    `id` comes from the caller, so that a retry is recognised; `code` names the kind of event, `reference` the thing it
    was about (an invoice, a usage batch), `corrects` the transfer that this one corrects.
    """

    id: str
    debit: str
    credit: str
    micro: int
    currency: str
    code: str
    at: datetime
    reference: str
    subscription: str | None = None
    corrects: str | None = None

    def __post_init__(self) -> None:
        if self.micro <= 0 or self.debit == self.credit:
            raise InvalidTransfer(
                f"{self.id}: an amount above 0 between two accounts, not {self.micro} on {self.debit}"
            )

    def content_hash(self) -> str:
        """Return a hash of everything the transfer says."""
        content = (
            self.id,
            self.debit,
            self.credit,
            str(self.micro),
            self.currency,
            self.code,
            self.at.astimezone(UTC).isoformat(),
            self.reference,
            self.subscription or "",
            self.corrects or "",
        )
        return hashlib.sha256("\x1f".join(content).encode()).hexdigest()[:32]


_FIELDS = tuple(Transfer.__dataclass_fields__)


class Entry(NamedTuple):
    """What the transfers of one event have in common."""

    currency: str
    code: str
    at: datetime
    reference: str
    subscription: str | None = None


def move(transfer_id: str, debit: str, credit: str, micro: int, like: Entry) -> tuple[Transfer, ...]:
    """Return the transfer of a signed amount: below 0 the accounts change sides, 0 moves nothing."""
    if micro < 0:
        debit, credit = credit, debit
    return (Transfer(transfer_id, debit, credit, abs(micro), *like),) if micro else ()


def post(conn: Connection, brand: str, transfers: Sequence[Transfer]) -> int:
    """Add transfers and return how many were new.

    One that is there already is left alone; raises `TransferConflict` if it says something else.
    """
    added = 0
    for start in range(0, len(transfers), _CHUNK):
        part = transfers[start : start + _CHUNK]
        known = _known(conn, brand, [one.id for one in part])
        fresh = []
        for one in part:
            digest = one.content_hash()
            if one.id not in known:
                known[one.id] = digest
                fresh.append(_row(brand, one, digest))
            elif known[one.id] != digest:
                raise TransferConflict(f"transfer {one.id} is in the ledger with other content; give it another id")
        if fresh:
            conn.execute(_INSERT, fresh)
        added += len(fresh)
    return added


def correct(original: Transfer, correction_id: str, at: datetime, reference: str) -> Transfer:
    """Return the transfer that takes `original` back: the same amount the other way, naming it."""
    return replace(
        original,
        id=correction_id,
        debit=original.credit,
        credit=original.debit,
        at=at,
        reference=reference,
        corrects=original.id,
    )


def _row(brand: str, one: Transfer, digest: str) -> dict[str, object]:
    return {"brand": brand, **{name: getattr(one, name) for name in _FIELDS}, "hash": digest}


def _known(conn: Connection, brand: str, ids: Sequence[str]) -> dict[str, str]:
    return {row.id: row.hash for row in conn.execute(_HASHES, {"brand": brand, "ids": ids})}
