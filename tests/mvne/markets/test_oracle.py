"""The packs against the metadata of phonenumbers: an independent reading of the world's numbering plans."""

from __future__ import annotations

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from mvne.markets.destinations import area_codes
from mvne.markets.market import known_markets, load_market
from mvne.markets.packfile import at, read_pack
from mvne_plans.numbering import NumberKind

ORDINARY, FREEPHONE, PREMIUM = NumberKind.ORDINARY, NumberKind.FREEPHONE, NumberKind.PREMIUM
KINDS = {
    PhoneNumberType.FIXED_LINE: ORDINARY,
    PhoneNumberType.MOBILE: ORDINARY,
    PhoneNumberType.TOLL_FREE: FREEPHONE,
    PhoneNumberType.PREMIUM_RATE: PREMIUM,
    PhoneNumberType.SHARED_COST: PREMIUM,
}
#: Blocks that two countries share number by number; the prefix goes to the first of them.
SHARED_BLOCKS = {
    ("AX", PhoneNumberType.MOBILE): "FI",
    ("BL", PhoneNumberType.MOBILE): "GP",
    ("MF", PhoneNumberType.MOBILE): "GP",
    ("MF", PhoneNumberType.FIXED_LINE): "BL",
    ("CC", PhoneNumberType.MOBILE): "AU",
    ("CX", PhoneNumberType.MOBILE): "AU",
    ("EH", PhoneNumberType.MOBILE): "MA",
    ("IM", PhoneNumberType.MOBILE): "GB",
    ("SJ", PhoneNumberType.MOBILE): "NO",
    ("VA", PhoneNumberType.MOBILE): "IT",
}
#: The same prefix is ordinary and special, told apart by the length of the number only: the dearer reading stands.
TOLD_APART_BY_LENGTH = {
    ("AD", PhoneNumberType.TOLL_FREE): PREMIUM,
    ("CL", PhoneNumberType.FIXED_LINE): PREMIUM,
    **{(region, PhoneNumberType.TOLL_FREE): ORDINARY for region in ["HN", "IE", "KH", "NP", "PM", "TH", "VU", "WF"]},
}
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def _example(region: str, of_type: int) -> str | None:
    number = phonenumbers.example_number_for_type(region, of_type)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if number else None


@pytest.mark.parametrize("region", known_markets())
@pytest.mark.parametrize("of_type", KINDS)
def test_country_and_kind_agree_for_every_market_at_home(region: str, of_type: int) -> None:
    number = _example(region, of_type)
    found = load_market(region).numbering.classify(number) if number else None
    assert (number is None) == (found is None)
    assert found is None or (found.country, found.kind) == (region, KINDS[of_type])


@pytest.mark.parametrize("home", ["FR", "US"])
@pytest.mark.parametrize("of_type", [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE])
def test_the_country_agrees_for_every_region(home: str, of_type: int) -> None:
    plan = load_market(home).numbering
    found = {region: plan.classify(number) for region in REGIONS if (number := _example(region, of_type))}
    countries = {region: each.country if each else None for region, each in found.items()}
    assert countries == {region: SHARED_BLOCKS.get((region, of_type), region) for region in found}


@pytest.mark.parametrize("of_type", KINDS)
def test_the_kind_agrees_for_every_region(of_type: int) -> None:
    plan = load_market("FR").numbering
    found = {region: plan.classify(number) for region in REGIONS if (number := _example(region, of_type))}
    kinds = {region: each.kind if each else None for region, each in found.items()}
    assert kinds == {region: TOLD_APART_BY_LENGTH.get((region, of_type), KINDS[of_type]) for region in found}


def test_every_country_code_has_its_main_country() -> None:
    known = {int(code): country for code, country in at(read_pack("WORLD"), "numbering.country_codes.rows").items()}
    geographic = {
        code: regions[0]
        for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
        if regions[0] != phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY and code != 1
    }
    assert known == geographic


def test_every_country_of_the_north_american_plan_has_area_codes() -> None:
    rows = at(read_pack("WORLD"), "numbering.area_codes.rows")
    assert set(rows) == set(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1])


@pytest.mark.parametrize("country", ["US", "CA", "JM", "DO", "PR"])
def test_every_area_code_belongs_to_its_country(country: str) -> None:
    for area in area_codes(read_pack("WORLD"), country):
        number = phonenumbers.parse(f"+1{area}2345678")
        assert phonenumbers.region_code_for_number(number) == country, area


@pytest.mark.parametrize("code", known_markets())
def test_every_emergency_number_of_the_metadata_is_known(code: str) -> None:
    stated = at(read_pack(code), "numbering.emergency.in_phonenumbers_metadata")
    assert all(phonenumbers.is_emergency_number(number, code) for number in stated)
    assert set(stated) <= set(load_market(code).emergency)


def test_the_library_cannot_tell_fictional_from_real() -> None:
    reserved = phonenumbers.parse("+33639980000")
    assert not phonenumbers.is_valid_number(reserved)
    assert load_market("FR").fictional.contains("+33639980000")
