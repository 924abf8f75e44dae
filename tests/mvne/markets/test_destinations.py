"""Whom a customer calls: the country and kind of a dialled number, market by market."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne.markets.destinations import area_codes, destinations, emergency_numbers, expand
from mvne.markets.market import known_markets, load_market
from mvne.markets.packfile import PackError, read_pack
from mvne_plans.numbering import NumberKind, longest_prefix

ORDINARY, EMERGENCY, FREEPHONE = NumberKind.ORDINARY, NumberKind.EMERGENCY, NumberKind.FREEPHONE
PREMIUM, SATELLITE, SHORT = NumberKind.PREMIUM, NumberKind.SATELLITE, NumberKind.SHORT

CALLS = [
    # home, dialled, international form, country, kind
    ("FR", "0612345678", "+33612345678", "FR", ORDINARY),
    ("FR", "06 12 34 56 78", "+33612345678", "FR", ORDINARY),
    ("FR", "01 99 00 12 34", "+33199001234", "FR", ORDINARY),
    ("FR", "0975123456", "+33975123456", "FR", ORDINARY),
    ("FR", "0700 12 34 56 78 90", "+337001234567890", "FR", ORDINARY),
    ("FR", "112", "112", "FR", EMERGENCY),
    ("FR", "15", "15", "FR", EMERGENCY),
    ("FR", "17", "17", "FR", EMERGENCY),
    ("FR", "18", "18", "FR", EMERGENCY),
    ("FR", "114", "114", "FR", EMERGENCY),
    ("FR", "119", "119", "FR", EMERGENCY),
    ("FR", "3919", "3919", "FR", FREEPHONE),
    ("FR", "3114", "3114", "FR", FREEPHONE),
    ("FR", "3179", "3179", "FR", FREEPHONE),
    ("FR", "3639", "3639", "FR", PREMIUM),
    ("FR", "32 00", "3200", "FR", PREMIUM),
    ("FR", "118 218", "118218", "FR", PREMIUM),
    ("FR", "116 117", "116117", "FR", FREEPHONE),
    ("FR", "1013", "1013", "FR", SHORT),
    ("FR", "0892 68 12 34", "+33892681234", "FR", PREMIUM),
    ("FR", "0810123456", "+33810123456", "FR", PREMIUM),
    ("FR", "+33899123456", "+33899123456", "FR", PREMIUM),
    ("FR", "0800123456", "+33800123456", "FR", FREEPHONE),
    ("FR", "0805123456", "+33805123456", "FR", FREEPHONE),
    ("FR", "0806123456", "+33806123456", "FR", ORDINARY),
    ("FR", "0809123456", "+33809123456", "FR", ORDINARY),
    ("FR", "00442079460123", "+442079460123", "GB", ORDINARY),
    ("FR", "+447700900123", "+447700900123", "GB", ORDINARY),
    ("FR", "+447797123456", "+447797123456", "JE", ORDINARY),
    ("FR", "+441534123456", "+441534123456", "JE", ORDINARY),
    ("FR", "+447781123456", "+447781123456", "GG", ORDINARY),
    ("FR", "+447839123456", "+447839123456", "GG", ORDINARY),
    ("FR", "+447911123456", "+447911123456", "GG", ORDINARY),
    ("FR", "+447624123456", "+447624123456", "IM", ORDINARY),
    ("FR", "+447641123456", "+447641123456", "GB", PREMIUM),
    ("FR", "+449098791234", "+449098791234", "GB", PREMIUM),
    ("FR", "+447012345678", "+447012345678", "GB", PREMIUM),
    ("FR", "+448001234567", "+448001234567", "GB", FREEPHONE),
    ("FR", "+12125550123", "+12125550123", "US", ORDINARY),
    ("FR", "+14165550123", "+14165550123", "CA", ORDINARY),
    ("FR", "+18765551234", "+18765551234", "JM", ORDINARY),
    ("FR", "+18095551234", "+18095551234", "DO", ORDINARY),
    ("FR", "+17875551234", "+17875551234", "PR", ORDINARY),
    ("FR", "+19005551234", "+19005551234", "US", PREMIUM),
    ("FR", "+12129761234", "+12129761234", "US", PREMIUM),
    ("FR", "+14169761234", "+14169761234", "CA", PREMIUM),
    ("FR", "+12125551212", "+12125551212", "US", PREMIUM),
    ("FR", "+15005551234", "+15005551234", "US", PREMIUM),
    ("FR", "+16005551234", "+16005551234", "CA", PREMIUM),
    ("FR", "+18005551234", "+18005551234", "US", FREEPHONE),
    ("FR", "+18335551234", "+18335551234", "US", FREEPHONE),
    ("FR", "+80012345678", "+80012345678", None, FREEPHONE),
    ("FR", "+80812345678", "+80812345678", None, PREMIUM),
    ("FR", "+97912345678", "+97912345678", None, PREMIUM),
    ("FR", "+87812345678", "+87812345678", None, PREMIUM),
    ("FR", "+870773123456", "+870773123456", None, SATELLITE),
    ("FR", "+881612345678", "+881612345678", None, SATELLITE),
    ("FR", "+88216123456", "+88216123456", None, SATELLITE),
    ("FR", "+883510012345", "+883510012345", None, SATELLITE),
    ("FR", "+262692123456", "+262692123456", "RE", ORDINARY),
    ("FR", "+262639123456", "+262639123456", "YT", ORDINARY),
    ("FR", "+590690123456", "+590690123456", "GP", ORDINARY),
    ("FR", "+590590271234", "+590590271234", "BL", ORDINARY),
    ("FR", "+590590501234", "+590590501234", "MF", ORDINARY),
    ("FR", "+77011234567", "+77011234567", "KZ", ORDINARY),
    ("FR", "+76001234567", "+76001234567", "KZ", ORDINARY),
    ("FR", "+74951234567", "+74951234567", "RU", ORDINARY),
    ("FR", "+78091234567", "+78091234567", "RU", PREMIUM),
    ("FR", "+390669812345", "+390669812345", "VA", ORDINARY),
    ("FR", "+390612345678", "+390612345678", "IT", ORDINARY),
    ("FR", "+4779123456", "+4779123456", "SJ", ORDINARY),
    ("FR", "+4721123456", "+4721123456", "NO", ORDINARY),
    ("FR", "+35818123456", "+35818123456", "AX", ORDINARY),
    ("FR", "+61891621234", "+61891621234", "CC", ORDINARY),
    ("FR", "+61891641234", "+61891641234", "CX", ORDINARY),
    ("FR", "+61291234567", "+61291234567", "AU", ORDINARY),
    ("FR", "+212528812345", "+212528812345", "EH", ORDINARY),
    ("FR", "+212650123456", "+212650123456", "MA", ORDINARY),
    ("FR", "+5997151234", "+5997151234", "BQ", ORDINARY),
    ("FR", "+59995181234", "+59995181234", "CW", ORDINARY),
    ("FR", "+37793123456", "+37793123456", "MC", ORDINARY),
    ("DE", "030 23125123", "+493023125123", "DE", ORDINARY),
    ("DE", "0171 3920012", "+491713920012", "DE", ORDINARY),
    ("DE", "0900 1234567", "+499001234567", "DE", PREMIUM),
    ("DE", "0180 5123456", "+491805123456", "DE", PREMIUM),
    ("DE", "0137 7123456", "+491377123456", "DE", PREMIUM),
    ("DE", "0800 1234567", "+498001234567", "DE", FREEPHONE),
    ("DE", "110", "110", "DE", EMERGENCY),
    ("DE", "115", "115", "DE", SHORT),
    ("DE", "11833", "11833", "DE", PREMIUM),
    ("DE", "116117", "116117", "DE", FREEPHONE),
    ("GB", "020 7946 0123", "+442079460123", "GB", ORDINARY),
    ("GB", "0300 123 4567", "+443001234567", "GB", ORDINARY),
    ("GB", "0345 123 4567", "+443451234567", "GB", ORDINARY),
    ("GB", "0845 123 4567", "+448451234567", "GB", PREMIUM),
    ("GB", "0871 123 4567", "+448711234567", "GB", PREMIUM),
    ("GB", "0909 879 1234", "+449098791234", "GB", PREMIUM),
    ("GB", "0808 123 4567", "+448081234567", "GB", FREEPHONE),
    ("GB", "999", "999", "GB", EMERGENCY),
    ("GB", "111", "111", "GB", FREEPHONE),
    ("GB", "118118", "118118", "GB", PREMIUM),
    ("IT", "340 1234567", "+393401234567", "IT", ORDINARY),
    ("IT", "06 1234 5678", "+390612345678", "IT", ORDINARY),
    ("IT", "800 123456", "+39800123456", "IT", FREEPHONE),
    ("IT", "803116", "803116", "IT", FREEPHONE),
    ("IT", "892424", "892424", "IT", PREMIUM),
    ("IT", "899 123456", "+39899123456", "IT", PREMIUM),
    ("IT", "1254", "1254", "IT", PREMIUM),
    ("IT", "118", "118", "IT", EMERGENCY),
    ("SE", "070-174 06 05", "+46701740605", "SE", ORDINARY),
    ("SE", "010-123 45 67", "+46101234567", "SE", ORDINARY),
    ("SE", "0900 123 4567", "+469001234567", "SE", PREMIUM),
    ("SE", "077-123 45 67", "+46771234567", "SE", PREMIUM),
    ("SE", "020 123 456", "+4620123456", "SE", FREEPHONE),
    ("SE", "118118", "118118", "SE", PREMIUM),
    ("SE", "11414", "11414", "SE", FREEPHONE),
    ("LU", "621 123 456", "+352621123456", "LU", ORDINARY),
    ("LU", "27 12 34 56", "+35227123456", "LU", ORDINARY),
    ("LU", "800 12345", "+35280012345", "LU", FREEPHONE),
    ("LU", "905 12345", "+35290512345", "LU", PREMIUM),
    ("LU", "113", "113", "LU", EMERGENCY),
    ("LU", "123 456", "+352123456", "LU", SHORT),
    ("CO", "300 1234567", "+573001234567", "CO", ORDINARY),
    ("CO", "601 2345678", "+576012345678", "CO", ORDINARY),
    ("CO", "123", "123", "CO", EMERGENCY),
    ("CO", "+5718001234567", "+5718001234567", "CO", FREEPHONE),
    ("CO", "+579011234567", "+579011234567", "CO", PREMIUM),
    ("IN", "98765 43210", "+919876543210", "IN", ORDINARY),
    ("IN", "098765 43210", "+919876543210", "IN", ORDINARY),
    ("IN", "1800 123 4567", "+9118001234567", "IN", FREEPHONE),
    ("IN", "1860 123 4567", "+9118601234567", "IN", PREMIUM),
    ("IN", "108", "108", "IN", EMERGENCY),
    ("US", "(212) 555-0123", "+12125550123", "US", ORDINARY),
    ("US", "1 212 555 0123", "+12125550123", "US", ORDINARY),
    ("US", "1-876-555-1234", "+18765551234", "JM", ORDINARY),
    ("US", "1 800 555 1234", "+18005551234", "US", FREEPHONE),
    ("US", "1 900 555 1234", "+19005551234", "US", PREMIUM),
    ("US", "911", "911", "US", EMERGENCY),
    ("US", "988", "988", "US", EMERGENCY),
    ("US", "411", "411", "US", PREMIUM),
    ("US", "511", "511", "US", SHORT),
    ("US", "24280", "24280", "US", PREMIUM),
    ("CA", "416 555 0123", "+14165550123", "CA", ORDINARY),
    ("CA", "1 888 555 1234", "+18885551234", "CA", FREEPHONE),
    ("CA", "1 900 555 1234", "+19005551234", "CA", PREMIUM),
    ("CA", "211", "211", "CA", FREEPHONE),
]


@pytest.mark.parametrize(("home", "dialled", "number", "country", "kind"), CALLS, ids=lambda value: str(value))
def test_a_dialled_number_leads_where_it_should(
    home: str, dialled: str, number: str, country: str | None, kind: NumberKind
) -> None:
    plan = load_market(home).numbering
    assert plan.normalise(dialled) == number
    found = plan.classify(number)
    assert found is not None
    assert (found.country, found.kind) == (country, kind)


@pytest.mark.parametrize(
    "number", ["+999123456", "+19995551234", "+2101234567", "+888123456", "+1", "1234", "1123", "+"]
)
def test_an_unknown_prefix_leads_nowhere(number: str) -> None:
    assert load_market("FR").numbering.classify(number) is None


def test_a_destination_says_its_name() -> None:
    plan = load_market("FR").numbering
    names = [found.name for number in ("+447700900123", "+449098791234", "112") if (found := plan.classify(number))]
    assert names == ["United Kingdom", "United Kingdom, special-rate numbers", "emergency 112"]


def test_short_codes_are_known_at_home_only() -> None:
    assert load_market("FR").numbering.classify("3639")
    assert load_market("DE").numbering.classify("3639") is None


@pytest.mark.parametrize("code", known_markets())
def test_every_emergency_number_is_one(code: str) -> None:
    market = load_market(code)
    found = [market.numbering.classify(number) for number in market.emergency]
    assert {each.kind for each in found if each} == {EMERGENCY}
    assert len(found) == len(set(market.emergency))


@pytest.mark.parametrize("code", known_markets())
def test_every_prefix_is_well_formed_and_stands_once(code: str) -> None:
    prefixes = [destination.prefix for destination in load_market(code).numbering.destinations]
    assert len(prefixes) == len(set(prefixes))
    assert all(prefix.removeprefix("+").isdecimal() for prefix in prefixes)


def test_every_country_code_has_its_ordinary_numbers() -> None:
    plan = load_market("FR").numbering
    for code, country in read_pack("WORLD")["numbering"]["country_codes"]["rows"].items():
        found = plan.classify(f"+{code}")
        assert found is not None
        assert (found.country, found.kind) == (country, ORDINARY)


_DIGITS = st.text("0123456789", max_size=12)


@given(st.data())
def test_a_number_is_classified_by_the_longest_prefix(data: st.DataObject) -> None:
    plan = load_market(data.draw(st.sampled_from(known_markets()))).numbering
    table = [each.prefix for each in plan.destinations if each.prefix.startswith("+")]
    number = data.draw(st.sampled_from(["+", *table])) + data.draw(_DIGITS)
    found = plan.classify(number)
    assert (found.prefix if found else None) == longest_prefix(number, table)


@given(st.sampled_from(known_markets()), _DIGITS)
def test_a_short_code_matches_as_a_whole_or_not_at_all(code: str, dialled: str) -> None:
    plan = load_market(code).numbering
    found = plan.classify(dialled)
    assert found is None or found.prefix == dialled


@pytest.mark.parametrize(
    "numbers", ["12a", "100-99", "100-1000", "1-", "+33-33x", "٣", "000000-999999", "--", "-5", "1-2-3"]
)
def test_a_range_that_makes_no_sense_is_refused(numbers: str) -> None:
    with pytest.raises(PackError, match="is no number and no range"):
        expand(numbers)


@pytest.mark.parametrize(
    ("numbers", "expanded"),
    [("", ()), ("015-017", ("015", "016", "017")), ("+330", ("+330",)), ("7-7", ("7",)), ("+339-+339", ("+339",))],
)
def test_ranges_keep_their_zeros_and_signs(numbers: str, expanded: tuple[str, ...]) -> None:
    assert expand(numbers) == expanded


def _pack(**special: Any) -> Mapping[str, Any]:
    return {
        "market": "XX",
        "countries": {"names": {"US": "United States", "FR": "France"}},
        "numbering": {
            "country_codes": {"rows": {"33": "FR"}},
            "territories": {"rows": {}},
            "area_codes": {"rows": {"US": "212 213"}},
            "special": (special,),
            "emergency": {"numbers": ("112",), "also": ("911",)},
        },
    }


def test_a_family_can_be_given_by_country_or_for_each_area_code() -> None:
    by_country = destinations(_pack(name="paid", kind="premium", by_country={"FR": "+338"}), "FR")
    by_area = destinations(_pack(name="paid", kind="premium", each_area_code="976", of=("US",)), "FR")
    assert ("+338", "France, paid") in {(each.prefix, each.name) for each in by_country}
    assert {"+1212976", "+1213976"} <= {each.prefix for each in by_area}


def test_the_later_table_wins_and_emergency_comes_last() -> None:
    laid = destinations(_pack(name="paid", kind="premium", numbers="+33 112"), "FR")
    kinds = {each.prefix: each.kind for each in laid}
    assert (kinds["+33"], kinds["112"]) == (PREMIUM, EMERGENCY)


def test_an_unknown_kind_of_number_is_refused() -> None:
    with pytest.raises(PackError, match="'cheap' of 'paid' is no kind of number: use ordinary"):
        destinations(_pack(name="paid", kind="cheap", numbers="1"), "FR")


def test_emergency_numbers_are_the_main_ones_then_those_also_answered() -> None:
    assert emergency_numbers(_pack(name="x", kind="short", numbers="1")) == ("112", "911")


def test_area_codes_belong_to_one_country_each() -> None:
    pack = read_pack("WORLD")
    rows = pack["numbering"]["area_codes"]["rows"]
    every = [area for country in rows for area in area_codes(pack, country)]
    assert len(every) == len(set(every))
    assert area_codes(pack, "FR") == ()
