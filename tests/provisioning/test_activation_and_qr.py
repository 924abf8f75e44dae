"""Activation codes read and written, and drawn as QR codes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_provisioning import qr
from mvne_provisioning.activation import ActivationCode, InvalidActivationCode

CODES = st.builds(
    ActivationCode,
    st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,10}){1,3}", fullmatch=True),
    st.text("ABCXYZ0189-", max_size=40),
    st.none() | st.from_regex(r"[0-2](\.[1-9][0-9]{0,3}){1,5}", fullmatch=True),
    st.booleans(),
)


@given(CODES)
def test_a_code_reads_back_as_the_same_with_and_without_lpa(code: ActivationCode) -> None:
    assert ActivationCode.parse(code.format()) == ActivationCode.parse(code.for_qr()) == code
    assert code.for_qr() == f"LPA:{code}"


@pytest.mark.parametrize(
    ("text", "oid", "flag"),
    [
        ("1$smdp.example.com$A-1", None, False),
        ("LPA:1$smdp.example.com$A-1$2.999.10", "2.999.10", False),
        ("1$smdp.example.com$A-1$2.999.10$1", "2.999.10", True),
        ("1$smdp.example.com$A-1$$1", None, True),
        ("1$smdp.example.com:8443$A-1", None, False),
    ],
)
def test_the_forms_of_sgp_22_are_read(text: str, oid: str | None, flag: bool) -> None:
    code = ActivationCode.parse(text)
    assert (code.oid, code.needs_confirmation_code) == (oid, flag)
    assert code.format() == text.removeprefix("LPA:")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "LPA:",
        "2$smdp.example.com$A",
        "1$smdp.example.com",
        "1$$A",
        "1$-smdp.example.com$A",
        "1$smdp example$A",
        "1$smdp.example.com$a",
        "1$smdp.example.com$A_1",
        "1$smdp.example.com$A$x",
        "1$smdp.example.com$A$$2",
        "1$smdp.example.com$A$$1$1",
    ],
)
def test_what_a_phone_would_not_accept_is_refused(text: str) -> None:
    with pytest.raises(InvalidActivationCode):
        ActivationCode.parse(text)


CODE = ActivationCode("smdp.simulated.example", "ABC-123")


def test_the_three_drawings_are_the_same_every_time() -> None:
    for draw in (qr.svg, qr.png, qr.text):
        assert draw(CODE) == draw(CODE)
        assert draw(CODE) != draw(ActivationCode("smdp.simulated.example", "ABC-124"))


def test_a_svg_is_one_element_that_can_stand_alone() -> None:
    drawn = qr.svg(CODE)
    assert drawn.startswith("<svg ")
    assert drawn.endswith("</svg>")
    assert 'xmlns="http://www.w3.org/2000/svg"' in drawn


def test_a_png_is_a_png() -> None:
    assert qr.png(CODE).startswith(b"\x89PNG\r\n\x1a\n")
    assert len(qr.png(CODE, scale=20)) > len(qr.png(CODE, scale=1))


def test_text_shows_the_three_finder_patterns_in_a_quiet_zone() -> None:
    lines = qr.text(CODE).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0] == "█" * len(lines[0])
    finder = ["████ ▄▄▄▄▄ █", "████ █   █ █", "████ █▄▄▄█ █"]
    assert [line[:12] for line in lines[2:5]] == finder
    assert [line[-12:] for line in lines[2:5]] == [line[::-1] for line in finder]
    assert sum(line.startswith("████ █   █ █") for line in lines) == 2


def test_the_drawing_library_is_not_imported_before_something_is_drawn() -> None:
    program = "import sys, mvne_provisioning.qr; sys.exit('segno' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
