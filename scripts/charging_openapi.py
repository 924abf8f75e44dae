"""Writes `docs/charging-openapi.json` from the code. Run as `python -m scripts.charging_openapi` (or `make docs`).

It describes what is read and answered here, not the standard: attributes that are left alone are not in it.
"""

from __future__ import annotations

import json
from typing import Any

from mvne_billing.charging.nchf.app import BASE
from mvne_billing.charging.nchf.body import ChargingDataRequest
from mvne_billing.charging.nchf.problems import PROBLEM, STATUS
from mvne_billing.charging.session import Final, Result
from scripts.packages import ROOT

PAGE = ROOT / "docs" / "charging-openapi.json"
_SCHEMAS = "#/components/schemas/"


def page() -> str:
    """Return the whole description."""
    request = ChargingDataRequest.model_json_schema(ref_template=_SCHEMAS + "{model}")
    schemas: dict[str, Any] = {**request.pop("$defs"), "ChargingDataRequest": request}
    schemas |= {"ChargingDataResponse": _response(), "ProblemDetails": _problem()}
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "Charging of mvne over HTTP",
            "version": "3",
            "description": "Nchf_ConvergedCharging as far as it is implemented: see charging-protocols.md.",
        },
        "paths": {
            BASE: {"post": _operation("create", "201", "Created, or an event charged", has_location=True)},
            f"{BASE}/{{ChargingDataRef}}/update": {
                "parameters": [_REF],
                "post": _operation("update", "200", "Updated"),
            },
            f"{BASE}/{{ChargingDataRef}}/release": {
                "parameters": [_REF],
                "post": _operation("release", "204", "Released", has_body=False),
            },
            "/health": {"get": {"operationId": "health", "responses": {"200": {"description": "Charging is well"}}}},
        },
        "components": {"schemas": dict(sorted(schemas.items()))},
    }
    return json.dumps(whole, indent=2, sort_keys=True) + "\n"


_REF = {"name": "ChargingDataRef", "in": "path", "required": True, "schema": {"type": "string"}}


def _operation(
    name: str, status: str, words: str, has_location: bool = False, has_body: bool = True
) -> dict[str, object]:
    answer: dict[str, object] = {"description": words}
    if has_body:
        answer["content"] = {"application/json": {"schema": {"$ref": _SCHEMAS + "ChargingDataResponse"}}}
    if has_location:
        answer["headers"] = {"Location": {"schema": {"type": "string", "format": "uri"}, "required": True}}
    problem = {"schema": {"$ref": _SCHEMAS + "ProblemDetails"}}
    return {
        "operationId": name,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _SCHEMAS + "ChargingDataRequest"}}},
        },
        "responses": {
            status: answer,
            "default": {"description": "A problem with its cause", "content": {PROBLEM: problem}},
        },
    }


def _response() -> dict[str, object]:
    units = {"type": "integer", "minimum": 0}
    moment = {"type": "string", "format": "date-time"}
    names = ("time", "totalVolume", "serviceSpecificUnits")
    information = {
        "ratingGroup": units,
        "resultCode": {"enum": [str(one) for one in Result]},
        "grantedUnit": {
            "type": "object",
            "properties": {**dict.fromkeys(names, units), "tariffTimeChange": moment},
        },
        "validityTime": units,
        "quotaHoldingTime": units,
        "timeQuotaThreshold": units,
        "volumeQuotaThreshold": units,
        "unitQuotaThreshold": units,
        "finalUnitIndication": {
            "type": "object",
            "required": ["finalUnitAction"],
            "properties": {
                "finalUnitAction": {"enum": [str(one) for one in Final]},
                "redirectServer": {"type": "object"},
                "restrictionFilterRuleList": {"type": "array", "items": {"type": "string"}},
            },
        },
    }
    return {
        "type": "object",
        "required": ["invocationTimeStamp", "invocationSequenceNumber"],
        "properties": {
            "invocationTimeStamp": moment,
            "invocationSequenceNumber": units,
            "multipleUnitInformation": {
                "type": "array",
                "items": {"type": "object", "required": ["ratingGroup"], "properties": information},
            },
        },
    }


def _problem() -> dict[str, object]:
    param = {
        "type": "object",
        "required": ["param", "reason"],
        "properties": {"param": {"type": "string"}, "reason": {"type": "string"}},
    }
    return {
        "type": "object",
        "required": ["title", "status", "detail"],
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "cause": {"enum": [str(one) for one in STATUS]},
            "invalidParams": {"type": "array", "items": param},
        },
    }


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
