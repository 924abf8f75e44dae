"""A card's chain: everything it can be refused for, each with whose fault it is, on both curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from mvne_provisioning import tlv
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.pki.certifying import Extension, eid_range, subject_name
from mvne_provisioning.pki.checking import CertificateRefused, Fault, check_card
from mvne_provisioning.pki.identity import Identity, UnreadableCertificate
from mvne_provisioning.pki.minting import mint_euicc
from mvne_provisioning.pki.ranges import PERMITTED_EINS
from mvne_provisioning.pki.roles import Role
from tests.provisioning.pki.conftest import AT
from tests.provisioning.pki.forging import (
    EID,
    POLICIES,
    Chain,
    another,
    authority,
    basic,
    directories,
    policies,
    reissued,
    usage,
)

BEFORE = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
AFTER = (datetime(2027, 4, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
MAKER = "mvne test EUM"
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.7.7"), b"\x05\x00")
ARABIC_EID = EID[:8] + "\N{ARABIC-INDIC DIGIT THREE}" * 24
Forgery = Callable[[Chain], Chain]


def check(chain: Chain, at: datetime = AT, roots: Mapping[bytes, Identity] | None = None) -> str:
    eid, key = check_card(chain.roots() if roots is None else roots, chain.eum.der, chain.euicc.der, at)
    assert key == chain.euicc.public_key
    return eid


def eins(*prefixes: str, critical: bool = False, tag: int = 0x13) -> Extension:
    value = tlv.encode(0x30, *(tlv.encode(tag, prefix.encode()) for prefix in prefixes))
    return x509.UnrecognizedExtension(PERMITTED_EINS, value), critical


def name_with(eid: str) -> x509.Name:
    """Return the name of a card whose EID is written in UTF-8, so that it can hold anything."""
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, MAKER)
    return x509.Name([organization, x509.NameAttribute(NameOID.SERIAL_NUMBER, eid, _ASN1Type.UTF8String)])


def limits(*permitted: x509.Name, excluded: x509.Name | None = None) -> Extension:
    return x509.NameConstraints(directories(*permitted) or None, directories(excluded) if excluded else None), True


def test_a_good_chain_says_its_eid_and_key(chain: Chain) -> None:
    assert check(chain) == EID


@pytest.mark.parametrize(
    ("forged", "whose", "fault", "says"),
    [
        # who signed it
        (lambda c: c.with_eum(without=[x509.AuthorityKeyIdentifier]), Role.EUM, Fault.UNKNOWN_ISSUER, "(none)"),
        (lambda c: c.with_eum(authority(b"\xab" * 20)), Role.EUM, Fault.UNKNOWN_ISSUER, "ABABAB"),
        (
            lambda c: Chain(c.ci, reissued(c.eum, another(c, AT).ci, authority(c.ci.subject_key_id)), c.euicc),
            Role.EUM,
            Fault.BAD_SIGNATURE,
            "the CI it names did not sign it",
        ),
        (
            lambda c: Chain(c.ci, c.eum, another(c, AT).euicc),
            Role.EUICC,
            Fault.BAD_SIGNATURE,
            "names another issuer than this EUM",
        ),
        (
            lambda c: Chain(c.ci, c.eum, reissued(c.euicc, another(c, AT).eum, authority(c.eum.subject_key_id))),
            Role.EUICC,
            Fault.BAD_SIGNATURE,
            "the EUM it names did not sign it",
        ),
        (
            lambda c: c.with_euicc(issuer_name=subject_name("somebody else")),
            Role.EUICC,
            Fault.BAD_SIGNATURE,
            "did not sign it",
        ),
        (lambda c: c.with_eum(hashed=SHA384()), Role.EUM, Fault.BAD_SIGNATURE, "ECDSA with SHA-256"),
        (lambda c: c.with_euicc(hashed=SHA384()), Role.EUICC, Fault.BAD_SIGNATURE, "ECDSA with SHA-256"),
        # when it is valid
        (lambda c: c.with_ci(between=BEFORE), Role.CI, Fault.EXPIRED, "expired on 2027-02-01 00:00 UTC"),
        (lambda c: c.with_eum(between=BEFORE), Role.EUM, Fault.EXPIRED, "expired on 2027-02-01 00:00 UTC"),
        (lambda c: c.with_euicc(between=BEFORE), Role.EUICC, Fault.EXPIRED, "expired on 2027-02-01 00:00 UTC"),
        (lambda c: c.with_ci(between=AFTER), Role.CI, Fault.EXPIRED, "valid from 2027-04-01 00:00 UTC only"),
        (lambda c: c.with_eum(between=AFTER), Role.EUM, Fault.EXPIRED, "valid from 2027-04-01 00:00 UTC only"),
        (lambda c: c.with_euicc(between=AFTER), Role.EUICC, Fault.EXPIRED, "valid from 2027-04-01 00:00 UTC only"),
        # what it is for
        (lambda c: c.with_ci(policies(Role.EUM)), Role.CI, Fault.WRONG_ROLE, "policies say EUM"),
        (lambda c: c.with_ci(basic(True, 0)), Role.CI, Fault.WRONG_ROLE, "path length 0"),
        (lambda c: c.with_ci(usage(digital_signature=True)), Role.CI, Fault.WRONG_ROLE, "not meant to sign cert"),
        (lambda c: c.with_eum(policies(Role.DP_AUTH)), Role.EUM, Fault.WRONG_ROLE, "policies say DPauth"),
        (lambda c: c.with_eum(policies(Role.EUM, Role.CI)), Role.EUM, Fault.WRONG_ROLE, "no role, or several"),
        (lambda c: c.with_eum(without=[POLICIES]), Role.EUM, Fault.WRONG_ROLE, "no role, or several"),
        (lambda c: c.with_eum(without=[x509.BasicConstraints]), Role.EUM, Fault.WRONG_ROLE, "not one of an issuer"),
        (lambda c: c.with_eum(basic(False, None)), Role.EUM, Fault.WRONG_ROLE, "not one of an issuer"),
        (lambda c: c.with_eum(basic(True, None)), Role.EUM, Fault.WRONG_ROLE, "only cards may stand below"),
        (lambda c: c.with_eum(basic(True, 1)), Role.EUM, Fault.WRONG_ROLE, "only cards may stand below"),
        (lambda c: c.with_eum(usage(digital_signature=True)), Role.EUM, Fault.WRONG_ROLE, "not meant to sign cert"),
        (lambda c: c.with_eum(without=[x509.KeyUsage]), Role.EUM, Fault.WRONG_ROLE, "not meant to sign cert"),
        (lambda c: c.with_euicc(policies(Role.EUM)), Role.EUICC, Fault.WRONG_ROLE, "policies say EUM"),
        (lambda c: c.with_euicc(without=[POLICIES]), Role.EUICC, Fault.WRONG_ROLE, "no role, or several"),
        (lambda c: c.with_euicc(basic(True, None)), Role.EUICC, Fault.WRONG_ROLE, "one of an issuer"),
        (lambda c: c.with_euicc(usage(key_cert_sign=True)), Role.EUICC, Fault.WRONG_ROLE, "not meant for signatures"),
        (lambda c: c.with_euicc(without=[x509.KeyUsage]), Role.EUICC, Fault.WRONG_ROLE, "not meant for signatures"),
        (lambda c: Chain(c.ci, c.euicc, c.eum), Role.EUM, Fault.UNKNOWN_ISSUER, "not known here"),
        # whose name it may bear
        (lambda c: c.with_eid("89049033" + EID[8:]), Role.EUICC, Fault.BAD_NAME, "not 89049033…1235"),
        (lambda c: c.with_eid(EID, "Another EUM"), Role.EUICC, Fault.BAD_NAME, "of 'Another EUM'"),
        (lambda c: c.with_eid(EID, ""), Role.EUICC, Fault.BAD_NAME, "of no organization"),
        (lambda c: c.with_eid(""), Role.EUICC, Fault.BAD_NAME, "no EID of 32 digits"),
        (lambda c: c.with_eid(EID[:-1]), Role.EUICC, Fault.BAD_NAME, "no EID of 32 digits"),
        (lambda c: c.with_eid(EID + "0"), Role.EUICC, Fault.BAD_NAME, "no EID of 32 digits"),
        (lambda c: c.with_eid(EID[:-1] + "A"), Role.EUICC, Fault.BAD_NAME, "no EID of 32 digits"),
        (lambda c: c.with_euicc(subject=name_with(ARABIC_EID)), Role.EUICC, Fault.BAD_NAME, "no EID of 32 digits"),
        (lambda c: c.with_eum(without=[x509.NameConstraints]), Role.EUICC, Fault.BAD_NAME, "no range of EIDs"),
        (lambda c: c.with_eum(eid_range(MAKER, "89049033")), Role.EUICC, Fault.BAD_NAME, "may certify"),
        (lambda c: c.with_eum(eid_range(MAKER, EID[1:9])), Role.EUICC, Fault.BAD_NAME, "may certify"),
        (
            lambda c: c.with_eum(limits(excluded=subject_name(organization=MAKER))),
            Role.EUICC,
            Fault.BAD_NAME,
            "excludes the EID 89049032…1235",
        ),
        (
            lambda c: c.with_eum(
                limits(subject_name(organization=MAKER), excluded=subject_name(serial_number="890490321"))
            ),
            Role.EUICC,
            Fault.BAD_NAME,
            "excludes the EID 89049032…1235",
        ),
        (lambda c: c.with_eum(eins("89049033", "8833")), Role.EUICC, Fault.BAD_NAME, "prefixes 89049033, 8833"),
        (lambda c: c.with_eum(eins(EID[1:9])), Role.EUICC, Fault.BAD_NAME, "none of the EUM's prefixes"),
        (lambda c: c.with_eum(eins()), Role.EUICC, Fault.BAD_NAME, "none of the EUM's prefixes"),
        (
            lambda c: c.with_eum(eins("89049033"), without=[x509.NameConstraints]),
            Role.EUICC,
            Fault.BAD_NAME,
            "none of the EUM's prefixes",
        ),
        (
            lambda c: c.with_eum(eins("89049032"), eid_range(MAKER, "89049033")),
            Role.EUICC,
            Fault.BAD_NAME,
            "may certify",
        ),
        # what nobody can read
        (lambda c: c.with_eum(eins("8904903x")), Role.EUM, Fault.UNREADABLE, "prefix is not made of digits"),
        (lambda c: c.with_eum(eins("89049032", "")), Role.EUM, Fault.UNREADABLE, "prefix is not made of digits"),
        (lambda c: c.with_eum(eins("89049032", tag=0x02)), Role.EUM, Fault.UNREADABLE, "prefix is not made of digits"),
        (
            lambda c: c.with_eum((x509.UnrecognizedExtension(PERMITTED_EINS, b"\x30\x05"), False)),
            Role.EUM,
            Fault.UNREADABLE,
            "list of EID prefixes",
        ),
        (lambda c: c.with_eum((UNKNOWN, True)), Role.EUM, Fault.UNREADABLE, "2.999.7.7"),
        (lambda c: c.with_euicc((UNKNOWN, True)), Role.EUICC, Fault.UNREADABLE, "2.999.7.7"),
        (
            lambda c: c.with_euicc(key=ec.generate_private_key(ec.SECP384R1()).public_key()),
            Role.EUICC,
            Fault.UNREADABLE,
            "neither on NIST P-256",
        ),
        (
            lambda c: c.with_euicc(key=rsa.generate_private_key(65537, 1024).public_key()),
            Role.EUICC,
            Fault.UNREADABLE,
            "neither on NIST P-256",
        ),
    ],
)
def test_a_chain_with_one_fault_is_refused_for_it(
    chain: Chain, forged: Forgery, whose: Role, fault: Fault, says: str
) -> None:
    with pytest.raises(CertificateRefused) as refused:
        check(forged(chain))
    assert (refused.value.whose, refused.value.fault) == (whose, fault), str(refused.value)
    assert says in str(refused.value)
    assert f"the {whose} certificate is refused" in str(refused.value)


@pytest.mark.parametrize(
    "changed",
    [
        lambda c: c.with_eum(eins("8833", "89049032"), without=[x509.NameConstraints]),
        lambda c: c.with_eum(eins("89049032", critical=True)),
        lambda c: c.with_eum(eins("89049032", tag=0x0C), without=[x509.NameConstraints]),
        lambda c: c.with_eum(
            limits(subject_name(organization="Another"), subject_name(organization=MAKER, serial_number="8904"))
        ),
        lambda c: c.with_eum(limits(subject_name(organization=MAKER), excluded=subject_name(organization="Another"))),
        lambda c: c.with_eum((UNKNOWN, False)),
        lambda c: c.with_euicc((UNKNOWN, False), basic(False, None)),
        lambda c: c.with_ci(basic(True, 1)),
        lambda c: c.with_ci(without=[x509.AuthorityKeyIdentifier]),
        lambda c: c.with_ci(without=[x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier]),
    ],
)
def test_a_chain_in_another_permitted_form_is_believed(chain: Chain, changed: Forgery) -> None:
    assert check(changed(chain)) == EID


def test_the_check_digits_of_an_eid_are_the_affair_of_the_maker_who_signed_it(chain: Chain) -> None:
    wrong = EID[:-1] + "6"
    assert not Eid.is_valid(wrong)
    assert check(chain.with_eid(wrong)) == wrong


def test_a_chain_is_refused_when_its_root_is_not_among_ours(chain: Chain) -> None:
    for roots in ({}, another(chain, AT).roots()):
        with pytest.raises(CertificateRefused) as refused:
            check(chain, roots=roots)
        assert (refused.value.whose, refused.value.fault) == (Role.EUM, Fault.UNKNOWN_ISSUER)


def test_a_certificate_is_valid_from_its_first_to_its_last_second(chain: Chain) -> None:
    narrow = chain.with_euicc(between=(AT, AT + timedelta(hours=1)))
    check(narrow, AT)
    check(narrow, AT + timedelta(hours=1))
    for at in (AT - timedelta(microseconds=1), AT + timedelta(hours=1, microseconds=1)):
        with pytest.raises(CertificateRefused, match="eUICC certificate is refused"):
            check(narrow, at)


@pytest.mark.parametrize("spoil", [lambda der: b"", lambda der: b"\x30", lambda der: der[:-1], lambda der: der + b"\0"])
@pytest.mark.parametrize("whose", [Role.EUM, Role.EUICC])
def test_bytes_that_are_no_certificate_are_refused(chain: Chain, spoil: Callable[[bytes], bytes], whose: Role) -> None:
    eum, euicc = (spoil(one.der) if one.role is whose else one.der for one in (chain.eum, chain.euicc))
    with pytest.raises(CertificateRefused) as refused:
        check_card(chain.roots(), eum, euicc, AT)
    assert (refused.value.whose, refused.value.fault) == (whose, Fault.UNREADABLE)


def test_an_identity_on_a_foreign_curve_has_neither_key_nor_curve(chain: Chain) -> None:
    forged = chain.with_euicc(key=rsa.generate_private_key(65537, 1024).public_key()).euicc
    for part in ("public_key", "curve"):
        with pytest.raises(UnreadableCertificate, match="the certificate's key"):
            getattr(forged, part)


@given(data=st.data())
def test_a_certificate_with_any_byte_changed_is_refused_in_words(chain: Chain, data: st.DataObject) -> None:
    ders = [bytearray(chain.eum.der), bytearray(chain.euicc.der)]
    spoiled = data.draw(st.sampled_from(ders))
    spoiled[data.draw(st.integers(0, len(spoiled) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CertificateRefused, match="certificate is refused: "):
        check_card(chain.roots(), bytes(ders[0]), bytes(ders[1]), AT)


@given(st.text("0123456789", min_size=22, max_size=22))
def test_every_card_minted_in_the_makers_range_is_believed(chain: Chain, body: str) -> None:
    eid = Eid.with_check_digits("89049032" + body)
    card = mint_euicc(chain.eum, eid, AT)
    assert check(Chain(chain.ci, chain.eum, card)) == eid
