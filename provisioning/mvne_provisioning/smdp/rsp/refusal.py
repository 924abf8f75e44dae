"""How the server says no: subject and reason code of SGP.22, section 5.2.6, and a sentence without secrets."""

from __future__ import annotations

from mvne_provisioning.errors import ProvisioningError


class Refused(ProvisioningError):
    """A function of ES9+ fails: what was wrong (`subject`), how (`reason`), and `message` for a human.

    >>> print(Refused("8.2.6", "3.8", "no such order"))
    8.2.6/3.8: no such order
    """

    def __init__(self, subject: str, reason: str, message: str) -> None:
        super().__init__(subject, reason, message)
        self.subject, self.reason, self.message = subject, reason, message

    def __str__(self) -> str:
        return f"{self.subject}/{self.reason}: {self.message}"


def missing(name: str) -> Refused:
    """Return the refusal of a request that lacks a field."""
    return Refused("1.6", "2.2", f"{name} is missing")


def invalid(name: str, what: object) -> Refused:
    """Return the refusal of a field that is not what it must be."""
    return Refused("1.6", "2.1", f"{name} is invalid: {what}")


def no_session(what: str) -> Refused:
    """Return the refusal of a call that belongs to no session, or to another point of it."""
    return Refused("8.10.1", "3.9", what)


def unverified(what: str) -> Refused:
    """Return the refusal of what a card did not sign, or signed about something else."""
    return Refused("8.1", "6.1", what)
