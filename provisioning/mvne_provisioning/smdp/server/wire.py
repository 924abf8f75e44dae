"""How ES2+ and ES9+ are written in JSON (SGP.22, section 6.5): headers, status codes, ICCIDs, moments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.smdp.status_codes import explain

#: The version that answers name; common clients ask that it begins `gsma/rsp/v2.`.
PROTOCOL = "gsma/rsp/v2.2.2"


class NotJson(ProvisioningError):
    """The body of a request is no JSON object."""


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is; raise `NotJson` for anything else.

    >>> read_object(b'{"iccid": "8999970000000000019"}')
    {'iccid': '8999970000000000019'}
    >>> read_object(b'[')
    Traceback (most recent call last):
    ...
    mvne_provisioning.smdp.server.wire.NotJson: the body is no JSON object
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NotJson("the body is no JSON object")
    return found


def codes_of(subject: str, reason: str, message: str = "") -> dict[str, str]:
    """Return a `statusCodeData`; without a message of its own it has the codes in plain words."""
    return {"subjectCode": subject, "reasonCode": reason, "message": message or explain(subject, reason)}


def success(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the answer of a function that was executed."""
    return {"header": {"functionExecutionStatus": {"status": "Executed-Success"}}, **fields}


def failure(subject: str, reason: str, message: str = "") -> dict[str, object]:
    """Return the answer of a function that was refused."""
    codes = codes_of(subject, reason, message)
    return {"header": {"functionExecutionStatus": {"status": "Failed", "statusCodeData": codes}}}


def padded(iccid: str) -> str:
    """Return an ICCID with 20 characters, as older versions want it.

    >>> padded("8999970000000000019")
    '8999970000000000019F'
    """
    return iccid.ljust(20, "F")


def moment(at: datetime) -> str:
    """Return a moment as SGP.22 writes it.

    >>> moment(datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2027-01-02T03:04:05Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written(content: Mapping[str, object]) -> bytes:
    """Return an answer as the body of a response."""
    return json.dumps(content).encode()
