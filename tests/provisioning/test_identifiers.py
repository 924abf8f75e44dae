"""Identifiers: what is accepted, what is refused and how, and that reading what was written gives the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.identifier import (
    Identifier,
    IdentifierError,
    InvalidChecksum,
    InvalidFormat,
    InvalidLength,
)
from mvne_provisioning.identifiers.imei import Imei
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.luhn import has_luhn_digit, luhn_digit
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.identifiers.plmn import Plmn


def digits(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=least, max_size=most)


IDENTIFIERS: st.SearchStrategy[Identifier] = st.one_of(
    digits(15, 17).map(lambda body: Iccid.with_check_digit("89" + body)),
    digits(6, 15).map(Imsi),
    digits(6, 14).map(lambda rest: Msisdn("+3" + rest)),
    digits(30, 30).map(Eid.with_check_digits),
    digits(14, 14).map(lambda body: Imei(body + luhn_digit(body))),
    digits(5, 6).map(Plmn),
)


@given(IDENTIFIERS)
def test_what_is_grouped_for_people_reads_back_as_the_same(identifier: Identifier) -> None:
    assert type(identifier).parse(identifier.format()) == identifier
    assert type(identifier).parse(str(identifier)) == identifier
    assert type(identifier).parse("-".join(identifier.format())) == identifier


@given(IDENTIFIERS)
def test_a_mask_keeps_the_length_and_only_the_last_four(identifier: Identifier) -> None:
    if isinstance(identifier, Plmn):
        assert identifier.masked() == identifier  # a network is not a person
    else:
        assert len(identifier.masked()) == len(identifier)
        assert identifier.masked().lstrip("+*")[-4:] == identifier[-4:]
        assert not any(sign.isdigit() for sign in identifier.masked()[:-4])


@given(st.text(max_size=40))
def test_any_text_is_accepted_or_refused_with_a_typed_error(text: str) -> None:
    for kind in (Iccid, Imsi, Msisdn, Eid, Imei, Plmn):
        accepted = kind.is_valid(text)
        if accepted:
            assert kind.is_valid(kind.parse(text))
        else:
            with pytest.raises(IdentifierError):
                kind.parse(text)


@given(digits(15, 17), st.integers(0, 17), st.integers(1, 9))
def test_a_wrong_digit_of_an_iccid_is_noticed(body: str, place: int, change: int) -> None:
    iccid = Iccid.with_check_digit("89" + body)
    position = 2 + place % (len(iccid) - 2)
    wrong = iccid[:position] + str((int(iccid[position]) + change) % 10) + iccid[position + 1 :]
    with pytest.raises(InvalidChecksum):
        Iccid.parse(wrong)


@given(digits(30, 30), st.integers(0, 31), st.integers(1, 9))
def test_a_wrong_digit_of_an_eid_is_noticed(body: str, place: int, change: int) -> None:
    eid = Eid.with_check_digits(body)
    wrong = eid[:place] + str((int(eid[place]) + change) % 10) + eid[place + 1 :]
    with pytest.raises(InvalidChecksum):
        Eid.parse(wrong)


@given(digits(1, 30))
def test_a_luhn_digit_makes_a_number_valid_and_the_other_nine_do_not(body: str) -> None:
    assert [digit for digit in "0123456789" if has_luhn_digit(body + digit)] == [luhn_digit(body)]


@pytest.mark.parametrize(
    ("kind", "text", "error"),
    [
        (Iccid, "", InvalidFormat),
        (Iccid, "89999700000000000Z9", InvalidFormat),
        (Iccid, "8" * 21, InvalidLength),
        (Iccid, "8999970000000000019FF", InvalidFormat),
        (Iccid, "\u0668999970000000000019", InvalidFormat),  # an Arabic-Indic digit is a digit elsewhere
        (Imsi, "99970", InvalidLength),
        (Msisdn, "33199001234", InvalidFormat),
        (Msisdn, "+331990012341234567", InvalidLength),
        (Msisdn, "++33199001234", InvalidFormat),
        (Eid, "8" * 32, InvalidChecksum),
        (Imei, "490154203237510", InvalidChecksum),
        (Plmn, "2080100", InvalidLength),
    ],
)
def test_what_is_wrong_has_a_type(kind: type[Identifier], text: str, error: type[IdentifierError]) -> None:
    with pytest.raises(error) as refused:
        kind.parse(text)
    assert isinstance(refused.value, ProvisioningError)
    assert isinstance(refused.value, ValueError)
    assert not kind.is_valid(text)


@pytest.mark.parametrize("body", ["8999", "899997000000000x01", "8" * 20, ""])
def test_a_check_digit_is_only_made_for_a_body_that_can_have_one(body: str) -> None:
    with pytest.raises(IdentifierError):
        Iccid.with_check_digit(body)
    with pytest.raises(IdentifierError):
        Eid.with_check_digits(body)


@pytest.mark.parametrize(
    ("number", "country_code", "shown"),
    [
        ("+15550100123", "1", "+1 5 550 100 123"),
        ("+12125550123", "1", "+1 2 125 550 123"),
        ("+447700900123", "44", "+44 7 700 900 123"),
        ("+352621123456", "352", "+352 621 123 456"),
        ("+79161234567", "7", "+7 9 161 234 567"),
        ("+993651234", "993", "+993 651 234"),
    ],
)
def test_a_country_code_has_one_to_three_digits(number: str, country_code: str, shown: str) -> None:
    msisdn = Msisdn(number)
    assert (msisdn.country_code, msisdn.format()) == (country_code, shown)


def test_networks_that_differ_in_a_leading_zero_are_different() -> None:
    assert Plmn("20801") != Plmn("208001")
    assert Imsi("208001000000001").plmn(3) == Plmn("208001")
