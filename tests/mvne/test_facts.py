"""The plain view of a brand that the rules of law will read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mvne.facts import facts
from mvne.planfile import load


def at(view: Any, path: str) -> Any:
    """Follow a path as a market pack writes it: `*` for every item of a list."""
    for number, step in enumerate(parts := path.split(".")):
        if step == "*":
            return [at(one, ".".join(parts[number + 1 :])) for one in view]
        view = view[step]
    return view


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("plans.*.price_includes_tax", [True, True]),
        ("plans.*.price", ["4.90", "12.90"]),
        ("plans.*.name", ["Douceur", "Sérénité"]),
        ("plans.*.commitment_months", [0, 0]),
        ("plans.*.period.unit", ["month", "month"]),
        ("plans.*.allowances.data_gb", ["1", "5"]),
        ("plans.*.roaming.eu_included", [True, True]),
        ("plans.*.overage", [{"voice": "0.05/min"}, {}]),
        ("tax.rate", "20.0"),
        ("brand.languages", ["fr", "en"]),
        ("brand.contact.email", "aide@tilleul.example"),
    ],
)
def test_a_path_of_the_market_packs_is_answered(path: str, value: object) -> None:
    assert at(facts(load("examples/tilleul/plan.yaml")), path) == value


def test_the_pool_and_the_emergency_numbers_are_there() -> None:
    view = facts(load("examples/tilleul/plan.yaml"))
    assert at(view, "sandbox.msisdn_pool")[0] == "+33639980000"
    assert "112" in at(view, "emergency.numbers")


def test_a_market_with_taxes_by_address_has_no_rate() -> None:
    view = facts(load("examples/comet/plan.yaml"))
    assert at(view, "tax") == {"rate": None, "by_address": True}
    assert at(view, "plans.*.terms")[0][0] == {"periods": 3, "price": "60.00", "first": "45.00"}
    assert at(view, "plans.*.fees")[0] == {"Recovery fee": "2"}
    assert {row["name"] for row in at(view, "billing.tax_by_province")["NY"]} >= {"911 fee (illustrative)"}


@pytest.mark.parametrize("example", ["tilleul", "comet"])
def test_the_view_is_plain_data(example: str) -> None:
    view = facts(load(f"examples/{example}/plan.yaml"))
    assert json.loads(json.dumps(view)) == view
