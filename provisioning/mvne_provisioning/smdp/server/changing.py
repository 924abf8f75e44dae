"""The only ways in which a profile changes at the SM-DP+: guarded, so that nobody changes what has moved on."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Update, bindparam, select, update

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.moves import check_move
from mvne_provisioning.smdp.server.tables import profiles
from mvne_provisioning.smdp.states import SMDP_MOVES, ProfileState

_ONE = select(profiles).where(profiles.c.iccid == bindparam("its_iccid")).with_for_update()


class ProfileMoved(ProvisioningError):
    """Another transaction changed the profile meanwhile; what was to be done is undone: do it again."""


def locked(conn: Connection, iccid: str) -> Row[Any] | None:
    """Return the row of a profile, held until the transaction ends."""
    return conn.execute(_ONE, {"its_iccid": iccid}).first()


def change(conn: Connection, row: Row[Any], *, to: ProfileState | None = None, **values: object) -> None:
    """Move the profile of `row` to a state (None: it stays in its own) and write `values`.

    Raises `MoveNotAllowed` for what `SMDP_MOVES` does not know, `ProfileMoved` when the row is no longer the same.
    """
    state = ProfileState(row.state)
    if to is not None and to is not state:
        check_move(SMDP_MOVES, "the profile", state, to)
    same = {"its_iccid": row.iccid, "its_state": row.state, "its_number": row.order_number}
    written = {f"to_{name}": value for name, value in values.items()}
    changed = conn.execute(_changing(tuple(values)), {**same, "to_state": to or state, **written})
    if changed.rowcount != 1:
        raise ProfileMoved("the profile was changed by another transaction; repeat the call")


@cache
def _changing(names: tuple[str, ...]) -> Update:
    """Return the statement that writes these columns and the state: made once, because it is on every way."""
    same = (
        profiles.c.iccid == bindparam("its_iccid"),
        profiles.c.state == bindparam("its_state"),
        profiles.c.order_number == bindparam("its_number"),
    )
    return update(profiles).where(*same).values({name: bindparam(f"to_{name}") for name in (*names, "state")})
