"""Files of SIM vendors: what is read from CSV and output files, and everything that can be wrong with them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.inventory.transport_key import BadTransportKey, TransportCipher, TransportKey
from mvne_provisioning.inventory.vendor import Field, VendorBatch, VendorFileRefused, VendorProfile, text_of
from mvne_provisioning.inventory.vendor_checks import Ordered
from mvne_provisioning.inventory.vendor_csv import read_csv
from mvne_provisioning.inventory.vendor_output import read_output
from mvne_provisioning.milenage import Keys, MilenageError, opc_from_op
from mvne_provisioning.profile import Profile

BATCH = simulated_batch(1, 3)
OP = bytes(range(200, 216))
KEYS = [Keys(bytes([place]) * 16, opc_from_op(bytes([place]) * 16, OP)) for place in (1, 2, 3)]
AES, TDES = bytes(range(16)), bytes(range(50, 66))


def encrypted(key: bytes, cipher: TransportCipher, plain: bytes) -> bytes:
    """Encrypt as a vendor would, written anew here."""
    if cipher is TransportCipher.AES:
        return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(plain)
    three = key if len(key) == 24 else key[:8] + key[8:16] + key[:8]
    return Cipher(TripleDES(three), modes.ECB()).encryptor().update(plain)


def csv_of(rows: Sequence[Sequence[str]], separator: str = ",", end: str = "\n") -> str:
    return "".join(separator.join(row) + end for row in rows)


HEADING = ["iccid", "IMSI", "Ki", "OPc", "PIN1"]


def csv_rows() -> list[list[str]]:
    cards = zip(BATCH, KEYS, strict=True)
    return [HEADING, *([p.iccid, p.imsi, keys.k.hex(), keys.opc.hex(), "1234"] for p, keys in cards)]


def output_of(
    quantity: str = "3",
    transport: str | None = "0",
    cards: Sequence[str] | None = None,
    inputs: str = "",
    names: str = "IMSI/Ser_nb/PIN1/PUK1/Ki/OPc",
) -> str:
    lines = [
        f"{profile.imsi} {profile.iccid} 1234 12345678 {keys.k.hex().upper()} {keys.opc.hex()}"
        for profile, keys in zip(BATCH, KEYS, strict=True)
    ]
    key = "" if transport is None else f"Transport_key : {transport}\n"
    inputs = inputs or f"Ser_nb: {BATCH[0].iccid}\nIMSI: {BATCH[0].imsi}\n"
    return (
        f"*\n*HEADER DESCRIPTION\n*\nCustomer : Tilleul\nQuantity: {quantity}\nBatch: 7\n{key}*\n*INPUT VARIABLES\n"
        f"var_in_list:\n{inputs}*\n*OUTPUT VARIABLES\nvar_out: {names}\n"
        + "\n".join(lines if cards is None else cards)
        + "\n"
    )


def problems(read: Callable[[], VendorBatch]) -> list[str]:
    with pytest.raises(VendorFileRefused) as refused:
        read()
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    for keys in KEYS:
        for secret in (keys.k, keys.opc):
            assert secret.hex() not in shown.lower()
    for profile in BATCH:
        assert profile.iccid not in shown
        assert profile.imsi not in shown
    return str(refused.value).splitlines()


def test_a_csv_file_becomes_plain_data() -> None:
    batch = read_csv(csv_of(csv_rows()))
    assert batch.profiles == tuple(
        VendorProfile(line, profile.iccid, profile.imsi, keys, codes={Field.PIN1: "1234"})
        for line, (profile, keys) in enumerate(zip(BATCH, KEYS, strict=True), 2)
    )
    assert batch.profiles[0].for_pool("basic") == Profile(BATCH[0].iccid, BATCH[0].imsi, "basic")


def test_nothing_secret_is_shown_of_what_was_read() -> None:
    assert repr(read_csv(csv_of(csv_rows())).profiles) == (
        "(VendorProfile(line=2), VendorProfile(line=3), VendorProfile(line=4))"
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "\ufeff"])
def test_a_csv_file_is_read_however_it_is_separated(separator: str, end: str, before: str) -> None:
    assert read_csv(before + csv_of(csv_rows(), separator, end)) == read_csv(csv_of(csv_rows()))


@pytest.mark.parametrize(
    ("iccid", "imsi", "k", "opc", "pin"),
    [
        ("ICC", "imsi1", "K", "OPC", "CHV1"),
        ("Ser_Nb", "Imsi", "KI", "opc", "pin"),
        (" serial number ", "IMSI", "key", "OPc", "Pin 1"),
    ],
)
def test_columns_are_found_by_the_names_that_vendors_use(iccid: str, imsi: str, k: str, opc: str, pin: str) -> None:
    rows = [[iccid, imsi, k, opc, pin], *csv_rows()[1:]]
    assert read_csv(csv_of(rows)) == read_csv(csv_of(csv_rows()))


def test_columns_come_in_any_order_unknown_ones_are_kept_and_own_names_can_be_given() -> None:
    rows = [
        ["Lieferung", "Rufnummer", "IMSI", "KIC1", "ICCID", "LPA"],
        ["A7", "33199000001", BATCH[0].imsi, "00FF", BATCH[0].iccid, "LPA:1$smdp.example$X"],
        ["A7", "", BATCH[1].imsi, "", BATCH[1].iccid, ""],
    ]
    first, second = read_csv(csv_of(rows, ";"), own={"Rufnummer": Field.MSISDN}).profiles
    assert first.msisdn == Msisdn("+33199000001")
    assert first.others == {"Lieferung": "A7", "KIC1": "00FF"}
    assert first.codes == {Field.ACTIVATION_CODE: "LPA:1$smdp.example$X"}
    assert (second.msisdn, second.keys, second.codes) == (None, None, {})


def test_numbers_written_as_the_chip_has_them_are_read() -> None:
    rows = [["iccid", "imsi"], ["989979000000000010F9", "089999070000000010"]]
    (profile,) = read_csv(csv_of(rows)).profiles
    assert (profile.iccid, profile.imsi) == (BATCH[0].iccid, BATCH[0].imsi)


@given(st.integers(10**15, 10**17 - 1), st.integers(0, 10**15 - 1))
@settings(max_examples=40)
def test_what_is_swapped_for_the_chip_is_read_back(account: int, number: int) -> None:
    iccid, imsi = Iccid.with_check_digit(f"89{account}"), Imsi(f"{number:015}")
    padded = iccid + "F" * (len(iccid) % 2)
    swapped = "".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2))
    chip = "08" + "".join(f"9{imsi}"[at + 1] + f"9{imsi}"[at] for at in range(0, 16, 2))
    (profile,) = read_csv(csv_of([["iccid", "imsi"], [swapped, chip]])).profiles
    assert (profile.iccid, profile.imsi) == (iccid, imsi)


def changed(line: int, column: int, value: str) -> str:
    rows = csv_rows()
    rows[line][column] = value
    return csv_of(rows)


@pytest.mark.parametrize(
    ("line", "column", "value", "problem"),
    [
        (1, 0, "8999970000000000018", "line 2: the ICCID …0018 has a wrong check digit"),
        (
            1,
            0,
            "899997000000000001",
            "line 2: the ICCID …0001 has a wrong check digit: .*or the check digit is missing",
        ),
        (1, 0, "89999700", "line 2: the ICCID has a wrong length .8."),
        (1, 0, "9899790000000000107", "line 2: the ICCID …0107 is no ICCID"),
        (1, 0, "", "line 2: the ICCID is missing"),
        (2, 1, "99970000000000002", "line 3: the IMSI …0002 has a wrong length .17."),
        (2, 1, "99970000000002", "line 3: the IMSI …0002 has 14 digits instead of 15"),
        (2, 1, "99970000000000O", "line 3: the IMSI …000O is no IMSI"),
        (2, 1, " ", "line 3: the IMSI is missing"),
        (3, 2, "ff" * 15, "line 4: K is not 32 hexadecimal digits"),
        (3, 2, "gg" * 16, "line 4: K is not 32 hexadecimal digits"),
        (3, 2, "", "line 4: the K is missing"),
        (3, 3, "ff" * 17, "line 4: OPc is not 32 hexadecimal digits"),
        (3, 4, "12", "line 4: PIN1 is not 4 to 32 letters or digits"),
        (3, 0, BATCH[0].iccid, "line 4: the ICCID …0019 is also in line 2"),
        (3, 1, BATCH[1].imsi, "line 4: the IMSI …0002 is also in line 3"),
        (3, 2, KEYS[1].k.hex(), "line 4: the K is also in line 3"),
    ],
)
def test_a_mistake_in_a_cell_is_said_with_its_line(line: int, column: int, value: str, problem: str) -> None:
    (said,) = problems(lambda: read_csv(changed(line, column, value)))
    with pytest.raises(VendorFileRefused, match=f"^{problem}"):
        read_csv(changed(line, column, value))
    assert said


def test_all_problems_are_said_at_once_in_the_order_of_their_lines() -> None:
    rows = csv_rows()
    rows[3][0], rows[1][2], rows[2] = "x", "y", rows[2][:4]
    rows.append([BATCH[0].iccid, BATCH[0].imsi, "", "z", "12"])
    assert [said.split(":")[0] for said in problems(lambda: read_csv(csv_of(rows), Ordered(quantity=5)))] == [
        "there are 4 profiles, and the order says 5",
        "line 2",
        "line 3",
        "line 4",
        "line 5",
        "line 5",
        "line 5",
    ]


def test_very_many_problems_are_counted_and_the_first_shown() -> None:
    rows = [["iccid", "imsi"], *(["x", "y"] for _ in range(100))]
    said = problems(lambda: read_csv(csv_of(rows)))
    assert len(said) == 51
    assert said[-1] == "and 150 more"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("iccid,imsi\n", "there is no profile behind the heading"),
        ("a,b\n1,2\n", "line 1: there is no column for the ICCID\nline 1: there is no column for the IMSI"),
        ("iccid,icc,imsi\n", "line 1: the columns 'iccid' and 'icc' are both the ICCID"),
        ("iccid,imsi,ki\n", "line 1: there is a K and no OPc; give the operator's OP"),
        ("iccid,imsi,opc\n", "line 1: there is an OPc and no column for K"),
        ("iccid,imsi,eki,opc\n", "line 1: the keys are encrypted; give the transport key"),
        ('iccid,imsi\n"8999', "after 0 profiles it is no CSV"),
    ],
)
def test_a_file_that_cannot_be_taken_at_all_is_refused(text: str, problem: str) -> None:
    with pytest.raises(VendorFileRefused) as refused:
        read_csv(text)
    assert str(refused.value).startswith(problem)


def test_blank_lines_are_passed_over_and_lines_still_counted() -> None:
    rows = csv_rows()
    text = "\n" + csv_of(rows[:2]) + "\n ,,,,\n" + csv_of(rows[2:]) + "\n\n"
    assert [profile.line for profile in read_csv(text).profiles] == [3, 6, 7]


FIRST, LAST = BATCH[0], BATCH[-1]


@pytest.mark.parametrize(
    ("ordered", "said"),
    [
        (Ordered(iccids=(FIRST.iccid, LAST.iccid), imsis=(FIRST.imsi, LAST.imsi), quantity=3), []),
        (Ordered(iccids=(BATCH[1].iccid, LAST.iccid)), ["line 2: the ICCID …0019 is outside of the range"]),
        (Ordered(iccids=(FIRST.iccid, BATCH[1].iccid)), ["line 4: the ICCID …0035 is outside of the range"]),
        (Ordered(imsis=(BATCH[1].imsi, BATCH[1].imsi)), ["line 2: the IMSI …0001", "line 4: the IMSI …0003"]),
        (
            Ordered(iccids=(Iccid.with_check_digit("89" + "0" * 17), Iccid.with_check_digit("89" + "9" * 17))),
            ["line"] * 3,
        ),
        (Ordered(quantity=2), ["there are 3 profiles, and the order says 2"]),
        (Ordered(quantity=4), ["there are 3 profiles, and the order says 4"]),
        (Ordered(op=OP), []),
        (Ordered(op=bytes(16)), ["line 2: OPc does not fit K", "line 3: OPc", "line 4: OPc"]),
    ],
)
def test_a_file_must_agree_with_what_was_ordered(ordered: Ordered, said: list[str]) -> None:
    if not said:
        assert len(read_csv(csv_of(csv_rows()), ordered).profiles) == 3
        return
    found = problems(lambda: read_csv(csv_of(csv_rows()), ordered))
    assert len(found) == len(said)
    assert all(one.startswith(start) for one, start in zip(found, said, strict=True))


def test_opc_is_made_of_the_operators_op_when_the_file_has_none() -> None:
    rows = [row[:3] for row in csv_rows()]
    assert [profile.keys for profile in read_csv(csv_of(rows), Ordered(op=OP)).profiles] == KEYS
    with pytest.raises(MilenageError, match="OP has 15"):
        Ordered(op=OP[:15])


@pytest.mark.parametrize(
    ("key", "cipher"),
    [
        (AES, TransportCipher.AES),
        (AES + AES[:8], TransportCipher.AES),
        (AES + TDES, TransportCipher.AES),
        (TDES, TransportCipher.TRIPLE_DES),
        (TDES + AES[:8], TransportCipher.TRIPLE_DES),
    ],
)
@pytest.mark.parametrize("names", [("Ki", "OPc"), ("eKi", "eOPc"), ("eKi", "OPc")])
def test_keys_that_travelled_encrypted_are_opened(key: bytes, cipher: TransportCipher, names: tuple[str, str]) -> None:
    rows = csv_rows()
    rows[0][2:4] = names
    for row, keys in zip(rows[1:], KEYS, strict=True):
        row[2] = encrypted(key, cipher, keys.k).hex()
        if names[1] == "eOPc" or names[0] == "Ki":
            row[3] = encrypted(key, cipher, keys.opc).hex()
    ordered = Ordered(transport=TransportKey(key, cipher), op=OP)
    assert [profile.keys for profile in read_csv(csv_of(rows), ordered).profiles] == KEYS
    wrong = Ordered(transport=TransportKey(bytes(16), cipher), op=OP)
    assert "another transport key" in problems(lambda: read_csv(csv_of(rows), wrong))[0]


def test_only_the_fields_that_were_agreed_travel_encrypted() -> None:
    rows = csv_rows()
    for row, keys in zip(rows[1:], KEYS, strict=True):
        row[2] = encrypted(AES, TransportCipher.AES, keys.k).hex()
    ordered = Ordered(transport=TransportKey(AES, TransportCipher.AES), encrypted=frozenset({Field.K}))
    assert [profile.keys for profile in read_csv(csv_of(rows), ordered).profiles] == KEYS


@pytest.mark.parametrize(
    ("key", "cipher", "check"),
    [
        (bytes(16), TransportCipher.AES, "66E94B"),
        (bytes(24), TransportCipher.AES, "AAE069"),
        (bytes.fromhex("0123456789ABCDEF" * 2), TransportCipher.TRIPLE_DES, "D5D44F"),
        (bytes.fromhex("0123456789ABCDEF" * 3), TransportCipher.TRIPLE_DES, "D5D44F"),
    ],
)
def test_a_transport_key_is_known_by_its_published_check_value(key: bytes, cipher: TransportCipher, check: str) -> None:
    assert TransportKey(key, cipher).check_value == check
    assert key.hex() not in repr(TransportKey(key, cipher))


@pytest.mark.parametrize(("size", "cipher"), [(0, "aes"), (15, "aes"), (8, "3des"), (32, "3des")])
def test_a_transport_key_of_the_wrong_size_is_refused(size: int, cipher: str) -> None:
    with pytest.raises(BadTransportKey, match=f"not {size}$"):
        TransportKey(bytes(size), TransportCipher(cipher))


# The output file of the classic vendors


def test_an_output_file_becomes_the_same_data_as_csv() -> None:
    batch = read_output(output_of())
    assert [(p.iccid, p.imsi, p.keys) for p in batch.profiles] == [
        (p.iccid, p.imsi, keys) for p, keys in zip(BATCH, KEYS, strict=True)
    ]
    assert batch.profiles[0].codes == {Field.PIN1: "1234", Field.PUK1: "12345678"}
    assert batch.header == {"Customer": "Tilleul", "Quantity": "3", "Batch": "7", "Transport_key": "0"}
    assert [profile.line for profile in batch.profiles] == [16, 17, 18]


@pytest.mark.parametrize("sign", ["/", ",", ";", "|"])
def test_cards_may_be_separated_as_their_names_are(sign: str) -> None:
    text = output_of(names=sign.join(["IMSI", "Ser_nb", "PIN1", "PUK1", "Ki", "OPc"]))
    head, names, cards = text.partition(f"Ki{sign}OPc\n")
    assert read_output(head + names + cards.replace(" ", sign)) == read_output(output_of())
    assert read_output("\ufeff" + text.replace("\n", "\r\n")) == read_output(output_of())


@pytest.mark.parametrize("transport", ["001", "7", "TK-2"])
def test_a_transport_key_in_the_header_opens_the_keys(transport: str) -> None:
    cards = [
        f"{profile.imsi} {profile.iccid} 1234 12345678 "
        f"{encrypted(TDES, TransportCipher.TRIPLE_DES, keys.k).hex()} "
        f"{encrypted(TDES, TransportCipher.TRIPLE_DES, keys.opc).hex()}"
        for profile, keys in zip(BATCH, KEYS, strict=True)
    ]
    text = output_of(transport=transport, cards=cards)
    ordered = Ordered(transport=TransportKey(TDES, TransportCipher.TRIPLE_DES), op=OP)
    assert [profile.keys for profile in read_output(text, ordered).profiles] == KEYS
    unstated = output_of(transport=None, cards=cards)
    assert [profile.keys for profile in read_output(unstated, ordered).profiles] == KEYS
    assert problems(lambda: read_output(text)) == [
        "line 15: the keys are encrypted; give the transport key that was agreed with the vendor"
    ]


@pytest.mark.parametrize("transport", ["0", "000", "none", "No"])
def test_a_transport_key_for_keys_that_are_not_encrypted_is_refused(transport: str) -> None:
    ordered = Ordered(transport=TransportKey(AES, TransportCipher.AES))
    assert len(read_output(output_of(transport=transport)).profiles) == 3
    (said,) = problems(lambda: read_output(output_of(transport=transport), ordered))
    assert said == "line 15: the file says that its keys are not encrypted; give no transport key"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (output_of("2"), "there are 3 profiles, and the header says 2: the file is cut off or another's"),
        (output_of("4"), "there are 3 profiles, and the header says 4: the file is cut off or another's"),
        (output_of("many"), "the header has no Quantity, or it is no number"),
        (output_of().replace("Quantity: 3\n", ""), "the header has no Quantity, or it is no number"),
        (output_of(cards=[]), "there are 0 profiles, and the header says 3: the file is cut off or another's"),
        (output_of().split("var_out")[0], "there is no var_out, which names the columns"),
        ("", "there is no var_out, which names the columns"),
        (
            output_of().replace("Batch: 7", "Batch 7"),
            "line 6: it is neither a comment nor NAME: VALUE, and no card yet",
        ),
        (
            output_of(names="IMSI/Ser_nb/PIN1/PUK1/Ki"),
            "line 15: there is a K and no OPc; give the operator's OP, to make it",
        ),
        (output_of(inputs="Ser_nb: 8999970000000000018\n"), "line 11: the ICCID …0018 has a wrong check digit.*"),
        (output_of(inputs="IMSI: x\n"), "line 11: the IMSI is no IMSI"),
        (
            output_of(inputs=f"IMSI: {BATCH[1].imsi}\n"),
            "line 15: the IMSI …0001 is outside of the range that line 11 begins",
        ),
        (
            output_of(inputs=f"Ser_nb: {BATCH[1].iccid}\n"),
            "line 15: the ICCID …0019 is outside of the range that line 11 begins",
        ),
        (
            output_of(inputs=f"IMSI: {simulated_batch(0, 1)[0].imsi}\n"),
            "line 17: the IMSI …0003 is outside of the range that line 11 begins",
        ),
        (output_of().replace(" 1234 12345678", " 1234", 1), "line 16: it has 5 fields, and the heading has 6"),
    ],
)
def test_what_is_wrong_with_an_output_file_is_said(text: str, said: str) -> None:
    found = problems(lambda: read_output(text))
    with pytest.raises(VendorFileRefused, match=f"(?m)^{said}$"):
        read_output(text)
    assert len(found) <= 3


def test_an_output_file_must_also_agree_with_the_order() -> None:
    ordered = Ordered(quantity=5, iccids=(BATCH[1].iccid, LAST.iccid))
    assert problems(lambda: read_output(output_of(), ordered)) == [
        "there are 3 profiles, and the order says 5: the file is cut off or another's",
        "line 16: the ICCID …0019 is outside of the range that was ordered",
    ]


def test_ranges_that_would_leave_their_length_end_at_the_last_number() -> None:
    highest = simulated_batch(10**10 - 1, 1)[0]
    cards = [f"{highest.imsi} {highest.iccid} 1234 12345678 {KEYS[0].k.hex()} {KEYS[0].opc.hex()}"]
    inputs = "IMSI: 999999999999999\nSer_nb: " + Iccid.with_check_digit("89" + "9" * 17) + "\n"
    found = problems(lambda: read_output(output_of("1", cards=cards, inputs=inputs)))
    assert [one.split(" is ")[1] for one in found] == [
        "outside of the range that line 11 begins",
        "outside of the range that line 12 begins",
    ]


@given(st.text(alphabet="*:/ \n0128 9Fvar_outIMSIKiQuantity;", max_size=120))
@settings(max_examples=60)
def test_any_text_is_read_or_refused_with_a_typed_error(text: str) -> None:
    for read in (read_csv, read_output):
        for head in ("", "iccid,imsi\n", "Quantity:1\nvar_out:IMSI/ICCID\n"):
            with suppress(VendorFileRefused):
                assert read(head + text).profiles


def test_a_file_that_is_no_text_is_refused_with_its_line() -> None:
    assert text_of("\ufeffé".encode()) == "é"
    with pytest.raises(VendorFileRefused, match="line 3: it is not UTF-8"):
        text_of(b"a\nb\nc\xff\xfe")
