"""What the four functions of ES2+ do to a profile, inside one transaction (SGP.22, section 5.3).

Every refusal is an `Es2Failed` raised before anything is changed. Where SGP.22 names no codes for a wrong state,
8.2.1/3.5 is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, exists, select

from mvne_provisioning.activation import is_matching_id
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.smdp.port import Es2Failed, FinalState
from mvne_provisioning.smdp.server.changing import change, locked
from mvne_provisioning.smdp.server.tables import profiles
from mvne_provisioning.smdp.states import SMDP_MOVES, ProfileState

S = ProfileState

_ORDERED = frozenset({S.ALLOCATED, S.LINKED})

#: Where a profile is once a phone had it, or was refused it for good.
HANDED_OUT = frozenset({S.DOWNLOADED, S.INSTALLED, S.ENABLED, S.DISABLED, S.DELETED, S.ERROR})

_UNORDERED: dict[str, object] = {
    "caller": None,
    "eid": None,
    "matching_id": None,
    "code_hash": None,
    "downloads": 0,
    "wrong_codes": 0,
    "expires_at": None,
}

#: 128 bits: whoever guesses a matching id gets the profile.
_TOKEN_BYTES = 16

_NAMED = select(profiles.c.iccid).where(profiles.c.matching_id == bindparam("its_name"))

#: Whoever comes second passes over what the first one holds, and takes the next.
_FREE = (
    select(profiles)
    .where(
        profiles.c.profile_type == bindparam("its_type"),
        profiles.c.state == S.AVAILABLE,
        profiles.c.owner.is_(None) | (profiles.c.owner == bindparam("its_caller")),
    )
    .order_by(profiles.c.iccid)
    .limit(1)
    .with_for_update(skip_locked=True)
)


def order(conn: Connection, caller: str, iccid: Iccid | None, profile_type: str | None, eid: Eid | None) -> Iccid:
    """DownloadOrder: take this profile, or any of this type, out of the inventory."""
    if iccid is None and profile_type is None:
        raise Es2Failed("1.6", "2.3", "iccid or profileType is needed")
    row = _owned(conn, caller, iccid) if iccid is not None else _any_of_type(conn, caller, str(profile_type))
    if row.state != S.AVAILABLE:
        raise Es2Failed("8.2.1", "3.3", f"the profile is {row.state}")
    if profile_type not in (None, row.profile_type):
        raise Es2Failed("8.2.5", "3.8", f"the profile is of type {row.profile_type}")
    number = row.order_number + 1
    change(conn, row, to=S.LINKED if eid else S.ALLOCATED, caller=caller, eid=eid, order_number=number)
    return Iccid(row.iccid)


def confirm(
    conn: Connection,
    caller: str,
    iccid: Iccid,
    eid: Eid | None,
    matching_id: str | None,
    code: str | None,
    expires_at: datetime | None,
    token: Callable[[int], bytes],
) -> tuple[str, str | None]:
    """ConfirmOrder: give the ordered profile its matching id; return that and the EID.

    With `expires_at` it is released until then. Of a confirmation `code` only its hash is kept.
    """
    row = _owned(conn, caller, iccid)
    if row.state not in _ORDERED:
        raise Es2Failed("8.2.1", "3.5", f"the profile is {row.state} and cannot be confirmed")
    if eid and row.eid not in (None, eid):
        raise Es2Failed("8.1.1", "3.10", "the profile was ordered for another EID")
    linked_to = eid or row.eid
    chosen = token(_TOKEN_BYTES).hex().upper() if matching_id is None else matching_id
    _check_matching_id(conn, chosen, linked_to)
    secret = code_hash(code).hex() if code else None
    to = S.CONFIRMED if expires_at is None else S.RELEASED
    change(conn, row, to=to, eid=linked_to, matching_id=chosen, code_hash=secret, expires_at=expires_at)
    return chosen, linked_to


def cancel(
    conn: Connection, caller: str, iccid: Iccid, eid: Eid | None, matching_id: str | None, final: FinalState
) -> None:
    """CancelOrder: undo an order that was not downloaded."""
    row = _owned(conn, caller, iccid)
    if row.state in HANDED_OUT:
        raise Es2Failed("8.2.1", "3.3", f"the profile is {row.state}: it was handed out already")
    if eid and row.eid not in (None, eid):
        raise Es2Failed("8.1.1", "3.10", "the profile was ordered for another EID")
    if matching_id and row.matching_id not in (None, matching_id):
        raise Es2Failed("8.2.6", "3.10", "the profile has another matching id")
    to = S(final)
    if to not in SMDP_MOVES[S(row.state)]:
        raise Es2Failed("8.2.1", "3.5", f"the profile is {row.state} and cannot become {to}")
    change(conn, row, to=to, **_UNORDERED)


def release(conn: Connection, caller: str, iccid: Iccid, expires_at: datetime) -> None:
    """ReleaseProfile: let a confirmed profile be downloaded until then."""
    row = _owned(conn, caller, iccid)
    if row.state != S.CONFIRMED:
        raise Es2Failed("8.2.1", "3.5", f"the profile is {row.state} and cannot be released")
    change(conn, row, to=S.RELEASED, expires_at=expires_at)


def code_hash(code: str) -> bytes:
    """Return what is kept of a confirmation code: SHA256(code) (SGP.22, section 4.7)."""
    return hashlib.sha256(code.encode()).digest()


def _owned(conn: Connection, caller: str, iccid: Iccid) -> Row[Any]:
    """Return the row of a profile, locked; refuse what does not exist or belongs to another operator."""
    row = locked(conn, iccid)
    if row is None:
        raise Es2Failed("8.2.1", "3.9", "no such profile was loaded")
    if row.owner not in (None, caller) or row.caller not in (None, caller):
        raise Es2Failed("8.2.1", "1.2", "the profile belongs to another operator")
    return row


def _any_of_type(conn: Connection, caller: str, profile_type: str) -> Row[Any]:
    if row := conn.execute(_FREE, {"its_type": profile_type, "its_caller": caller}).first():
        return row
    of_type = profiles.c.profile_type == profile_type
    theirs = profiles.c.owner.is_(None) | (profiles.c.owner == caller)
    if _is_any(conn, of_type, theirs):
        raise Es2Failed("8.2.5", "3.7", f"no profile of type {profile_type} is left")
    if _is_any(conn, of_type):
        raise Es2Failed("8.2.5", "1.2", f"the type {profile_type} belongs to another operator")
    raise Es2Failed("8.2.5", "3.9", f"there is no type {profile_type}")


def _is_any(conn: Connection, *where: ColumnElement[bool]) -> bool:
    return bool(conn.execute(select(exists().where(*where))).scalar_one())


def _check_matching_id(conn: Connection, matching_id: str, eid: str | None) -> None:
    if not is_matching_id(matching_id):
        raise Es2Failed("8.2.6", "2.1", "a matching id holds A-Z, 0-9 and - only")
    if not matching_id and not eid:
        raise Es2Failed("8.1.1", "2.2", "an empty matching id needs an EID to find the profile by")
    if matching_id and conn.execute(_NAMED, {"its_name": matching_id}).first() is not None:
        raise Es2Failed("8.2.6", "3.3", "another profile has this matching id")
