"""What a server says of its own certificates before it starts: nothing when all is well, else every fault."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from mvne_provisioning.pki.certifying import other_names
from mvne_provisioning.pki.folder import Certificates, CertificatesUnfit, load
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.minting import mint
from mvne_provisioning.pki.roles import Curve, Role
from mvne_provisioning.pki.server_set import check_server
from tests.provisioning.pki.conftest import ADDRESS, AT
from tests.provisioning.pki.forging import basic, policies, reissued

Change = Callable[[Certificates], Certificates]


@pytest.fixture(scope="session")
def good(both: Path) -> Certificates:
    return load(both)


def with_(**parts: Any) -> Change:
    return lambda good: dataclasses.replace(good, **parts)


def changed(part: str, change: Callable[[Identity, Identity], Identity]) -> Change:
    """Change the first (or only) certificate of a part; `change` gets it and its issuer."""

    def apply(good: Certificates) -> Certificates:
        found = getattr(good, part)
        one = found if isinstance(found, Identity) else found[0]
        new = change(one, good.issuers[one.authority_key_id])
        parts: dict[str, Any] = {part: new if isinstance(found, Identity) else (new, *found[1:])}
        return dataclasses.replace(good, **parts)

    return apply


def root(change: Callable[[Identity], Identity]) -> Change:
    """Change the NIST root."""
    return lambda good: dataclasses.replace(
        good, issuers={key: change(one) if one.curve is Curve.NIST else one for key, one in good.issuers.items()}
    )


def named(*names: x509.GeneralName) -> Change:
    return changed("dp_tls", lambda one, ci: reissued(one, ci, other_names("2.999.10", *names)))


def problems(certificates: Certificates, address: str = ADDRESS, at: datetime = AT, tls: bool = True) -> list[str]:
    try:
        check_server(certificates, address, at, tls)
    except CertificatesUnfit as unfit:
        return list(unfit.problems)
    return []


@pytest.mark.parametrize("curve", [*Curve, list(Curve)])
@pytest.mark.parametrize("address", [ADDRESS, "TestSMDPplus1.Example.com", "127.0.0.1:9443", "[::1]:9443"])
def test_a_set_minted_for_an_address_is_fit_for_it(tmp_path: Path, curve: Curve | list[Curve], address: str) -> None:
    mint(tmp_path / "pki", AT, address, curve=curve)
    assert problems(load(tmp_path / "pki"), address.lower()) == []


def keyless(one: Identity, _: Identity) -> Identity:
    return dataclasses.replace(one, key=None)


def expired(one: Identity, ci: Identity) -> Identity:
    return reissued(one, ci, between=(AT - timedelta(days=9), AT - timedelta(days=2)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (with_(dp_auth=()), ["DPauth: there is no certificate such as CERT_S_SM_DPauth_ECDSA_NIST.der"]),
        (with_(dp_pb=()), ["DPpb: there is no certificate such as CERT_S_SM_DPpb_ECDSA_NIST.der"]),
        (with_(dp_tls=None), ["DPtls: there is no certificate such as CERT_S_SM_DP_TLS_NIST.der"]),
        (lambda good: dataclasses.replace(good, dp_pb=good.dp_pb[:1]), ["DPauth and DPpb: the issuer"]),
        (lambda good: dataclasses.replace(good, dp_auth=good.dp_auth[:1]), ["DPauth and DPpb: the issuer"]),
        (changed("dp_auth", keyless), ["DPauth (NIST): its private key is missing"]),
        (changed("dp_pb", keyless), ["DPpb (NIST): its private key is missing"]),
        (changed("dp_tls", keyless), ["DPtls (NIST): its private key is missing"]),
        (
            lambda good: changed("dp_pb", lambda one, _: dataclasses.replace(one, key=good.dp_auth[0].key))(good),
            ["DPpb (NIST): the private key is not that of the certificate"],
        ),
        (changed("dp_auth", expired), ["DPauth (NIST): it expired on 2027-02-27 12:00 UTC"]),
        (changed("dp_tls", expired), ["DPtls (NIST): it expired on 2027-02-27 12:00 UTC"]),
        (root(lambda ci: expired(ci, ci)), ["CI (NIST): it expired on 2027-02-27 12:00 UTC"]),
        (root(lambda ci: reissued(ci, ci, basic(False, None))), ["CI (NIST): it is not one of an issuer"]),
        (
            lambda good: root(lambda ci: reissued(ci, good.dp_auth[0], issuer_name=ci.certificate.subject))(good),
            ["CI (NIST): the CI it names did not sign it"],
        ),
        (
            lambda good: dataclasses.replace(good, issuers=dict([*good.issuers.items()][1:])),
            ["DPauth (NIST): the issuer it", "DPpb (NIST): the issuer it", "DPtls (NIST): the issuer it"],
        ),
        (
            changed("dp_auth", lambda one, ci: reissued(one, ci, policies(Role.DP_PB))),
            ["DPauth (NIST): its policies say DPpb"],
        ),
        (
            changed("dp_pb", lambda one, ci: reissued(one, ci, other_names("2.999.12"))),
            ["the certificates are of several servers, by their registered ids: "],
        ),
        (
            changed("dp_pb", lambda one, ci: reissued(one, ci, without=[x509.SubjectAlternativeName])),
            ["DPpb (NIST): it has no registered id"],
        ),
        (
            changed("dp_tls", lambda one, ci: reissued(one, ci, without=[x509.ExtendedKeyUsage])),
            ["DPtls (NIST): it is not meant for a TLS server"],
        ),
        (
            changed(
                "dp_tls",
                lambda one, ci: reissued(one, ci, (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), True)),
            ),
            ["DPtls (NIST): it is not meant for a TLS server"],
        ),
        (
            named(x509.DNSName("a.example.com"), x509.IPAddress(IPv4Address("10.0.0.1"))),
            ["DPtls (NIST): it is for a.example.com and 10.0.0.1, not for testsmdpplus1.example.com"],
        ),
        (named(), ["DPtls (NIST): it is for no address, not for testsmdpplus1.example.com"]),
    ],
)
def test_each_fault_is_said_with_its_certificate(good: Certificates, change: Change, expected: list[str]) -> None:
    found = problems(change(good))
    assert len(found) == len(expected), found
    for one, begin in zip(found, expected, strict=True):
        assert one.startswith(begin)


def test_all_faults_are_said_at_once_and_each_once(good: Certificates) -> None:
    found = problems(changed("dp_auth", keyless)(good), "other.example.com", AT + timedelta(days=40 * 365))
    assert [one.partition(":")[0] for one in found] == ["DPauth (NIST)", "CI (NIST)", "CI (BRP)", "DPtls (NIST)"]


@pytest.mark.parametrize(
    ("name", "host", "fits"),
    [
        ("*.example.com", "smdp.example.com", True),
        ("*.example.com", "SMDP.example.com:443", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.smdp.example.com", False),
        ("*.0.0.1", "127.0.0.1", False),
        ("SMDP.example.com", "smdp.example.com", True),
        ("smdp.example.com", "smdp.example.com.other.example", False),
    ],
)
def test_a_star_in_a_name_stands_for_one_label(good: Certificates, name: str, host: str, fits: bool) -> None:
    assert (problems(named(x509.DNSName(name))(good), host) == []) is fits


def test_without_tls_its_certificate_is_not_looked_at(good: Certificates) -> None:
    assert problems(with_(dp_tls=None)(good), tls=False) == []
    assert problems(changed("dp_tls", expired)(good), "other.example.com", tls=False) == []
