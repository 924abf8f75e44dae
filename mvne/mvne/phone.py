"""A simulated phone: scans an activation code, installs the profile, and uses the simulated network."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from mvne import lines, ordering
from mvne.errors import MvneError
from mvne.lines import Line
from mvne.platform import Platform, SimulatedWorld
from mvne.tables import line as line_table
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.network.simulated_use import Use
from mvne_provisioning.order.progress import on_progress
from mvne_provisioning.smdp.port import DownloadProgress
from mvne_provisioning.smdp.states import ProfileState

_ON_THE_PHONE = (ProfileState.INSTALLED, ProfileState.ENABLED, ProfileState.DISABLED)


class NotSimulated(MvneError):
    """Only a simulated network has simulated phones."""


def simulated(platform: Platform) -> SimulatedWorld:
    """Return the simulated world; raise `NotSimulated` when the outside is real."""
    if platform.world is None:
        raise NotSimulated("the network is real: scan the activation code with a real phone")
    return platform.world


def eid_of(name: str) -> Eid:
    """Return the EID of the simulated phone called `name`: always the same one, in a made-up range."""
    serial = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % 10**17
    return Eid.with_check_digits(f"8999900000000{serial:017d}")


def install(platform: Platform, brand: str, line_id: str, at: datetime) -> Line:
    """Let a simulated phone scan the activation code of a line and install its profile; return the line.

    A phone that has the profile already, because an earlier run was interrupted, is only heard out.
    """
    world = simulated(platform)
    with platform.store.read() as conn:
        known = lines.get(conn, brand, line_id)
    if known.activation_code is None:
        raise NotSimulated(f"line {line_id} has no activation code: it is {known.state}")
    if known.iccid is None or world.smdp.state(Iccid(known.iccid)) not in _ON_THE_PHONE:
        world.smdp.download(known.activation_code, eid_of(line_id), at)
    deliver_progress(platform, at)
    with platform.store.read() as conn:
        return lines.get(conn, brand, line_id)


def deliver_progress(platform: Platform, at: datetime) -> int:
    """Take in what the SM-DP+ has to tell about downloads and return how many messages there were."""

    def listen(progress: DownloadProgress) -> None:
        with platform.store.transact() as conn:
            brand = _brand_of(conn, str(progress.iccid))
            if brand is not None:
                on_progress(conn, brand, progress, at, ordering.told(brand, at))

    return simulated(platform).smdp.deliver(listen)


def use(platform: Platform, market: str, uses: Sequence[Use]) -> None:
    """Let simulated phones call, write and surf; the network notes it in its usage feed."""
    simulated(platform).host(market).use_many(uses)


def _brand_of(conn: Connection, iccid: str) -> str | None:
    """Return whose card this is: the one question that is asked across brands, to route a message to its brand."""
    return conn.execute(select(line_table.c.brand).where(line_table.c.iccid == iccid)).scalar_one_or_none()
