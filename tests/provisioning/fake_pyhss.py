"""A PyHSS for tests: its REST interface with its habits, behind an httpx transport, with failures to order.

Its habits: 200 with `null` for what it does not have (400 with `null` for voice services), `null` too when what is to
be changed is gone, error texts that quote the row with its keys, 500 for a field it does not know, no unique number for
subscribers, and a release sent to the phone's MME when a subscriber is disabled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

Row = dict[str, Any]

_SECRET = ("ki", "opc")


@dataclass(slots=True)
class Kind:
    """A kind of thing: the name of its number, its fields with their defaults, those that must be unique."""

    id: str
    fields: Row
    unique: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    rows: dict[int, Row] = field(default_factory=dict)


def _kinds() -> dict[str, Kind]:
    nothing = {"last_modified": None}
    seen = dict.fromkeys(("serving_mme", "serving_mme_realm", "serving_mme_peer", "serving_msc", "serving_sgsn"), None)
    return {
        "apn": Kind(
            "apn_id",
            {
                "apn": None,
                "ip_version": 0,
                "apn_ambr_dl": None,
                "apn_ambr_ul": None,
                "qci": 9,
                "arp_priority": 4,
                "arp_preemption_capability": False,
                "arp_preemption_vulnerability": True,
                **nothing,
            },
            needed=("apn", "apn_ambr_dl", "apn_ambr_ul"),
        ),
        "auc": Kind(
            "auc_id",
            dict.fromkeys(("ki", "opc", "amf", "sqn", "iccid", "imsi", "misc1"), None) | {"esim": False, **nothing},
            ("iccid", "imsi"),
            ("ki", "opc", "amf"),
        ),
        "subscriber": Kind(
            "subscriber_id",
            dict.fromkeys(("imsi", "auc_id", "default_apn", "apn_list", "msisdn"), None)
            | {"enabled": True, "ue_ambr_dl": 999999, "ue_ambr_ul": 999999, "nam": 0, **seen, **nothing},
            ("imsi",),
            ("auc_id", "default_apn", "apn_list"),
        ),
        "ims_subscriber": Kind(
            "ims_subscriber_id",
            dict.fromkeys(("imsi", "msisdn", "msisdn_list", "ifc_path"), None) | nothing,
            ("msisdn",),
        ),
    }


class FakePyHss:
    """The state of a PyHSS; `transport` leads to it, `released` lists the IMSIs whose phones were let go."""

    def __init__(self, provisioning_key: str | None = None) -> None:
        self.kinds = _kinds()
        self.released: list[str] = []
        self.requests: list[str] = []
        self.before: Callable[[int], None] = lambda number: None
        self.after: Callable[[int], None] = lambda number: None
        self._key = provisioning_key
        self.transport = httpx.MockTransport(self._handle)

    def rows(self, kind: str) -> list[Row]:
        return list(self.kinds[kind].rows.values())

    def _handle(self, request: httpx.Request) -> httpx.Response:
        number = len(self.requests)
        self.requests.append(f"{request.method} {request.url.path}")
        self.before(number)
        status, body = self._answer(request)
        self.after(number)
        return httpx.Response(status, text=json.dumps(body) + "\n")

    def _answer(self, request: httpx.Request) -> tuple[int, Any]:
        if request.method != "GET" and self._key and request.headers.get("Provisioning-Key") != self._key:
            return 401, {"Result": "Unauthorized - Provisioning-Key Invalid"}
        _, name, *rest = request.url.path.split("/")
        if name not in self.kinds:
            return 404, {"Result": "Not Found"}
        kind = self.kinds[name]
        content = json.loads(request.content) if request.content else {}
        match request.method, [part for part in rest if part]:
            case "GET", ["list"]:
                return 200, [self._shown(row) for row in kind.rows.values()]
            case "GET", [by, value]:
                found = self._find(kind, by.removeprefix(f"{name}_"), value)
                return (400 if found is None and name == "ims_subscriber" else 200), found
            case "PUT", []:
                return self._put(name, kind, content)
            case "PATCH", [id] if re.fullmatch(r"\d+", id):
                return self._patch(name, kind, int(id), content)
            case "DELETE", [id] if re.fullmatch(r"\d+", id):
                return 200, None if kind.rows.pop(int(id), None) is None else {"Result": "OK"}
        return 405, {"message": "The method is not allowed for the requested URL."}

    def _find(self, kind: Kind, by: str, value: str) -> Row | None:
        found = [row for row in kind.rows.values() if row[by] == value]
        return self._shown(found[0]) if len(found) == 1 else None

    def _put(self, name: str, kind: Kind, content: Row) -> tuple[int, Any]:
        if set(content) - set(kind.fields):
            return 500, {"result": "Failed", "reason": "An internal server error occurred: invalid keyword"}
        row = {**kind.fields, **self._clean(content)}
        id = max(kind.rows, default=0) + 1
        return self._store(kind, id, {kind.id: id, **row})

    def _patch(self, name: str, kind: Kind, id: int, content: Row) -> tuple[int, Any]:
        if id not in kind.rows:
            return 200, None
        known = {field: value for field, value in self._clean(content).items() if field in kind.fields}
        row = {**kind.rows[id], **known}
        if name == "subscriber" and not row["enabled"] and row["serving_mme"]:
            self.released.append(row["imsi"])
        return self._store(kind, id, row)

    def _store(self, kind: Kind, id: int, row: Row) -> tuple[int, Any]:
        others = [other for other_id, other in kind.rows.items() if other_id != id]
        twice = [name for name in kind.unique if row[name] is not None and row[name] in [o[name] for o in others]]
        missing = [name for name in kind.needed if row[name] is None]
        if twice or missing:
            return 400, {
                "result": "Failed",
                "reason": f"A database integrity error occurred: (sqlite3.IntegrityError) [parameters: {row}]",
            }
        kind.rows[id] = row
        return 200, row

    def _clean(self, content: Row) -> Row:
        numbers: Row = {name: content[name].replace("+", "") for name in ("msisdn", "msisdn_list") if name in content}
        return {**content, **numbers}

    def _shown(self, row: Row) -> Row:
        return {name: value for name, value in row.items() if name not in _SECRET}
