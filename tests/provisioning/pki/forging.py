"""Certificates that are wrong in one way: a good one, taken apart, changed, and signed again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from mvne_provisioning.pki.certifying import Extension, certify, subject_name
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.minting import mint_euicc
from mvne_provisioning.pki.roles import Role

EID = "89049032123451234512345678901235"
POLICIES = x509.CertificatePolicies


def policies(*roles: Role) -> Extension:
    return POLICIES([x509.PolicyInformation(role.policy, None) for role in roles]), True


def basic(ca: bool, path_length: int | None) -> Extension:
    return x509.BasicConstraints(ca, path_length), True


def usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> Extension:
    rest = dict.fromkeys(
        ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"], False
    )
    value = x509.KeyUsage(
        digital_signature=digital_signature, key_cert_sign=key_cert_sign, crl_sign=True, decipher_only=False, **rest
    )
    return value, True


def authority(key_id: bytes) -> Extension:
    return x509.AuthorityKeyIdentifier(key_id, None, None), False


def reissued(
    one: Identity,
    issuer: Identity,
    *extensions: Extension,
    without: Collection[type[x509.ExtensionType]] = (),
    subject: x509.Name | None = None,
    issuer_name: x509.Name | None = None,
    key: Any = None,
    hashed: Any = None,
    between: tuple[datetime, datetime] | None = None,
) -> Identity:
    """Return `one` signed again by `issuer`, with these extensions in the place of its own, and these parts changed."""
    old, signer = one.certificate, issuer.key
    assert signer is not None
    begin, end = between or (old.not_valid_before_utc, old.not_valid_after_utc)
    builder = x509.CertificateBuilder(
        issuer_name=issuer_name or issuer.certificate.subject,
        subject_name=subject or old.subject,
        public_key=key or one.public_key,
        serial_number=old.serial_number,
        not_valid_before=begin,
        not_valid_after=end,
    )
    replaced = {type(value) for value, _ in extensions} | set(without)
    kept = [(found.value, found.critical) for found in old.extensions if type(found.value) not in replaced]
    for value, critical in (*kept, *extensions):
        builder = builder.add_extension(value, critical)
    certificate = builder.sign(signer, hashed or SHA256())
    return Identity(one.role, certificate, certificate.public_bytes(Encoding.DER), one.key)


@dataclass(frozen=True)
class Chain:
    """A root, a maker of cards and a card, all with their keys."""

    ci: Identity
    eum: Identity
    euicc: Identity

    def roots(self) -> dict[bytes, Identity]:
        return {self.ci.subject_key_id: self.ci}

    def with_ci(self, *extensions: Extension, **changes: Any) -> Chain:
        return Chain(reissued(self.ci, self.ci, *extensions, **changes), self.eum, self.euicc)

    def with_eum(self, *extensions: Extension, **changes: Any) -> Chain:
        return Chain(self.ci, reissued(self.eum, self.ci, *extensions, **changes), self.euicc)

    def with_euicc(self, *extensions: Extension, **changes: Any) -> Chain:
        return Chain(self.ci, self.eum, reissued(self.euicc, self.eum, *extensions, **changes))

    def with_eid(self, eid: str, organization: str = "mvne test EUM") -> Chain:
        return self.with_euicc(subject=subject_name("a card", organization, serial_number=eid))


def another(chain: Chain, at: datetime) -> Chain:
    """Return a chain of other keys under the same names."""
    curve = chain.ci.curve.parameters

    def again(one: Identity, issuer: Identity | None) -> Identity:
        own = {x509.BasicConstraints, x509.KeyUsage, POLICIES, x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier}
        extras = [(found.value, found.critical) for found in one.certificate.extensions if type(found.value) not in own]
        return certify(one.role, one.certificate.subject, ec.generate_private_key(curve), issuer, at, extras)

    ci = again(chain.ci, None)
    eum = again(chain.eum, ci)
    return Chain(ci, eum, mint_euicc(eum, EID, at))


def directories(*names: x509.Name) -> Sequence[x509.DirectoryName]:
    return [x509.DirectoryName(name) for name in names]
