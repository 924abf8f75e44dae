"""What an operator asks of an SM-DP+: the functions of ES2+ (GSMA SGP.22, section 5.3), and what it tells back.

Every call carries a call id (`functionCallIdentifier`) that was written down before. Repeated with the same call id and
arguments it has no second effect and gets the first answer; so after `SmdpUnavailable` the right thing is to repeat it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Protocol

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.smdp.status_codes import explain


class SmdpUnavailable(ProvisioningError):
    """The SM-DP+ gave no answer; whether it did what was asked is not known. Repeat with the same call id."""


class RspFailed(ProvisioningError):
    """The SM-DP+ answered `Failed`, with the subject and reason codes of SGP.22; nothing was changed."""

    def __init__(self, subject_code: str, reason_code: str, message: str = "") -> None:
        super().__init__(subject_code, reason_code, message)
        self.subject_code, self.reason_code, self.message = subject_code, reason_code, message

    @property
    def codes(self) -> tuple[str, str]:
        """Subject and reason."""
        return self.subject_code, self.reason_code

    @property
    def explanation(self) -> str:
        """The codes in plain words."""
        return explain(self.subject_code, self.reason_code)

    def __str__(self) -> str:
        message = f": {self.message}" if self.message else ""
        return f"{self.explanation}{message} ({self.subject_code}/{self.reason_code})"


class Es2Failed(RspFailed):
    """The SM-DP+ refused a call of the operator."""


class FinalState(StrEnum):
    """What becomes of a profile whose order is cancelled (`finalProfileStatusIndicator`)."""

    AVAILABLE = "Available"
    UNAVAILABLE = "Unavailable"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What ConfirmOrder answers; `smdp_address` is None when the SM-DP+ leaves it to be known."""

    matching_id: str
    eid: Eid | None
    smdp_address: str | None


class NotificationPoint(IntEnum):
    """At which point of a download the SM-DP+ tells the operator; those from 5 on are vendors' extensions."""

    ELIGIBILITY = 1  #: eligibility and limit of attempts
    CONFIRMATION = 2  #: the confirmation code was wrong too often
    DOWNLOADED = 3
    INSTALLED = 4
    DELETED = 5
    ENABLED = 101
    DISABLED = 102


class NotificationStatus(StrEnum):
    """Whether that point was passed."""

    SUCCESS = "Executed-Success"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """HandleDownloadProgressInfo: the SM-DP+ tells how a download goes; it may tell the same thing twice."""

    iccid: Iccid
    profile_type: str
    eid: Eid | None
    at: datetime
    point: NotificationPoint
    status: NotificationStatus
    subject_code: str | None = None
    reason_code: str | None = None
    message: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the point was passed."""
        return self.status is NotificationStatus.SUCCESS

    @property
    def explanation(self) -> str:
        """The codes of a failure in plain words; empty for a success."""
        return explain(self.subject_code or "8", self.reason_code or "4.2") if not self.succeeded else ""


class SmdpPlus(Protocol):
    """An SM-DP+ over ES2+. Every call may raise `SmdpUnavailable` or `Es2Failed`."""

    def download_order(
        self, call_id: str, iccid: Iccid | None = None, profile_type: str | None = None, eid: Eid | None = None
    ) -> Iccid:
        """Take a profile out of the inventory: this one, or any of this type; for one eUICC if `eid` is given."""

    def confirm_order(
        self,
        call_id: str,
        iccid: Iccid,
        eid: Eid | None = None,
        matching_id: str | None = None,
        confirmation_code: str | None = None,
        release_flag: bool = False,
    ) -> Confirmed:
        """Give an ordered profile its matching id, ours or (None) the SM-DP+'s own; with the flag release it too.

        An empty matching id means that the phone will be found by its EID, which is then needed.
        """

    def cancel_order(
        self,
        call_id: str,
        iccid: Iccid,
        matching_id: str | None,
        final_state: FinalState,
        eid: Eid | None = None,
    ) -> None:
        """Undo an order that was not downloaded; codes 8.2.1/3.3 say that it was."""

    def release_profile(self, call_id: str, iccid: Iccid) -> None:
        """Let a confirmed profile be downloaded: the network side is prepared."""
