"""One certificate with its role, its very bytes and, where we hold it, its private key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.pki.roles import Curve, Role

E = TypeVar("E", bound=x509.ExtensionType)


class UnreadableCertificate(ProvisioningError):
    """These bytes are no X.509 certificate with a key on one of the two curves; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate in a role: `der` is the certificate as it was read, `key` its private key if it is ours.

    Two are equal when their certificates are.
    """

    role: Role
    certificate: x509.Certificate
    der: bytes = field(repr=False)
    key: ec.EllipticCurvePrivateKey | None = field(repr=False, compare=False, default=None)

    @classmethod
    def read(cls, role: Role, der: bytes, key: ec.EllipticCurvePrivateKey | None = None) -> Identity:
        """Read a DER certificate to its last part; raise `UnreadableCertificate`. The role is believed, not checked."""
        return cls(role, parse(der), der, key)

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key that the certificate is about."""
        key = self.certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise UnreadableCertificate("the certificate's key does not lie on an elliptic curve")
        return key

    @property
    def curve(self) -> Curve:
        """The curve of its key."""
        curve = Curve.of_key(self.certificate.public_key())
        if curve is None:
            raise UnreadableCertificate("the certificate's key lies neither on NIST P-256 nor on Brainpool P256r1")
        return curve

    @property
    def subject_key_id(self) -> bytes:
        """The name of its key, usually 20 bytes; computed from the key when the certificate does not say it."""
        said = extension(self.certificate, x509.SubjectKeyIdentifier)
        return (said or x509.SubjectKeyIdentifier.from_public_key(self.public_key)).digest

    @property
    def authority_key_id(self) -> bytes:
        """The name of the key that signed it; a root that does not say it names its own, others then name none."""
        said = extension(self.certificate, x509.AuthorityKeyIdentifier)
        if said and said.key_identifier:
            return said.key_identifier
        return self.subject_key_id if self.certificate.issuer == self.certificate.subject else b""

    @property
    def oid(self) -> str | None:
        """The registered id among its other names, in dotted form: by it a card knows a server."""
        names = extension(self.certificate, x509.SubjectAlternativeName)
        found = names.get_values_for_type(x509.RegisteredID) if names else []
        return found[0].dotted_string if found else None

    @property
    def eid(self) -> str | None:
        """The serial number of its subject, which for a card is the EID; not checked here."""
        found = self.certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        return str(found[0].value) if found else None

    @property
    def not_after(self) -> datetime:
        """The last moment at which it is valid."""
        return self.certificate.not_valid_after_utc

    @property
    def pem(self) -> bytes:
        """The certificate as PEM text."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def said_role(self) -> Role | None:
        """The one role that its policies say; None when they say none, or several."""
        policies = extension(self.certificate, x509.CertificatePolicies) or ()
        roles = {role for policy in policies if (role := Role.of_policy(policy.policy_identifier.dotted_string))}
        return roles.pop() if len(roles) == 1 else None


def extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    """Return the value of an extension, None when the certificate has none of this kind."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


#: What the library raises for bytes that are no certificate, or a version, a name or an extension that cannot be. What
#: it only warns of, where warnings are made errors, is refused too.
_FAULTS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    Warning,
)


def parse(der: bytes) -> x509.Certificate:
    """Read a DER certificate, all of its parts at once; raise `UnreadableCertificate`.

    The library reads names, dates, extensions and key only when they are asked for; here all are, so that nobody meets
    a fault in one of them later.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.extensions, certificate.subject, certificate.issuer  # noqa: B018 - reading them is the check
        certificate.not_valid_before_utc, certificate.not_valid_after_utc  # noqa: B018 - reading them is the check
        key = certificate.public_key()
    except _FAULTS as error:
        raise UnreadableCertificate(f"this is no certificate in DER that can be read: {error}") from error
    if Curve.of_key(key) is None:
        raise UnreadableCertificate("the certificate's key lies neither on NIST P-256 nor on Brainpool P256r1")
    return certificate
