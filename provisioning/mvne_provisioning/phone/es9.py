"""The phone's calls to an SM-DP+ (ES9+): what goes out, what comes back, how a refusal reads (SGP.22, section 5.6).

Some servers have habits of their own. Letter case of a status, spaces in base64 and an answer where none belongs do no
harm and are taken as they are.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Protocol

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.smdp.port import RspFailed, SmdpUnavailable

_SPACE = re.compile(r"\s+")
_DONE = frozenset({"executed-success", "executed-withwarning"})
_MOST_MESSAGE = 200

Answer = Mapping[str, object]


class ServerRefused(RspFailed):
    """The SM-DP+ refused what the phone asked for; the codes are those of SGP.22."""


class ServerUnreachable(SmdpUnavailable):
    """There is no answer from the SM-DP+: try again later."""


class BadAnswer(ProvisioningError):
    """The SM-DP+ answered something that is not in the protocol."""


class Transport(Protocol):
    """Takes the calls of ES9+ to one SM-DP+."""

    def post(self, function: str, body: Mapping[str, object]) -> Answer | None:
        """Call a function such as `initiateAuthentication`; return the answer's JSON, None when it is empty.

        Raises `ServerUnreachable` or `BadAnswer`.
        """


def call(transport: Transport, function: str, **fields: bytes | str) -> Answer:
    """Call a function with fields, bytes as base64; return its answer. Raises `ServerRefused`, and what `post` does."""
    answer = transport.post(function, {name: _written(value) for name, value in fields.items()})
    if answer is None:
        raise BadAnswer(f"the server's answer to {function} is empty")
    check_status(answer)
    return answer


def tell(transport: Transport, notification: bytes) -> None:
    """Send a notification; raise `ServerRefused`, and what `post` does. An answer that says done is no fault."""
    answer = transport.post("handleNotification", {"pendingNotification": _written(notification)})
    if answer and "header" in answer:
        check_status(answer)


def check_status(answer: Answer) -> None:
    """Raise `ServerRefused` unless the function was executed."""
    status = _inside(_inside(answer, "header"), "functionExecutionStatus")
    word = status.get("status")
    if isinstance(word, str) and word.lower() in _DONE:
        return
    codes = status.get("statusCodeData")
    data = codes if isinstance(codes, Mapping) else {}
    subject, reason, message = (data.get(name) for name in ("subjectCode", "reasonCode", "message"))
    if not isinstance(word, str) or not (isinstance(subject, str) and isinstance(reason, str)):
        raise BadAnswer("the server's answer says neither that it is done nor, in codes, why not")
    raise ServerRefused(subject, reason, message[:_MOST_MESSAGE] if isinstance(message, str) else "")


def binary(answer: Answer, name: str) -> bytes:
    """Return a field that is base64; raise `BadAnswer`."""
    try:
        return base64.b64decode(_SPACE.sub("", text(answer, name)), validate=True)
    except (binascii.Error, ValueError):
        raise BadAnswer(f"{name} in the server's answer is not base64") from None


def transaction(answer: Answer) -> bytes:
    """Return the transaction id, 1 to 16 bytes in hexadecimal; raise `BadAnswer`."""
    found = text(answer, "transactionId")
    try:
        value = bytes.fromhex(found)
    except ValueError:
        value = b""
    if not 1 <= len(value) <= 16:
        raise BadAnswer("transactionId in the server's answer is not 1 to 16 bytes in hexadecimal")
    return value


def text(answer: Answer, name: str) -> str:
    """Return a field that is text; raise `BadAnswer`."""
    found = answer.get(name)
    if not isinstance(found, str):
        raise BadAnswer(f"{name} is missing in the server's answer")
    return found


def _inside(answer: Answer, name: str) -> Answer:
    found = answer.get(name)
    if not isinstance(found, Mapping):
        raise BadAnswer(f"{name} is missing in the server's answer")
    return found


def _written(value: bytes | str) -> str:
    return value if isinstance(value, str) else base64.b64encode(value).decode()
