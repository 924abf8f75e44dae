"""Mistakes in tariffs: each said once, at its place, with what to write."""

from __future__ import annotations

import pytest

from mvne.planfile import Severity
from tests.mvne.planfile.test_tariffs import BANDS, PRICED, SECOND, SWEDEN, beyond_voice, including
from tests.mvne.planfile.writing import BASE, Plans, changed, marked

GROUPS = "number_groups: {g: {source: g.csv}, own: {own: {size: 3}}}\n"
TABLE = "number\n0199001234\n"
PREPAID = changed("pay: postpaid", "pay: ¦prepaid")
VOLUME = "{tiers: [{up_to: 9 min, price: 1/min}, {price: 0.5/min}], tiers_are: volume}"
ADDON = "addons: [{id: x, price: 1, includes: {data: "


def data(written: str, more: str = "") -> str:
    return changed("data: stop", f"data: {written}") + SECOND + more


def guard(written: str) -> str:
    return BASE + f"guards: {{¦g: {{{written}}}}}\n"


def agreement(written: str) -> str:
    return changed("data: 0.85/GB", written)


def roaming(written: str) -> str:
    return BASE + f"roaming: {{eea: {written}}}\n"


CASES = [
    # A price key by key.
    (beyond_voice("{price: 0.05/min 60/1, ¦increments: 60/60}"), "said_twice", "names increments already"),
    (beyond_voice("{price: 0.05/min setup 1, ¦setup: 2}"), "said_twice", "names the setup already"),
    (beyond_voice("{price: 0.05/min, setup: ¦'0,10'}"), "bad_price", "use 0.10"),
    (beyond_voice("{price: 0.05/min, setup: ¦-1}"), "negative_price", "below 0"),
    (beyond_voice("{price: 0.05/min, setup: ¦x}"), "bad_price", "write it like 0.10"),
    (beyond_voice("{price: 0.05/min, percent: ¦200}"), "bad_percent", "up to 100"),
    (beyond_voice("{price: 0.05/min, increments: ¦0/1}"), "bad_rate", "write 60/1"),
    (beyond_voice("{price: ¦0.05/GB}"), "bad_rate", "not a price of voice"),
    (beyond_voice("{price: 0.05/min, ¦at_maximum: stop}"), "no_maximum", "write maximum too"),
    (beyond_voice("{price: 0.05/min, minimum: 2, maximum: ¦1}"), "bad_maximum", "below the minimum of 2"),
    (beyond_voice("¦0.05/min setup 2 maximum 1"), "bad_maximum", "below the set-up of 2"),
    (beyond_voice("{price: 0.05/min, ¦tiers: [{price: 1/min}]}"), "two_prices", "keep one of price and tiers"),
    (beyond_voice("{price: 0.05/min, tiers_are: ¦volume}"), "no_tiers", "package for started blocks"),
    (
        beyond_voice("{tiers: [{up_to: 9 min, price: 1/min}, {up_to: ¦8 min, price: 1/min}, {price: 1/min}]}"),
        "bad_tiers",
        "ends above",
    ),
    (beyond_voice("{tiers: [{up_to: ¦9 min, price: 1/min}]}"), "open_tiers", "would be free"),
    (beyond_voice("{tiers: [{price: 1/min}, ¦{price: 2/min}]}"), "unreachable_tier", "write its up_to"),
    (beyond_voice("{tiers: [{price: ¦1/min 60/1}]}"), "bad_tiers", "the whole price's"),
    (beyond_voice("{tiers: [{price: ¦1/min setup 1}]}"), "bad_tiers", "the whole price's"),
    (beyond_voice("{tiers: [{price: 1/min, up_to: ¦9 GB}, {price: 1/min}]}"), "bad_quantity", "60 min"),
    (beyond_voice("{tiers: [{price: 1/min, flat: ¦x}]}"), "bad_price", "write it like 0.10"),
    (beyond_voice("{price: 1/min, bands: {¦evenin: 2/min}}"), "unknown_band", "did you mean 'evening'?"),
    (beyond_voice("{price: 1/min, bands: {evening: ¦2/GB}}"), "bad_rate", "not a price of voice"),
    (beyond_voice("{price: 1/min, bands: {evening: ¦2/min setup 1}}"), "bad_band_price", "not those of a band"),
    (
        changed("voice: 0.05/min", "voice: {price: 1/min, bands: {¦evening: 2/min}}"),
        "unknown_band",
        "write it under bands",
    ),
    (agreement("data: {price: 1/GB, ¦bands: {evening: 2/GB}}") + BANDS, "no_bands_here", "same at all times"),
    (PREPAID.replace("voice: 0.05/min", f"voice: {VOLUME}"), "volume_prepaid", "tiers_are: graduated"),
    # Time bands and holidays.
    (BASE + "bands: {x: {from: ¦25:00}}\n", "bad_time", "write it like 18:00"),
    (BASE + "bands: {x: {from: ¦24:00}}\n", "bad_time", "write it like 18:00"),
    (BASE + "bands: {x: {to: ¦evening}}\n", "bad_time", "write it like 18:00"),
    (BASE + "bands: {x: {from: 18:00, to: ¦18:00}}\n", "bad_time", "leave out from and to"),
    (BASE + "bands: {x: {days: ¦monday}}\n", "bad_day", "write mon, tue"),
    (BASE + "bands: {x: {days: [mon, ¦mon-fry]}}\n", "bad_day", "mon-fri or holiday"),
    (BASE + "bands: {x: {days: ¦[]}}\n", "bad_day", "no day is named"),
    (BASE + "bands: {x: {days: sat, ¦holiday}}\n", "no_value", "'holiday' has no value"),
    (BASE + "bands: {x: {since: 2027-02-01, until: ¦2027-01-31}}\n", "bad_date", "before since"),
    (BASE + "bands: {¦X: {}}\n", "bad_key", "is not an id"),
    (BASE + "holidays: [¦2027-02-30]\n", "bad_date", "is not a date"),
    (BASE + "holidays: [¦13-01]\n", "bad_date", "month and day, such as 12-25"),
    (BASE + "holidays: [12-25, ¦12-25]\n", "duplicate_date", "in the list already"),
    (BASE + "holidays: [2027-01-01, ¦2027-01-01]\n", "duplicate_date", "in the list already"),
    # Zones.
    (BASE + "zones: {¦eea: [GB]}\n", "zone_taken", "another name"),
    (BASE + "zones: {¦international: [GB]}\n", "zone_taken", "another name"),
    (BASE + "zones: {far: [¦XX]}\n", "unknown_zone", "unknown zone 'XX'"),
    (BASE + "zones: {far: [¦other]}\n", "unknown_zone", "unknown zone 'other'"),
    (BASE + "zones: {far: [GB, ¦gb]}\n", "unknown_zone", "did you mean 'GB'?"),
    (BASE + "zones: {¦far: []}\n", "empty_zone", "no country"),
    (BASE + "zones: {far: ¦GB}\n", "bad_value", "expected a list"),
    (roaming("domestic, ¦on_net: domestic"), "unknown_zone", "unknown zone 'on_net'"),
    # Allowances.
    (including("voice", "{amount: 60 min, ¦to: eea, groups: g}") + GROUPS, "groups_or_zones", "keep one"),
    (including("voice", "{amount: 60 min, groups: [own, ¦gg]}") + GROUPS, "unknown_group", "did you mean 'g'?"),
    (including("data", "{amount: 1 GB, ¦groups: g}") + GROUPS, "no_destination", "data calls nobody"),
    (
        including("voice", "{amount: 60 min, bands: [¦night]}") + BANDS,
        "unknown_band",
        "bands here are weekend and evening",
    ),
    (
        including("voice", "{amount: 60 min, bands: ¦night}") + BANDS,
        "unknown_band",
        "bands here are weekend and evening",
    ),
    (including("data", "{amount: 1 GB, labels: ¦two words}"), "bad_label", "one word"),
    (including("data", "{amount: 1 GB, limits: {¦two words: 1 MB}}"), "bad_label", "one word"),
    (including("data", "{amount: 1 GB, priority: ¦high}"), "bad_value", "not a whole number"),
    (including("data", "{amount: 1 GB, priority: ¦2000}"), "bad_value", "at most 1000"),
    (including("data", "{amount: 1 GB, factor: ¦0}"), "bad_factor", "factor above 0"),
    (including("data", "{amount: 1 GB, increments: ¦x}"), "bad_rate", "are not increments"),
    (including("data", "{amount: 1 GB, price: ¦1/min}"), "bad_rate", "not a price of data"),
    (including("data", "{amount: 1 GB, limits: {¦member: 1 MB}}"), "not_shared", "shared: yes"),
    (including("data", "{amount: 1 GB, limits: {hotspot: ¦2 GB}}"), "limit_above", "never holds within"),
    (including("data", "{amount: 1 GB, limits: {hotspot: ¦unlimited}}"), "limit_above", "never holds within"),
    (including("data", "{amount: 1 GB, limits: {hotspot: ¦auto}}"), "bad_quantity", "write an amount here"),
    (including("voice", "{amount: 60 min, limits: {roaming: ¦auto}}"), "bad_quantity", "write an amount here"),
    (including("data", "{amount: 1 GB, limits: {roaming: ¦auto 2016-01-01}}"), "bad_date", "known from 2017-06-15"),
    (including("data", "{amount: 1 GB, limits: {roaming: ¦auto soon}}"), "bad_date", "is not a date"),
    (including("data", "{amount: 1 GB, rollover: {periods: 1, limit: ¦2 GB}}"), "limit_above", "can be left"),
    (including("data", "{amount: 1 GB, rollover: ¦maybe}"), "bad_value", "expected yes or no"),
    (including("data", "{amount: 1 GB, rollover: yes, ¦credit: 1/GB}"), "left_twice", "keep one"),
    (including("data", "{amount: unlimited, ¦rollover: yes}"), "idle_key", "write an amount"),
    (including("data", "{amount: unlimited, ¦thresholds: [50]}"), "idle_key", "write an amount"),
    (including("data", "{amount: 1 GB, thresholds: [50, ¦100]}"), "bad_percent", "1 to 99"),
    (BASE + "thresholds: [¦half]\n", "bad_percent", "1 to 99"),
    (including("data", "{amount: 1 GB, credit: ¦1/GB 1 MB}"), "bad_credit", "0.50/GB"),
    (BASE + ADDON + "{amount: 1 GB, ¦rollover: yes}}}]\n", "idle_key", "belongs to a plan's allowance"),
    (BASE + ADDON + "{amount: 1 GB, limits: {roaming: ¦auto}}}}]\n", "bad_quantity", "write an amount here"),
    # Steps beyond.
    (data("[stop, ¦slow 1 kbit/s]"), "unreachable_step", "none comes after it"),
    (data("[slow 1 Mbit/s, ¦slow 1 kbit/s]"), "unreachable_step", "for: 10 GB"),
    (data("[{next: big}, ¦stop]"), "unreachable_step", "none comes after it"),
    (data("¦[]"), "bad_value", "the list is empty"),
    (data("¦{for: 1 GB}"), "bad_step", "the step does nothing"),
    (data("¦{slow: 1 kbit/s, price: 1/GB}"), "bad_step", "a step is one thing"),
    (data("{slow: 1 kbit/s, ¦setup: 1}"), "idle_key", "says nothing about a slow speed"),
    (data("{next: big, ¦for: 1 GB}"), "idle_key", "says nothing about the next plan"),
    (data("{slow: ¦fast}"), "bad_speed", "slow 128 kbit/s"),
    (data("{slow: 1 kbit/s, for: ¦1 min}"), "bad_quantity", "5 GB"),
    (data("¦next: big").replace("next: big", "'next: big'"), "bad_value", "written {next: PLAN}"),
    (beyond_voice("¦{slow: 1 kbit/s}"), "bad_value", "only data can be slow"),
    (data("{next: ¦huge}"), "unknown_plan", "plans here are a, big"),
    (data("{next: ¦a}"), "next_plan", "the next plan is dearer, and a costs 4.90 EUR where a costs 4.90 EUR"),
    (data("{next: ¦big}").replace("12.90", "4.90"), "next_plan", "is dearer"),
    (data("{next: ¦big}").replace("price: 12.90", "every: 30 days, price: 12.90"), "next_plan", "they do not compare"),
    (
        data("{next: ¦big}").replace("price: 12.90", "terms: [{periods: 2, price: 30}]"),
        "next_plan",
        "no price per period",
    ),
    (
        data("{next: ¦big}").replace("data: 5 GB", "data: 1 GB"),
        "next_plan",
        "includes more data, and big includes 1 GB",
    ),
    (data("{next: ¦big}").replace("data: 1 GB", "data: unlimited"), "next_plan", "nothing lies beyond"),
    (data("{next: big}").replace("slow 128 kbit/s", "{next: ¦a}"), "next_plan", "a costs 4.90 EUR where big"),
    # Rounding and guards.
    (BASE + "rounding: {unit: ¦0.03333333}\n", "bad_rounding", "cent, 1, 0.01 or 0.000001"),
    (BASE + "rounding: {unit: ¦5}\n", "bad_rounding", "not a unit to round to"),
    (BASE + "rounding: {mode: ¦floor}\n", "bad_value", "expected up, down, half-up or half-even"),
    (guard("per: day"), "bad_guard", "one of spend, count and use"),
    (guard("spend: 5, count: 2"), "bad_guard", "one of spend, count and use"),
    (guard("use: ¦5 GB").replace("¦g", "g"), "bad_guard", "say which with kind"),
    (guard("use: ¦5 GB, kind: voice").replace("¦g", "g"), "bad_quantity", "60 min"),
    (guard("use: ¦unlimited, kind: voice").replace("¦g", "g"), "bad_quantity", "not unlimited"),
    (guard("spend: ¦0").replace("¦g", "g"), "bad_price", "above 0"),
    (guard("spend: ¦-5").replace("¦g", "g"), "negative_price", "below 0"),
    (guard("spend: 5, in: ¦moon").replace("¦g", "g"), "unknown_zone", "unknown zone 'moon'"),
    (guard("spend: 5, to: ¦emergency").replace("¦g", "g"), "bad_value", "expected ordinary, freephone"),
    (guard("spend: 5, kind: data, ¦to: premium").replace("¦g", "g"), "no_destination", "data calls nobody"),
    # Roaming.
    (roaming("{¦then: {data: 1/GB}, voice: 1/min, sms: 1, data: 1/GB}"), "idle_key", "write as: domestic"),
    (roaming("{as: domestic, ¦data: 1/GB}"), "idle_key", "write it under then"),
    (roaming("{as: ¦home}"), "bad_value", "expected domestic"),
    (roaming("{as: domestic, fair_use: 1 GB}, GB: {as: domestic, ¦fair_use: 1 GB}"), "two_fair_uses", "write it once"),
    (roaming("{as: domestic, fair_use: ¦much}"), "bad_quantity", "5 GB"),
    (
        including("data", "[1 GB, 2 GB]") + "roaming: {eea: {as: domestic, fair_use: ¦auto}}\n",
        "which_allowance",
        "at each of them",
    ),
    (BASE.replace("FR", "GB") + "roaming: {other: {as: domestic, fair_use: ¦auto}}\n", "not_eu", "outside its law"),
    (SWEDEN + "roaming: {eea: {as: domestic, fair_use: ¦auto}}\n", "no_euro_rate", "euro_rate under brand"),
    (changed("market: FR", "market: FR, ¦euro_rate: 1"), "idle_key", "is the euro"),
    (SWEDEN.replace("market: SE", "market: SE, euro_rate: ¦0"), "bad_price", "more than nothing"),
    # Number groups.
    (BASE + "number_groups: {¦g: {max_size: 3}}\n", "bad_group", "needs one of source"),
    (BASE + "number_groups: {¦g: {source: g.csv, own: {size: 3}}}\n", "bad_group", "needs one of source"),
    (BASE + "number_groups: {g: {own: {size: 3, changes: ¦often}}}\n", "bad_changes", "2 per month"),
    (BASE + "number_groups: {g: {own: {size: 3, changes: ¦2 per fortnight}}}\n", "bad_period", "30 days"),
    # The host's agreement.
    (
        agreement("retail_minus: 20%").replace("voice: 0.0035/min, sms: 0.002, ", "¦data: 1/GB, "),
        "idle_key",
        "never counts",
    ),
    (agreement("retail_minus: ¦x").replace("voice: 0.0035/min, sms: 0.002, ", ""), "bad_percent", "2.5%"),
    (agreement("¦data: 1/GB, capacity: {of: data, price: 5/month}"), "idle_key", "pays for all data"),
    (agreement("capacity: {of: data, price: ¦5}"), "bad_price", "0.60/month"),
    (agreement("capacity: {of: ¦fax, price: 5/month}"), "bad_value", "expected voice, sms or data"),
    (agreement("data: {domestic: {tiers: [{up_to: ¦1 GB, price: 1/GB}]}}"), "open_tiers", "would be free"),
    (agreement("data: ¦[1/GB]"), "bad_value", "expected one value or a map of keys, found a list"),
]


@pytest.mark.parametrize(("text", "code", "says"), CASES, ids=[f"{code} {text[-60:]}" for text, code, _ in CASES])
def test_what_cannot_be_meant_of_a_tariff_is_said_once_at_its_place(
    plans: Plans, text: str, code: str, says: str
) -> None:
    text, place = marked(text)
    findings = plans.findings(text, g=TABLE)
    assert [one.code for one in findings] == [code], [str(one) for one in findings]
    assert (findings[0].line, findings[0].column) == place
    assert says in str(findings[0])


WARNINGS = [
    (data("[¦{slow: 1 Mbit/s, for: 1 GB}]"), "open_chain", "after 1 GB nothing is said"),
    (
        beyond_voice("{tiers: [{up_to: 9 min, price: 1/min}, {price: 2/min}], ¦bands: {evening: 1/min}}"),
        "tiers_with_bands",
        "do not count",
    ),
    (BASE + PRICED + "guards: {¦eu_roaming_limit: {spend: 61}}\n", "guard_above_law", "above 50 EUR before tax"),
]


@pytest.mark.parametrize(("text", "code", "says"), WARNINGS)
def test_what_can_hardly_be_meant_of_a_tariff_is_a_warning(plans: Plans, text: str, code: str, says: str) -> None:
    text, place = marked(text)
    brand, findings = plans.examine(text)
    assert brand is not None, [str(one) for one in findings]
    assert [(one.code, one.severity) for one in findings] == [(code, Severity.WARNING)]
    assert (findings[0].line, findings[0].column) == place
    assert says in str(findings[0])


HEAD = "prefix,to,price,increments,setup,maximum,evening\n"


@pytest.mark.parametrize(
    ("table", "code", "says"),
    [
        (HEAD + "+44,UK,0.10/min,60/1,¦x,,\n", "bad_price", "not a setup"),
        (HEAD + "+44,UK,0.10/min setup 1,,¦2,,\n", "said_twice", "names the setup already"),
        (HEAD + "+44,UK,0.10/min,60/1,2,¦1,\n", "bad_maximum", "costs at least"),
        (HEAD + "+44,UK,0.10/min,60/1,,,¦0.10\n", "bad_rate", "0.05/min"),
        (HEAD + "+44,UK,0.10/min,60/1,,,¦0.10/min setup 1\n", "bad_band_price", "per unit"),
        ("prefix,to,price,¦night\n+44,UK,0.10/min,1/min\n", "unknown_column", "known here"),
    ],
)
def test_a_wrong_column_of_a_deck_is_said_at_the_cell(plans: Plans, table: str, code: str, says: str) -> None:
    table, place = marked(table)
    findings = plans.findings(BASE + BANDS + "rates: deck.csv\n", deck=table)
    assert [(one.code, one.line, one.column) for one in findings] == [(code, *place)], [str(one) for one in findings]
    assert says in str(findings[0])


def test_a_host_s_deck_has_no_columns_for_time_bands(plans: Plans) -> None:
    text = agreement("data: 0.85/GB, rates: host.csv") + BANDS
    findings = plans.findings(text, host="prefix,to,price,evening\n+44,UK,0.10/min,1/min\n")
    assert [one.code for one in findings] == ["unknown_column"]


def test_a_band_that_is_wrong_is_not_also_unknown(plans: Plans) -> None:
    text = beyond_voice("{price: 1/min, bands: {evening: 2/min}}").replace(
        "evening: {days: mon-fri,", "evening: {dais: x,"
    )
    assert [one.code for one in plans.findings(text)] == ["unknown_key"]
