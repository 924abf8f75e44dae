"""The inventory of the simulated SM-DP+: what vendors delivered, and where each profile stands."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.profile import Profile
from mvne_provisioning.smdp.simulator_tables import profiles as _table
from mvne_provisioning.smdp.states import ProfileState
from mvne_provisioning.statements import insert_or_ignore, select_in


class DeliveryConflict(ProvisioningError):
    """A delivered profile is already there with other content or for another operator."""


def load_profiles(conn: Connection, owner: str, profiles: Iterable[Profile]) -> int:
    """Take profiles in as Available; return how many were new. Known ones must be the same and of the same owner."""
    delivered = {profile.iccid: (profile.imsi, profile.profile_type, owner) for profile in profiles}
    before = _contents(conn, delivered)
    new = [_row(iccid, *content) for iccid, content in delivered.items() if iccid not in before]
    if new:
        conn.execute(insert_or_ignore(conn, _table), new)
    for iccid, content in _contents(conn, delivered).items():
        if content != delivered[iccid]:
            raise DeliveryConflict(f"the profile {iccid} is already there with other content or another owner")
    return len(new)


def state_of(conn: Connection, iccid: Iccid) -> ProfileState | None:
    """Return where a profile stands; None if it was never delivered."""
    state = conn.execute(select(_table.c.state).where(_table.c.iccid == iccid)).scalar_one_or_none()
    return ProfileState(state) if state else None


def _contents(conn: Connection, iccids: Iterable[Iccid]) -> dict[Iccid, tuple[str, str, str]]:
    stored = select_in(conn, _table.c.iccid, iccids)
    return {Iccid(row.iccid): (row.imsi, row.profile_type, row.owner) for row in stored}


def _row(iccid: Iccid, imsi: str, profile_type: str, owner: str) -> dict[str, object]:
    fresh = {"state": ProfileState.AVAILABLE, "downloads": 0, "wrong_codes": 0}
    return {"iccid": iccid, "imsi": imsi, "profile_type": profile_type, "owner": owner, **fresh}
