"""Whether the certificates in a folder are fit for an SM-DP+ to serve with; every problem at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mvne_provisioning.pki.checking import CertificateRefused, check_link, find_issuer
from mvne_provisioning.pki.folder import Certificates, CertificatesUnfit
from mvne_provisioning.pki.identity import Identity


def check_fitness(certificates: Certificates, at: datetime, needs_tls: bool) -> None:
    """Raise `CertificatesUnfit` unless the server can authenticate, bind and, if it must, speak TLS with these."""
    problems = list(_problems(certificates, at, needs_tls))
    if problems:
        raise CertificatesUnfit(problems)


def _problems(certificates: Certificates, at: datetime, needs_tls: bool) -> Iterator[str]:
    tls = [certificates.dp_tls] if certificates.dp_tls and needs_tls else []
    for name, found in (("DPauth", certificates.dp_auth), ("DPpb", certificates.dp_pb)):
        if not any(one.key for one in found):
            yield f"there is no {name} certificate with its private key"
    if needs_tls and (certificates.dp_tls is None or certificates.dp_tls.key is None):
        yield "there is no DPtls certificate with its private key"
    for one in (*certificates.dp_auth, *certificates.dp_pb, *tls):
        if one.key is not None and (problem := _problem(certificates, one, at)):
            yield problem


def _problem(certificates: Certificates, one: Identity, at: datetime) -> str | None:
    try:
        check_link(find_issuer(certificates.issuers, one), one, at)
    except CertificateRefused as refused:
        return str(refused)
    return None
