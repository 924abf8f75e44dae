"""What a certificate of eSIM is for, and on which curve its key lies.

>>> Role.DP_AUTH.policy.dotted_string
'2.23.146.1.2.1.4'
>>> Role.of_policy("2.23.146.1.2.1.2"), Role.of_policy("2.5.29.32.0")
(<Role.EUM: 'EUM'>, None)
"""

from __future__ import annotations

from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

#: The arc of the certificate policies that say a role (SGP.22, annex on certificates); the role's number follows.
_ARC = "2.23.146.1.2.1"


class Role(StrEnum):
    """Who a certificate is about; the values are the names that people use, in the order of their policies."""

    CI = "CI"  #: certificate issuer: the root
    EUICC = "eUICC"  #: one card
    EUM = "EUM"  #: the maker of cards, who signs theirs
    DP_TLS = "DPtls"  #: the SM-DP+ towards the phone's TLS
    DP_AUTH = "DPauth"  #: the SM-DP+ as it authenticates to the card
    DP_PB = "DPpb"  #: the SM-DP+ as it binds profiles

    @property
    def policy(self) -> x509.ObjectIdentifier:
        """The certificate policy that says this role."""
        return _POLICIES[self]

    @classmethod
    def of_policy(cls, dotted: str) -> Role | None:
        """Return the role that a policy says, None for any other policy."""
        return _ROLES.get(dotted)


_POLICIES = {role: x509.ObjectIdentifier(f"{_ARC}.{number}") for number, role in enumerate(Role)}
_ROLES = {policy.dotted_string: role for role, policy in _POLICIES.items()}


class Curve(StrEnum):
    """The two curves of SGP.22; the values are the ends of SGP.26 file names."""

    NIST = "NIST"
    BRAINPOOL = "BRP"

    @property
    def parameters(self) -> ec.EllipticCurve:
        """The curve as the cryptographic library knows it."""
        return ec.SECP256R1() if self is Curve.NIST else ec.BrainpoolP256R1()

    @classmethod
    def of_key(cls, key: object) -> Curve | None:
        """Return the curve that a public or private key lies on, None for a key of any other kind."""
        if not isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
            return None
        return next((curve for curve in cls if curve.parameters.name == key.curve.name), None)
