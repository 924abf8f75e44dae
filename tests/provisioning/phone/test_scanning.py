"""Activation codes as people type them: what is read, and which slip is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_provisioning.activation import ActivationCode, InvalidActivationCode
from mvne_provisioning.phone.scanning import read

GOOD = ActivationCode("smdp.example.com", "ABC-123")


@pytest.mark.parametrize(
    "text",
    [
        "LPA:1$smdp.example.com$ABC-123",
        "1$smdp.example.com$ABC-123",
        "lpa:1$smdp.example.com$ABC-123",
        "  LPA:1$smdp.example.com$ABC-123\n",
        "'LPA:1$smdp.example.com$ABC-123'",
        "“LPA:1$smdp.example.com$ABC-123”",
        "1$smdp.example.com$ABC-123$",
        "1$smdp.example.com$ABC-123$$",
    ],
)
def test_a_code_is_read_with_what_clings_to_it(text: str) -> None:
    assert read(text) == GOOD


def test_oid_flag_port_and_an_empty_matching_id_are_read() -> None:
    assert read("1$smdp.example.com:9443$$2.999.10$1") == ActivationCode("smdp.example.com:9443", "", "2.999.10", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with 1"),
        ("LPA:1.example.com-123", "single quotes"),
        ("LPA:1", "ends after 0 of its parts"),
        ("LPA:1$smdp.example.com", "ends after 1 of its parts"),
        ("LPA:2$smdp.example.com$ABC", "begins with 1"),
        ("LPA:1$$ABC", "address of the SM-DP\\+ is missing"),
        ("LPA:1$https://smdp.example.com$ABC", "without https://"),
        ("LPA:1$smdp.example.com/$ABC", "without https://"),
        ("LPA:1$smdp,example.com$ABC", "a comma"),
        ("LPA:1$smdp.example.com$abc-123", "written in capitals"),
        ("LPA:1$smdp.example.com$ABC–123", "not '–'"),
        ("LPA:1$smdp.example.com$ABC 123", "not ' '"),
        ("LPA:1$smdp.example.com$ABC$2.999.10$1$x", "6 parts"),
        ("LPA:1$smdp.example.com$ABC$2.999.10$yes", "confirmation flag is 1"),
        ("LPA:1$smdp.example.com$ABC$dp", "is not an OID"),
        ("LPA:1$-$ABC", "not the address"),
    ],
)
def test_a_slip_is_named(text: str, said: str) -> None:
    with pytest.raises(InvalidActivationCode, match=said):
        read(text)


def test_all_slips_are_named_at_once_and_the_token_is_not_repeated() -> None:
    with pytest.raises(InvalidActivationCode) as refused:
        read("LPA:1$https://smdp.example.com$secret_token")
    assert str(refused.value).count(";") == 2
    assert "secret_token" not in str(refused.value)


@given(st.text(alphabet="LPA:1$smdp.exml-'\"2 9Ö\u0000", max_size=60))
def test_any_text_is_a_code_or_is_refused(text: str) -> None:
    try:
        read(text)
    except InvalidActivationCode:
        return
