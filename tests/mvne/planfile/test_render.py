"""Findings as people and machines read them."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from mvne.planfile import Finding, PlanFileInvalid, Severity, as_json, load, render
from mvne.planfile.findings import Source, in_order, listed
from tests.mvne.planfile.writing import BASE, Plans, changed


def test_a_page_of_findings(plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plans.folder)
    plans.write(changed("price: 4.90", "currencey: EUR\n    price: 9,90"))
    with pytest.raises(PlanFileInvalid) as raised:
        load("plan.yaml")
    assert str(raised.value) == dedent(
        """\
        plan.yaml:8:5: plans[0].currencey: unknown key; did you mean 'currency'? it belongs under brand
            8 |     currencey: EUR
              |     ^
        plan.yaml:9:12: plans[0].price: '9,90' has a comma; use 9.90
            9 |     price: 9,90
              |            ^"""
    )


def test_json_for_machines(plans: Plans) -> None:
    findings = plans.findings(changed("price: 4.90", "price: -1"))
    data = json.loads(json.dumps(as_json(findings)))
    assert data == {
        "format_version": 1,
        "findings": [
            {
                "file": str(plans.folder / "plan.yaml"),
                "line": 8,
                "column": 12,
                "path": "plans[0].price",
                "code": "negative_price",
                "message": "'-1' is below 0; a price is at least 0",
                "hint": "",
                "severity": "error",
            }
        ],
    }


def test_a_warning_says_that_it_is_one() -> None:
    finding = Source("p", "a: b").finding((1, 4), ("a",), "c", "careful", severity=Severity.WARNING)
    assert render([finding]) == "p:1:4: warning: a: careful\n    1 | a: b\n      |    ^"


def test_control_characters_do_not_reach_the_terminal() -> None:
    finding = Source("p", "a: \x1b[31mred\u202e").finding((1, 4), ("a",), "c", "m")
    assert "\x1b" not in render([finding])
    assert "\u202e" not in render([finding])


def test_a_long_line_is_shown_around_the_token() -> None:
    text = "x" * 500 + "HERE" + "y" * 500
    shown = render([Source("p", text).finding((1, 501), (), "c", "m")]).split("\n")
    assert len(shown[1]) < 140
    assert shown[1][shown[2].index("^")] == "H"


def test_findings_are_sorted_by_place_and_told_once() -> None:
    one, two = Finding("b", 1, 1, "", "c", "m"), Finding("a", 9, 1, "", "c", "m")
    assert in_order([one, two, one]) == [two, one]


def test_a_list_of_one_is_written_without_or() -> None:
    assert listed(["a"]) == "a"


def test_the_base_of_these_tests_is_valid(plans: Plans) -> None:
    assert plans.brand(BASE).id == "b"
