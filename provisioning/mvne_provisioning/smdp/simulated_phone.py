"""What a phone does with the simulated SM-DP+: download a profile, install it, enable, disable, delete it.

The wire protocol of the phone's side (ES9+) is left out; its rules and its refusals are kept. A refusal may change
something (a counter, a state, a notification), so it is returned, and raised only after the transaction is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from mvne_provisioning.activation import ActivationCode
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.smdp.port import NotificationPoint, RspFailed
from mvne_provisioning.smdp.simulator_notifications import enqueue
from mvne_provisioning.smdp.simulator_orders import change_profile, confirmation_hash
from mvne_provisioning.smdp.simulator_tables import profiles
from mvne_provisioning.smdp.states import SMDP_MOVES, ProfileState

#: ErrorReason of a ProfileInstallationResult after which the phone may try again: no memory, interrupted.
TEMPORARY_INSTALL_ERRORS = frozenset({10, 11})

_DOWNLOADABLE = frozenset({ProfileState.RELEASED, ProfileState.DOWNLOADED})
_POINTS = {
    ProfileState.ENABLED: NotificationPoint.ENABLED,
    ProfileState.DISABLED: NotificationPoint.DISABLED,
    ProfileState.DELETED: NotificationPoint.DELETED,
}


class Es9Failed(RspFailed):
    """The SM-DP+ refused a phone, or the phone could not install what it got."""


@dataclass(frozen=True, slots=True)
class InstalledProfile:
    """A profile on a phone."""

    iccid: Iccid
    imsi: Imsi
    profile_type: str
    eid: Eid


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to download: with what code, from which eUICC, when; and how the installation will end.

    `install_error` is an ErrorReason of SGP.22 (10 no memory, 11 interrupted, ...), None for a good installation.
    """

    code: ActivationCode
    eid: Eid
    at: datetime
    confirmation_code: str | None
    install_error: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a profile may be downloaded and its confirmation code be wrong, both at least 1."""

    downloads: int = 3
    wrong_codes: int = 3


LIMITS = Limits()


def download(conn: Connection, attempt: Attempt, limits: Limits) -> InstalledProfile | Es9Failed:
    """Carry out one attempt; return what was installed, or why it was not."""
    row = _find(conn, attempt)
    if isinstance(row, Es9Failed):
        return row
    if failed := _refusal(conn, row, attempt, limits):
        return failed
    _hand_out(conn, row, attempt)
    return _install(conn, _locked(conn, profiles.c.iccid == row.iccid), attempt)


def manage(conn: Connection, iccid: Iccid, eid: Eid, to: ProfileState, at: datetime) -> None:
    """Enable, disable or delete an installed profile on the phone, and tell the operator; raise `Es9Failed`."""
    row = _locked(conn, profiles.c.iccid == iccid)
    if row is None or row.eid != eid:
        raise Es9Failed("8.1.1", "3.8", "the profile is not on this eUICC")
    if to not in SMDP_MOVES[ProfileState(row.state)]:
        raise Es9Failed("8.2", "3.5", f"the profile is {row.state} and cannot become {to}")
    change_profile(conn, row, to)
    enqueue(conn, row, eid, at, _POINTS[to])


def _find(conn: Connection, attempt: Attempt) -> Row[Any] | Es9Failed:
    """Return the profile that the matching id leads to, or without one the EID."""
    if attempt.code.matching_id:
        row = _locked(conn, profiles.c.matching_id == attempt.code.matching_id)
        return row if row is not None else Es9Failed("8.2.6", "3.8", "no profile has this matching id")
    row = _locked(conn, (profiles.c.matching_id == "") & (profiles.c.eid == attempt.eid))
    return row if row is not None else Es9Failed("8.1.1", "3.8", "no profile waits for this EID")


def _refusal(conn: Connection, row: Row[Any], attempt: Attempt, limits: Limits) -> Es9Failed | None:
    if row.eid not in (None, attempt.eid):
        return Es9Failed("8.1.1", "3.8", "the profile is for another EID")
    if row.state not in _DOWNLOADABLE:
        return Es9Failed("8.2", "1.2", f"the profile is {row.state}, not Released")
    if row.downloads >= limits.downloads:
        failed = Es9Failed("8.8.5", "6.4", f"the profile was downloaded {row.downloads} times")
        return _end(conn, row, attempt, NotificationPoint.ELIGIBILITY, failed)
    if row.confirmation_hash is None:
        return None
    return _wrong_code(conn, row, attempt, limits)


def _wrong_code(conn: Connection, row: Row[Any], attempt: Attempt, limits: Limits) -> Es9Failed | None:
    if attempt.confirmation_code is None:
        return Es9Failed("8.2.7", "2.2", "this profile needs a confirmation code")
    if confirmation_hash(attempt.confirmation_code) == row.confirmation_hash:
        return None
    if row.wrong_codes + 1 >= limits.wrong_codes:
        failed = Es9Failed("8.2.7", "6.4", f"the confirmation code was wrong {row.wrong_codes + 1} times")
        return _end(conn, row, attempt, NotificationPoint.CONFIRMATION, failed)
    counted = update(profiles).where(profiles.c.iccid == row.iccid)
    conn.execute(counted.values(wrong_codes=row.wrong_codes + 1))
    return Es9Failed("8.2.7", "3.8", "the confirmation code is wrong")


def _hand_out(conn: Connection, row: Row[Any], attempt: Attempt) -> None:
    """Tie the profile to the eUICC, count the download; a second one of the same eUICC is a retry."""
    values = {"state": ProfileState.DOWNLOADED, "eid": attempt.eid, "downloads": row.downloads + 1}
    conn.execute(update(profiles).where(profiles.c.iccid == row.iccid).values(values))
    enqueue(conn, row, attempt.eid, attempt.at, NotificationPoint.DOWNLOADED)


def _install(conn: Connection, row: Row[Any] | None, attempt: Attempt) -> InstalledProfile | Es9Failed:
    assert row is not None  # this transaction has just written it
    if attempt.install_error is None:
        change_profile(conn, row, ProfileState.INSTALLED)
        enqueue(conn, row, attempt.eid, attempt.at, NotificationPoint.INSTALLED)
        return InstalledProfile(Iccid(row.iccid), Imsi(row.imsi), row.profile_type, attempt.eid)
    failed = Es9Failed("8.2.10", "4.2", f"installation error {attempt.install_error}")
    if attempt.install_error in TEMPORARY_INSTALL_ERRORS:
        enqueue(conn, row, attempt.eid, attempt.at, NotificationPoint.INSTALLED, failed)
        return failed
    return _end(conn, row, attempt, NotificationPoint.INSTALLED, failed)


def _end(conn: Connection, row: Row[Any], attempt: Attempt, point: NotificationPoint, failed: Es9Failed) -> Es9Failed:
    """Put the profile aside for good and tell the operator why."""
    change_profile(conn, row, ProfileState.ERROR)
    enqueue(conn, row, attempt.eid, attempt.at, point, failed)
    return failed


def _locked(conn: Connection, where: Any) -> Row[Any] | None:
    return conn.execute(select(profiles).where(where).with_for_update()).first()
