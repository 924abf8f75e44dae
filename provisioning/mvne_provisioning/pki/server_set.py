"""Whether a server can start with its certificates: everything that a phone or a card would refuse later, said now."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from mvne_provisioning.pki.addresses import host_of
from mvne_provisioning.pki.checking import CertificateRefused, check_link, find_issuer
from mvne_provisioning.pki.folder import Certificates, CertificatesUnfit
from mvne_provisioning.pki.identity import Identity, extension
from mvne_provisioning.pki.roles import Role


def check_server(certificates: Certificates, address: str, at: datetime, tls: bool = True) -> None:
    """Check a server's own set for its address, a host perhaps with a port; raise `CertificatesUnfit` with all faults.

    There must be a DPauth and a DPpb by the same root, each with its private key; chains, dates and roles must hold;
    all must say one registered id; DPtls must be for the address. Without `tls`, DPtls is not looked at.
    """
    served = [one for one in (certificates.dp_tls,) if one and tls]
    own = [*certificates.dp_auth, *certificates.dp_pb, *served]
    problems = [*_absent(certificates, tls)]
    for one in own:
        problems += _faults(certificates, one, at)
    problems += _oids(own)
    problems += [problem for one in served for problem in _tls_faults(one, address)]
    if problems:
        raise CertificatesUnfit(dict.fromkeys(problems))


def _absent(certificates: Certificates, tls: bool) -> Iterator[str]:
    roots = [{one.authority_key_id for one in found} for found in (certificates.dp_auth, certificates.dp_pb)]
    for role, found in zip((Role.DP_AUTH, Role.DP_PB), roots, strict=True):
        if not found:
            yield f"{role}: there is no certificate such as CERT_S_SM_{role}_ECDSA_NIST.der"
    if all(roots):
        for root in sorted(roots[0] ^ roots[1]):
            yield f"DPauth and DPpb: the issuer {root.hex().upper()} signed only one of them, and cards need both"
    if tls and certificates.dp_tls is None:
        yield f"{Role.DP_TLS}: there is no certificate such as CERT_S_SM_DP_TLS_NIST.der"


def _faults(certificates: Certificates, one: Identity, at: datetime) -> Iterator[str]:
    if one.key is None:
        yield f"{_named(one)}: its private key is missing (the SK_….pem beside it)"
    elif one.key.public_key() != one.public_key:
        yield f"{_named(one)}: the private key is not that of the certificate"
    try:
        issuer = find_issuer(certificates.issuers, one)
        check_link(issuer, issuer, at)
        check_link(issuer, one, at)
    except CertificateRefused as refused:
        yield f"{refused.whose} ({one.curve}): {refused.message}"


def _oids(own: list[Identity]) -> Iterator[str]:
    for one in own:
        if one.oid is None:
            yield f"{_named(one)}: it has no registered id among its alternative names"
    oids = sorted({one.oid for one in own if one.oid})
    if len(oids) > 1:
        said = ", ".join(f"{_named(one)} {one.oid}" for one in own if one.oid)
        yield f"the certificates are of several servers, by their registered ids: {said}"


def _tls_faults(one: Identity, address: str) -> Iterator[str]:
    purposes = extension(one.certificate, x509.ExtendedKeyUsage)
    if purposes is None or ExtendedKeyUsageOID.SERVER_AUTH not in purposes:
        yield f"{_named(one)}: it is not meant for a TLS server (extended key usage)"
    names = list(served_names(one))
    if not any(_matches(name, host_of(address)) for name in names):
        yield f"{_named(one)}: it is for {' and '.join(names) or 'no address'}, not for {host_of(address)}"


def served_names(tls: Identity) -> Iterator[str]:
    """Yield the host names and IP addresses that a certificate for TLS is for."""
    names = extension(tls.certificate, x509.SubjectAlternativeName)
    if names:
        yield from (name.lower() for name in names.get_values_for_type(x509.DNSName))
        yield from (str(address) for address in names.get_values_for_type(x509.IPAddress))


def _matches(name: str, host: str) -> bool:
    """Say whether a host is the one named; a star stands for exactly one label, and never for part of an IP address."""
    if name == host:
        return True
    label, _, rest = host.partition(".")
    return name == f"*.{rest}" and bool(label) and not _is_ip(host)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _named(one: Identity) -> str:
    return f"{one.role} ({one.curve})"
