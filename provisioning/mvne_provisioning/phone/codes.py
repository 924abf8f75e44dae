"""The numbers with which an eUICC says what went wrong or happened, as SGP.22 gives them (sections 2.5 and 5.7)."""

from __future__ import annotations

from enum import IntEnum


class AuthenticateError(IntEnum):
    """Why an eUICC does not authenticate a server (AuthenticateErrorCode)."""

    INVALID_CERTIFICATE = 1
    INVALID_SIGNATURE = 2
    UNSUPPORTED_CURVE = 3
    NO_SESSION = 4
    INVALID_OID = 5
    CHALLENGE_MISMATCH = 6
    CI_UNKNOWN = 7
    UNDEFINED = 127


class DownloadError(IntEnum):
    """Why an eUICC does not prepare a download (DownloadErrorCode)."""

    INVALID_CERTIFICATE = 1
    INVALID_SIGNATURE = 2
    UNSUPPORTED_CURVE = 3
    NO_SESSION = 4
    INVALID_TRANSACTION_ID = 5
    UNDEFINED = 127


class CancelReason(IntEnum):
    """Why a download ends early (CancelSessionReason); after the first two the server keeps the order."""

    END_USER_REJECTION = 0
    POSTPONED = 1
    TIMEOUT = 2
    PPR_NOT_ALLOWED = 3
    METADATA_MISMATCH = 4
    LOAD_BPP_EXECUTION_ERROR = 5
    UNDEFINED = 127


class Command(IntEnum):
    """The part of a bound profile package that was being carried out (BppCommandId)."""

    INITIALISE_SECURE_CHANNEL = 0
    CONFIGURE_ISDP = 1
    STORE_METADATA = 2
    STORE_METADATA_AGAIN = 3
    REPLACE_SESSION_KEYS = 4
    LOAD_PROFILE_ELEMENTS = 5


class InstallError(IntEnum):
    """Why an installation failed (ErrorReason)."""

    INCORRECT_INPUT_VALUES = 1
    INVALID_SIGNATURE = 2
    INVALID_TRANSACTION_ID = 3
    UNSUPPORTED_CRT_VALUES = 4
    UNSUPPORTED_REMOTE_OPERATION_TYPE = 5
    UNSUPPORTED_PROFILE_CLASS = 6
    SCP03T_STRUCTURE = 7
    SCP03T_SECURITY = 8
    ICCID_ALREADY_EXISTS = 9
    INSUFFICIENT_MEMORY = 10
    INTERRUPTION = 11
    PE_PROCESSING = 12
    ICCID_MISMATCH = 13
    TEST_PROFILE_NAA_KEY = 14
    PPR_NOT_ALLOWED = 15
    UNKNOWN = 127


class Event(IntEnum):
    """What a notification is about: the number of its bit in NotificationEvent."""

    INSTALL = 0
    ENABLE = 1
    DISABLE = 2
    DELETE = 3

    @property
    def bits(self) -> bytes:
        """The value of the BIT STRING with only this bit set.

        >>> [event.bits.hex() for event in Event]
        ['0780', '0640', '0520', '0410']
        """
        return bytes([7 - self, 0x80 >> self])


class ManageError(IntEnum):
    """Why an eUICC does not enable, disable or delete a profile (ES10c)."""

    NOT_FOUND = 1
    WRONG_STATE = 2


def words(code: IntEnum) -> str:
    """Return a code as it is said to people.

    >>> words(InstallError.INSUFFICIENT_MEMORY)
    'insufficient memory (10)'
    """
    return f"{code.name.lower().replace('_', ' ')} ({code.value})"
