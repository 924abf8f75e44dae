"""The inventory of the SM-DP+: profile packages that are made once, sealed, and ready to be ordered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, func, insert, select

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.package import Personal, metadata, personalise, read
from mvne_provisioning.package.names import shortened
from mvne_provisioning.smdp.server.sealing import Vault, package_of
from mvne_provisioning.smdp.server.tables import packages, profiles
from mvne_provisioning.smdp.states import ProfileState
from mvne_provisioning.statements import insert_or_ignore, select_in

#: Profiles that are written at once.
_BATCH = 500

#: No operator's range: test profiles have this issuer, behind the 89 of telecommunications, in their ICCIDs.
_ISSUER = "99970"
_FRONT = f"89{_ISSUER}"


class LoadConflict(ProvisioningError):
    """A profile is already there with another content, type or owner."""


def load(
    conn: Connection,
    vault: Vault,
    profile_type: str,
    personals: Iterable[Personal],
    address: str,
    owner: str | None = None,
) -> int:
    """Take profiles into the inventory; return how many were new.

    `address` is the SM-DP+ that the phone will report to; only `owner` (None: anybody) may order them. One that is
    there already must be the same, or a `LoadConflict` is raised.
    """
    remaining, new = iter(personals), 0
    while batch := list(islice(remaining, _BATCH)):
        new += _load(conn, vault, profile_type, batch, address, owner)
    return new


def fictional(
    first_serial: int, count: int, profile_type: str, name: str, token: Callable[[int], bytes]
) -> Iterator[Personal]:
    """Yield test subscriptions, ICCID and IMSI from ranges that no operator uses, keys and codes from `token`.

    `name` is what phones show, shortened where it has to be.
    """
    for one in simulated_batch(first_serial, count, issuer=_ISSUER, profile_type=profile_type):
        yield Personal(
            iccid=one.iccid,
            imsi=one.imsi,
            k=token(16),
            opc=token(16),
            provider_name=shortened(name) or "test",
            profile_name=f"{profile_type[:40]} {one.iccid[-5:]}",
            pin1=_digits(token, 4),
            puk1=_digits(token, 8),
            adm1=_digits(token, 8),
        )


def fill(
    conn: Connection, vault: Vault, profile_type: str, count: int, address: str, token: Callable[[int], bytes]
) -> int:
    """Load as many test profiles of a type as are missing to `count`, used ones included; return how many."""
    known = select(func.count()).where(profiles.c.profile_type == profile_type)
    missing = count - int(conn.execute(known).scalar_one())
    if missing <= 0:
        return 0
    last = conn.execute(select(func.max(profiles.c.iccid)).where(profiles.c.iccid.like(f"{_FRONT}%"))).scalar()
    first_serial = int(last[len(_FRONT) : -1]) + 1 if last else 1
    made = fictional(first_serial, missing, profile_type, profile_type, token)
    return load(conn, vault, profile_type, made, address)


def personal_of(conn: Connection, vault: Vault, iccid: Iccid) -> Personal | None:
    """Return what a loaded package was personalised with, keys included; None when there is no such profile."""
    sealed = conn.execute(select(packages.c.package).where(packages.c.iccid == iccid)).scalar_one_or_none()
    return None if sealed is None else read(vault.open(sealed, package_of(iccid)))


def stock(conn: Connection) -> dict[str, dict[str, int]]:
    """Return how many profiles there are of each type in each state."""
    query = select(profiles.c.profile_type, profiles.c.state, func.count()).group_by(
        profiles.c.profile_type, profiles.c.state
    )
    found: dict[str, dict[str, int]] = {}
    for profile_type, state, count in conn.execute(query.order_by(profiles.c.profile_type, profiles.c.state)):
        found.setdefault(profile_type, {})[state] = count
    return found


def _load(
    conn: Connection, vault: Vault, profile_type: str, batch: Sequence[Personal], address: str, owner: str | None
) -> int:
    rows = [_row(one.iccid, profile_type, owner) for one in batch]
    inserting = insert_or_ignore(conn, profiles).returning(profiles.c.iccid)
    fresh = set(conn.execute(inserting, rows).scalars())
    if fresh:
        new = {one.iccid: one for one in batch if one.iccid in fresh}
        conn.execute(insert(packages), [_package(vault, one, address) for one in new.values()])
    known = {one.iccid: one for one in batch if one.iccid not in fresh}
    for row in select_in(conn, profiles.c.iccid, known):
        same = (row.profile_type, row.owner) == (profile_type, owner)
        if not same or personal_of(conn, vault, row.iccid) != known[row.iccid]:
            raise LoadConflict(f"the profile {known[row.iccid].iccid.masked()} is already there with another content")
    return len(fresh)


def _row(iccid: Iccid, profile_type: str, owner: str | None) -> dict[str, object]:
    counters = {"order_number": 0, "downloads": 0, "wrong_codes": 0, "last_notification": -1}
    return {"iccid": iccid, "profile_type": profile_type, "owner": owner, "state": ProfileState.AVAILABLE, **counters}


def _package(vault: Vault, personal: Personal, address: str) -> dict[str, object]:
    sealed = vault.seal(personalise(personal), package_of(personal.iccid))
    told = metadata(personal, personal.plmn, (address,))
    return {"iccid": personal.iccid, "metadata": told, "package": sealed}


def _digits(token: Callable[[int], bytes], count: int) -> str:
    return f"{int.from_bytes(token(8)) % 10**count:0{count}d}"
