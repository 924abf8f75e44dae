"""What operations leave to be written: collected while they are decided, handed over as rows in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from mvne_billing.charging.account import Account, Live
from mvne_billing.charging.keeping import session_text
from mvne_billing.charging.moments import stamp
from mvne_billing.tables import SESSION_CODE

_CODE = str(SESSION_CODE)

#: Parameters of one row.
Row = tuple[object, ...]


@dataclass(slots=True)
class Batch:
    """The rows of one commit, each list in the order of the columns that `rows` names for its table.

    `balances` are guarded: each row that does not find its version undoes the whole commit.
    """

    balances: list[Row] = field(default_factory=list)
    allowances: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)
    opened: list[Row] = field(default_factory=list)
    requests: list[Row] = field(default_factory=list)
    transfers: list[Row] = field(default_factory=list)
    usages: list[Row] = field(default_factory=list)
    crossings: list[Row] = field(default_factory=list)
    suspense: list[Row] = field(default_factory=list)
    wholesale: list[Row] = field(default_factory=list)


class Effects:
    """What the operations since the last commit do: lines and sessions as they stand last, and rows that only grow."""

    def __init__(self) -> None:
        self.accounts: dict[Account, None] = {}
        self.sessions: dict[Live, bool] = {}
        self.batch = Batch()

    def __bool__(self) -> bool:
        return bool(self.accounts)

    def changes(self, account: Account) -> None:
        """Note that a line is to be written."""
        self.accounts[account] = None

    def moves(self, session: Live, name: str, debit: str, credit: str, micro: int) -> None:
        """Post a signed amount at a session's moment: below 0 the accounts change sides, 0 moves nothing.

        What is hashed is what `ledger.transfer.Transfer.content_hash` hashes.
        """
        if not micro:
            return
        if micro < 0:
            debit, credit, micro = credit, debit, -micro
        account = session.account
        line, currency, reference = account.id, account.currency, session.id
        moved = f"{name}\x1f{debit}\x1f{credit}\x1f{micro}\x1f{currency}\x1f{_CODE}"
        said = f"{moved}\x1f{session.iso}\x1f{reference}\x1f{line}\x1f"
        digest = sha256(said.encode()).hexdigest()[:32]
        at = session.stamp
        self.batch.transfers.append(
            (account.brand, name, debit, credit, micro, currency, _CODE, at, line, reference, None, digest)
        )

    def flush(self) -> Batch:
        """Return what is to be written, and begin anew; lines go up by one version each."""
        batch, self.batch = self.batch, Batch()
        for account in self.accounts:
            batch.balances.append(
                (account.free, account.reserved, account.version + 1, account.brand, account.id, account.version)
            )
            account.version += 1
            if account.touched:
                batch.allowances += _counters(account)
                account.touched.clear()
        for session, is_new in self.sessions.items():
            row = _session(session)
            if is_new:
                batch.opened.append(row)
            else:
                batch.sessions.append(row)
        self.accounts, self.sessions = {}, {}
        return batch


def _counters(account: Account) -> Sequence[Row]:
    brand, line, used, held = account.brand, account.id, account.counters.used, account.held
    return [
        (brand, line, name, stamp(start), max(used(name, start), 0), held.get((name, start), 0))
        for name, start in account.touched
    ]


def _session(session: Live) -> Row:
    account = session.account
    return (
        account.brand,
        session.id,
        account.id,
        session.state.value,
        session.opened,
        stamp(session.valid_until),
        session.sequence,
        session.reserved,
        session_text(session),
    )
