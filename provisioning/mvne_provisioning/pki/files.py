"""The files of a folder of certificates, each read or its fault said; private keys beside the certificates they fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from mvne_provisioning.pki.identity import Identity, UnreadableCertificate
from mvne_provisioning.pki.names import FileName, read_name
from mvne_provisioning.pki.roles import Curve

#: Certificates and keys are of about one kilobyte: what is much longer is something else.
_LARGEST = 100_000


class _Unreadable(Exception):
    """A file is not what its name says."""


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """A certificate, the file it came from, what that file's name says, and the file of its private key, if any."""

    path: Path
    name: FileName
    identity: Identity
    key_path: Path | None = None


@dataclass(frozen=True, slots=True)
class _KeyFile:
    path: Path
    name: FileName
    key: ec.EllipticCurvePrivateKey

    def fits(self, one: Identity) -> bool:
        return self.key.public_key() == one.public_key


@dataclass(slots=True)
class Reading:
    """The certificates that a folder holds, and in plain words what is wrong with its files."""

    certificates: list[CertificateFile] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_files(folder: Path) -> Reading:
    """Read every file with a name of SGP.26 in a folder and the folders in it."""
    reading, keys = Reading(), list[_KeyFile]()
    for path, name in _named(folder, reading):
        try:
            if name.secret:
                keys.append(_KeyFile(path, name, _key(_content(path))))
            else:
                reading.certificates.append(CertificateFile(path, name, _identity(path, name)))
        except _Unreadable as error:
            reading.problems.append(f"{path.relative_to(folder)}: {error}")
    reading.problems += _strangers(folder, reading, keys)
    reading.certificates = [_with_key(one, keys) for one in reading.certificates]
    return reading


def _named(folder: Path, reading: Reading) -> Iterator[tuple[Path, FileName]]:
    if not folder.is_dir():
        reading.problems.append(f"{folder} is no folder")
        return
    for path in sorted(folder.rglob("*")):
        name = read_name(path.name)
        if name and path.is_file():
            yield path, name


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise _Unreadable(f"cannot be opened ({error.strerror})") from error


def _identity(path: Path, name: FileName) -> Identity:
    content = _content(path)
    try:
        one = Identity.read(name.role, _der(content) if path.suffix == ".pem" else content)
    except UnreadableCertificate as error:
        raise _Unreadable(str(error)) from error
    if one.said_role is not name.role:
        said = f"is a certificate for {one.said_role}" if one.said_role else "says no role, or several"
        raise _Unreadable(f"by its policies it {said}, by its name it is one for {name.role}")
    return one


def _der(pem: bytes) -> bytes:
    try:
        return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    except ValueError as error:
        raise _Unreadable("this is no certificate in PEM that can be read") from error


def _key(content: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError as error:
        raise _Unreadable("the private key is encrypted; store it in plain, readable by its owner only") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        # What the library says could show part of the file.
        raise _Unreadable("this is no private key in PEM that can be read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or Curve.of_key(key) is None:
        raise _Unreadable("the private key lies neither on NIST P-256 nor on Brainpool P256r1")
    return key


def _strangers(folder: Path, reading: Reading, keys: list[_KeyFile]) -> Iterator[str]:
    """Say which private keys have the name of a certificate and do not fit it."""
    for key in keys:
        named = [one for one in reading.certificates if one.name.stem == key.name.stem]
        if named and not any(key.fits(one.identity) for one in named):
            places = ", ".join(str(one.path.relative_to(folder)) for one in named)
            yield f"{key.path.relative_to(folder)}: the private key is not that of {places}"


def _with_key(one: CertificateFile, keys: list[_KeyFile]) -> CertificateFile:
    """Add the private key that fits, whatever its file is called: names of test sets are not consistent."""
    found = next((key for key in keys if key.fits(one.identity)), None)
    if found is None:
        return one
    return dataclasses.replace(one, identity=dataclasses.replace(one.identity, key=found.key), key_path=found.path)
