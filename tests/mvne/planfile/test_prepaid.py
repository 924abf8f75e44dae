"""The rules of prepaid money in a plan file: read as they are written, every mistake at its place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mvne.versions import wanted
from mvne.wording import described, differences
from mvne_plans.money import Money
from mvne_plans.period import Every
from mvne_plans.prepaid import Bonus, PrepaidRules, Sending
from tests.mvne.planfile.writing import BASE, Plans, changed, marked

PREPAID = changed("pay: postpaid", "pay: prepaid").replace("voice: 0.05/min", "voice: stop") + (
    "addons: [{id: boost, price: 3.00, includes: {data: 1 GB}}]\n"
)
SECTION = """\
prepaid:
  lasts: 12 months
  renews: yes
  topup: {from: 5, to: 200}
  holds: 500
  bonuses: [{from: 20, percent: 10%, lasts: 30 days}, {from: 50, addon: boost}]
  low: [5, 0]
  sending: {from: 1, to: 20, per_day: 40}
  wrong_codes: 3
"""


def eur(amount: int) -> Money:
    return Money(100 * amount, "EUR")


RULES = PrepaidRules(
    lasts=Every.parse("12 months"),
    extends=True,
    least=eur(5),
    most=eur(200),
    holds=eur(500),
    bonuses=(Bonus(eur(20), Decimal(10), Every.parse("30 days")), Bonus(eur(50), None, None, "boost")),
    marks=(eur(5), eur(0)),
    sending=Sending(eur(1), eur(20), eur(40)),
    wrong_codes=3,
)


def test_the_rules_are_read_as_they_are_written(plans: Plans) -> None:
    assert plans.brand(PREPAID + SECTION).prepaid == RULES


def test_a_file_without_rules_has_none_and_stores_none(plans: Plans) -> None:
    brand = plans.brand(PREPAID)
    assert brand.prepaid is None
    assert [kind for kind, _ in wanted(brand) if kind == "prepaid"] == []


def test_rules_are_stored_as_a_version_of_their_own(plans: Plans) -> None:
    assert wanted(plans.brand(PREPAID + SECTION))["prepaid", "b"] == RULES


def test_what_is_left_open_is_said_with_its_reason(plans: Plans) -> None:
    brand = plans.brand(PREPAID + "prepaid: {holds: 100}\n")
    assert brand.prepaid == PrepaidRules(holds=eur(100))
    left_open = {one.path: one.value for one in brand.defaults}
    assert left_open["prepaid.lasts"] == "for ever"
    assert left_open["prepaid.sending"] == "not possible"


@pytest.mark.parametrize(
    ("section", "code"),
    [
        ("{lasts: ¦soon}", "bad_period"),
        ("{lasts: ¦24 months}", "bad_period"),
        ("{topup: {from: ¦9,90}}", "bad_price"),
        ("{topup: {from: 5, to: ¦4}}", "bad_range"),
        ("{holds: ¦-1}", "negative_price"),
        ("{low: [5, ¦x]}", "bad_price"),
        ("{bonuses: [¦{from: 5}]}", "gives_nothing"),
        ("{bonuses: [{from: 5, percent: ¦110%}]}", "bad_percent"),
        ("{bonuses: [{from: 5, addon: ¦bost}]}", "unknown_addon"),
        ("{sending: {from: 5, to: ¦4, per_day: 10}}", "bad_range"),
        ("{sending: {from: 5, to: 20, per_day: ¦10}}", "bad_range"),
    ],
)
def test_each_mistake_is_found_at_its_place(plans: Plans, section: str, code: str) -> None:
    text, place = marked(f"{PREPAID}prepaid: {section}\n")
    (found,) = plans.findings(text)
    assert (found.code, (found.line, found.column)) == (code, place)


def test_rules_that_no_plan_needs_are_pointed_out(plans: Plans) -> None:
    brand, findings = plans.examine(f"{BASE}prepaid: {{lasts: 30 days}}\n")
    assert brand is not None
    assert [(one.code, one.severity) for one in findings] == [("idle_key", "warning")]


def test_rules_and_their_changes_have_words() -> None:
    assert described(RULES) == "prepaid money lasts 12 months, may be sent on"
    assert described(PrepaidRules()) == "prepaid money lasts for ever, cannot be sent on"
    assert list(differences(PrepaidRules(), RULES)) == [
        "lasts: none becomes 12 months",
        "extends: False becomes True",
        "least: none becomes 5.00 EUR",
        "most: none becomes 200.00 EUR",
        "holds: none becomes 500.00 EUR",
        "bonuses: none becomes 10 % for 30 days from 20.00 EUR, boost from 50.00 EUR",
        "marks: none becomes 5.00 EUR, 0.00 EUR",
        "sending: none becomes 1.00 EUR to 20.00 EUR, 40.00 EUR a day",
        "wrong_codes: 5 becomes 3",
    ]
