"""Whether certificates are what they claim: a card's chain from its root down, link by link (SGP.22, clause 4.5.2).

A link is checked for its signature, its dates, its role by policy, what its key may do, and how far it may reach. What
is wrong first is said: whose certificate, which fault, and a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.pki.identity import Identity, UnreadableCertificate, extension
from mvne_provisioning.pki.ranges import PERMITTED_EINS, EidNotPermitted, UnreadableRange, check_range
from mvne_provisioning.pki.roles import Role


class Fault(StrEnum):
    """What a certificate is refused for."""

    UNKNOWN_ISSUER = "unknown_issuer"  #: none of our roots signed it
    BAD_SIGNATURE = "bad_signature"  #: the one it names did not sign it
    EXPIRED = "expired"  #: its time is over, or has not come
    WRONG_ROLE = "wrong_role"  #: it is not meant for this use: policy, key usage or path length
    BAD_NAME = "bad_name"  #: no EID, or one that its maker may not certify
    UNREADABLE = "unreadable"  #: no certificate, or one with parts that nobody here understands


class CertificateRefused(ProvisioningError):
    """A certificate is not believed: `whose`, for which `fault`; the text says it to a human."""

    def __init__(self, whose: Role, fault: Fault, message: str) -> None:
        super().__init__(whose, fault, message)
        self.whose, self.fault, self.message = whose, fault, message

    def __str__(self) -> str:
        return f"the {self.whose} certificate is refused: {self.message}"


#: An issuer certifies others; the rest sign what they say.
_ISSUERS = frozenset({Role.CI, Role.EUM})

#: Extensions that may be critical, because they are checked here, or ask for nothing.
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        PERMITTED_EINS,
    }
)


def check_card(
    issuers: Mapping[bytes, Identity], eum_der: bytes, euicc_der: bytes, at: datetime
) -> tuple[str, ec.EllipticCurvePublicKey]:
    """Check a card's two certificates against the roots (by subject key id); return its EID and its key.

    Raises `CertificateRefused` for the first thing that is wrong, from the root down. Revocation lists are not read.
    """
    eum, euicc = _read(Role.EUM, eum_der), _read(Role.EUICC, euicc_der)
    check_link(find_issuer(issuers, eum), eum, at)
    check_link(eum, euicc, at)
    return _eid(eum, euicc), euicc.public_key


def find_issuer(issuers: Mapping[bytes, Identity], one: Identity) -> Identity:
    """Return the root that a certificate names; raise `CertificateRefused` when it is not among them."""
    issuer = issuers.get(one.authority_key_id)
    if issuer is None:
        named = one.authority_key_id.hex().upper() or "none"
        raise CertificateRefused(one.role, Fault.UNKNOWN_ISSUER, f"the issuer it names ({named}) is not known here")
    return issuer


def check_link(issuer: Identity, one: Identity, at: datetime) -> None:
    """Check that `issuer` certified `one` in its role, and both are valid; raise `CertificateRefused`.

    A root is its own issuer.
    """
    for end in (issuer, one):
        check_use(end)
    if one.authority_key_id != issuer.subject_key_id:
        raise CertificateRefused(one.role, Fault.BAD_SIGNATURE, f"it names another issuer than this {issuer.role}")
    _check_signature(issuer, one)
    for end in (issuer, one):
        check_dates(end, at)


def _check_signature(issuer: Identity, one: Identity) -> None:
    if one.certificate.signature_algorithm_oid != SignatureAlgorithmOID.ECDSA_WITH_SHA256:
        raise CertificateRefused(one.role, Fault.BAD_SIGNATURE, "it is not signed by ECDSA with SHA-256")
    try:
        one.certificate.verify_directly_issued_by(issuer.certificate)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise CertificateRefused(
            one.role, Fault.BAD_SIGNATURE, f"the {issuer.role} it names did not sign it"
        ) from error


def check_dates(one: Identity, at: datetime) -> None:
    """Check that a certificate is valid at a time; raise `CertificateRefused`."""
    begin, end = one.certificate.not_valid_before_utc, one.not_after
    if at > end:
        raise CertificateRefused(one.role, Fault.EXPIRED, f"it expired on {end:%Y-%m-%d %H:%M} UTC")
    if at < begin:
        raise CertificateRefused(one.role, Fault.EXPIRED, f"it is valid from {begin:%Y-%m-%d %H:%M} UTC only")


def check_use(one: Identity) -> None:
    """Check that a certificate is meant for its role and says nothing critical that is not understood."""
    for found in one.certificate.extensions:
        if found.critical and found.oid not in _UNDERSTOOD:
            unknown = f"it has a critical extension that is not known here: {found.oid.dotted_string}"
            raise CertificateRefused(one.role, Fault.UNREADABLE, unknown)
    if wrong := _misuse(one):
        raise CertificateRefused(one.role, Fault.WRONG_ROLE, wrong)


def _misuse(one: Identity) -> str | None:
    if one.said_role is not one.role:
        return f"its policies say {one.said_role or 'no role, or several'}"
    usage = extension(one.certificate, x509.KeyUsage)
    basic = extension(one.certificate, x509.BasicConstraints)
    if one.role not in _ISSUERS:
        if basic and basic.ca:
            return "it is one of an issuer of certificates"
        return None if usage and usage.digital_signature else "its key is not meant for signatures"
    if not (basic and basic.ca):
        return "it is not one of an issuer of certificates"
    if not (usage and usage.key_cert_sign):
        return "its key is not meant to sign certificates"
    if one.role is Role.EUM and basic.path_length != 0:
        return "it does not say that only cards may stand below it (path length 0)"
    if one.role is Role.CI and basic.path_length == 0:
        return "it lets nobody issue certificates below it (path length 0)"
    return None


def _read(role: Role, der: bytes) -> Identity:
    try:
        return Identity.read(role, der)
    except UnreadableCertificate as error:
        raise CertificateRefused(role, Fault.UNREADABLE, str(error)) from error


def _eid(eum: Identity, euicc: Identity) -> str:
    """Return the EID that a card's maker may certify. Its check digits are the maker's affair, who signed them."""
    eid = euicc.eid or ""
    if not (len(eid) == 32 and eid.isascii() and eid.isdigit()):
        raise CertificateRefused(Role.EUICC, Fault.BAD_NAME, "the serial number of its subject is no EID of 32 digits")
    try:
        check_range(eum.certificate, euicc.certificate.subject, eid)
    except EidNotPermitted as error:
        raise CertificateRefused(Role.EUICC, Fault.BAD_NAME, str(error)) from error
    except UnreadableRange as error:
        raise CertificateRefused(Role.EUM, Fault.UNREADABLE, str(error)) from error
    return eid
