"""Where networks are: our tables against those of Babel and of pycrate."""

from __future__ import annotations

import pytest
from babel.core import get_global
from pycrate_mobile.MCC_MNC import MCC_dict

from mvne_billing.usage.countries import country_of_mcc, country_of_network

#: Letters that ISO took back or never gave, in use by networks all the same.
OLD = {
    "ROM": "RO",
    "YUG": "RS",
    "SCG": "RS",
    "ANT": "CW",
    "TMP": "TL",
    "ZAR": "CD",
    "BUR": "MM",
    "UNK": "XK",
    "RKS": "XK",
}


def test_the_three_letters_of_iso_are_babel_s() -> None:
    aliases = {three: two for three, two in get_global("territory_aliases").items() if len(three) == 3}
    for three, two in aliases.items():
        ours = country_of_network(three + "XX", {})
        if ours is not None and three not in OLD:
            assert [ours] == two, three
    known = [three for three in aliases if three.isalpha() and country_of_network(three + "XX", {})]
    assert len(known) > 250


@pytest.mark.parametrize(("letters", "country"), OLD.items())
def test_letters_of_before_lead_to_the_country_of_today(letters: str, country: str) -> None:
    assert country_of_network(f"{letters}XX", {}) == country


def test_mobile_country_codes_are_those_that_pycrate_has() -> None:
    # pycrate takes Guam's word for all of the United States, and has three codes of countries wrong.
    differ = {"310": "US", "311": "US", "340": "GP", "436": "TJ", "514": "TL", "901": None}
    for mcc, (_, country, _) in MCC_dict.items():
        assert country_of_mcc(mcc) == differ.get(mcc, country), mcc


@pytest.mark.parametrize("tadig", ["", "AAMT1", "FR", "123XX", "fraxx"])
def test_what_is_no_country_is_none(tadig: str) -> None:
    assert country_of_network(tadig, {}) is None


def test_conventions_come_first() -> None:
    assert country_of_network("FRAXX", {"FRAXX": "MQ", "FRA": "GP"}) == "MQ"
    assert country_of_network("FRAYY", {"FRAXX": "MQ", "FRA": "GP"}) == "GP"
    assert country_of_mcc("901", {"901": "XZ"}) == "XZ"
