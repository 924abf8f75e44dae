"""How a certificate is made: the extensions that SGP.22 asks of each role, the dates, the signature.

Everything follows from the arguments, serial numbers too (from the key), so only keys and signatures differ from run
to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.roles import Role

#: An extension, and whether a reader who does not know it must refuse the certificate.
Extension = tuple[x509.ExtensionType, bool]

_YEAR = timedelta(days=365, hours=6)

#: How long certificates are valid; 398 days is the most that browsers and phones accept of a TLS server.
VALID_FOR: Mapping[Role, timedelta] = {
    Role.CI: 35 * _YEAR,
    Role.EUM: 30 * _YEAR,
    Role.EUICC: 25 * _YEAR,
    Role.DP_AUTH: 10 * _YEAR,
    Role.DP_PB: 10 * _YEAR,
    Role.DP_TLS: timedelta(days=398),
}

#: Certificates begin a little before they are made: a phone's clock may be behind.
_EARLIER = timedelta(hours=1)

_ISSUERS = frozenset({Role.CI, Role.EUM})


class NoSigningKey(ProvisioningError):
    """A certificate cannot be signed: the private key of its issuer is not in the folder."""


def certify(
    role: Role,
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: Identity | None,
    at: datetime,
    extras: Iterable[Extension] = (),
) -> Identity:
    """Return the certificate of `key` in a role, signed by `issuer` or, for None, by itself.

    `extras` are extensions beyond the role's usual ones. Raises `NoSigningKey`.
    """
    signer = issuer.key if issuer else key
    if signer is None:
        raise NoSigningKey(f"the {role} certificate cannot be signed: the private key of its issuer is missing")
    name = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority = issuer.subject_key_id if issuer else name.digest
    begin = at.replace(microsecond=0) - _EARLIER
    builder = x509.CertificateBuilder(
        issuer_name=issuer.certificate.subject if issuer else subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=int.from_bytes(name.digest[:8], "big") or 1,
        not_valid_before=begin,
        not_valid_after=begin + _EARLIER + VALID_FOR[role],
    )
    names: tuple[Extension, ...] = ((name, False), (x509.AuthorityKeyIdentifier(authority, None, None), False))
    for value, critical in (*names, *_usual(role), *extras):
        builder = builder.add_extension(value, critical)
    certificate = builder.sign(signer, SHA256())
    return Identity(role, certificate, certificate.public_bytes(Encoding.DER), key)


def _usual(role: Role) -> Iterator[Extension]:
    """Yield the extensions that tell a role; the phone's TLS library need not know the policies, a card must."""
    issues = role in _ISSUERS
    if issues:
        yield x509.BasicConstraints(ca=True, path_length=0 if role is Role.EUM else None), True
    yield _usage(issues), True
    yield x509.CertificatePolicies([x509.PolicyInformation(role.policy, None)]), role is not Role.DP_TLS
    if role is Role.DP_TLS:
        yield x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), True


def _usage(issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not issues,
        key_cert_sign=issues,
        crl_sign=issues,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def other_names(oid: str, *addresses: x509.GeneralName) -> Extension:
    """Return the extension with a registered id (in dotted form) and the addresses of a server."""
    return x509.SubjectAlternativeName([*addresses, x509.RegisteredID(x509.ObjectIdentifier(oid))]), False


def eid_range(organization: str, prefix: str) -> Extension:
    """Return the extension that binds an EUM to its own name and to EIDs with a prefix (SGP.22, name constraints)."""
    permitted = x509.DirectoryName(subject_name(organization=organization, serial_number=prefix))
    return x509.NameConstraints(permitted_subtrees=[permitted], excluded_subtrees=None), True


def subject_name(common_name: str = "", organization: str = "", unit: str = "", serial_number: str = "") -> x509.Name:
    """Return a name of these parts; empty ones are left out.

    >>> subject_name("Test eUICC", "Test EUM", serial_number="8904").rfc4514_string()
    'CN=Test eUICC,2.5.4.5=8904,O=Test EUM'
    """
    parts = {
        NameOID.ORGANIZATION_NAME: organization,
        NameOID.ORGANIZATIONAL_UNIT_NAME: unit,
        NameOID.SERIAL_NUMBER: serial_number,
        NameOID.COMMON_NAME: common_name,
    }
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts.items() if text])
