"""The file names of SGP.26, by which certificates and keys are found in any folder.

>>> written(Role.DP_AUTH, Curve.NIST)
('DPauth', 'S_SM_DPauth_ECDSA_NIST')
>>> read_name("CERT_S_SM_DP2pb_ECDSA_BRP.der")
FileName(secret=False, role=<Role.DP_PB: 'DPpb'>, server='2', stem='S_SM_DP2pb_ECDSA_BRP')
>>> read_name("SK_EUM_ECDSA_NIST.pem")
FileName(secret=True, role=<Role.EUM: 'EUM'>, server='', stem='EUM_ECDSA_NIST')
>>> read_name("PK_EUM_ECDSA_NIST.pem") is None
True
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mvne_provisioning.pki.roles import Curve, Role

#: The folder of a role, and its part of a file name with a place for the curve.
_WRITTEN = {
    Role.CI: ("CertificateIssuer", "CI_ECDSA_{}"),
    Role.EUM: ("EUM", "EUM_ECDSA_{}"),
    Role.EUICC: ("eUICC", "EUICC_ECDSA_{}"),
    Role.DP_AUTH: ("DPauth", "S_SM_DPauth_ECDSA_{}"),
    Role.DP_PB: ("DPpb", "S_SM_DPpb_ECDSA_{}"),
    Role.DP_TLS: ("DPtls", "S_SM_DP_TLS_{}"),
}

_ROLES = {
    "CI": Role.CI,
    "EUM": Role.EUM,
    "EUICC": Role.EUICC,
    "auth": Role.DP_AUTH,
    "pb": Role.DP_PB,
    "_TLS": Role.DP_TLS,
}

#: Newer editions of SGP.26 say `SIG` for `ECDSA`; its second to eighth servers leave the curve out of TLS names.
_NAME = re.compile(
    r"(?P<kind>CERT|SK)_"
    r"(?P<stem>(?:(?P<card>CI|EUM|EUICC)|S_SM_DP(?P<server>\d*)(?P<dp>auth|pb|_TLS))(?:_(?:ECDSA|SIG))?(?:_(?:NIST|BRP))?)"
    r"\.(?P<ending>der|pem)"
)


class FileName(NamedTuple):
    """What a file's name says: private key or certificate, whose, of which test server, and what both files share."""

    secret: bool
    role: Role
    server: str
    stem: str


def written(role: Role, curve: Curve) -> tuple[str, str]:
    """Return the folder of a role and the stem of its files: put `CERT_` or `SK_` before and an ending behind."""
    folder, stem = _WRITTEN[role]
    return folder, stem.format(curve.value)


def read_name(name: str) -> FileName | None:
    """Return what a file's name says; None when it is no certificate or private key of the roles known here."""
    found = _NAME.fullmatch(name)
    if not found or (found["kind"] == "SK" and found["ending"] == "der"):
        return None
    return FileName(found["kind"] == "SK", _ROLES[found["card"] or found["dp"]], found["server"] or "", found["stem"])
