"""The pool of eSIM profiles a brand bought: add, reserve, assign, release, retire."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.inventory import pool
from mvne_provisioning.inventory.pool import Pool, PoolEmpty
from mvne_provisioning.profile import Profile
from mvne_provisioning.statements import select_in
from mvne_provisioning.states import PROFILE_MOVES, PoolState
from mvne_provisioning.tables import provisioning_profile as _table

PROFILES = Pool("profile", _table, _table.c.iccid, PROFILE_MOVES)


def add_profiles(conn: Connection, brand: str, profiles: Iterable[Profile], at: datetime) -> int:
    """Add delivered profiles; return how many were new. The same again is a no-op, other content `ItemConflict`."""
    rows = [
        {"iccid": str(profile.iccid), "imsi": str(profile.imsi), "profile_type": profile.profile_type}
        for profile in profiles
    ]
    return pool.add(conn, PROFILES, brand, rows, at)


def reserve_profile(
    conn: Connection, brand: str, holder: str, at: datetime, profile_type: str | None = None
) -> Profile:
    """Reserve an available profile, of `profile_type` if given, for `holder`; asked again, return the same one.

    Raise `PoolEmpty` when there is none.
    """
    wanted = () if profile_type is None else (_table.c.profile_type == profile_type,)
    row = pool.reserve(conn, PROFILES, brand, holder, at, *wanted)
    if row is None:
        raise PoolEmpty(
            f"{brand} has no available profile{f' of type {profile_type}' if profile_type else ''}; add some"
        )
    return _profile(row)


def profile_of(conn: Connection, brand: str, holder: str) -> Profile | None:
    """Return the profile that `holder` has reserved or is assigned."""
    row = pool.held(conn, PROFILES, brand, holder)
    return _profile(row) if row else None


def assign_profile(conn: Connection, brand: str, iccid: Iccid, holder: str, at: datetime) -> None:
    """Give a reserved profile to `holder`, a line; raise `HolderHasAnother`, `MoveNotAllowed`, `UnknownItem`."""
    pool.assign(conn, PROFILES, brand, iccid, holder, at)


def release_profile(conn: Connection, brand: str, iccid: Iccid, holder: str, at: datetime) -> None:
    """Put a profile that was never downloaded back into the pool; raise `NotHeld` unless `holder` has it."""
    pool.release(conn, PROFILES, brand, iccid, holder, at)


def retire_profile(conn: Connection, brand: str, iccid: Iccid, at: datetime) -> None:
    """Take a profile out of use for good; raise `MoveNotAllowed` if it already is, or `UnknownItem`."""
    pool.move(conn, PROFILES, brand, iccid, PoolState.RETIRED, at, holder=None)


def imsis_of_brand(conn: Connection, brand: str, imsis: Collection[Imsi]) -> set[Imsi]:
    """Return which of `imsis` are of profiles that this brand was ever delivered."""
    return {Imsi(row.imsi) for row in select_in(conn, _table.c.imsi, imsis, _table.c.brand == brand)}


def holder_of_imsi(conn: Connection, brand: str, imsi: Imsi) -> str | None:
    """Return the line that a profile is assigned to, None when it is in no line's hands."""
    query = select(_table.c.holder).where(
        _table.c.brand == brand, _table.c.imsi == imsi, _table.c.state == PoolState.ASSIGNED
    )
    found: str | None = conn.execute(query).scalar_one_or_none()
    return found


def _profile(row: Row[Any]) -> Profile:
    return Profile(Iccid(row.iccid), Imsi(row.imsi), row.profile_type)
