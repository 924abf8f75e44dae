"""From charging's answer to the body of a charging data response, and from its refusal to a problem document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from mvne_billing.charging import session
from mvne_billing.charging.nchf.body import ChargingDataRequest
from mvne_billing.charging.nchf.problems import Cause, InvalidParam, Problem
from mvne_billing.charging.session import Answer, ChargingRefused, Final, FinalUnit, Granted, Result
from mvne_plans.quantity import Kind

_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)

#: What a grant and its threshold are called, by kind (TS 32.291 `GrantedUnit`, `MultipleUnitInformation`).
_GRANTED = {Kind.VOICE: "time", Kind.DATA: "totalVolume", Kind.SMS: "serviceSpecificUnits"}
_THRESHOLD = {Kind.VOICE: "timeQuotaThreshold", Kind.DATA: "volumeQuotaThreshold", Kind.SMS: "unitQuotaThreshold"}

#: What a request is refused with when nothing of it was granted and nothing was opened (table 6.1.7.3-1).
_CAUSES = {
    Result.END_USER_SERVICE_DENIED: Cause.END_USER_REQUEST_DENIED,
    Result.QUOTA_MANAGEMENT_NOT_APPLICABLE: Cause.CHARGING_NOT_APPLICABLE,
    Result.QUOTA_LIMIT_REACHED: Cause.QUOTA_LIMIT_REACHED,
    Result.RATING_FAILED: Cause.CHARGING_FAILED,
}

_SEQUENCE = "/invocationSequenceNumber"
_REFUSALS: Mapping[type[ChargingRefused], tuple[Cause, str]] = {
    session.UnknownSubscription: (Cause.USER_UNKNOWN, ""),
    session.UnknownSession: (Cause.CONTEXT_NOT_FOUND, "{ChargingDataRef}"),
    session.SessionClosed: (Cause.CONTEXT_NOT_FOUND, "{ChargingDataRef}"),
    session.ForeignSession: (Cause.CHARGING_FAILED, "/subscriberIdentifier"),
    session.SessionExists: (Cause.MANDATORY_IE_INCORRECT, _SEQUENCE),
    session.SequenceConflict: (Cause.MANDATORY_IE_INCORRECT, _SEQUENCE),
    session.SequenceGap: (Cause.MANDATORY_IE_INCORRECT, _SEQUENCE),
    session.ClockBackwards: (Cause.MANDATORY_IE_INCORRECT, "/invocationTimeStamp"),
    session.UnknownRatingGroup: (Cause.RE_AUTHORIZATION_FAILED, "/multipleUnitUsage"),
    session.Contended: (Cause.NF_CONGESTION, ""),
}


def refused(error: ChargingRefused) -> Problem:
    """Return the problem that says why charging will not do something."""
    cause, place = _REFUSALS.get(type(error), (Cause.CHARGING_FAILED, ""))
    detail = str(error)
    return Problem(cause, detail, [InvalidParam(place, detail)] if place else [])


def denied(answer: Answer) -> Problem:
    """Return the problem of a request of which nothing was granted."""
    words = "; ".join(one.message for one in answer.groups if one.message)
    return Problem(_CAUSES[answer.result], words or str(answer.result))


def body(said: ChargingDataRequest, kind: Kind, answer: Answer) -> bytes:
    """Return a charging data response. It has the request's own time stamp: a repeat gets the very same answer."""
    content: dict[str, object] = {
        "invocationTimeStamp": _time(said.at),
        "invocationSequenceNumber": said.sequence,
    }
    if answer.groups:
        content["multipleUnitInformation"] = [_information(one, kind) for one in answer.groups]
    return _COMPACT.encode(content).encode()


def _information(one: Granted, kind: Kind) -> dict[str, object]:
    content: dict[str, object] = {"resultCode": one.result, "ratingGroup": one.rating_group}
    if one.granted is not None and one.result is Result.SUCCESS:
        granted: dict[str, object] = {_GRANTED[kind]: one.granted}
        if one.tariff_change is not None:
            granted["tariffTimeChange"] = _time(one.tariff_change)
        content["grantedUnit"] = granted
    if one.valid_s:
        content["validityTime"] = one.valid_s
    if one.holding_s is not None:
        content["quotaHoldingTime"] = one.holding_s
    if one.threshold is not None:
        content[_THRESHOLD[kind]] = one.threshold
    if one.final is not None:
        content["finalUnitIndication"] = _final(one.final)
    return content


def _final(final: FinalUnit) -> dict[str, object]:
    content: dict[str, object] = {"finalUnitAction": final.action}
    if final.action is Final.REDIRECT:
        content["redirectServer"] = {"redirectAddressType": "URL", "redirectServerAddress": final.redirect_to}
    if final.filters:
        content["restrictionFilterRuleList"] = list(final.filters)
    return content


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
