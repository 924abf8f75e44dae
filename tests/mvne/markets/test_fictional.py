"""Numbers of nobody: what a sandbox may use, and what it must never touch."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne.markets.fictional import (
    FictionalNumbers,
    FictionalRange,
    NoFictionalNumbers,
    TooFewFictionalNumbers,
    fictional_numbers,
)
from mvne.markets.market import known_markets, load_market
from mvne.markets.packfile import MarketError, PackError, at, read_pack
from mvne_plans.numbering import NumberKind

WITH_NUMBERS = ("FR", "DE", "GB", "SE", "US", "CA")
WITHOUT_NUMBERS = ("IT", "IN", "LU", "CO")


def test_the_two_lists_cover_every_market() -> None:
    assert sorted(WITH_NUMBERS + WITHOUT_NUMBERS) == list(known_markets())


@pytest.mark.parametrize("code", WITH_NUMBERS)
def test_every_fictional_number_is_contained_and_an_ordinary_number_of_the_market(code: str) -> None:
    market = load_market(code)
    for each in (number for numbers in market.fictional.ranges for number in numbers):
        assert market.fictional.contains(each), each
        found = market.numbering.classify(each)
        assert found is not None, each
        assert (found.country, found.kind) == (code, NumberKind.ORDINARY), each


@pytest.mark.parametrize("code", WITH_NUMBERS)
def test_every_fictional_mobile_has_the_form_of_a_mobile(code: str) -> None:
    market = load_market(code)
    pattern = re.compile(market.mobile_pattern)
    for numbers in market.fictional.ranges:
        for each in (numbers.first, numbers.last):
            assert numbers.kind == "fixed" or pattern.fullmatch(each), each


@pytest.mark.parametrize("code", WITH_NUMBERS)
def test_a_range_holds_as_many_numbers_as_its_pack_says(code: str) -> None:
    stated = sum(
        int(row.get("count") or 0)
        + int(row.get("count_each") or 0) * len(row.get("national_prefixes", ()))
        + int(row.get("count_per_area_code") or 0)
        * len(at(read_pack(code), "numbering.area_codes.rows").get(code, "").split())
        for row in at(read_pack(code), "numbering.fictional")
    )
    assert sum(map(len, load_market(code).fictional.ranges)) == stated


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("FR", ["+33639980000", "+33639980001", "+33639980002"]),
        ("DE", ["+491713920000", "+491713920001", "+491713920002"]),
        ("GB", ["+447700900000", "+447700900001", "+447700900002"]),
        ("SE", ["+46701740605", "+46701740606", "+46701740607"]),
        ("US", ["+12125550100", "+12125550101", "+12125550102"]),
        ("CA", ["+14165550100", "+14165550101", "+14165550102"]),
    ],
)
def test_the_first_mobiles_are_always_the_same(code: str, first: list[str]) -> None:
    assert load_market(code).fictional.first(3) == first


def test_german_single_numbers_follow_the_ranges() -> None:
    mobiles = load_market("DE").fictional.first(210)
    assert mobiles[99:101] == ["+491713920099", "+4917604069000"]
    assert mobiles[200] == "+4915228817386"
    assert len(set(mobiles)) == 210


@pytest.mark.parametrize(("code", "second_area"), [("US", "213"), ("CA", "514")])
def test_a_large_north_american_sandbox_goes_on_in_the_next_area(code: str, second_area: str) -> None:
    numbers = load_market(code).fictional.first(1_500)
    assert numbers[99][-4:] == "0199"
    assert numbers[100] == f"+1{second_area}5550100"
    assert len(set(numbers)) == 1_500


def test_fixed_numbers_can_be_asked_for() -> None:
    assert load_market("FR").fictional.first(1, "fixed") == ["+33199000000"]
    assert load_market("DE").fictional.first(1_001, kind="fixed")[-1] == "+4969900090" + "00"
    assert load_market("GB").fictional.first(1, "fixed") == ["+441632960000"]
    assert load_market("US").fictional.first(1, "fixed") == ["+12125550100"]


@pytest.mark.parametrize("code", WITHOUT_NUMBERS)
def test_a_market_without_fictional_numbers_says_what_to_do(code: str) -> None:
    with pytest.raises(NoFictionalNumbers, match=r"explicitly, or use \+1 <area code> 555-0100 to 555-0199"):
        load_market(code).fictional.first(1)


@pytest.mark.parametrize(("code", "available"), [("FR", 10_000), ("GB", 1_000), ("SE", 95), ("DE", 210)])
def test_more_than_there_are_is_refused_with_the_number_there_is(code: str, available: int) -> None:
    fictional = load_market(code).fictional
    assert len(fictional.first(available)) == available
    with pytest.raises(TooFewFictionalNumbers, match=f"ask for at most {available}"):
        fictional.first(available + 1)


@pytest.mark.parametrize(
    ("code", "msisdn", "fictional"),
    [
        ("FR", "+33639980000", True),
        ("FR", "+33639989999", True),
        ("FR", "+33199001234", True),
        ("FR", "+33639979999", False),
        ("FR", "+33639990000", False),
        ("FR", "+33612345678", False),
        ("FR", "0639980000", False),
        ("FR", "33639980000", False),
        ("FR", "+3363998000", False),
        ("FR", "+336399800000", False),
        ("FR", "+3363998000a", False),
        ("FR", "+3363998000٣", False),
        ("FR", "+447700900123", False),
        ("FR", "", False),
        ("FR", "+", False),
        ("GB", "+447700900123", True),
        ("GB", "+447700800123", False),
        ("GB", "+447700901000", False),
        ("GB", "+441632960999", True),
        ("DE", "+4917604069050", True),
        ("DE", "+491729925904", True),
        ("DE", "+491729925905", False),
        ("DE", "+493023125999", True),
        ("SE", "+46701740604", False),
        ("SE", "+46701740699", True),
        ("SE", "+46313900650", True),
        ("US", "+12125550100", True),
        ("US", "+12125550199", True),
        ("US", "+12125550200", False),
        ("US", "+12125551212", False),
        ("US", "+18005550199", False),
        ("US", "+18765550100", False),
        ("US", "+14165550100", False),
        ("CA", "+14165550100", True),
        ("CA", "+12125550100", False),
        ("IT", "+393401234567", False),
        ("IT", "+12125550100", True),
        ("IN", "+919876543210", False),
        ("IN", "+13125550199", True),
        ("LU", "+12125550200", False),
        ("CO", "+14165550100", False),
    ],
)
def test_only_reserved_numbers_are_contained(code: str, msisdn: str, fictional: bool) -> None:
    assert load_market(code).fictional.contains(msisdn) is fictional


@pytest.mark.parametrize("code", known_markets())
def test_no_fictional_range_touches_an_emergency_or_paid_number(code: str) -> None:
    market = load_market(code)
    for each in market.numbering.destinations:
        if each.kind is not NumberKind.ORDINARY and each.country == code:
            inside = [r for r in market.fictional.ranges if r.first.startswith(each.prefix)]
            assert not market.fictional.contains(each.prefix)
            assert not inside, each


_NUMBERS = st.integers(min_value=100, max_value=9_999)


@given(st.lists(st.tuples(_NUMBERS, st.integers(min_value=0, max_value=30)), max_size=6), _NUMBERS)
def test_membership_is_the_plain_search_through_all_ranges(starts: list[tuple[int, int]], number: int) -> None:
    ranges: list[FictionalRange] = []
    taken: set[str] = set()
    for start, length in starts:
        end = min(start + length, 10 ** len(str(start)) - 1)
        each = FictionalRange("mobile", f"+{start}", f"+{end}")
        if not taken & set(each):
            ranges.append(each)
            taken |= set(each)
    assert FictionalNumbers("XX", tuple(ranges)).contains(f"+{number}") is (f"+{number}" in taken)


def test_ranges_are_described_as_people_read_them() -> None:
    assert load_market("FR").fictional.describe().startswith("+33639980000 to +33639989999, +33199000000 to")
    assert "+4915228817386," in load_market("DE").fictional.describe()
    assert load_market("US").fictional.describe() == "+1 <area code> 555-0100 to 555-0199 with an area code of US"
    assert load_market("IT").fictional.describe().startswith("no number of IT is reserved for fiction; +1 ")


def test_the_table_agrees_with_the_pattern_of_the_pack() -> None:
    for code in ("US", "CA"):
        pattern = re.compile(at(read_pack(code), "numbering.fictional")[0]["pattern"])
        assert all(pattern.fullmatch(each) for each in load_market(code).fictional.first(1_500))


def test_a_row_of_unknown_kind_is_refused() -> None:
    pack: dict[str, Any] = {"numbering": {"fictional": ({"kind": "pager", "from": "+1", "to": "+1"},)}}
    with pytest.raises(PackError, match="'pager' are unknown: use mobile"):
        fictional_numbers(pack, "XX")


def test_errors_share_one_root() -> None:
    assert issubclass(NoFictionalNumbers, MarketError)
    assert issubclass(TooFewFictionalNumbers, MarketError)
