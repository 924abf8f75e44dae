"""Numbers, zones, decks and roaming: which rule of a tariff a use falls under."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_plans.numbering import Destination, NumberingPlan, NumberKind, longest_prefix
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import DeckRow, RateDeck, Roaming, Tariff

FRANCE = NumberingPlan(
    "FR",
    "33",
    "0",
    (
        Destination("+33", "FR", NumberKind.ORDINARY, "France"),
        Destination("+336", "FR", NumberKind.ORDINARY, "France, mobile"),
        Destination("+3389", "FR", NumberKind.PREMIUM, "France, premium"),
        Destination("+1", "US", NumberKind.ORDINARY, "United States"),
        Destination("+1876", "JM", NumberKind.ORDINARY, "Jamaica"),
        Destination("112", "FR", NumberKind.EMERGENCY, "Emergency"),
        Destination("3639", "FR", NumberKind.SHORT, "La Poste"),
        Destination("0800", "FR", NumberKind.SHORT, "a short code that begins like a national number"),
    ),
)
AMERICA = NumberingPlan("US", "1", None, (Destination("+1", "US", NumberKind.ORDINARY, "US"),), (10,))


@pytest.mark.parametrize(
    ("plan", "dialled", "number"),
    [
        (FRANCE, "06 12 34 56 78", "+33612345678"),
        (FRANCE, "06.12.34-56(78)", "+33612345678"),
        (FRANCE, "+33612345678", "+33612345678"),
        (FRANCE, "0033612345678", "+33612345678"),
        (FRANCE, "0018765551234", "+18765551234"),
        (FRANCE, "112", "112"),
        (FRANCE, "3639", "3639"),
        (FRANCE, "0800", "0800"),
        (FRANCE, "118712", "118712"),
        (FRANCE, "00123", "00123"),
        (FRANCE, "0612345", "0612345"),
        (FRANCE, "", ""),
        (AMERICA, "202 555 0123", "+12025550123"),
        (AMERICA, "911", "911"),
        (AMERICA, "5550123", "5550123"),
        (AMERICA, "+442071838750", "+442071838750"),
    ],
)
def test_a_number_is_brought_into_international_form(plan: NumberingPlan, dialled: str, number: str) -> None:
    assert plan.normalise(dialled) == number
    assert plan.normalise(number) == number


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("+33142990000", "France"),
        ("+33612345678", "France, mobile"),
        ("+33899000000", "France, premium"),
        ("+33", "France"),
        ("+12025550123", "United States"),
        ("+18765550123", "Jamaica"),
        ("+187", "United States"),
        ("+3", None),
        ("+", None),
        ("+4930123456", None),
        ("112", "Emergency"),
        ("1123", None),
        ("11", None),
        ("36391", None),
        ("", None),
    ],
)
def test_the_longest_prefix_wins_and_a_short_code_only_as_a_whole(number: str, name: str | None) -> None:
    found = FRANCE.classify(number)
    assert (found.name if found else None) == name


numbers = st.text("0123456789", max_size=12).map("+{}".format)
prefixes = st.sets(st.text("0123456789", min_size=1, max_size=5).map("+{}".format), max_size=30)


@given(numbers, prefixes)
def test_looking_up_is_the_plain_longest_prefix(number: str, table: set[str]) -> None:
    plan = NumberingPlan("XX", "0", None, tuple(Destination(p, "XX", NumberKind.ORDINARY, p) for p in sorted(table)))
    deck = RateDeck(tuple(DeckRow(prefix, prefix, voice=Rate.parse("1/min", Kind.VOICE)) for prefix in sorted(table)))
    found, row = plan.classify(number), deck.find(number, Kind.VOICE)
    assert (found.prefix if found else None) == longest_prefix(number, table)
    assert (row.prefix if row else None) == longest_prefix(number, table)


PRICE = Rate.parse("1/min", Kind.VOICE)
TEXT = Rate.parse("1", Kind.SMS)
DECK = RateDeck((DeckRow("+44", "UK", PRICE, TEXT), DeckRow("+447", "mobile", PRICE), DeckRow("+4479", "none")))


@pytest.mark.parametrize(
    ("number", "kind", "prefix"),
    [
        ("+442012345", Kind.VOICE, "+44"),
        ("+447012345", Kind.VOICE, "+447"),
        ("+447912345", Kind.VOICE, "+447"),
        ("+447912345", Kind.SMS, "+44"),
        ("+447912345", Kind.DATA, None),
        ("+43", Kind.VOICE, None),
        ("", Kind.VOICE, None),
    ],
)
def test_the_longest_row_with_a_price_for_the_kind_wins(number: str, kind: Kind, prefix: str | None) -> None:
    row = DECK.find(number, kind)
    assert (row.prefix if row else None) == prefix


def kind_of(kind: NumberKind, prefix: str) -> Destination:
    return Destination(prefix, "GB", kind, "")


@pytest.mark.parametrize(
    ("number", "destination", "prefix"),
    [
        ("+442012345", kind_of(NumberKind.ORDINARY, "+44"), "+44"),
        ("+442012345", kind_of(NumberKind.ORDINARY, "+4420"), "+44"),
        ("+447012345", kind_of(NumberKind.PREMIUM, "+44701"), None),
        ("+447012345", kind_of(NumberKind.PREMIUM, "+447"), "+447"),
        ("+447012345", kind_of(NumberKind.PREMIUM, "+44"), "+447"),
        ("+447012345", kind_of(NumberKind.SATELLITE, "+4470"), None),
        ("+447012345", None, "+447"),
    ],
)
def test_a_special_number_needs_a_row_of_its_own(
    number: str, destination: Destination | None, prefix: str | None
) -> None:
    row = DECK.row_to(number, destination, Kind.VOICE)
    assert (row.prefix if row else None) == prefix


@pytest.mark.parametrize(("number", "found"), [("3639", True), ("36391", False), ("363", False)])
def test_a_short_code_is_priced_only_as_a_whole(number: str, found: bool) -> None:
    deck = RateDeck((DeckRow("3639", "La Poste", PRICE),))
    assert (deck.row_to(number, None, Kind.VOICE) is not None) == found


TARIFF = Tariff(
    "EUR",
    "FR",
    {"eea": ("FR", "DE", "IT"), "neighbours": ("DE", "CH")},
    roaming=(
        Roaming("other", "refuse"),
        Roaming("eea", "domestic"),
        Roaming("DE", "price"),
        Roaming("CH", "price"),
    ),
)


@pytest.mark.parametrize(
    ("country", "zone", "inside"),
    [
        ("FR", "domestic", True),
        ("DE", "domestic", False),
        (None, "domestic", False),
        ("DE", "international", True),
        ("FR", "international", False),
        ("DE", "other", True),
        ("FR", "other", False),
        ("DE", "eea", True),
        ("FR", "eea", True),
        ("GB", "eea", False),
        (None, "eea", False),
        ("GB", "GB", True),
        ("GB", "nowhere", False),
    ],
)
def test_a_zone_holds_its_countries(country: str | None, zone: str, inside: bool) -> None:
    assert TARIFF.in_zone(country, zone) is inside


@pytest.mark.parametrize(
    ("country", "zone"), [("FR", None), ("IT", "eea"), ("DE", "DE"), ("CH", "CH"), ("US", "other")]
)
def test_the_rule_for_a_visited_country_is_the_nearest(country: str, zone: str | None) -> None:
    rule = TARIFF.roaming_in(country)
    assert (rule.zone if rule else None) == zone


def test_without_a_rule_roaming_is_refused() -> None:
    rule = Tariff("EUR", "FR", {}).roaming_in("DE")
    assert rule == Roaming("other", "refuse")


@pytest.mark.parametrize("kind", [kind for kind in NumberKind if kind is not NumberKind.ORDINARY])
def test_only_ordinary_numbers_lie_in_a_zone(kind: NumberKind) -> None:
    assert TARIFF.reaches(Destination("+33", "FR", NumberKind.ORDINARY, ""), "domestic")
    for zone in ("domestic", "eea", "FR", "international", "other"):
        assert not TARIFF.reaches(Destination("+33", "FR", kind, ""), zone)
        assert not TARIFF.reaches(Destination("+881", None, kind, ""), zone)
