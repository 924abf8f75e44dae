"""An own test PKI by one command: issuer, maker of cards, one card, and the server's three certificates.

Nobody but our own phone and other test software believes these certificates: a commercial phone wants those that the
GSMA's issuer signed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.pki.addresses import certified_name
from mvne_provisioning.pki.certifying import certify, eid_range, other_names, subject_name
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.names import written
from mvne_provisioning.pki.ranges import check_range
from mvne_provisioning.pki.roles import Curve, Role

#: Where new keys come from: the operating system's randomness, unless a caller brings another source.
Keys = Callable[[ec.EllipticCurve], ec.EllipticCurvePrivateKey]

#: SGP.26's own test range of EIDs and test card, so that other test software feels at home.
EID_PREFIX = "89049032"
FIRST_EID = "89049032123451234512345678901235"

_MAKER = "mvne test EUM"

#: The longest common name that X.520 allows.
_LONGEST_NAME = 64


class MintingRefused(ProvisioningError):
    """No certificates are made: the folder, the OID or the choice of curves is not fit for it."""


def mint(
    folder: Path,
    at: datetime,
    address: str,
    oid: str = "2.999.10",
    curve: Curve | Iterable[Curve] = Curve.NIST,
    keys: Keys = ec.generate_private_key,
) -> tuple[Path, ...]:
    """Write a whole PKI with the file names of SGP.26 into `folder` and return the files, in the order written.

    `address` is the SM-DP+'s: a host name or IP address, perhaps with a port; `oid` its registered id. For several
    curves one set each. The certificate for TLS and its issuer are always NIST: common TLS clients refuse Brainpool.
    Private keys are readable by their owner only. Raises `MintingRefused` when the folder holds anything already or
    `oid` is none, `NoAddress` for an address that is none.
    """
    curves = list(dict.fromkeys([curve] if isinstance(curve, Curve) else curve))
    if not curves:
        raise MintingRefused("no curve is named: choose NIST, BRP or both")
    _check_oid(oid)
    return _write(folder, list(_whole(curves, at, address, oid, keys)))


def _whole(curves: Iterable[Curve], at: datetime, address: str, oid: str, keys: Keys) -> Iterator[Identity]:
    issuers = {kind: _issuer(kind, at, keys) for kind in dict.fromkeys([*curves, Curve.NIST])}
    yield from issuers.values()
    for kind in curves:
        yield from _card_side(issuers[kind], at, keys)
        yield from _server_side(issuers[kind], at, oid, keys)
    yield mint_tls(issuers[Curve.NIST], address, at, oid, keys)


def mint_euicc(eum: Identity, eid: str, at: datetime, keys: Keys = ec.generate_private_key) -> Identity:
    """Return a new card with an EID, signed by its maker, on its maker's curve.

    Raises an `IdentifierError` for an EID with wrong check digits, `EidNotPermitted` for one outside of the maker's
    range, `NoSigningKey` when the maker's private key is not there.
    """
    maker = eum.certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    organization = str(maker[0].value) if maker else ""
    subject = subject_name("mvne test eUICC", organization, serial_number=Eid.parse(eid))
    check_range(eum.certificate, subject, Eid.parse(eid))
    return certify(Role.EUICC, subject, keys(eum.curve.parameters), eum, at)


def mint_tls(
    issuer: Identity, address: str, at: datetime, oid: str = "2.999.10", keys: Keys = ec.generate_private_key
) -> Identity:
    """Return a new certificate for TLS at an address, signed by the root, on NIST P-256; the others live longer.

    Raises `NoAddress` for an address that is none, `NoSigningKey` when the root's private key is not there.
    """
    server = certified_name(address)
    said = str(server.value)
    name = subject_name(said if len(said) <= _LONGEST_NAME else "mvne test SM-DP+", "mvne")
    return certify(Role.DP_TLS, name, keys(Curve.NIST.parameters), issuer, at, [other_names(oid, server)])


def _issuer(curve: Curve, at: datetime, keys: Keys) -> Identity:
    name = subject_name("mvne test CI", "mvne", unit="TESTCERT")
    return certify(Role.CI, name, keys(curve.parameters), None, at, [other_names("2.999.1")])


def _card_side(issuer: Identity, at: datetime, keys: Keys) -> Iterator[Identity]:
    name, extras = subject_name("mvne test EUM", _MAKER), [other_names("2.999.5"), eid_range(_MAKER, EID_PREFIX)]
    eum = certify(Role.EUM, name, keys(issuer.curve.parameters), issuer, at, extras)
    yield from (eum, mint_euicc(eum, FIRST_EID, at, keys))


def _server_side(issuer: Identity, at: datetime, oid: str, keys: Keys) -> Iterator[Identity]:
    name = subject_name("mvne test SM-DP+", "mvne")
    for role in (Role.DP_AUTH, Role.DP_PB):
        yield certify(role, name, keys(issuer.curve.parameters), issuer, at, [other_names(oid)])


def _check_oid(oid: str) -> None:
    try:
        x509.ObjectIdentifier(oid)
    except ValueError:
        raise MintingRefused(f"{oid!r} is no object identifier: give numbers with dots, such as 2.999.10") from None


def _write(folder: Path, made: Iterable[Identity]) -> tuple[Path, ...]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise MintingRefused(f"{folder} is not empty: nothing is overwritten, so name a new folder")
        return tuple(path for one in made for path in _write_one(folder, one))
    except OSError as error:
        raise MintingRefused(f"{folder} cannot be written to: {error.strerror}") from error


def _write_one(folder: Path, one: Identity) -> Iterator[Path]:
    below, stem = written(one.role, one.curve)
    place = folder / below
    place.mkdir(exist_ok=True)
    yield _file(place / f"CERT_{stem}.der", one.der, 0o644)
    if one.role in (Role.CI, Role.DP_TLS):
        yield _file(place / f"CERT_{stem}.pem", one.pem, 0o644)
    if one.key:
        yield _file(place / f"SK_{stem}.pem", private_pem(one.key), 0o600)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PEM text (PKCS #8), not encrypted, as test software expects it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _file(path: Path, content: bytes, mode: int) -> Path:
    """Write a new file; one that is there already is an error, and its rights are set before its content."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    return path
