"""Mistakes of shape: unknown, missing and misplaced keys, each said once, at its place, with what to write."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mvne.planfile.models.file import PlanFile
from tests.mvne.planfile.writing import BASE, Plans, changed, marked

PROMO = "promotions: [{id: p, off: 50%, periods: 3}]\n"


@pytest.mark.parametrize(
    ("text", "path", "code", "says"),
    [
        (
            changed("price: 4.90", "¦pricee: 4.90\n    price: 1"),
            "plans[0].pricee",
            "unknown_key",
            "did you mean 'price'?",
        ),
        (
            changed("price: 4.90", "¦currencey: EUR\n    price: 1"),
            "plans[0].currencey",
            "unknown_key",
            "'currency'? it belongs",
        ),
        (changed("price: 4.90", "price: 1\n    ¦zzz: 1"), "plans[0].zzz", "unknown_key", "known here: id, name, pay"),
        (changed("market: FR", "¦markt: FR"), "brand.markt", "unknown_key", "did you mean 'market'?"),
        (changed("pay: postpaid", "pay: ¦postpayd"), "plans[0].pay", "bad_value", "did you mean 'postpaid'?"),
        (
            changed("pay: postpaid", "pay: ¦yes"),
            "plans[0].pay",
            "bad_value",
            "expected prepaid or postpaid, found 'yes'",
        ),
        (changed("price: 4.90", "price: ¦[4.90]"), "plans[0].price", "bad_value", "expected one value, found a list"),
        (changed("price: 4.90", "¦price:"), "plans[0].price", "no_value", "'price' has no value"),
        (
            changed("{voice: 60 min,", "{voice: {¦amonut: 60 min},"),
            "plans[0].includes.voice.amonut",
            "unknown_key",
            "did you mean 'amount'?",
        ),
        (changed("id: a\n", "id: ¦Große Liebe\n"), "plans[0].id", "bad_value", "is not an id"),
        (changed("{id: b, name: B,", "{id: b, name: ¦'',"), "brand.name", "bad_value", "the text is empty"),
        (changed("name: B", "name: ¦" + "B" * 81), "brand.name", "bad_value", "longer than 80 characters"),
        (
            changed("id: b, name: B", "id: b, name: B, theme: {primary: ¦green}"),
            "brand.theme.primary",
            "bad_value",
            "#1f5f4a",
        ),
        (
            changed("id: b, name: B", "id: b, name: B, support: {email: ¦a}"),
            "brand.support.email",
            "bad_value",
            "e-mail",
        ),
        (
            changed("name: B", "name: B, audience: {minimum_age: ¦old}"),
            "brand.audience.minimum_age",
            "bad_value",
            "whole number",
        ),
        (
            changed("name: B", "name: B, audience: {minimum_age: ¦0}"),
            "brand.audience.minimum_age",
            "bad_value",
            "at least 1",
        ),
        (BASE + "promotions: ¦{id: p}\n", "promotions", "bad_value", "expected a list, found a map of keys"),
        (
            BASE + "roaming: {eea: ¦[domestic]}\n",
            "roaming.eea",
            "bad_value",
            "expected one value or a map of keys, found a list",
        ),
        (BASE + "services: {¦Care: {voice to: g, price: 0}}\n", "services.Care", "bad_key", "is not an id"),
        (BASE + PROMO.replace("id: p", "id: p, code: ¦abc"), "promotions[0].code", "bad_value", "capital letters"),
        (BASE + PROMO.replace("id: p", "id: p, for: ¦old"), "promotions[0].for", "bad_value", "expected new or all"),
        (BASE + PROMO.replace("periods: 3", "periods: ¦121"), "promotions[0].periods", "bad_value", "at most 120"),
    ],
)
def test_a_mistake_of_shape_is_said_once_at_its_place(plans: Plans, text: str, path: str, code: str, says: str) -> None:
    text, place = marked(text)
    findings = plans.findings(text)
    assert [(one.path, one.code) for one in findings] == [(path, code)], [str(one) for one in findings]
    assert (findings[0].line, findings[0].column) == place
    assert says in str(findings[0])


@pytest.mark.parametrize(
    ("removed", "path", "place"),
    [
        ("id: b, ", "brand.id", (1, 8)),
        (", market: FR", "brand.market", (1, 8)),
        ("  network: simulated\n", "host.network", (3, 3)),
        ("    pay: postpaid\n", "plans[0].pay", (6, 5)),
        ("from: 2026-01-01, ", "host.agreement.from", (4, 14)),
    ],
)
def test_a_missing_key_is_said_where_it_belongs(plans: Plans, removed: str, path: str, place: tuple[int, int]) -> None:
    findings = plans.findings(changed(removed, ""))
    assert [(one.path, one.code) for one in findings] == [(path, "missing_key")]
    assert (findings[0].line, findings[0].column) == place


@pytest.mark.parametrize("text", ["just text", "- a\n- b\n", "3"])
def test_something_that_is_no_map_is_said(plans: Plans, text: str) -> None:
    assert [one.code for one in plans.findings(text)] == ["not_a_map"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BASE + "¦partners: [{offer: x}]\n", "partner offers"),
        (BASE + "    ¦commitment: {months: 12, price: 9.90}\n", "sell several periods at once with terms"),
        (changed("voice: 0.05/min", "voice: [¦pass]"), "{next: PLAN}"),
        (changed("voice: 0.05/min", "¦voice: pass"), "write a price"),
        (BASE + "services: {¦r: {kind: action, price: 2.90, consent: explicit}}\n", "not of kind rating"),
        (changed("network: simulated", "¦network: pyhss"), "write simulated"),
    ],
)
def test_what_comes_later_is_refused_with_what_to_write_meanwhile(plans: Plans, text: str, says: str) -> None:
    text, place = marked(text)
    findings = plans.findings(text)
    assert [one.code for one in findings] == ["not_yet"], [str(one) for one in findings]
    assert (findings[0].line, findings[0].column) == place
    assert says in findings[0].message
    assert "not in this version" in findings[0].message


def test_every_problem_of_a_file_is_said_at_once(plans: Plans) -> None:
    text = """\
brand: {id: x, name: X, markt: FR, curency: EUR}
plans:
  - {id: a, price: 9,90}
  - {id: a, price: -1, pay: postpaid, includes: {data: 5 GO, data: 5 GB}}
roaming: {eaa: domestic}
"""
    found = [(one.line, one.column, one.path, one.code) for one in plans.findings(text)]
    assert found == [
        (1, 1, "host", "missing_key"),
        (1, 25, "brand.markt", "unknown_key"),
        (1, 36, "brand.curency", "unknown_key"),
        (3, 5, "plans[0].pay", "missing_key"),
        (3, 20, "plans[0].price", "bad_price"),
        (4, 10, "plans[1].id", "duplicate_id"),
        (4, 20, "plans[1].price", "negative_price"),
        (4, 50, "plans[1].includes.data", "no_then"),
        (4, 56, "plans[1].includes.data", "bad_quantity"),
        (4, 62, "plans[1].includes.data", "duplicate_key"),
        (5, 11, "roaming.eaa", "unknown_zone"),
    ]


def test_what_is_wrong_in_any_market_is_said_also_without_a_market(plans: Plans) -> None:
    text = changed("market: FR", "market: ZZ").replace("price: 4.90", "price: -4.90")
    assert [(one.path, one.code) for one in plans.findings(text)] == [
        ("brand.market", "unknown_market"),
        ("plans[0].price", "negative_price"),
    ]


def test_a_key_left_out_for_its_shape_is_not_also_missing(plans: Plans) -> None:
    text = changed("price: 4.90", "price: [4.90]").replace("then: {voice: 0.05/min,", "then: {voice: pass,")
    assert [one.path for one in plans.findings(text)] == ["plans[0].price", "plans[0].then.voice"]


def test_a_dict_with_numbers_has_the_same_shape_as_text() -> None:
    agreement = {"from": "2026-01-01", "sms": 0.002}
    plan = {"id": "a", "pay": "postpaid", "price": 4.9, "terms": [{"periods": 3, "price": 12}]}
    data = {
        "brand": {"id": "b", "name": "B", "market": "FR"},
        "host": {"network": "simulated", "agreement": agreement, "profiles": 10},
        "plans": [plan],
    }
    file = PlanFile.model_validate(data)
    assert (file.plans[0].price, file.host.profiles) == ("4.9", 10)
    with pytest.raises(ValidationError):
        PlanFile.model_validate({**data, "plans": []})
