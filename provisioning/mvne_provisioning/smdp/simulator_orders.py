"""What the four functions of ES2+ do to the profiles of the simulated SM-DP+, inside one of its transactions.

The codes of the refusals are those of SGP.22, section 5.3; where it names none for a wrong state, 8.2.1/3.5 is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, select, update

from mvne_provisioning.activation import is_matching_id
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.smdp.port import Es2Failed, FinalState
from mvne_provisioning.smdp.simulator_tables import profiles
from mvne_provisioning.smdp.states import SMDP_MOVES, ProfileState

_ORDERED = frozenset({ProfileState.ALLOCATED, ProfileState.LINKED})
_HANDED_OUT = frozenset(
    {
        ProfileState.DOWNLOADED,
        ProfileState.INSTALLED,
        ProfileState.ENABLED,
        ProfileState.DISABLED,
        ProfileState.DELETED,
        ProfileState.ERROR,
    }
)
_UNORDERED: dict[str, object] = {
    "eid": None,
    "matching_id": None,
    "confirmation_hash": None,
    "downloads": 0,
    "wrong_codes": 0,
}


def order_profile(
    conn: Connection, owner: str, iccid: Iccid | None, profile_type: str | None, eid: Eid | None
) -> Iccid:
    """DownloadOrder: take this profile, or one of this type, out of the inventory."""
    if iccid is None and profile_type is None:
        raise Es2Failed("1.6", "2.3", "iccid or profileType is needed")
    row = _owned(conn, owner, iccid) if iccid is not None else _any_of_type(conn, owner, str(profile_type))
    if row.state != ProfileState.AVAILABLE:
        raise Es2Failed("8.2.1", "3.3", f"the profile is {row.state}")
    if profile_type not in (None, row.profile_type):
        raise Es2Failed("8.2.5", "3.8", f"the profile is of type {row.profile_type}")
    change_profile(conn, row, ProfileState.LINKED if eid else ProfileState.ALLOCATED, eid=eid)
    return Iccid(row.iccid)


def confirm_profile(
    conn: Connection,
    owner: str,
    iccid: Iccid,
    eid: Eid | None,
    matching_id: str | None,
    confirmation_code: str | None,
    release_flag: bool,
    token: Callable[[], str],
) -> tuple[str, str | None]:
    """ConfirmOrder: give the ordered profile its matching id; return that and the EID."""
    row = _owned(conn, owner, iccid)
    if row.state not in _ORDERED:
        raise Es2Failed("8.2.1", "3.5", f"the profile is {row.state} and cannot be confirmed")
    if eid and row.eid not in (None, eid):
        raise Es2Failed("8.1.1", "3.10", "the profile was ordered for another EID")
    linked_to = eid or row.eid
    chosen = token() if matching_id is None else matching_id
    _check_matching_id(conn, chosen, linked_to)
    to = ProfileState.RELEASED if release_flag else ProfileState.CONFIRMED
    secret = confirmation_hash(confirmation_code) if confirmation_code else None
    change_profile(conn, row, to, eid=linked_to, matching_id=chosen, confirmation_hash=secret)
    return chosen, linked_to


def cancel_profile_order(
    conn: Connection,
    owner: str,
    iccid: Iccid,
    eid: Eid | None,
    matching_id: str | None,
    final_state: FinalState,
) -> None:
    """CancelOrder: undo an order that was not downloaded."""
    row = _owned(conn, owner, iccid)
    if row.state in _HANDED_OUT:
        raise Es2Failed("8.2.1", "3.3", f"the profile is {row.state}: it was handed out already")
    if eid and row.eid not in (None, eid):
        raise Es2Failed("8.1.1", "3.10", "the profile was ordered for another EID")
    if matching_id and row.matching_id not in (None, matching_id):
        raise Es2Failed("8.2.6", "3.10", "the profile has another matching id")
    to = ProfileState(final_state)
    if to not in SMDP_MOVES[ProfileState(row.state)]:
        raise Es2Failed("8.2.1", "3.5", f"the profile is {row.state} and cannot become {to}")
    change_profile(conn, row, to, **_UNORDERED)


def release(conn: Connection, owner: str, iccid: Iccid) -> None:
    """ReleaseProfile: let a confirmed profile be downloaded."""
    row = _owned(conn, owner, iccid)
    if row.state != ProfileState.CONFIRMED:
        raise Es2Failed("8.2.1", "3.5", f"the profile is {row.state} and cannot be released")
    change_profile(conn, row, ProfileState.RELEASED)


def change_profile(conn: Connection, row: Row[Any], to: ProfileState, **values: object) -> None:
    """Move the profile of `row`, which this transaction has locked, to a state that `SMDP_MOVES` allows."""
    assert to in SMDP_MOVES[ProfileState(row.state)], f"{row.state} to {to} is not a move"
    conn.execute(update(profiles).where(profiles.c.iccid == row.iccid).values(state=to, **values))


def confirmation_hash(code: str) -> str:
    """Return what an SM-DP+ keeps of a confirmation code: SHA256(code) in hexadecimal (SGP.22, section 4.7)."""
    return hashlib.sha256(code.encode()).hexdigest()


def _owned(conn: Connection, owner: str, iccid: Iccid) -> Row[Any]:
    """Return the row of a profile, locked; refuse what does not exist or belongs to another operator."""
    row = conn.execute(select(profiles).where(profiles.c.iccid == iccid).with_for_update()).first()
    if row is None:
        raise Es2Failed("8.2.1", "3.9", "no such profile was delivered")
    if row.owner != owner:
        raise Es2Failed("8.2.1", "1.2", "the profile belongs to another operator")
    return row


def _any_of_type(conn: Connection, owner: str, profile_type: str) -> Row[Any]:
    of_type = select(profiles).where(profiles.c.profile_type == profile_type)
    mine = of_type.where(profiles.c.owner == owner)
    free = mine.where(profiles.c.state == ProfileState.AVAILABLE).order_by(profiles.c.iccid).limit(1)
    if row := conn.execute(free.with_for_update(skip_locked=True)).first():
        return row
    if conn.execute(mine.limit(1)).first():
        raise Es2Failed("8.2.5", "3.7", f"no profile of type {profile_type} is left")
    if conn.execute(of_type.limit(1)).first():
        raise Es2Failed("8.2.5", "1.2", f"the type {profile_type} belongs to another operator")
    raise Es2Failed("8.2.5", "3.9", f"there is no type {profile_type}")


def _check_matching_id(conn: Connection, matching_id: str, eid: str | None) -> None:
    if not is_matching_id(matching_id):
        raise Es2Failed("8.2.6", "2.1", "a matching id holds A-Z, 0-9 and - only")
    if not matching_id and not eid:
        raise Es2Failed("8.1.1", "2.2", "an empty matching id needs an EID to find the profile by")
    in_use = select(profiles.c.iccid).where(profiles.c.matching_id == matching_id)
    if matching_id and conn.execute(in_use).first():
        raise Es2Failed("8.2.6", "3.3", "another profile has this matching id")
