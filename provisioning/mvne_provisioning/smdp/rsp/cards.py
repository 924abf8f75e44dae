"""Which card this is: its chain of certificates, and the codes for whatever is wrong with it (SGP.22, 5.6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from mvne_provisioning.pki.checking import CertificateRefused, Fault, check_card
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.roles import Role
from mvne_provisioning.smdp.rsp.refusal import Refused

_SUBJECTS = {Role.EUM: "8.1.2", Role.EUICC: "8.1.3"}
_UNKNOWN_ISSUER = ("8.11.1", "3.9")


def known_card(
    issuers: Mapping[bytes, Identity], eum: bytes, euicc: bytes, at: datetime
) -> tuple[str, ec.EllipticCurvePublicKey]:
    """Return the EID and the key of the card with these certificates (DER).

    Raises `Refused`: 8.1.2 the maker's and 8.1.3 the card's certificate, with 6.1 when it does not verify or names
    something that it may not, with 6.3 when it is not valid now; 8.11.1/3.9 when none of the issuers signed.
    """
    try:
        return check_card(issuers, eum, euicc, at)
    except CertificateRefused as wrong:
        raise Refused(*_codes(wrong), str(wrong)) from None


def _codes(wrong: CertificateRefused) -> tuple[str, str]:
    """Return subject and reason; whatever is wrong with a root means that it is none of ours at this time."""
    subject = _SUBJECTS.get(wrong.whose)
    if subject is None or wrong.fault is Fault.UNKNOWN_ISSUER:
        return _UNKNOWN_ISSUER
    return subject, "6.3" if wrong.fault is Fault.EXPIRED else "6.1"
