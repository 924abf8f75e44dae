"""Profile packages: what is written is read again, both ICCIDs agree, and what cannot be written is refused at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.plmn import Plmn
from mvne_provisioning.package import InvalidPersonal, PackageUnreadable, Personal, metadata, names, personalise, read
from mvne_provisioning.package.elements import records
from mvne_provisioning.package.reading import iccid_of
from mvne_provisioning.package.storing import ProfileClass
from mvne_provisioning.tlv import Tlv, encode, integer, read_all, read_one
from tests.provisioning import somebody

PERSONAL = replace(somebody.PERSONAL, pin2="56789", puk2="23456789", ota_keys=bytes(range(0x60, 0x90)))
PACKAGE = personalise(PERSONAL)


def elements(package: bytes = PACKAGE) -> list[Tlv]:
    return list(read_all(package))


def digits(low: int, high: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=low, max_size=high)


KEYS = st.binary(min_size=16, max_size=16)
NAMES = st.text(min_size=1, max_size=16).filter(names.fits).filter(lambda name: len(name.encode()) <= 32)
PERSONALS = st.builds(
    Personal,
    iccid=digits(15, 17).map(lambda body: Iccid.with_check_digit("89" + body)),
    imsi=digits(7, 15).map(Imsi),
    k=KEYS,
    opc=KEYS,
    provider_name=NAMES,
    profile_name=st.text(min_size=1, max_size=64).filter(lambda name: name.isprintable() and len(name.encode()) <= 64),
    pin1=digits(4, 8),
    puk1=digits(8, 8),
    adm1=digits(8, 8),
    pin2=digits(4, 8),
    puk2=digits(8, 8),
    mnc_length=st.sampled_from([2, 3]),
    ota_keys=st.just(b"") | st.binary(min_size=48, max_size=48),
)


@settings(max_examples=60, deadline=None)
@given(PERSONALS, st.booleans())
def test_what_is_written_is_read_again(personal: Personal, has_pin2: bool) -> None:
    written = personal if has_pin2 else replace(personal, pin2=None, puk2=None)
    assert read(personalise(written)) == written
    assert iccid_of(personalise(written)) == personal.iccid


def test_the_elements_stand_in_the_order_in_which_a_card_takes_them() -> None:
    tags = [f"{one.tag:02X}" for one in elements()]
    assert tags == ["A0", "B0", "A3", "A2", "B3", "A2", "A4", "A6", "AA"]
    numbers = [one.child(0xA0).child(0x81).value for one in elements()[1:]]
    assert numbers == [integer(at) for at in range(1, 9)]


def test_the_iccid_is_plain_in_the_header_and_swapped_in_its_file_and_in_the_metadata() -> None:
    header, master_file = elements()[:2]
    assert header.child(0x83).value.hex() == "8999970000000000019f"
    assert master_file.child(0xA4).child(0x83).value.hex() == "989979000000000010f9"
    stored = read_one(metadata(PERSONAL, PERSONAL.plmn, []), 0xBF25)
    assert stored.child(0x5A).value == master_file.child(0xA4).child(0x83).value


@pytest.mark.parametrize(
    ("imsi", "mnc_length", "file", "access_class"),
    [
        ("999700000000001", 2, "089999070000000010", "0002"),
        ("99970000000009", 3, "0891990700000000f9", "0200"),
        ("9997001", 2, "0499990710ffffffff", "0002"),
    ],
)
def test_the_imsi_and_what_follows_from_it_are_laid_out_as_in_ts_31_102(
    imsi: str, mnc_length: int, file: str, access_class: str
) -> None:
    usim = elements(personalise(replace(PERSONAL, imsi=Imsi(imsi), mnc_length=mnc_length)))[4]
    assert usim.child(0xA3).child(0x83).value.hex() == file
    assert usim.child(0xB2).child(0x83).value.hex() == access_class
    assert usim.child(0xB5).child(0x83).value == bytes([0, 0, 0, mnc_length])


def test_the_keys_are_those_of_milenage_and_nowhere_else() -> None:
    algorithm = elements()[6].child(0xA1).child(0xA1)
    assert [(one.tag, one.value) for one in algorithm.children] == [
        (0x80, b"\x01"),
        (0x81, b"\x00"),
        (0x82, PERSONAL.k),
        (0x83, PERSONAL.opc),
    ]
    assert PACKAGE.count(PERSONAL.k) == PACKAGE.count(PERSONAL.opc) == 1


def test_a_card_must_know_the_usim_and_milenage_and_tells_its_services() -> None:
    header, usim = elements()[0], elements()[4]
    assert header.child(0xA5).value.hex() == "81008400"
    assert [one.value.hex() for one in header.child(0xA6).children] == ["67810f010201", "67810f010204"]
    table = usim.child(0xA8).child(0x83).value
    assert [8 * at + bit + 1 for at, byte in enumerate(table) for bit in range(8) if byte >> bit & 1] == [
        10,
        12,
        19,
        33,
        85,
    ]


def test_the_size_of_a_file_is_said_in_as_few_bytes_as_possible() -> None:
    assert read_one(records(0xA5, bytes(200)), 0xA5).child(0xA1).child(0x80).value == b"\xc8"


def test_the_security_domain_has_its_three_keys_or_none() -> None:
    keys = elements()[7].child(0xA2).children
    assert [one.value.hex()[:18] for one in keys] == ["950138820101830101", "950134820102830101", "9501c8820103830101"]
    assert [one.child(0x30).value.hex()[:10] for one in keys] == ["3015800188"] * 3
    assert b"".join(one.raw[-16:] for one in keys) == PERSONAL.ota_keys
    assert elements(personalise(replace(PERSONAL, ota_keys=b"")))[7].find(0xA2) is None


def test_codes_are_eight_bytes_and_a_pin_names_the_puk_that_unblocks_it() -> None:
    puks, pins, pin2 = elements()[2], elements()[3], elements()[5]
    assert (
        puks.child(0xA1).value.hex() == "300d800101" + "81083132333435363738" + "300e80020081" + "81083233343536373839"
    )
    first, administrator = pins.child(0xA1).child(0xA0).children
    assert first.value.hex() == "800101810831323334ffffffff820101830106"
    assert administrator.value.hex() == "80010a81083837363534333231"
    assert pin2.child(0xA1).child(0xA0).children[0].value.hex() == "800200818108" + "3536373839ffffff" + "82020081"


def test_access_rules_stand_at_the_numbers_that_the_templates_refer_to() -> None:
    for rules in (elements()[1].child(0xA6), elements()[4].child(0xA4)):
        described, content = rules.child(0xA1), rules.child(0x83).value
        size, number = described.child(0x82).value[3], 14
        assert described.child(0x82).value[:3].hex() == "422100"
        assert len(content) == size * number == int.from_bytes(described.child(0x80).value, "big")
        records = [content[at * size : (at + 1) * size].rstrip(b"\xff").hex() for at in range(number)]
        administrator, pin1 = "a40683010a950108", "a406830101950108"
        assert records[1] == "800101" + pin1 + "800102" + administrator + "800158" + administrator
        assert records[9] == "8001019000" + "800102" + administrator + "800158" + administrator
        assert records[10] == "8001019000" + "8001029700" + "800158" + administrator
        assert records[13] == "80015e" + administrator
        assert records[0] == records[2] == ""


@pytest.mark.parametrize(
    ("changes", "names_it"),
    [
        ({"k": bytes(15)}, "k: K has 16 bytes"),
        ({"opc": bytes(32)}, "opc: OPc has 16 bytes"),
        ({"iccid": "8999970000000000019"}, "iccid"),
        ({"imsi": "999700000000001"}, "imsi"),
        ({"imsi": Imsi("999700"), "mnc_length": 3}, "imsi"),
        ({"provider_name": ""}, "provider_name"),
        ({"provider_name": "Tilleul Mobile 12"}, "provider_name"),
        ({"provider_name": "手机手机手机手机"}, "provider_name"),
        ({"provider_name": "a\nb"}, "provider_name"),
        ({"profile_name": ""}, "profile_name"),
        ({"profile_name": "é" * 33}, "profile_name"),
        ({"pin1": "123"}, "pin1"),
        ({"pin1": "123456789"}, "pin1"),
        ({"pin1": "12é4"}, "pin1"),
        ({"pin1": "١٢٣٤"}, "pin1"),
        ({"puk1": "1234567"}, "puk1"),
        ({"adm1": ""}, "adm1"),
        ({"pin2": "1"}, "pin2"),
        ({"puk2": None}, "puk2"),
        ({"mnc_length": 1}, "mnc_length"),
        ({"ota_keys": bytes(32)}, "ota_keys"),
    ],
)
def test_what_cannot_be_written_is_refused_by_name_and_never_by_value(changes: dict[str, Any], names_it: str) -> None:
    with pytest.raises(InvalidPersonal, match=f"^{names_it}") as found:
        replace(PERSONAL, **changes)
    assert str(PERSONAL.k) not in str(found.value)


def test_several_faults_are_named_at_once() -> None:
    with pytest.raises(InvalidPersonal, match=r"^k, pin1, puk1: "):
        replace(PERSONAL, k=b"", pin1="", puk1="")


def test_a_personal_shows_no_secret_and_no_whole_number() -> None:
    shown = f"{PERSONAL!r} {PERSONAL}"
    secrets = [
        PERSONAL.k.hex(),
        repr(PERSONAL.k),
        repr(PERSONAL.opc),
        "abcdefgh",
        "12345678",
        "87654321",
        "1234",
        "56789",
    ]
    assert not [secret for secret in (*secrets, PERSONAL.iccid, PERSONAL.imsi) if secret in shown]
    assert "0019" in shown


def test_the_private_identity_of_the_ims_follows_from_the_imsi() -> None:
    assert PERSONAL.impi == "999700000000001@ims.mnc070.mcc999.3gppnetwork.org"


def changed(package: bytes, old: bytes, new: bytes) -> bytes:
    assert package.count(old) == 1
    assert len(old) == len(new)
    return package.replace(old, new)


@pytest.mark.parametrize(
    ("package", "says"),
    [
        (b"", "begin with a header"),
        (PACKAGE[:-4], "cannot be read"),
        (b"".join(one.raw for one in elements()[:-1]), "close with its end"),
        (b"".join(one.raw for one in elements()[1:]), "begin with a header"),
        (b"".join(one.raw for one in elements() if one.tag != 0xB3), "0 elements USIM"),
        (b"".join(one.raw for one in [*elements()[:5], *elements()[4:]]), "2 elements USIM"),
        (changed(PACKAGE, bytes.fromhex("8999970000000000019f"), bytes.fromhex("8999970000000000027f")), "different"),
        (changed(PACKAGE, bytes.fromhex("989979000000000010f9"), bytes.fromhex("989979000000000020f7")), "different"),
        (changed(PACKAGE, bytes.fromhex("800101810100"), bytes.fromhex("800103810100")), "not Milenage"),
        (changed(PACKAGE, bytes.fromhex("089999070000000010"), bytes.fromhex("08999907000000001a")), "digits"),
        (changed(PACKAGE, b"\x83\x04\x00\x00\x00\x02", b"\x83\x04\x00\x00\x00\x09"), "mnc_length"),
    ],
)
def test_a_package_that_is_not_whole_is_refused(package: bytes, says: str) -> None:
    with pytest.raises(PackageUnreadable, match=says):
        read(package)


def test_a_number_that_is_none_is_refused_without_being_shown() -> None:
    wrong = PACKAGE.replace(bytes.fromhex("8999970000000000019f"), bytes.fromhex("8999970000000000018f"))
    wrong = wrong.replace(bytes.fromhex("989979000000000010f9"), bytes.fromhex("989979000000000010f8"))
    for reader in (read, iccid_of):
        with pytest.raises(PackageUnreadable, match="ICCID") as found:
            reader(wrong)
        assert "8999" not in str(found.value)


def test_a_file_filled_in_pieces_is_read_as_one() -> None:
    whole = encode(0xA4, encode(0x83, bytes.fromhex("989979000000000010f9")))
    offset = encode(0x82, b"\x06")
    pieces = encode(0xA4, encode(0x83, b"\x98\x99\x79"), offset, encode(0x83, b"\xf9"))
    master_file = elements()[1]
    filled = encode(0xB0, master_file.value.replace(whole, pieces))
    package = PACKAGE.replace(master_file.raw, filled)
    with pytest.raises(PackageUnreadable, match="different"):  # 98 99 79, six zeros, F9: the 1 is missing
        read(package)
    far = encode(0xA4, encode(0x82, b"\x7f" + bytes(5)), encode(0x83, b"\xf9"))
    with pytest.raises(PackageUnreadable, match="too far"):
        read(PACKAGE.replace(master_file.raw, encode(0xB0, master_file.value.replace(whole, far))))
    pieces = encode(0xA4, encode(0x83, b"\x98\x99\x79"), encode(0x82, b"\x05"), encode(0x83, b"\x10\xf9"))
    filled = encode(0xB0, master_file.value.replace(whole, pieces))
    assert read(PACKAGE.replace(master_file.raw, filled)) == PERSONAL


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(PACKAGE) - 1), st.integers(0, 255))
def test_a_package_with_any_byte_changed_is_read_or_refused_as_unreadable(at: int, byte: int) -> None:
    wrong = bytearray(PACKAGE)
    wrong[at] = byte
    for reader in (read, iccid_of):
        try:
            reader(bytes(wrong))
        except ProvisioningError as error:
            refusal: ProvisioningError = error
        else:
            continue
        if not isinstance(refusal, PackageUnreadable):
            raise refusal


@given(st.binary(max_size=60))
def test_any_bytes_are_no_package(data: bytes) -> None:
    with pytest.raises(PackageUnreadable):
        read(data)
    with pytest.raises(PackageUnreadable):
        iccid_of(data)


def test_the_metadata_says_names_owner_and_whom_to_notify() -> None:
    stored = read_one(metadata(PERSONAL, Plmn("310260"), ["a.example", "b.example"], ProfileClass.TEST), 0xBF25)
    assert [f"{one.tag:X}" for one in stored.children] == ["5A", "91", "92", "95", "B6", "B7"]
    assert (stored.child(0x91).value, stored.child(0x92).value) == (b"Tilleul", b"Tilleul Mobile")
    assert stored.child(0x95).value == b"\x00"
    assert [one.child(0x81).value for one in stored.child(0xB6).children] == [b"a.example", b"b.example"]
    assert {one.child(0x80).value for one in stored.child(0xB6).children} == {b"\x04\xf0"}
    assert stored.child(0xB7).child(0x80).value.hex() == "130062"


@pytest.mark.parametrize("address", ["", "é.example", "a" * 256, "a\nb"])
def test_a_server_to_notify_needs_an_address(address: str) -> None:
    with pytest.raises(InvalidPersonal, match="notify"):
        metadata(PERSONAL, PERSONAL.plmn, [address])


@given(st.text(max_size=30))
def test_a_name_is_shortened_to_what_fits(name: str) -> None:
    short = names.shortened(name)
    assert short == "" or (names.fits(short) and names.decode(names.encode(short)) == short)
    assert not names.fits(name) or short == name.rstrip()


@pytest.mark.parametrize("value", ["81" + "20" * 15, "80d800", "80000a", "0a"])
def test_a_name_in_another_coding_is_not_guessed(value: str) -> None:
    wrong = changed(PACKAGE, names.encode("Tilleul"), bytes.fromhex(value).ljust(16, b"\xff"))
    with pytest.raises(PackageUnreadable):
        read(wrong)
