"""The operator's calls (ES2+) from JSON to JSON: who calls, with which fields, and that a repeat changes nothing.

An answer is kept under the caller and its call id in the transaction of its effect; refusals too. The same call id
again gets that answer; with other fields it is refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from mvne_provisioning.smdp.port import Es2Failed
from mvne_provisioning.smdp.server import orders
from mvne_provisioning.smdp.server.fields import Fields
from mvne_provisioning.smdp.server.settings import Settings
from mvne_provisioning.smdp.server.tables import calls
from mvne_provisioning.smdp.server.wire import NotJson, failure, padded, read_object, success, written

_LOG = logging.getLogger("mvne.smdp.es2")


@dataclass(frozen=True, slots=True)
class Operators:
    """The operators' side of an SM-DP+: its settings, and where matching ids come from."""

    settings: Settings
    token: Callable[[int], bytes]


#: From the caller, the fields and the moment to the fields of the answer. Raises `Es2Failed`.
_Function = Callable[[Operators, Connection, str, Fields, datetime], Mapping[str, object]]


def answer(its: Operators, conn: Connection, function: str, body: bytes, at: datetime) -> bytes:
    """Answer one call of an operator; `function` is one of `FUNCTIONS`."""
    try:
        content = read_object(body)
        caller, call_id = _header(its, content)
    except NotJson as error:
        return written(failure("1.6", "2.1", str(error)))
    except Es2Failed as refused:
        return written(_refusal(refused))
    digest = hashlib.sha256(json.dumps([function, content], sort_keys=True).encode()).hexdigest()
    if kept := conn.execute(_KEPT, {"caller": caller, "call_id": call_id}).first():
        return str(kept.answer).encode() if kept.digest == digest else written(_refusal(_reused()))
    told = written(_executed(its, conn, function, caller, Fields(content), at))
    row = {"caller": caller, "call_id": call_id, "digest": digest, "answer": told.decode(), "at": at}
    # Two at once with the same call id: one of them breaks the key here, is undone as a whole, and begins anew.
    conn.execute(_KEEP, row)
    return told


_KEPT = select(calls.c.digest, calls.c.answer).where(
    calls.c.caller == bindparam("caller"), calls.c.call_id == bindparam("call_id")
)
_KEEP = insert(calls)


def _header(its: Operators, content: Mapping[str, Any]) -> tuple[str, str]:
    """Return who calls, and the id of the call."""
    header = content.get("header")
    if not isinstance(header, dict):
        raise Es2Failed("1.6", "2.2", "header is missing")
    fields = Fields(header)
    caller = fields.needed("functionRequesterIdentifier")
    if its.settings.callers and caller not in its.settings.callers:
        raise Es2Failed("1.1", "1.1", "functionRequesterIdentifier is not known here")
    return caller, fields.needed("functionCallIdentifier")


def _executed(
    its: Operators, conn: Connection, function: str, caller: str, fields: Fields, at: datetime
) -> dict[str, object]:
    try:
        return success(FUNCTIONS[function](its, conn, caller, fields, at))
    except Es2Failed as refused:
        return _refusal(refused)


def _download_order(
    its: Operators, conn: Connection, caller: str, fields: Fields, at: datetime
) -> Mapping[str, object]:
    iccid = orders.order(conn, caller, fields.iccid(), fields.text("profileType"), fields.eid())
    return {"iccid": padded(iccid)}


def _confirm_order(its: Operators, conn: Connection, caller: str, fields: Fields, at: datetime) -> Mapping[str, object]:
    iccid, eid, is_released = fields.needed_iccid(), fields.eid(), fields.flag("releaseFlag")
    if fields.text("smdsAddress"):
        if eid is None:
            raise Es2Failed("8.1.1", "2.2", "an SM-DS needs an EID")
        raise Es2Failed("8.9", "5.1", "this SM-DP+ reaches no SM-DS; leave smdsAddress out")
    matching_id, code = fields.text("matchingId"), fields.text("confirmationCode")
    until = at + its.settings.lifetimes.order if is_released else None
    chosen, linked_to = orders.confirm(conn, caller, iccid, eid, matching_id, code, until, its.token)
    linked = {"eid": linked_to} if linked_to else {}
    return {"matchingId": chosen, "smdpAddress": its.settings.address, **linked}


def _cancel_order(its: Operators, conn: Connection, caller: str, fields: Fields, at: datetime) -> Mapping[str, object]:
    for name in ("iccid", "finalProfileStatusIndicator"):
        if not fields.text(name):
            raise Es2Failed("8.2.1", "2.2", f"{name} is missing")
    orders.cancel(conn, caller, fields.needed_iccid(), fields.eid(), fields.text("matchingId"), fields.final_state())
    return {}


def _release_profile(
    its: Operators, conn: Connection, caller: str, fields: Fields, at: datetime
) -> Mapping[str, object]:
    orders.release(conn, caller, fields.needed_iccid(), at + its.settings.lifetimes.order)
    return {}


#: Every function of ES2+ that an operator may call, by its name in the path.
FUNCTIONS: Mapping[str, _Function] = {
    "downloadOrder": _download_order,
    "confirmOrder": _confirm_order,
    "cancelOrder": _cancel_order,
    "releaseProfile": _release_profile,
}


def _refusal(refused: Es2Failed) -> dict[str, object]:
    _LOG.info("refused: %s", refused)
    return failure(refused.subject_code, refused.reason_code, refused.message)


def _reused() -> Es2Failed:
    return Es2Failed("1.6", "2.1", "functionCallIdentifier was used before with other parameters")
