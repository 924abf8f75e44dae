"""The phone's calls (ES9+) from JSON to JSON, around the protocol's core: what is kept, counted, handed out and told.

A refusal ends the call and not the transaction: what was counted before it, and what the operator is told, stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection, Row, bindparam, select

from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.smdp import rsp
from mvne_provisioning.smdp.port import NotificationPoint
from mvne_provisioning.smdp.rsp import Other, Prepared, Refused, Sealable
from mvne_provisioning.smdp.server import results, sessions
from mvne_provisioning.smdp.server.changing import change, locked
from mvne_provisioning.smdp.server.eligibility import DOWNLOADABLE, eligible, ended
from mvne_provisioning.smdp.server.outbox import tell
from mvne_provisioning.smdp.server.sealing import Vault, package_of
from mvne_provisioning.smdp.server.settings import Settings
from mvne_provisioning.smdp.server.tables import Stage, packages
from mvne_provisioning.smdp.server.wire import NotJson, failure, read_object, success, written
from mvne_provisioning.smdp.states import ProfileState

#: Bytes of a transaction id and of a challenge; the phone repeats both, and nobody may foresee them.
_ID_BYTES, _CHALLENGE_BYTES = 16, 16

_METADATA = select(packages.c.metadata).where(packages.c.iccid == bindparam("its_iccid"))
_PACKAGE = select(packages.c.metadata, packages.c.package).where(packages.c.iccid == bindparam("its_iccid"))

_LOG = logging.getLogger("mvne.smdp.es9")


@dataclass(frozen=True, slots=True)
class Phones:
    """The phones' side of an SM-DP+: its settings, certificates and vault, and where randomness and keys come from."""

    settings: Settings
    certificates: Certificates
    vault: Vault
    token: Callable[[int], bytes]
    keys: Callable[[ec.EllipticCurve], ec.EllipticCurvePrivateKey] = ec.generate_private_key


#: From the fields of a request and the moment to the fields of the answer, None for none. Raises `Refused`.
_Function = Callable[[Phones, Connection, Mapping[str, object], datetime], Mapping[str, object] | None]


def answer(its: Phones, conn: Connection, function: str, body: bytes, at: datetime) -> bytes:
    """Answer one call of a phone; `function` is one of `FUNCTIONS`. Empty is the answer that says nothing (204)."""
    try:
        told = FUNCTIONS[function](its, conn, read_object(body), at)
    except NotJson as error:
        return written(failure("1.6", "2.1", str(error)))
    except Refused as refused:
        _LOG.info("%s refused: %s", function, refused)
        return written(failure(refused.subject, refused.reason, refused.message))
    return b"" if told is None else written(success(told))


def _initiate(its: Phones, conn: Connection, request: Mapping[str, object], at: datetime) -> Mapping[str, object]:
    id_, challenge = its.token(_ID_BYTES), its.token(_CHALLENGE_BYTES)
    session, told = rsp.initiate(its.certificates, its.settings.address, request, id_, challenge)
    sessions.begin(conn, its.vault, session, at + its.settings.lifetimes.session)
    return told


def _authenticate(its: Phones, conn: Connection, request: Mapping[str, object], at: datetime) -> Mapping[str, object]:
    kept = _session(its, conn, request, {Stage.INITIATED}, at)
    session = rsp.authenticate(its.certificates, kept.session, request, at)
    profile = eligible(conn, its.settings, session.matching_id, str(session.eid), at)
    metadata = conn.execute(_METADATA, {"its_iccid": profile.iccid}).scalar_one()
    needs_code = profile.code_hash is not None
    session, told = rsp.offer(its.certificates, session, metadata, profile.iccid, needs_code)
    sessions.offered(conn, its.vault, kept, session, profile, at + its.settings.lifetimes.session)
    return told


def _package(its: Phones, conn: Connection, request: Mapping[str, object], at: datetime) -> Mapping[str, object]:
    kept = _session(its, conn, request, {Stage.OFFERED, Stage.BOUND}, at)
    if kept.stage is Stage.BOUND:
        raise Refused("8.2", "3.7", "the package of this transaction was handed out; begin anew for another")
    try:
        return _handed_out(its, conn, kept, request, at)
    except Refused:
        # It ends here: assistants cancel what they were refused, for no reason they could name, and that would end the
        # order of somebody who only mistyped a code.
        sessions.close(conn, kept.id)
        raise


def _handed_out(
    its: Phones, conn: Connection, kept: sessions.Kept, request: Mapping[str, object], at: datetime
) -> Mapping[str, object]:
    prepared = rsp.prepare(its.certificates, kept.session, request)
    profile = _still_offered(its, conn, kept)
    _check_code(its, conn, kept, profile, prepared, at)
    stored = conn.execute(_PACKAGE, {"its_iccid": profile.iccid}).one()
    sealable = Sealable(its.vault.open(stored.package, package_of(profile.iccid)), stored.metadata)
    session, told = rsp.bind(its.certificates, kept.session, prepared, sealable, its.keys, its.token)
    eid = str(session.eid)
    change(conn, profile, to=ProfileState.DOWNLOADED, eid=eid, downloads=profile.downloads + 1)
    sessions.bound(conn, its.vault, kept, session, at + its.settings.lifetimes.result)
    tell(conn, profile, eid, at, NotificationPoint.DOWNLOADED)
    return told


def _still_offered(its: Phones, conn: Connection, kept: sessions.Kept) -> Row[Any]:
    """Return the profile of a session if nobody has taken or cancelled it since it was offered."""
    row = locked(conn, str(kept.iccid))
    is_same = row is not None and row.order_number == kept.order_number and row.state in DOWNLOADABLE
    if row is None or not is_same or row.eid not in (None, kept.session.eid):
        raise Refused("8.2", "3.7", "the order was cancelled, or another phone was first")
    if row.downloads >= its.settings.limits.downloads:
        raise Refused("8.2", "3.7", f"the profile was downloaded {row.downloads} times")
    return row


def _check_code(
    its: Phones, conn: Connection, kept: sessions.Kept, profile: Row[Any], prepared: Prepared, at: datetime
) -> None:
    """Check the confirmation code, if one is needed; a wrong one is counted, the last one allowed ends the order."""
    if prepared.failure is not None or profile.code_hash is None:
        return
    if rsp.is_code(kept.session, prepared, bytes.fromhex(profile.code_hash)):
        return
    wrong = profile.wrong_codes + 1
    if wrong < its.settings.limits.wrong_codes:
        change(conn, profile, wrong_codes=wrong)
        raise Refused("8.2.7", "3.8", "the confirmation code is wrong")
    refused = Refused("8.2.7", "6.4", f"the confirmation code was wrong {wrong} times")
    raise ended(conn, profile, str(kept.session.eid), at, NotificationPoint.CONFIRMATION, refused)


def _cancel(its: Phones, conn: Connection, request: Mapping[str, object], at: datetime) -> Mapping[str, object]:
    kept = _session(its, conn, request, frozenset(Stage), at)
    results.cancel(conn, kept, rsp.cancelled(its.certificates, kept.session, request), at)
    return {}


def _notification(its: Phones, conn: Connection, request: Mapping[str, object], at: datetime) -> None:
    transaction = rsp.notified_transaction(request)
    kept = None if transaction is None else sessions.look(conn, its.vault, transaction.hex().upper(), at)
    if transaction is not None and (kept is None or kept.stage is not Stage.BOUND):
        # Told before, or too late, or of a package that was never handed out: there is nothing to do.
        return
    notified = rsp.notification(its.certificates, request, at, kept.session if kept else None)
    if isinstance(notified, Other):
        results.other(conn, notified, at)
    elif kept is not None:
        results.installation(conn, kept, notified, str(request["pendingNotification"]), at)


def _session(
    its: Phones, conn: Connection, request: Mapping[str, object], stages: Collection[Stage], at: datetime
) -> sessions.Kept:
    return sessions.find(conn, its.vault, rsp.transaction_id(request).hex().upper(), stages, at)


#: Every function of ES9+, by its name in the path.
FUNCTIONS: Mapping[str, _Function] = {
    "initiateAuthentication": _initiate,
    "authenticateClient": _authenticate,
    "getBoundProfilePackage": _package,
    "handleNotification": _notification,
    "cancelSession": _cancel,
}
