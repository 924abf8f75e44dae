"""Folders of certificates as people have them: any depth, both forms, several servers, old editions, and mistakes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from mvne_provisioning.pki.checking import check_card
from mvne_provisioning.pki.folder import CertificatesMissing, load
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.minting import mint, mint_euicc, mint_tls, private_pem
from mvne_provisioning.pki.roles import Curve, Role
from tests.provisioning.pki.conftest import ADDRESS, AT, chain_of
from tests.provisioning.pki.forging import EID

AUTH, PB, TLS = "DPauth/CERT_S_SM_DPauth_ECDSA_NIST", "DPpb/CERT_S_SM_DPpb_ECDSA_NIST", "DPtls/CERT_S_SM_DP_TLS_NIST"
KEY = "DPauth/SK_S_SM_DPauth_ECDSA_NIST.pem"

Change = Callable[[Path], object]


@pytest.fixture
def folder(both: Path, tmp_path: Path) -> Path:
    """A folder of one's own, to change."""
    return shutil.copytree(both, tmp_path / "pki")


def test_a_minted_folder_is_read_back(both: Path) -> None:
    found = load(both)
    assert [one.curve for one in found.issuers.values()] == [Curve.NIST, Curve.BRAINPOOL]
    assert all(one.subject_key_id == key for key, one in found.issuers.items())
    for identities, role in ((found.dp_auth, Role.DP_AUTH), (found.dp_pb, Role.DP_PB)):
        assert [(one.role, one.curve, bool(one.key)) for one in identities] == [
            (role, Curve.NIST, True),
            (role, Curve.BRAINPOOL, True),
        ]
    assert found.dp_tls
    assert (found.dp_tls.der, found.dp_tls.oid) == ((both / f"{TLS}.der").read_bytes(), "2.999.10")
    assert found.tls_certificate == both / f"{TLS}.pem"
    assert found.tls_key == both / "DPtls/SK_S_SM_DP_TLS_NIST.pem"


@pytest.mark.parametrize("curve", Curve)
def test_the_card_is_that_of_the_curve_asked_for(both: Path, curve: Curve) -> None:
    found = load(both, curve=curve)
    assert found.eum
    assert found.euicc
    assert (found.eum.curve, found.euicc.curve, found.euicc.eid) == (curve, curve, EID)
    assert check_card(found.issuers, found.eum.der, found.euicc.der, AT)[0] == EID


def test_a_card_of_the_other_curve_is_taken_when_there_is_no_choice(folder: Path) -> None:
    for path in folder.rglob("*_NIST.*"):
        path.unlink()
    found = load(folder)
    assert found.euicc
    assert found.euicc.curve is Curve.BRAINPOOL
    assert (found.dp_tls, found.tls_certificate, found.tls_key) == (None, None, None)


def flatten(folder: Path) -> None:
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        path.rename(folder / path.name)


def deepen(folder: Path) -> None:
    for path in list(folder.iterdir()):
        (folder / "SGP.26" / "Valid Test Cases" / path.name).mkdir(parents=True)
        shutil.copytree(path, folder / "SGP.26" / "Valid Test Cases" / path.name, dirs_exist_ok=True)
        shutil.rmtree(path)


def only_pem(folder: Path) -> None:
    for path in folder.rglob("CERT_*.der"):
        path.with_suffix(".pem").write_bytes(Identity.read(Role.CI, path.read_bytes()).pem)
        path.unlink()


def only_der(folder: Path) -> None:
    for path in folder.rglob("CERT_*.pem"):
        path.unlink()


def newer_names(folder: Path) -> None:
    for path in folder.rglob("*_ECDSA_*"):
        path.rename(path.with_name(path.name.replace("_ECDSA_", "_SIG_")))


def keys_under_other_names(folder: Path) -> None:
    (folder / KEY).rename(folder / "DPauth/SK_S_SM_DP4auth.pem")
    (folder / "DPtls/SK_S_SM_DP_TLS_NIST.pem").rename(folder / "SK_S_SM_DP_TLS.pem")


def keys_in_the_older_form(folder: Path) -> None:
    """Write keys as test sets do: the curve in a block of its own, then the key in the form of SEC 1."""
    for path in folder.rglob("SK_*_NIST.pem"):
        key = load_pem_private_key(path.read_bytes(), None)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        path.write_bytes(b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + text)


def other_files(folder: Path) -> None:
    (folder / "README").write_text("how these were made")
    (folder / "DPauth" / "PK_S_SM_DPauth_ECDSA_NIST.pem").write_text("a public key")
    (folder / "DPauth" / "data_sig.der").write_bytes(b"\0")
    (folder / "CERT_S_SM_DSauth_ECDSA_NIST.der").write_bytes(b"another role")
    (folder / "CERT_EUM_ECDSA_NIST_INVALID.der").write_bytes(b"a test case")
    (folder / "SK_EUM_ECDSA_NIST.der").write_bytes(b"never so")
    (folder / "CERT_CI_ECDSA_NIST.der").mkdir()
    (folder / "CERT_EUM_ECDSA_BRP.der").symlink_to(folder / "nowhere")


@pytest.mark.parametrize(
    "change",
    [flatten, deepen, only_pem, only_der, newer_names, keys_under_other_names, keys_in_the_older_form, other_files],
)
def test_the_same_certificates_and_keys_are_found_however_a_folder_is_laid_out(
    both: Path, folder: Path, change: Change
) -> None:
    expected = load(both)
    change(folder)
    found = load(folder)

    def content(one: Identity | None) -> object:
        return one and (one.role, one.der, one.key and one.key.private_numbers())

    for part in ("dp_auth", "dp_pb"):
        assert list(map(content, getattr(found, part))) == list(map(content, getattr(expected, part)))
    for part in ("dp_tls", "eum", "euicc"):
        assert content(getattr(found, part)) == content(getattr(expected, part))
    assert list(found.issuers) == list(expected.issuers)
    assert found.tls_certificate
    assert found.tls_certificate.suffix == (".der" if change is only_der else ".pem")


def test_of_several_servers_the_one_asked_for_is_read(folder: Path, tmp_path: Path) -> None:
    mint(tmp_path / "second", AT, "testsmdpplus2.example.com", "2.999.12")
    for path in (tmp_path / "second").rglob("*_S_SM_DP*"):
        shutil.copy(path, folder / path.parent.name / path.name.replace("_S_SM_DP", "_S_SM_DP2"))
    first, second, third = (load(folder, server) for server in ("", "2", "8"))
    for found, oid in ((first, "2.999.10"), (second, "2.999.12")):
        assert {one.oid for one in (*found.dp_auth, *found.dp_pb)} == {oid}
        assert found.dp_tls
        assert found.dp_tls.oid == oid
    assert second.tls_key == folder / "DPtls" / "SK_S_SM_DP2_TLS_NIST.pem"
    assert (third.dp_auth, third.dp_pb, third.dp_tls) == ((), (), None)
    assert third.eum


def test_of_several_editions_the_one_that_expires_last_is_taken(folder: Path) -> None:
    ours = load(folder)
    assert ours.dp_tls
    ci = ours.issuers[ours.dp_tls.authority_key_id]
    (folder / "DPtls" / "Old").mkdir()
    for name, days in (("DPtls/Old", -400), ("Newer", 100), ("Old", -200)):
        (folder / name).mkdir(exist_ok=True)
        edition = mint_tls(ci, ADDRESS, AT + timedelta(days=days), keys=lambda _: the_key_of(ours.dp_tls))
        (folder / name / "CERT_S_SM_DP_TLS_NIST.der").write_bytes(edition.der)
    found = load(folder)
    assert found.tls_certificate == folder / "Newer" / "CERT_S_SM_DP_TLS_NIST.der"
    assert found.tls_key == ours.tls_key


def test_a_certificate_with_its_key_is_taken_before_one_that_expires_later_without(folder: Path) -> None:
    ours = load(folder)
    assert ours.dp_tls
    stranger = mint_tls(ours.issuers[ours.dp_tls.authority_key_id], ADDRESS, AT + timedelta(days=100))
    (folder / "CERT_S_SM_DP_TLS_NIST.der").write_bytes(stranger.der)
    assert load(folder).dp_tls == ours.dp_tls


def test_the_maker_is_the_one_who_signed_the_card(folder: Path, tmp_path: Path) -> None:
    mint(tmp_path / "later", AT + timedelta(days=30), ADDRESS)
    shutil.copytree(tmp_path / "later" / "EUM", folder / "later")
    chain = chain_of(load(folder))
    assert chain.euicc.authority_key_id == chain.eum.subject_key_id


def test_a_folder_of_a_card_needs_no_server_and_no_key_of_others(both: Path, tmp_path: Path) -> None:
    for name in ("CertificateIssuer/CERT_CI_ECDSA_NIST.der", "EUM/CERT_EUM_ECDSA_NIST.der"):
        shutil.copy(both / name, tmp_path)
    card = mint_euicc(chain_of(load(both)).eum, EID, AT)
    (tmp_path / "CERT_EUICC_ECDSA_NIST.der").write_bytes(card.der)
    (tmp_path / "SK_EUICC_ECDSA_NIST.pem").write_bytes(private_pem(the_key_of(card)))
    found = load(tmp_path)
    assert found.eum
    assert found.euicc == card
    assert (found.eum.key, found.dp_auth, found.dp_tls) == (None, (), None)


def test_nothing_secret_is_shown_when_certificates_are_printed(both: Path) -> None:
    assert "PRIVATE" not in repr(load(both))
    assert "key=" not in repr(load(both).dp_auth[0])


def the_key_of(one: Identity | None) -> ec.EllipticCurvePrivateKey:
    assert one
    assert one.key
    return one.key


def encrypted(path: Path) -> None:
    key = load_pem_private_key(path.read_bytes(), None)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")))


def key_of(kind: object) -> Change:
    def write(folder: Path) -> None:
        key = rsa.generate_private_key(65537, 1024) if kind is rsa else ec.generate_private_key(ec.SECP384R1())
        (folder / KEY).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    return write


def copied(source: str, target: str) -> Change:
    return lambda folder: shutil.copy(folder / source, folder / target)


def written(target: str, content: bytes) -> Change:
    return lambda folder: (folder / target).write_bytes(content)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (shutil.rmtree, "pki is no folder"),
        (lambda folder: shutil.rmtree(folder / "CertificateIssuer"), "has no certificate of an issuer"),
        (written(f"{AUTH}.der", b""), f"{AUTH}.der: this is no certificate in DER"),
        (written(f"{AUTH}.der", b"-----BEGIN CERTIFICATE-----"), f"{AUTH}.der: this is no certificate in DER"),
        (written(f"{TLS}.pem", b"-----BEGIN CERTIFICATE-----"), f"{TLS}.pem: this is no certificate in PEM"),
        (written(KEY, b"secret words"), f"{KEY}: this is no private key in PEM that can be read"),
        (lambda folder: encrypted(folder / KEY), f"{KEY}: the private key is encrypted"),
        (key_of(rsa), f"{KEY}: the private key lies neither on NIST P-256"),
        (key_of(ec), f"{KEY}: the private key lies neither on NIST P-256"),
        (
            copied("DPpb/SK_S_SM_DPpb_ECDSA_NIST.pem", KEY),
            f"{KEY}: the private key is not that of {AUTH}.der",
        ),
        (
            copied(f"{PB}.der", f"{AUTH}.der"),
            f"{AUTH}.der: by its policies it is a certificate for DPpb, by its name it is one for DPauth",
        ),
    ],
)
def test_each_mistake_is_said_in_words_with_its_file(folder: Path, change: Change, problem: str) -> None:
    change(folder)
    with pytest.raises(CertificatesMissing) as missing:
        load(folder)
    assert len(missing.value.problems) == 1, missing.value.problems
    assert problem in missing.value.problems[0]
    assert "secret words" not in str(missing.value)


def test_all_mistakes_are_said_at_once(folder: Path) -> None:
    for name in (f"{AUTH}.der", f"{TLS}.pem", "EUM/SK_EUM_ECDSA_BRP.pem"):
        (folder / name).write_bytes(b"nonsense")
    with pytest.raises(CertificatesMissing) as missing:
        load(folder)
    assert [problem.partition(":")[0] for problem in missing.value.problems] == [
        f"{AUTH}.der",
        f"{TLS}.pem",
        "EUM/SK_EUM_ECDSA_BRP.pem",
    ]
    assert str(missing.value).startswith("the certificates cannot be used: ")


def test_a_file_that_may_not_be_opened_is_said(both: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Callable[..., object] = Path.open

    def forbidding(path: Path, *how: str) -> object:
        if path == both / KEY:
            raise PermissionError(13, "Permission denied")
        return opened(path, *how)

    monkeypatch.setattr(Path, "open", forbidding)
    with pytest.raises(CertificatesMissing) as missing:
        load(both)
    assert missing.value.problems == (f"{KEY}: cannot be opened (Permission denied)",)
