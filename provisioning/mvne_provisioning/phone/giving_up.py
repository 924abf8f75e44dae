"""Why a phone gives a download up, and what it tells the server then (GSMA SGP.22, section 3.1.3 and 5.7.14)."""

from __future__ import annotations

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone.codes import CancelReason, Command, InstallError, words
from mvne_provisioning.phone.notifying import Undelivered


class DownloadFailed(ProvisioningError):
    """The phone gave a download up; `reason` is what the server is told."""

    reason = CancelReason.UNDEFINED


class WrongServer(DownloadFailed):
    """The server is not the one that the activation code names."""


class CodeNeeded(DownloadFailed):
    """The profile needs a confirmation code, and there is none; ask the operator for it, then try again."""

    reason = CancelReason.POSTPONED


class Declined(DownloadFailed):
    """The user does not want the profile, or not now."""

    def __init__(self, reason: CancelReason) -> None:
        super().__init__(f"the profile was not installed: {words(reason)}")
        self.reason = reason


class RulesNotAllowed(DownloadFailed):
    """The profile comes with policy rules, which this card does not allow."""

    reason = CancelReason.PPR_NOT_ALLOWED


class MetadataMismatch(DownloadFailed):
    """The profile that came is not the one that was shown."""

    reason = CancelReason.METADATA_MISMATCH


class BadPackage(DownloadFailed):
    """What came is no bound profile package."""

    reason = CancelReason.LOAD_BPP_EXECUTION_ERROR


class InstallationFailed(ProvisioningError):
    """The card did not take the profile, and says so to the server."""

    def __init__(self, command: Command, error: InstallError, undelivered: tuple[Undelivered, ...] = ()) -> None:
        super().__init__(f"the card did not take the profile: {words(error)} at {words(command)}")
        self.command, self.error, self.undelivered = command, error, undelivered
