"""A folder of certificates as a whole: whatever holds files with SGP.26 names, however deep.

Other files are left alone. Of several files for the same role the one that is ours (its private key is there), then
the one that expires last, is taken: test sets come with old editions in folders beside the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.pki.files import CertificateFile, read_files
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.roles import Curve, Role


class CertificatesUnfit(ProvisioningError):
    """A set of certificates cannot be used; `problems` holds every reason, each with its file or role."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(*self.problems)

    def __str__(self) -> str:
        return "the certificates cannot be used: " + "; ".join(self.problems)


class CertificatesMissing(CertificatesUnfit):
    """A folder does not hold certificates that can be read; `problems` names every file that is wrong."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """What a folder holds: roots by subject key id, the server's own certificates, one per root, and one card's.

    Of several test servers (`DPauth`, `DP2auth`, …) they are those of the one asked for. `tls_certificate` and
    `tls_key` are the files of `dp_tls`, PEM wherever there is one.
    """

    issuers: Mapping[bytes, Identity]
    dp_auth: Sequence[Identity] = ()
    dp_pb: Sequence[Identity] = ()
    dp_tls: Identity | None = None
    eum: Identity | None = None
    euicc: Identity | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None


def load(folder: Path, server: str = "", curve: Curve = Curve.NIST) -> Certificates:
    """Read the certificates and private keys in a folder and the folders in it.

    `server` is the number in the file names of one of several servers, empty for the first; `curve` is whose card and
    TLS certificate are taken when there are some for both. Raises `CertificatesMissing` with every problem at once: no
    folder, no root, a file that cannot be read, a private key that is not its certificate's, a certificate whose
    policies say another role than its name.
    """
    reading = read_files(folder)
    if not reading.problems and not any(one.name.role is Role.CI for one in reading.certificates):
        reading.problems.append(f"{folder} has no certificate of an issuer, such as CERT_CI_ECDSA_NIST.der")
    if reading.problems:
        raise CertificatesMissing(reading.problems)
    return _arranged(reading.certificates, server, curve)


def _arranged(files: Sequence[CertificateFile], server: str, curve: Curve) -> Certificates:
    # From the best to the worst, so that the first of a kind is the one to take.
    ranked = sorted(files, key=lambda one: (not one.key_path, -one.identity.not_after.timestamp(), one.path))
    ours = [one for one in ranked if one.name.role not in _SERVER or one.name.server == server]
    of = {role: _by_issuer(one for one in ours if one.name.role is role) for role in Role}
    tls, euicc = _on(curve, of[Role.DP_TLS]), _on(curve, of[Role.EUICC])
    makers = [one for one in ours if one.name.role is Role.EUM]
    maker = next((one for one in makers if euicc and _signed(one, euicc)), None) or _on(curve, of[Role.EUM])
    return Certificates(
        issuers=MappingProxyType({key: one.identity for key, one in of[Role.CI].items()}),
        dp_auth=tuple(one.identity for one in of[Role.DP_AUTH].values()),
        dp_pb=tuple(one.identity for one in of[Role.DP_PB].values()),
        dp_tls=tls.identity if tls else None,
        eum=maker.identity if maker else None,
        euicc=euicc.identity if euicc else None,
        tls_certificate=_pem_path(tls, files) if tls else None,
        tls_key=tls.key_path if tls else None,
    )


_SERVER = frozenset({Role.DP_AUTH, Role.DP_PB, Role.DP_TLS})


def _by_issuer(ranked: Iterable[CertificateFile]) -> Mapping[bytes, CertificateFile]:
    """Return the best of these by the key that signed them, NIST first; roots sign themselves."""
    best: dict[bytes, CertificateFile] = {}
    for one in ranked:
        best.setdefault(one.identity.authority_key_id, one)
    return dict(sorted(best.items(), key=lambda item: item[1].identity.curve is not Curve.NIST))


def _on(curve: Curve, found: Mapping[bytes, CertificateFile]) -> CertificateFile | None:
    """Return the one on a curve, or the one there is."""
    return min(found.values(), key=lambda one: one.identity.curve is not curve, default=None)


def _signed(maker: CertificateFile, card: CertificateFile) -> bool:
    return maker.identity.subject_key_id == card.identity.authority_key_id


def _pem_path(one: CertificateFile, files: Iterable[CertificateFile]) -> Path:
    same = (other.path for other in files if other.identity.der == one.identity.der)
    return next((path for path in same if path.suffix == ".pem"), one.path)
