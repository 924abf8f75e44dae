"""Markets: every pack loads into types, and what it says is what the reference says."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from mvne.markets.market import HostNetwork, TaxRules, UnknownMarket, known_markets, load_market

EEA = {
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT"),
    *("LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO"),
}
OUTERMOST = {"GF", "GP", "MF", "MQ", "RE", "YT"}


@pytest.mark.parametrize("code", known_markets())
def test_every_market_says_what_a_brand_needs(code: str) -> None:
    market = load_market(code)
    assert market.code == code
    assert re.fullmatch("[A-Z]{3}", market.currency)
    assert market.minor_units == 2
    assert all(ZoneInfo(zone).key == zone for zone in market.timezones)
    assert market.timezones
    assert market.languages
    assert market.emergency
    assert all(re.fullmatch(r"\d{3}", mcc) for mcc in market.mcc)
    assert market.hosts
    assert market.as_of == date(2026, 11, 24)
    assert market.zones["domestic"] == (code,)
    assert market.numbering.country == code


@pytest.mark.parametrize(
    ("code", "name", "currency", "inclusive", "rules", "vat"),
    [
        ("FR", "France", "EUR", True, TaxRules.VAT, "20.0"),
        ("DE", "Germany", "EUR", True, TaxRules.VAT, "19.0"),
        ("IT", "Italy", "EUR", True, TaxRules.VAT, "22.0"),
        ("SE", "Sweden", "SEK", True, TaxRules.VAT, "25.0"),
        ("LU", "Luxembourg", "EUR", True, TaxRules.VAT, "17.0"),
        ("GB", "United Kingdom", "GBP", True, TaxRules.VAT, "20.0"),
        ("IN", "India", "INR", True, TaxRules.GST, "18"),
        ("CO", "Colombia", "COP", True, TaxRules.VAT_AND_CONSUMPTION, "19"),
        ("CA", "Canada", "CAD", False, TaxRules.BY_PROVINCE, None),
        ("US", "United States", "USD", False, TaxRules.BY_ADDRESS, None),
    ],
)
def test_currency_and_tax_are_those_of_the_country(
    code: str, name: str, currency: str, inclusive: bool, rules: TaxRules, vat: str | None
) -> None:
    market = load_market(code)
    assert (market.name, market.currency) == (name, currency)
    assert market.prices_include_tax is inclusive
    assert market.tax_rules_kind is rules
    assert market.vat == (None if vat is None else Decimal(vat))


def test_a_market_is_loaded_once_and_in_either_case() -> None:
    assert load_market("fr") is load_market("FR")


def test_hosts_have_their_plmn_codes_where_known() -> None:
    assert load_market("US").hosts[0] == HostNetwork("T-Mobile US", ("310260",))
    assert HostNetwork("BSNL", ()) in load_market("IN").hosts


def test_several_time_zones_are_kept_in_order() -> None:
    assert load_market("CA").timezones[0] == "America/Toronto"
    assert load_market("FR").timezones == ("Europe/Paris",)


@pytest.mark.parametrize("code", ["FR", "DE", "IT", "SE", "LU"])
def test_the_eea_zone_is_the_members_and_their_parts(code: str) -> None:
    zones = load_market(code).zones
    assert set(zones["eea"]) == EEA | OUTERMOST | {"AX"}
    assert list(zones["eea"]) == sorted(zones["eea"])
    assert set(zones["eu_roaming"]) - set(zones["eea"]) == {"UA", "MD"}
    assert not {"GB", "CH"} & set(zones["eu_roaming"])


@pytest.mark.parametrize("code", ["GB", "US", "CA", "IN", "CO"])
def test_a_market_outside_the_union_has_no_zone_of_it(code: str) -> None:
    assert set(load_market(code).zones) == {"domestic"}


@pytest.mark.parametrize(
    ("code", "number", "mobile"),
    [
        ("FR", "+33612345678", True),
        ("FR", "+33712345678", True),
        ("FR", "+33112345678", False),
        ("DE", "+4915112345678", True),
        ("DE", "+493012345678", False),
        ("GB", "+447700900123", True),
        ("IT", "+393401234567", True),
        ("LU", "+352621123456", True),
        ("IN", "+919876543210", True),
        ("CO", "+573001234567", True),
        ("SE", "+46701740605", True),
        ("US", "+12125550123", True),
    ],
)
def test_the_mobile_pattern_knows_a_mobile(code: str, number: str, mobile: bool) -> None:
    assert bool(re.fullmatch(load_market(code).mobile_pattern, number)) is mobile


@pytest.mark.parametrize(
    ("written", "meant"),
    [("UK", "GB"), ("usa", "US"), ("Frnace", "FR"), ("germany", "DE"), ("united kingdom", "GB"), ("FRA", "FR")],
)
def test_an_unknown_market_is_refused_with_the_nearest(written: str, meant: str) -> None:
    with pytest.raises(UnknownMarket, match=f"did you mean '{meant}'"):
        load_market(written)


@pytest.mark.parametrize("written", ["EU", "WORLD", "", "../FR", "XQ"])
def test_a_base_or_a_path_is_no_market(written: str) -> None:
    with pytest.raises(UnknownMarket, match="markets are CA, CO, DE"):
        load_market(written)


def test_loading_needs_no_number_library() -> None:
    script = (
        "import sys; from mvne.markets.market import load_market; load_market('FR'); "
        "sys.exit(', '.join({'phonenumbers', 'babel', 'sqlalchemy'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
