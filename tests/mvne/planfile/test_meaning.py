"""Mistakes of meaning: values that are well written and cannot be meant, each at its place."""

from __future__ import annotations

import pytest

from tests.mvne.planfile.writing import BASE, US, Plans, changed, marked

DECK = "prefix,to,price,increments,sms\n+44,United Kingdom,0.10/min,60/1,0.08\n"
GROUP = "number,name\n01 99 00 12 34,Home\n"
TAXES = "region,name,percent\nNY,Sales tax,4\n"
SERVICE = "number_groups: {g: {source: group.csv}}\nservices: {s: {voice to: g, price: 0}}\n"
TERMS = changed("price: 4.90", "terms: [{periods: 3, price: 12}]")
PROMO = "promotions:\n  - {id: p, off: 50%, periods: 3}\n"
ADDON = "addons:\n  - {id: more, price: 3.00, includes: {data: 1 GB}}\n"


def price(new: str) -> str:
    return changed("price: 4.90", f"price: {new}")


def host(new: str) -> str:
    return changed("voice: 0.0035/min", new)


def numbers(ranges: str) -> str:
    return changed("network: simulated", f"network: simulated\n  numbers: [{ranges}]")


def voice(new: str) -> str:
    return changed("voice: 60 min", f"voice: {new}")


CASES = [
    # Money.
    (price("¦9,90"), "bad_price", "use 9.90"),
    (price("¦-4.90"), "negative_price", "at least 0"),
    (price("¦4.999"), "bad_price", "more decimals than EUR has (2)"),
    (price("¦free"), "bad_price", "write it like 9.90"),
    (price("¦9.90 EUR"), "bad_price", "write only the number"),
    (changed("voice: 0.05/min", "voice: ¦'0,05/min'"), "bad_rate", "use 0.05"),
    (changed("voice: 0.05/min", "voice: ¦-0.05/min"), "negative_price", "below 0"),
    (changed("voice: 0.05/min", "voice: ¦0.05"), "bad_rate", "0.05/min or 0.05/min 60/1"),
    (changed("voice: 0.05/min", "voice: ¦0.05/GB"), "bad_rate", "not a price of voice"),
    (host("voice: ¦-1/min"), "negative_price", "below 0"),
    (changed("line: 0.60/month", "line: ¦'0,60/month'"), "bad_price", "use 0.60"),
    (changed("line: 0.60/month", "line: ¦0.60"), "bad_price", "write it like 0.60/month"),
    (changed("line: 0.60/month", "line: ¦0.1234567/month"), "bad_price", "more than 6 decimals"),
    (changed("line: 0.60/month", "line: ¦0.60/fortnight"), "bad_period", "write month, 30 days or 12 months"),
    # Quantities, periods, dates.
    (voice("¦60 GB"), "bad_quantity", "write it like 60 min or unlimited"),
    (voice("¦0 min"), "bad_quantity", "between one second"),
    (voice("¦60 minutes"), "bad_quantity", "write it like 60 min"),
    (price("4.90\n    every: ¦fortnight"), "bad_period", "30 days"),
    (price("4.90\n    every: ¦13 months"), "bad_period", "longer than a year"),
    (price("4.90\n    every: 30 days").replace("60 min", "¦60 min per month"), "bad_quantity", "write per period"),
    (changed("from: 2026-01-01", "from: ¦2026-02-30"), "bad_date", "is not a date"),
    (changed("from: 2026-01-01", "from: ¦1/2/2026"), "bad_date", "2027-01-31"),
    (BASE + PROMO.replace("periods: 3", "periods: 3, from: 2027-02-01, until: ¦2027-01-31"), "bad_date", "is before"),
    # What happens beyond.
    (
        changed("then: {voice: 0.05/min, data: stop}", "then: {voice: 0.05/min}").replace("data: 1", "¦data: 1"),
        "no_then",
        "nothing says what happens beyond",
    ),
    (changed("data: stop", "data: ¦slow"), "bad_speed", "slow 128 kbit/s"),
    (changed("voice: 0.05/min", "voice: ¦slow 128 kbit/s"), "bad_value", "only data can be slow"),
    (changed("data: stop", "data: ¦halt"), "bad_value", "expected a price, stop, slow or {next: PLAN}"),
    (price("4.90\n    fair_use: {voice: ¦3000 min}"), "idle_fair_use", "not unlimited"),
    (price("4.90\n    fair_use: {sms: ¦unlimited}"), "bad_quantity", "write an amount"),
    (price("4.90\n    fair_use: {then: ¦stop}"), "bad_value", "expected review"),
    # Zones: where the phone is, and whom it calls.
    (
        BASE + "roaming: {¦eaa: domestic}\n",
        "unknown_zone",
        "did you mean 'eea'? zones here are eea, eu_roaming and other",
    ),
    (BASE + "roaming: {¦gb: domestic}\n", "unknown_zone", "did you mean 'GB'?"),
    (BASE + "roaming: {¦FR: refuse}\n", "home_zone", "FR is home"),
    (BASE + "roaming: {eea: ¦domestik}\n", "bad_value", "did you mean 'domestic'?"),
    (BASE + "roaming: {CH: {voice: 0.30/min, data: 5/GB, ¦smms: 0.10}}\n", "unknown_key", "did you mean 'sms'?"),
    (BASE + "roaming: {CH: ¦{voice: 0.30/min, data: 5/GB}}\n", "no_price", "no price of sms"),
    (voice("{amount: 60 min, to: ¦europe}"), "unknown_zone", "domestic, international, eea"),
    (voice("{amount: 60 min, to: [domestic, ¦XX]}"), "unknown_zone", "unknown zone 'XX'"),
    (voice("{amount: 60 min, in: ¦international}"), "unknown_zone", "zones here are domestic, eea"),
    (changed("data: 1 GB", "data: {amount: 1 GB, ¦to: eea}"), "no_destination", "data calls nobody"),
    (host("voice: {domestic: 0.0035/min, ¦moon: 1/min}"), "unknown_zone", "unknown zone 'moon'"),
    (changed("data: 0.85/GB", "data: {domestic: 0.85/GB, ¦international: 1/GB}"), "unknown_zone", "international"),
    # Terms.
    (changed("    price: 4.90\n", "").replace("- id: a", "- ¦id: a"), "no_price", "neither a price nor terms"),
    (TERMS.replace("price: 12", "price: 12, first: ¦15"), "first_dearer", "cheaper beginning"),
    (TERMS.replace("price: 12}", "price: 12}, {periods: ¦3, price: 11}"), "duplicate_term", "have a price already"),
    (price("4.90\n    terms: [{periods: ¦1, price: 4.90}]"), "duplicate_term", "1 periods have a price already"),
    # The brand.
    (changed("market: FR", "market: FR, ¦languages: []"), "bad_language", "the list is empty"),
    (changed("market: FR", "market: ¦FX"), "unknown_market", "FR"),
    (changed("market: FR", "market: FR, currency: ¦USD"), "wrong_currency", "use EUR"),
    (changed("market: FR", "market: FR, timezone: ¦Europe/Pari"), "bad_timezone", "Europe/Paris"),
    (changed("market: FR", "market: FR, languages: [fr, ¦French]"), "bad_language", "fr or en-GB"),
    (changed("market: FR", "market: FR, languages: ¦French"), "bad_language", "fr or en-GB"),
    (changed("market: FR", "market: FR, support: {phone: ¦1}"), "bad_number", "not a telephone number"),
    # The host's numbers.
    (numbers("{from: ¦+33612345678, to: +33612345679}"), "not_fictional", "+33639980000 to +33639989999"),
    (numbers("{from: +33639980010, to: ¦+33639980000}"), "bad_range", "does not follow"),
    (numbers("{from: ¦+33199001234, to: +33199001234}"), "not_mobile", "not a mobile number"),
    (numbers("{from: +33639980000, to: ¦+33639999999999}"), "bad_range", "does not follow"),
    (numbers("{from: +33639980000, to: +33639989999}, {from: ¦+33639980005, to: +33639980006}"), "overlap", "earlier"),
    (numbers("{from: ¦+33, to: +34}"), "bad_number", "E.164"),
    (numbers("{from: +33600000000, to: ¦+33639980000}"), "range_too_large", "at most 100,000"),
    # Number groups and services.
    (
        BASE + SERVICE.replace("price: 0", "price: 0, after: ¦{120 min per call: plan, 1 h per call: plan}"),
        "too_many_limits",
        "keep one",
    ),
    (BASE + SERVICE.replace("voice to: g", "voice to: ¦h"), "unknown_group", "number_groups"),
    (BASE + SERVICE.replace("s: {voice to: g", "¦s: {voice to: g, sms to: g"), "no_target", "needs one of the keys"),
    (BASE + SERVICE.replace("price: 0", "price: ¦1"), "bad_rate", "not a price of voice"),
    (BASE + SERVICE.replace("price: 0", "price: 0, after: {¦120 min: plan}"), "bad_limit", "120 min per call"),
    (
        BASE + SERVICE.replace("price: 0", "price: 0, after: {120 min per call: ¦stop}"),
        "not_yet",
        "only plan is possible",
    ),
    (BASE + SERVICE.replace("price: 0", "price: 0, after: {120 GB per call: ¦plan}"), "bad_quantity", "60 min"),
    (BASE + "    services: [¦care]\n", "unknown_service", "write it under services"),
    (BASE + "    services: [s, ¦s]\n" + SERVICE, "duplicate_id", "in the list already"),
    # Add-ons, promotions, fees.
    (BASE + ADDON.replace("data: 1 GB", "data: ¦1 min"), "bad_quantity", "5 GB"),
    (BASE + ADDON.replace("{id: more", "{id: more, plans: [¦b]"), "unknown_plan", "plans here are a"),
    (BASE + ADDON.replace("includes: {data: 1 GB}", "¦includes: {}"), "adds_nothing", "includes nothing"),
    (BASE + ADDON + "  - {id: ¦more, price: 1, includes: {data: 1 GB}}\n", "duplicate_id", "taken by addons[0]"),
    (BASE + PROMO.replace("50%", "¦150%"), "bad_percent", "up to 100"),
    (BASE + PROMO.replace("50%", "¦0"), "bad_price", "a reduction of nothing"),
    (BASE + PROMO.replace("50%", "¦x"), "bad_price", "is not an amount"),
    (
        BASE + PROMO.replace("id: p", "id: p, code: ABC") + "  - {id: q, off: 1.00, periods: 1, code: ¦ABC}\n",
        "duplicate_code",
        "taken already",
    ),
    (BASE + PROMO.replace("id: p", "id: p, plans: [¦aa]"), "unknown_plan", "unknown plan 'aa'"),
    (BASE + "fees: [{id: f, percent: ¦0}]\n", "bad_percent", "above 0"),
    (BASE + "¦tax: {table: taxes.csv}\n", "tax_of_market", "one rate, 20.0 percent"),
    (US.replace("brand:", "¦brand:", 1), "no_tax_table", "depends on the customer's address"),
    # Expected use.
    (BASE + "    expected_use: {voice: {¦mean: unlimited, p95: 60 min}}\n", "bad_quantity", "nobody uses unlimited"),
    (BASE + "    expected_use: {voice: {mean: 90 min, p95: ¦60 min}}\n", "bad_quantity", "not below the mean"),
]


@pytest.mark.parametrize(("text", "code", "says"), CASES)
def test_what_cannot_be_meant_is_said_once_at_its_place(plans: Plans, text: str, code: str, says: str) -> None:
    text, place = marked(text)
    findings = plans.findings(text, deck=DECK, group=GROUP, taxes=TAXES)
    assert [one.code for one in findings] == [code], [str(one) for one in findings]
    assert (findings[0].line, findings[0].column) == place
    assert says in str(findings[0])


def test_a_market_without_fictional_numbers_needs_the_sandbox_to_be_given_some(plans: Plans) -> None:
    text = changed("market: FR", "market: IT")
    findings = plans.findings(text)
    assert [(one.path, one.code) for one in findings] == [("host.numbers", "no_numbers")]
    assert "+1 <area code> 555-0100" in findings[0].message
    given = text.replace(
        "network: simulated", "network: simulated\n  numbers: [{from: +12125550100, to: +12125550101}]"
    )
    assert plans.brand(given).host.numbers == ("+12125550100", "+12125550101")


def test_two_versions_of_the_agreement_start_on_different_days(plans: Plans) -> None:
    text = BASE.replace(
        "  agreement: {from: 2026-01-01,", "  agreement:\n    - {from: 2027-01-01}\n    - {from: 2027-01-01,"
    )
    findings = plans.findings(text)
    assert [(one.path, one.code, one.line) for one in findings] == [("host.agreement[1].from", "duplicate_date", 6)]


def test_an_agreement_without_versions_is_refused(plans: Plans) -> None:
    start = BASE.index("  agreement:")
    text = BASE[:start] + "  agreement: []\n" + BASE[BASE.index("plans:") :]
    assert [one.code for one in plans.findings(text)] == ["no_agreement"]
