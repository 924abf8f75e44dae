"""CancelSession: the card says, signed, that and why a download ends here (SGP.22, section 5.6.5)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from mvne_provisioning import tlv
from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.smdp.rsp.fields import check_inner, check_transaction, members, number, reading, structure
from mvne_provisioning.smdp.rsp.refusal import Refused, unverified
from mvne_provisioning.smdp.rsp.session import Session
from mvne_provisioning.smdp.rsp.signing import SIGNATURE, card_key, check_signature, own
from mvne_provisioning.tlv import Tlv

_FIELD = "cancelSessionResponse"


class CancelReason(IntEnum):
    """Why a download was cancelled; a number that a later version may bring is `UNDEFINED`."""

    END_USER_REJECTION = 0
    POSTPONED = 1
    TIMEOUT = 2
    PPR_NOT_ALLOWED = 3
    METADATA_MISMATCH = 4
    LOAD_BPP_EXECUTION_ERROR = 5
    UNDEFINED = 127

    @classmethod
    def _missing_(cls, value: object) -> CancelReason:
        return cls.UNDEFINED


def cancelled(certificates: Certificates, session: Session, request: Mapping[str, object]) -> CancelReason:
    """Verify that the session's card cancels it, and return why.

    Raises `Refused`: 8.10.1/3.9 another transaction, inside or outside, or a session without a card; 8.1/6.1 signature,
    or the card's own error; 8.8/3.10 the object identifier of another SM-DP+; 1.6 anything malformed.
    """
    check_transaction(request, session.transaction_id)
    response = structure(request, _FIELD, 0xBF41)
    with reading(_FIELD):
        error = response.find(0x81)
        if error is not None:
            raise unverified(f"the card could not cancel: error {number(error.value)}")
        signed, signature = members(response.child(0xA0), 0x30, SIGNATURE)
    check_signature(card_key(session), signature, signed.raw, "euiccCancelSessionSigned")
    check_inner(signed, session.transaction_id, "euiccCancelSessionSigned")
    with reading(_FIELD):
        check_oid(certificates, session, signed.child(0x81))
        return CancelReason(number(signed.child(0x82).value))


def check_oid(certificates: Certificates, session: Session, said: Tlv) -> None:
    """Refuse what was said to another server: ours is the registered id among our certificate's other names."""
    if tlv.dotted(said.value) != own(certificates.dp_auth, session).oid:
        raise Refused("8.8", "3.10", "this was signed for the object identifier of another SM-DP+")
