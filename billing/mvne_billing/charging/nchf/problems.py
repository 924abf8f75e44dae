"""What is answered when a request cannot be charged: problem documents (RFC 9457) with the causes that 3GPP names.

The application causes and their statuses are those of TS 32.291 table 6.1.7.3-1, the common ones of TS 29.500 table
5.2.7.2-1; the form is `ProblemDetails` of TS 29.571, in which a wrong attribute is named by its JSON pointer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from pydantic import ValidationError

PROBLEM = "application/problem+json"

#: So many faults of one body are named; a body can have any number of them.
_NAMED_AT_MOST = 20


class Cause(StrEnum):
    """Why a request is refused, as its sender's program reads it."""

    CHARGING_FAILED = "CHARGING_FAILED"
    RE_AUTHORIZATION_FAILED = "RE_AUTHORIZATION_FAILED"
    CHARGING_NOT_APPLICABLE = "CHARGING_NOT_APPLICABLE"
    END_USER_REQUEST_DENIED = "END_USER_REQUEST_DENIED"
    QUOTA_LIMIT_REACHED = "QUOTA_LIMIT_REACHED"
    USER_UNKNOWN = "USER_UNKNOWN"
    INVALID_API = "INVALID_API"
    INVALID_MSG_FORMAT = "INVALID_MSG_FORMAT"
    MANDATORY_IE_MISSING = "MANDATORY_IE_MISSING"
    MANDATORY_IE_INCORRECT = "MANDATORY_IE_INCORRECT"
    OPTIONAL_IE_INCORRECT = "OPTIONAL_IE_INCORRECT"
    RESOURCE_URI_STRUCTURE_NOT_FOUND = "RESOURCE_URI_STRUCTURE_NOT_FOUND"
    CONTEXT_NOT_FOUND = "CONTEXT_NOT_FOUND"
    SYSTEM_FAILURE = "SYSTEM_FAILURE"
    NF_CONGESTION = "NF_CONGESTION"


#: TS 32.291 has no cause of its own for a charging data reference that nobody knows: its status is 404, and the cause
#: is the word that the other services of 3GPP use for it.
STATUS = {
    Cause.CHARGING_FAILED: HTTPStatus.BAD_REQUEST,
    Cause.RE_AUTHORIZATION_FAILED: HTTPStatus.BAD_REQUEST,
    Cause.CHARGING_NOT_APPLICABLE: HTTPStatus.FORBIDDEN,
    Cause.END_USER_REQUEST_DENIED: HTTPStatus.FORBIDDEN,
    Cause.QUOTA_LIMIT_REACHED: HTTPStatus.FORBIDDEN,
    Cause.USER_UNKNOWN: HTTPStatus.NOT_FOUND,
    Cause.INVALID_API: HTTPStatus.BAD_REQUEST,
    Cause.INVALID_MSG_FORMAT: HTTPStatus.BAD_REQUEST,
    Cause.MANDATORY_IE_MISSING: HTTPStatus.BAD_REQUEST,
    Cause.MANDATORY_IE_INCORRECT: HTTPStatus.BAD_REQUEST,
    Cause.OPTIONAL_IE_INCORRECT: HTTPStatus.BAD_REQUEST,
    Cause.RESOURCE_URI_STRUCTURE_NOT_FOUND: HTTPStatus.NOT_FOUND,
    Cause.CONTEXT_NOT_FOUND: HTTPStatus.NOT_FOUND,
    Cause.SYSTEM_FAILURE: HTTPStatus.INTERNAL_SERVER_ERROR,
    Cause.NF_CONGESTION: HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class InvalidParam:
    """An attribute that is wrong: its JSON pointer, or `header` and a name, or `{name}` of a part of the path."""

    param: str
    reason: str


class Problem(Exception):
    """A refusal on its way to the client. `cause` is None where 3GPP has no word and the status says it all."""

    def __init__(
        self,
        cause: Cause | None,
        detail: str,
        invalid: Sequence[InvalidParam] = (),
        status: HTTPStatus | None = None,
    ) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail
        self.invalid = tuple(invalid)
        self.status = status or (STATUS[cause] if cause else HTTPStatus.BAD_REQUEST)

    def document(self) -> bytes:
        """Return the problem document."""
        content: dict[str, object] = {"title": self.status.phrase, "status": int(self.status), "detail": self.detail}
        if self.cause is not None:
            content["cause"] = self.cause
        if self.invalid:
            content["invalidParams"] = [{"param": one.param, "reason": one.reason} for one in self.invalid]
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def of_body(error: ValidationError, mandatory: frozenset[str]) -> Problem:
    """Return the problem of a body that is not what it should be, its faults named one by one."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    if faults and faults[0]["type"] == "json_invalid":
        return Problem(Cause.INVALID_MSG_FORMAT, f"the body is not JSON: {faults[0]['msg']}")
    invalid = [InvalidParam(pointer(fault["loc"]), fault["msg"]) for fault in faults[:_NAMED_AT_MOST]]
    first = faults[0]
    name = next((one for one in reversed(first["loc"]) if isinstance(one, str)), "")
    if not first["loc"]:
        cause = Cause.INVALID_MSG_FORMAT
    elif first["type"] == "missing":
        cause = Cause.MANDATORY_IE_MISSING
    else:
        cause = Cause.MANDATORY_IE_INCORRECT if name in mandatory else Cause.OPTIONAL_IE_INCORRECT
    return Problem(cause, f"{len(faults)} faults in the body, the first at {invalid[0].param or 'its root'}", invalid)


def pointer(place: Sequence[int | str]) -> str:
    """Return a JSON pointer (RFC 6901).

    >>> pointer(("multipleUnitUsage", 0, "ratingGroup"))
    '/multipleUnitUsage/0/ratingGroup'
    """
    return "".join("/" + str(one).replace("~", "~0").replace("/", "~1") for one in place)
