"""Result codes of Diameter, and which of them says what charging answers (RFC 6733 clause 7.1, RFC 8506 clause 9)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from mvne_billing.charging import session
from mvne_billing.charging.session import ChargingRefused, Result


class Code(IntEnum):
    """What became of a request."""

    SUCCESS = 2001
    COMMAND_UNSUPPORTED = 3001
    UNABLE_TO_DELIVER = 3002
    REALM_NOT_SERVED = 3003
    TOO_BUSY = 3004
    APPLICATION_UNSUPPORTED = 3007
    UNKNOWN_PEER = 3010
    END_USER_SERVICE_DENIED = 4010  # RFC 8506, 9.1
    CREDIT_CONTROL_NOT_APPLICABLE = 4011
    CREDIT_LIMIT_REACHED = 4012
    UNKNOWN_SESSION_ID = 5002
    AUTHORIZATION_REJECTED = 5003
    INVALID_AVP_VALUE = 5004
    MISSING_AVP = 5005
    NO_COMMON_APPLICATION = 5010
    UNABLE_TO_COMPLY = 5012
    USER_UNKNOWN = 5030  # RFC 8506, 9.2
    RATING_FAILED = 5031

    @property
    def is_protocol_error(self) -> bool:
        """Whether the answer has the error bit (RFC 6733, 7.1.3)."""
        return 3000 <= self < 4000


#: What a result is, of a request or of one of its rating groups.
RESULTS: Mapping[Result, Code] = {
    Result.SUCCESS: Code.SUCCESS,
    Result.END_USER_SERVICE_DENIED: Code.END_USER_SERVICE_DENIED,
    Result.QUOTA_MANAGEMENT_NOT_APPLICABLE: Code.CREDIT_CONTROL_NOT_APPLICABLE,
    Result.QUOTA_LIMIT_REACHED: Code.CREDIT_LIMIT_REACHED,
    Result.RATING_FAILED: Code.RATING_FAILED,
}

_REFUSALS: Mapping[type[ChargingRefused], Code] = {
    session.UnknownSubscription: Code.USER_UNKNOWN,
    session.UnknownSession: Code.UNKNOWN_SESSION_ID,
    session.SessionClosed: Code.UNKNOWN_SESSION_ID,
    session.ForeignSession: Code.AUTHORIZATION_REJECTED,
    session.NothingToRefund: Code.AUTHORIZATION_REJECTED,
    session.UnknownRatingGroup: Code.RATING_FAILED,
    session.Contended: Code.TOO_BUSY,
}


def code_of(error: ChargingRefused) -> Code:
    """Return the code that says why charging will not do something."""
    return _REFUSALS.get(type(error), Code.INVALID_AVP_VALUE)


class Refused(Exception):
    """A request is answered with a code other than success; the words go into Error-Message."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
