"""What an eUICC demands of a server's certificate: chain, dates, role, use, registered id (GSMA SGP.22, section 4.5).

The anchors are the certificates of the issuers (CI) on the card. This is the card's own check: the server has another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtensionOID

from mvne_provisioning import tlv
from mvne_provisioning.errors import ProvisioningError

#: Policies that give a certificate its role: an SM-DP+ that authenticates itself, one that binds profiles.
DP_AUTH, DP_PB = "2.23.146.1.2.1.4", "2.23.146.1.2.1.5"

Issuers = Mapping[bytes, x509.Certificate]
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

_CURVES = (ec.SECP256R1, ec.BrainpoolP256R1)
_UNDERSTOOD = frozenset({ExtensionOID.KEY_USAGE, ExtensionOID.CERTIFICATE_POLICIES, ExtensionOID.BASIC_CONSTRAINTS})
#: What the library raises on reading a certificate that somebody wrote wrongly.
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)
_NO_EXTENSION = (x509.ExtensionNotFound, x509.UnsupportedGeneralNameType)


class BadCertificate(ProvisioningError):
    """A certificate is not what it must be; the message says in what."""


class UnknownIssuer(BadCertificate):
    """The card does not have the certificate of the issuer (CI) that is named."""


class UnsupportedCurve(BadCertificate):
    """Its key is not on a curve that the card can reckon with."""


class NoOid(BadCertificate):
    """It has no registered id, or several: nobody knows whose it is."""


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What is used of a certificate that was checked: whose it is, who issued it, its key."""

    oid: str
    issuer: bytes
    key: ec.EllipticCurvePublicKey


def anchors(ders: Iterable[bytes]) -> dict[bytes, x509.Certificate]:
    """Return the issuers' certificates by their subject key identifier; raise `BadCertificate`."""
    read = (_read(der) for der in ders)
    return {_extension(one, x509.SubjectKeyIdentifier).digest: one for one in read}


def authority(der: bytes) -> bytes:
    """Return the key identifier of who issued a certificate; raise `BadCertificate`."""
    found = _extension(_read(der), x509.AuthorityKeyIdentifier).key_identifier
    if found is None:
        raise BadCertificate("it does not name the key of its issuer")
    return found


def subject_serial(der: bytes) -> str:
    """Return the serialNumber in the subject: the EID of an eUICC's certificate; raise `BadCertificate`."""
    found = _read(der).subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)
    if len(found) != 1 or not isinstance(found[0].value, str):
        raise BadCertificate("its subject has no serial number")
    return found[0].value


def check(issuers: Issuers, der: bytes, role: str, at: datetime) -> ServerCertificate:
    """Check all of a server's certificate at a moment; raise `BadCertificate` or what is more exact."""
    certificate = _read(der)
    issuer_id = authority(der)
    issuer = issuers.get(issuer_id)
    if issuer is None:
        raise UnknownIssuer(f"its issuer {issuer_id.hex()} is not on this card")
    faults = [*_faults(certificate, issuer, role, at)]
    if faults:
        raise BadCertificate("; ".join(faults))
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVES):
        raise UnsupportedCurve("its key is neither on P-256 nor on brainpoolP256r1")
    return ServerCertificate(_oid(certificate), issuer_id, key)


def _faults(certificate: x509.Certificate, issuer: x509.Certificate, role: str, at: datetime) -> Iterator[str]:
    if not _is_issued(certificate, issuer):
        yield "it is not signed by its issuer"
    for whose, one in (("it", certificate), ("its issuer", issuer)):
        if not one.not_valid_before_utc <= at <= one.not_valid_after_utc:
            valid = f"{one.not_valid_before_utc:%Y-%m-%d} to {one.not_valid_after_utc:%Y-%m-%d}"
            yield f"{whose} is valid from {valid}, not on {at:%Y-%m-%d}"
    if certificate.version is not x509.Version.v3:
        yield "it is not of version 3"
    if role not in {policy.policy_identifier.dotted_string for policy in _policies(certificate)}:
        yield f"it does not have the role {role}"
    if not _may_sign(certificate):
        yield "its key usage is not digital signature alone"
    unknown = [one.oid.dotted_string for one in _extensions(certificate) if one.critical and one.oid not in _UNDERSTOOD]
    if unknown:
        yield f"it has critical extensions that the card does not know: {', '.join(unknown)}"


def _is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        return isinstance(certificate.signature_hash_algorithm, SHA256)
    except (InvalidSignature, *_UNREADABLE):
        return False


def _policies(certificate: x509.Certificate) -> Iterator[x509.PolicyInformation]:
    yield from _extension(certificate, x509.CertificatePolicies)


def _may_sign(certificate: x509.Certificate) -> bool:
    usage = _extension(certificate, x509.KeyUsage)
    is_authority = [one.value.ca for one in _extensions(certificate) if isinstance(one.value, x509.BasicConstraints)]
    return usage.digital_signature and not usage.key_cert_sign and not any(is_authority)


def _oid(certificate: x509.Certificate) -> str:
    """Return the registered id in the subject's alternative names: the server's OID."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (*_NO_EXTENSION, *_UNREADABLE):
        raise NoOid("it has no registered id") from None
    found = names.get_values_for_type(x509.RegisteredID)
    if len(found) != 1:
        raise NoOid(f"it has {len(found)} registered ids instead of one")
    return found[0].dotted_string


def _read(der: bytes) -> x509.Certificate:
    _check_form(der)
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key(), certificate.subject, certificate.issuer
        certificate.not_valid_before_utc, certificate.not_valid_after_utc  # noqa: B018 - reading them is the check
    except _UNREADABLE:
        raise BadCertificate("it cannot be read") from None
    return certificate


def _check_form(der: bytes) -> None:
    """Refuse what the library would let pass: a serial number that is not positive, a signature that is no bytes."""
    try:
        signed, _, signature = tlv.read_one(der, 0x30).children
        version, number, *_ = signed.children
    except (tlv.Malformed, ValueError):
        raise BadCertificate("it cannot be read") from None
    serial, is_whole = number.value, signature.value[:1] == b"\0"
    if (version.tag, number.tag) != (0xA0, 0x02) or not any(serial) or serial[0] & 0x80 or not is_whole:
        raise BadCertificate("its serial number is not positive, or its signature is not whole")


def _extensions(certificate: x509.Certificate) -> x509.Extensions:
    try:
        return certificate.extensions
    except (*_NO_EXTENSION, *_UNREADABLE):
        raise BadCertificate("its extensions cannot be read") from None


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension:
    try:
        return _extensions(certificate).get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        raise BadCertificate(f"it has no {kind.__name__}") from None
