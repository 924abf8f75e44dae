"""Every effective setting of a plan says where it comes from."""

from __future__ import annotations

import pytest

from mvne.explaining import UnknownPlan, explain_plan
from mvne.planfile import load


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("plans.serenite.price", "12.90", "examples/tilleul/plan.yaml:"),
        ("plans.serenite.fair_use.voice", "3000 min", "examples/tilleul/plan.yaml:"),
        ("plans.serenite.every", "month", "default of the language"),
        ("plans.serenite.rates", "international.csv", "rates of the file"),
        ("plans.serenite.then.voice", "stop", "unlimited: nothing lies beyond"),
        ("plans.serenite.expected_use.data", "mean 500 MB, p95 3 GB", "assumption for the segment seniors"),
        ("services.care_calls.from_allowance", "no", "examples/tilleul/plan.yaml:"),
        ("roaming.eea", "domestic", "examples/tilleul/plan.yaml:"),
        ("addons.data-1gb.price", "3.00", "examples/tilleul/plan.yaml:"),
        ("promotions.bienvenue.off", "50%", "examples/tilleul/plan.yaml:"),
        ("tax.rate", "20.0 percent", "market pack FR"),
        ("tax.shown", "included in prices", "market pack FR"),
        ("currency", "EUR", "market pack FR"),
    ],
)
def test_a_setting_has_its_value_and_its_reason(path: str, value: str, reason: str) -> None:
    found = {one.path: one for one in explain_plan(load("examples/tilleul/plan.yaml"), "serenite")}
    assert found[path].value == value
    assert found[path].reason.startswith(reason)


def test_other_plans_are_left_out_and_nothing_is_said_twice() -> None:
    paths = [one.path for one in explain_plan(load("examples/tilleul/plan.yaml"), "serenite")]
    assert not [path for path in paths if path.startswith("plans.douceur")]
    assert len(paths) == len(set(paths))


def test_taxes_by_address_say_so() -> None:
    found = {one.path: one.value for one in explain_plan(load("examples/comet/plan.yaml"), "orbit")}
    assert found["tax.rate"] == "by the customer's address"
    assert found["fees.recovery.percent"] == "2"
    assert found["plans.orbit.terms[0].first"] == "60"


def test_an_unknown_plan_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownPlan, match="plans are douceur, serenite"):
        explain_plan(load("examples/tilleul/plan.yaml"), "luxe")
