"""The part of an SM-DP+ that thinks: it reads, verifies, signs and seals (GSMA SGP.22 v2), and keeps nothing.

One download is `initiate`, `authenticate`, `offer`, `prepare`, `bind`, then `notification`, or `cancelled` at any time
after a card was authenticated. In between the caller keeps the `Session`. Every refusal is a `Refused`; nothing that a
client sends raises anything else.
"""

from mvne_provisioning.smdp.rsp.authenticating import authenticate
from mvne_provisioning.smdp.rsp.binding import Sealable, bind
from mvne_provisioning.smdp.rsp.cancelling import CancelReason, cancelled
from mvne_provisioning.smdp.rsp.fields import transaction_id
from mvne_provisioning.smdp.rsp.initiating import initiate
from mvne_provisioning.smdp.rsp.notifying import (
    Event,
    Failure,
    InstallationResult,
    Notified,
    Other,
    notification,
    notified_transaction,
)
from mvne_provisioning.smdp.rsp.offering import offer
from mvne_provisioning.smdp.rsp.preparing import Prepared, is_code, prepare
from mvne_provisioning.smdp.rsp.refusal import Refused
from mvne_provisioning.smdp.rsp.sealing import Keys
from mvne_provisioning.smdp.rsp.session import Session

__all__ = [
    "CancelReason",
    "Event",
    "Failure",
    "InstallationResult",
    "Keys",
    "Notified",
    "Other",
    "Prepared",
    "Refused",
    "Sealable",
    "Session",
    "authenticate",
    "bind",
    "cancelled",
    "initiate",
    "is_code",
    "notification",
    "notified_transaction",
    "offer",
    "prepare",
    "transaction_id",
]
