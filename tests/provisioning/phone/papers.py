"""Certificates as the tests want them, right or wrong in one thing; made once and kept, since they cost time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mvne_provisioning.phone.state import Credential

AT = datetime(2027, 2, 1, 9, 30, tzinfo=UTC)
EID = "89049032123451234512345678901235"
POLICY = "2.23.146.1.2.1."
CI, EUICC, EUM, TLS, AUTH, PB = (f"{POLICY}{number}" for number in range(6))


@dataclass(frozen=True)
class Wanted:
    """What a certificate says; `role` is the policy."""

    role: str
    name: str
    oid: str | None = "2.999.10"
    serial: str | None = None
    begins: datetime = AT - timedelta(days=400)
    ends: datetime = AT + timedelta(days=400)
    curve: str = "NIST"
    issuer: str = "CI"  # whose key signs and who is named
    signer: str | None = None  # who signs really
    hash_bits: int = 256
    signs_certificates: bool = False
    strange: bool = False  # has a critical extension that nobody knows
    more_names: tuple[str, ...] = ()


@cache
def key(name: str, curve: str = "NIST") -> ec.EllipticCurvePrivateKey:
    """The key of somebody: the same one every time."""
    kinds: dict[str, ec.EllipticCurve] = {"NIST": ec.SECP256R1(), "BRP": ec.BrainpoolP256R1(), "P384": ec.SECP384R1()}
    return ec.generate_private_key(kinds[curve])


@cache
def certificate(wanted: Wanted) -> bytes:
    """Return the certificate in DER."""
    mine = key(wanted.name, wanted.curve)
    issuer_key = key(wanted.issuer, "NIST" if wanted.curve == "P384" else wanted.curve)
    signer = key(wanted.signer, "NIST") if wanted.signer else issuer_key
    names: list[x509.GeneralName] = [
        x509.RegisteredID(x509.ObjectIdentifier(one)) for one in (wanted.oid, *wanted.more_names) if one
    ]
    is_authority = wanted.role in (CI, EUM) or wanted.signs_certificates
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(wanted.name, wanted.serial))
        .issuer_name(_name(wanted.issuer, None))
        .public_key(mine.public_key())
        .serial_number(7)
        .not_valid_before(wanted.begins)
        .not_valid_after(wanted.ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(mine.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
        .add_extension(_policies(wanted.role), True)
        .add_extension(_usage(is_authority), True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    if is_authority:
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    if wanted.strange:
        strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.77"), b"\x05\0")
        builder = builder.add_extension(strange, True)
    algorithm = SHA256() if wanted.hash_bits == 256 else SHA384()
    return builder.sign(signer, algorithm).public_bytes(Encoding.DER)


def _policies(role: str) -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(role), None)])


def _usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not is_authority, False, False, False, False, is_authority, is_authority, False, False)


def _name(name: str, serial: str | None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if serial:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial))
    return x509.Name(parts)


def key_id(name: str, curve: str = "NIST") -> bytes:
    """Return the identifier of somebody's key."""
    return x509.SubjectKeyIdentifier.from_public_key(key(name, curve).public_key()).digest


ISSUER = Wanted(CI, "CI", oid=None)
DP_AUTH, DP_PB = Wanted(AUTH, "DPauth"), Wanted(PB, "DPpb")
MAKER, CHIP = Wanted(EUM, "EUM", oid=None), Wanted(EUICC, "eUICC", oid=None, serial=EID, issuer="EUM")


@dataclass(frozen=True)
class Papers:
    """The certificates of both sides, on one curve."""

    auth: Wanted = DP_AUTH
    pb: Wanted = DP_PB
    curve: str = "NIST"
    issuers: tuple[Wanted, ...] = field(default=(ISSUER,))

    def on(self, wanted: Wanted) -> Wanted:
        return wanted if wanted.curve != "NIST" else replace(wanted, curve=self.curve)

    def card(self) -> Credential:
        """Return who the card is."""
        chip, maker = certificate(self.on(CHIP)), certificate(self.on(MAKER))
        issuers = tuple(certificate(self.on(one)) for one in self.issuers)
        return Credential(EID, key("eUICC", self.curve), chip, maker, issuers)
