"""What the subject and reason codes of SGP.22 mean, in plain words (sections 5.2.6.1 and 5.2.6.2)."""

from __future__ import annotations

from collections.abc import Mapping

SUBJECTS: Mapping[str, str] = {
    "1": "the request",
    "1.1": "the caller",
    "1.2": "the server",
    "1.3": "the protocol",
    "1.3.1": "the protocol format",
    "1.3.2": "the protocol version",
    "1.6": "a parameter of the function",
    "8": "remote provisioning",
    "8.1": "the eUICC",
    "8.1.1": "the EID",
    "8.1.2": "the certificate of the eUICC's manufacturer",
    "8.1.3": "the certificate of the eUICC",
    "8.2": "the profile",
    "8.2.1": "the ICCID",
    "8.2.5": "the profile type",
    "8.2.6": "the matching id",
    "8.2.7": "the confirmation code",
    "8.2.8": "the profile policy rules",
    "8.2.9": "the profile's metadata",
    "8.2.10": "the bound profile package",
    "8.8": "the SM-DP+",
    "8.8.1": "the SM-DP+ address",
    "8.8.2": "the SM-DP+ security configuration",
    "8.8.3": "the SM-DP+ version",
    "8.8.4": "the SM-DP+ certificate",
    "8.8.5": "the download order",
    "8.9": "the SM-DS",
    "8.10": "the operation",
    "8.10.1": "the transaction id",
    "8.11": "the certificate issuer",
    "8.11.1": "the certificate issuer's public key",
    "8.12": "the phone's assistant",
}

REASONS: Mapping[str, str] = {
    "1.1": "is not known",
    "1.2": "is not allowed",
    "2.1": "is invalid",
    "2.2": "is missing",
    "2.3": "is missing and needed in this case",
    "3.1": "is not supported",
    "3.3": "is already in use",
    "3.5": "is in a state from which this is not possible",
    "3.7": "is unavailable",
    "3.8": "is refused",
    "3.9": "is unknown",
    "3.10": "belongs to something else",
    "3.11": "has changed",
    "3.12": "does not match",
    "4.2": "failed while executing",
    "4.3": "stopped on a warning",
    "4.8": "has not enough memory",
    "4.10": "was there longer than it may live",
    "5.1": "cannot be reached",
    "6.1": "could not be verified",
    "6.3": "has expired",
    "6.4": "was tried too often",
}


def explain(subject_code: str, reason_code: str) -> str:
    """Say in plain words what two codes mean; codes of a later version are named as they are.

    >>> explain("8.2.1", "3.9"), explain("8.2.11", "3.9")
    ('the ICCID is unknown', 'subject 8.2.11 is unknown')
    """
    subject = SUBJECTS.get(subject_code, f"subject {subject_code}")
    return f"{subject} {REASONS.get(reason_code, f'has reason {reason_code}')}"
