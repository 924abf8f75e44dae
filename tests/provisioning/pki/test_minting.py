"""The own PKI: which files, who may read them, what each certificate says, and that TLS libraries believe it."""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.identifier import InvalidChecksum, InvalidLength
from mvne_provisioning.pki.addresses import NoAddress
from mvne_provisioning.pki.certifying import NoSigningKey
from mvne_provisioning.pki.checking import check_link
from mvne_provisioning.pki.folder import load
from mvne_provisioning.pki.identity import Identity, extension
from mvne_provisioning.pki.minting import MintingRefused, mint, mint_euicc, mint_tls
from mvne_provisioning.pki.ranges import EidNotPermitted
from mvne_provisioning.pki.roles import Curve, Role
from mvne_provisioning.pki.server_set import served_names
from tests.provisioning.pki.conftest import ADDRESS, AT
from tests.provisioning.pki.forging import EID, Chain

FOLDERS = {"EUM_ECDSA": "EUM", "EUICC_ECDSA": "eUICC", "S_SM_DPauth_ECDSA": "DPauth", "S_SM_DPpb_ECDSA": "DPpb"}
FILES = [
    name for stem, below in FOLDERS.items() for name in (f"{below}/CERT_{stem}_{{}}.der", f"{below}/SK_{stem}_{{}}.pem")
]
ROOT = "CertificateIssuer/CERT_CI_ECDSA_NIST.pem"
ISSUER = [
    f"CertificateIssuer/{name}" for name in ("CERT_CI_ECDSA_{}.der", "CERT_CI_ECDSA_{}.pem", "SK_CI_ECDSA_{}.pem")
]
TLS = ("DPtls/CERT_S_SM_DP_TLS_NIST.der", "DPtls/CERT_S_SM_DP_TLS_NIST.pem", "DPtls/SK_S_SM_DP_TLS_NIST.pem")


def of(curve: str, names: list[str]) -> list[str]:
    return [name.format(curve) for name in names]


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (Curve.NIST, [*of("NIST", ISSUER + FILES), *TLS]),
        (Curve.BRAINPOOL, [*of("BRP", ISSUER), *of("NIST", ISSUER), *of("BRP", FILES), *TLS]),
        (list(Curve), [*of("NIST", ISSUER), *of("BRP", ISSUER), *of("NIST", FILES), *of("BRP", FILES), *TLS]),
        ([Curve.NIST, Curve.NIST], [*of("NIST", ISSUER + FILES), *TLS]),
    ],
)
def test_the_files_have_the_names_of_sgp_26_and_all_are_returned(
    tmp_path: Path, curve: Curve | list[Curve], expected: list[str]
) -> None:
    made = mint(tmp_path / "new" / "pki", AT, ADDRESS, curve=curve)
    assert [str(path.relative_to(tmp_path / "new" / "pki")) for path in made] == expected
    assert sorted(made) == sorted(path for path in (tmp_path / "new" / "pki").rglob("*") if path.is_file())


def test_private_keys_are_readable_by_their_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = mint(tmp_path / "pki", AT, ADDRESS)
    finally:
        os.umask(before)
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if path.name.startswith("SK_") else 0o644)


def test_every_private_key_lies_on_the_curve_of_its_name(both: Path) -> None:
    for path in both.rglob("SK_*.pem"):
        key = load_pem_private_key(path.read_bytes(), None)
        assert Curve.of_key(key) == path.stem.rpartition("_")[2]


def test_the_pem_files_hold_the_same_certificates_as_the_der_files(both: Path) -> None:
    pems = list(both.rglob("CERT_*.pem"))
    assert len(pems) == 3
    for path in pems:
        assert x509.load_pem_x509_certificate(path.read_bytes()) == x509.load_der_x509_certificate(
            path.with_suffix(".der").read_bytes()
        )


def everyone(folder: Path, curve: Curve) -> Iterator[Identity]:
    found = load(folder, curve=curve)
    for one in (*found.issuers.values(), *found.dp_auth, *found.dp_pb, found.dp_tls, found.eum, found.euicc):
        assert one is not None
        yield one


@pytest.fixture(params=Curve)
def identities(request: pytest.FixtureRequest, both: Path) -> list[Identity]:
    return list(everyone(both, request.param))


CRITICAL = {
    Role.CI: {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.CERTIFICATE_POLICIES},
    Role.EUM: {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.CERTIFICATE_POLICIES}
    | {ExtensionOID.NAME_CONSTRAINTS},
    Role.EUICC: {ExtensionOID.KEY_USAGE, ExtensionOID.CERTIFICATE_POLICIES},
    Role.DP_AUTH: {ExtensionOID.KEY_USAGE, ExtensionOID.CERTIFICATE_POLICIES},
    Role.DP_PB: {ExtensionOID.KEY_USAGE, ExtensionOID.CERTIFICATE_POLICIES},
    Role.DP_TLS: {ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE},
}


def test_each_role_has_its_critical_extensions_and_no_other(identities: list[Identity]) -> None:
    for one in identities:
        assert {found.oid for found in one.certificate.extensions if found.critical} == CRITICAL[one.role]


def test_each_certificate_says_its_role_its_key_and_its_issuer(identities: list[Identity]) -> None:
    issuers = {one.subject_key_id: one for one in identities if one.role in (Role.CI, Role.EUM)}
    for one in identities:
        assert one.said_role is one.role
        assert extension(one.certificate, x509.SubjectKeyIdentifier)
        assert extension(one.certificate, x509.AuthorityKeyIdentifier)
        issuer = issuers[one.authority_key_id]
        assert issuer.role is {Role.CI: Role.CI, Role.EUICC: Role.EUM}.get(one.role, Role.CI)
        one.certificate.verify_directly_issued_by(issuer.certificate)
        assert one.key
        assert one.key.public_key() == one.public_key


def test_issuers_sign_certificates_and_the_rest_sign_what_they_say(identities: list[Identity]) -> None:
    for one in identities:
        usage, basic = extension(one.certificate, x509.KeyUsage), extension(one.certificate, x509.BasicConstraints)
        issues = one.role in (Role.CI, Role.EUM)
        assert usage
        assert (usage.key_cert_sign, usage.crl_sign, usage.digital_signature) == (issues, issues, not issues)
        assert (basic.ca if basic else False) is issues
        assert (basic.path_length if basic else None) == (0 if one.role is Role.EUM else None)


def test_the_maker_is_bound_to_its_name_and_range(identities: list[Identity]) -> None:
    eum = next(one for one in identities if one.role is Role.EUM)
    limits = extension(eum.certificate, x509.NameConstraints)
    assert limits
    assert limits.permitted_subtrees
    assert [name.value.rfc4514_string() for name in limits.permitted_subtrees] == ["2.5.4.5=89049032,O=mvne test EUM"]
    assert limits.excluded_subtrees is None


def test_the_server_says_one_registered_id_and_its_host(identities: list[Identity]) -> None:
    servers = [one for one in identities if one.role in (Role.DP_AUTH, Role.DP_PB, Role.DP_TLS)]
    assert {one.oid for one in servers} == {"2.999.10"}
    tls = next(one for one in servers if one.role is Role.DP_TLS)
    assert list(served_names(tls)) == ["testsmdpplus1.example.com"]
    assert extension(tls.certificate, x509.ExtendedKeyUsage) == x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    assert tls.curve is Curve.NIST


@pytest.mark.parametrize(
    ("role", "end"),
    [
        (Role.CI, "2062-03-01"),
        (Role.EUM, "2057-03-01"),
        (Role.EUICC, "2052-02-29"),
        (Role.DP_AUTH, "2037-03-01"),
        (Role.DP_PB, "2037-03-01"),
        (Role.DP_TLS, "2028-04-02"),
    ],
)
def test_certificates_begin_an_hour_before_they_are_made_and_end_in_their_time(
    both: Path, role: Role, end: str
) -> None:
    for one in everyone(both, Curve.NIST):
        if one.role is role:
            assert one.certificate.not_valid_before_utc == AT - timedelta(hours=1)
            assert one.not_after.isoformat().startswith(end)


def counted_keys() -> Callable[[ec.EllipticCurve], ec.EllipticCurvePrivateKey]:
    numbers = iter(range(1000, 2000))
    return lambda curve: ec.derive_private_key(next(numbers), curve)


def test_the_same_keys_at_the_same_time_give_the_same_certificates_but_for_their_signatures(tmp_path: Path) -> None:
    said = []
    for name in ("one", "two"):
        made = mint(tmp_path / name, AT, ADDRESS, keys=counted_keys())
        certificates = [x509.load_der_x509_certificate(path.read_bytes()) for path in made if path.suffix == ".der"]
        said.append([certificate.tbs_certificate_bytes for certificate in certificates])
    assert said[0] == said[1]
    assert len(set(said[0])) == 6


def test_a_new_certificate_for_tls_is_on_nist_whatever_the_curve_of_its_issuer(chain: Chain) -> None:
    tls = mint_tls(chain.ci, "smdp.example.com", AT + timedelta(days=390), "2.999.12")
    assert (tls.curve, tls.oid, list(served_names(tls))) == (Curve.NIST, "2.999.12", ["smdp.example.com"])
    check_link(chain.ci, tls, AT + timedelta(days=700))


@pytest.mark.parametrize("inside", ["SK_CI_ECDSA_NIST.pem", "notes.txt", ".hidden"])
def test_a_folder_with_anything_in_it_is_left_as_it_is(tmp_path: Path, inside: str) -> None:
    (tmp_path / inside).write_text("mine")
    with pytest.raises(MintingRefused, match="is not empty: nothing is overwritten"):
        mint(tmp_path, AT, ADDRESS)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(MintingRefused, match="cannot be written to"):
        mint(tmp_path / "file", AT, ADDRESS)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("address", "oid", "curve", "error", "says"),
    [
        ("", "2.999.10", Curve.NIST, NoAddress, "'' is no address"),
        ("https://smdp.example.com", "2.999.10", Curve.NIST, NoAddress, "is no address"),
        ("smdp example.com", "2.999.10", Curve.NIST, NoAddress, "is no address"),
        ("smdp..example.com", "2.999.10", Curve.NIST, NoAddress, "is no address"),
        ("-smdp.example.com", "2.999.10", Curve.NIST, NoAddress, "is no address"),
        ("1:2:3:443", "2.999.10", Curve.NIST, NoAddress, "is no address"),
        ("smdp.exämple.com", "2.999.10", Curve.NIST, NoAddress, "is no address"),
        ("a" * 64 + ".example.com", "2.999.10", Curve.NIST, NoAddress, "is no address"),
        (".".join(["a" * 63] * 4), "2.999.10", Curve.NIST, NoAddress, "is no address"),
        (ADDRESS, "", Curve.NIST, MintingRefused, "'' is no object identifier"),
        (ADDRESS, "2.999.x", Curve.NIST, MintingRefused, "no object identifier"),
        (ADDRESS, "4.1.2", Curve.NIST, MintingRefused, "no object identifier"),
        (ADDRESS, "2.999.10", [], MintingRefused, "no curve is named"),
    ],
)
def test_what_cannot_be_certified_is_refused_before_anything_is_written(
    tmp_path: Path, address: str, oid: str, curve: Curve | list[Curve], error: type[ProvisioningError], says: str
) -> None:
    with pytest.raises(error, match=says):
        mint(tmp_path / "pki", AT, address, oid, curve)
    assert not (tmp_path / "pki").exists()


@pytest.mark.parametrize(
    ("eid", "error", "says"),
    [
        (EID[:-1] + "6", InvalidChecksum, "it should end in 35"),
        (EID[:-1], InvalidLength, "31 digits instead of 32"),
        ("89033023426200000000005534910141", EidNotPermitted, "not 89033023…0141"),
    ],
)
def test_a_card_with_an_eid_that_its_maker_cannot_certify_is_not_minted(
    chain: Chain, eid: str, error: type[ProvisioningError], says: str
) -> None:
    with pytest.raises(error, match=says):
        mint_euicc(chain.eum, eid, AT)


def test_nothing_is_minted_without_the_private_key_of_the_issuer(chain: Chain) -> None:
    for issuer, mint_one in ((chain.eum, mint_euicc), (chain.ci, mint_tls)):
        keyless = Identity.read(issuer.role, issuer.der)
        with pytest.raises(NoSigningKey, match="the private key of its issuer is missing"):
            mint_one(keyless, EID if issuer is chain.eum else ADDRESS, AT)


@pytest.mark.parametrize(
    ("address", "calls", "believes"),
    [
        ("smdp.example.com:9443", "smdp.example.com", True),
        ("smdp.example.com", "other.example.com", False),
        ("127.0.0.1:9443", "127.0.0.1", True),
        ("[::1]:9443", "::1", True),
        ("127.0.0.1", "127.0.0.2", False),
        (".".join(["long"] * 20), ".".join(["long"] * 20), True),
    ],
)
@pytest.mark.parametrize("curve", Curve)
def test_a_tls_client_that_trusts_the_root_believes_the_server_at_its_address_only(
    tmp_path: Path, curve: Curve, address: str, calls: str, believes: bool
) -> None:
    # OpenSSL, which knows nothing of eSIM, compares the dates with its own clock.
    mint(tmp_path / "pki", datetime.now(UTC), address, curve=curve)
    found = load(tmp_path / "pki")
    assert found.tls_certificate
    assert found.tls_key
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(found.tls_certificate, found.tls_key)
    client = ssl.create_default_context(cafile=tmp_path / "pki" / ROOT)
    if believes:
        shake_hands(client, server, calls)
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(client, server, calls)


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> None:
    """Let two ends talk in memory until both are content; raise what either raises."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    calling, called = client.wrap_bio(down, up, server_hostname=host), server.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for end in (calling, called):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    calling.do_handshake()
    called.do_handshake()
