"""CSV files beside the plan file: every wrong cell is said with the file, the line and the column."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvne_plans.numbering import longest_prefix
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments
from tests.mvne.planfile.writing import BASE, US, Plans, marked

RATES = BASE + "rates: deck.csv\n"
GROUPS = BASE + "number_groups: {g: {source: group.csv}}\n"
HEAD = "prefix,to,price,increments,sms\n"
NUMBERS = "number,name\n01 99 00 12 34,Home\n"


@pytest.mark.parametrize(
    ("table", "code", "says"),
    [
        (HEAD + "¦44,UK,0.10/min,60/1,0.08\n", None, ""),
        (HEAD + "+44,UK,¦0.10,60/1,0.08\n", "bad_rate", "0.05/min"),
        (HEAD + "+44,UK,¦0.10/min,0/1,0.08\n", "bad_rate", "are not increments; write 60/1"),
        (HEAD + "+44,UK,0.10/min,60/1,¦free\n", "bad_rate", "not a price of sms"),
        (HEAD + '+44,UK,¦"0,10/min",60/1,\n', "bad_rate", "use 0.10"),
        (HEAD + "¦+44,UK,0,10/min,60/1,0.08\n", "bad_row", "6 cells where the header has 5"),
        (HEAD + '¦+44,"UK,0.10/min,60/1,\n', "bad_row", "quotes"),
        (HEAD + "+44,UK,¦,,\n", "no_price", "+44 has no price"),
        (HEAD + "¦UK,+44,0.10/min,,\n", "bad_prefix", "write it like +44"),
        (HEAD + "¦+336,France,0.10/min,,\n", "domestic_prefix", "then says what it costs"),
        (HEAD + "¦112,Emergency,0.10/min,,\n", "emergency_number", "always free"),
        (HEAD + "+44,UK,0.10/min,,\n# a comment\n\n¦+44,UK,0.20/min,,\n", "duplicate_prefix", "is here twice"),
        ("prefix,to,¦prize,price\n+44,UK,1/min,1/min\n", "unknown_column", "did you mean 'price'?"),
        ("¦prefix,to\n+44,UK\n", "missing_column", "write prefix,to,price,increments,sms"),
        ("¦" + HEAD, "empty_table", "no price"),
    ],
)
def test_a_wrong_deck_is_said_at_the_cell(plans: Plans, table: str, code: str | None, says: str) -> None:
    table, place = marked(table)
    brand, findings = plans.examine(RATES, deck=table)
    if code is None:
        assert brand is not None, "44 is a short code of its own, as far as a deck is concerned"
        return
    assert [one.code for one in findings] == [code], [str(one) for one in findings]
    assert findings[0].file == str(plans.folder / "deck.csv")
    assert (findings[0].line, findings[0].column) == place
    assert says in str(findings[0])


@pytest.mark.parametrize(
    ("number", "code", "says"),
    [
        ("112", "emergency_number", "an emergency number"),
        ("0899 00 00 00", "premium_number", "a premium-rate number"),
        ("0800 00 00 00", "freephone_number", "a freephone number"),
        ("3639", "premium_number", "premium-rate"),
        ("+33199001234", None, ""),
        ("0033 6 39 98 00 99", None, ""),
        ("06 12 34 56 78", "not_fictional", "+33639980000 to +33639989999"),
        ("+447700900123", "foreign_number", "leads to United Kingdom"),
        ("+88161234567", "satellite_number", "a satellite number"),
        ("hello", "bad_number", "write it like +33199001234"),
        ("+", "bad_number", "not a telephone number"),
    ],
)
def test_a_group_holds_ordinary_fictional_numbers_of_the_market(
    plans: Plans, number: str, code: str | None, says: str
) -> None:
    brand, findings = plans.examine(
        GROUPS.replace("network: simulated", "network: simulated\n  numbers: [{from: +33639980000, to: +33639980010}]"),
        group=f"number,name\n01 99 00 12 34,Home\n{number},Other\n",
    )
    if code is None:
        assert brand is not None
        return
    assert [(one.code, one.line, one.column) for one in findings] == [(code, 3, 1)], [str(one) for one in findings]
    assert says in findings[0].message


def test_a_group_is_sorted_and_normalised_and_a_repeated_number_is_a_warning(plans: Plans) -> None:
    table = "name,number\nB,01 99 00 00 02\nA,+33 1 99 00 00 01\nB again,01.99.00.00.02\n"
    brand, findings = plans.examine(GROUPS, group=table)
    assert brand is not None
    assert brand.catalogue.groups[0].numbers == ("+33199000001", "+33199000002")
    assert [(str(one.severity), one.code, one.line, one.column) for one in findings] == [
        ("warning", "duplicate_number", 4, 9)
    ]


def test_a_group_larger_than_its_size_is_refused_at_the_first_number_too_many(plans: Plans) -> None:
    numbers = "".join(f"0199 00 00 {last:02}\n" for last in range(5))
    findings = plans.findings(GROUPS.replace("group.csv", "group.csv, max_size: 3"), group="number\n" + numbers)
    assert [(one.code, one.line) for one in findings] == [("group_too_large", 5)]


def test_a_group_without_numbers_is_refused(plans: Plans) -> None:
    assert [one.code for one in plans.findings(GROUPS, group="number\n")] == ["empty_group"]


def test_a_number_that_a_subscriber_could_get_is_refused_in_a_group(plans: Plans) -> None:
    findings = plans.findings(GROUPS, group="number\n06 39 98 00 05\n")
    assert [(one.code, one.path) for one in findings] == [("number_in_pool", "number_groups.g")]


def test_a_table_that_is_missing_is_said_where_it_is_named(plans: Plans) -> None:
    findings = plans.findings(GROUPS)
    assert [(one.code, one.line, one.column) for one in findings] == [("no_such_file", 11, 29)]


def test_a_file_named_twice_is_reported_once(plans: Plans) -> None:
    text = RATES.replace("rates: deck.csv", "    rates: deck.csv\nrates: deck.csv")
    assert len(plans.findings(text, deck=HEAD + "+44,UK,oops,,\n")) == 1


def test_hundreds_of_mistakes_are_cut_short_and_say_so(plans: Plans) -> None:
    findings = plans.findings(RATES, deck=HEAD + "+44,UK,oops,,\n" * 300)
    assert len(findings) == 51
    assert "more_findings" in {one.code for one in findings}


def test_too_many_rows_are_refused(plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvne.planfile.table.MOST_ROWS", 2)
    rows = "".join(f"+4{last},X,1/min,,\n" for last in (4, 6, 7))
    assert [(one.code, one.line) for one in plans.findings(RATES, deck=HEAD + rows)] == [("too_many_rows", 4)]


def test_a_deck_prices_by_the_longest_prefix_with_its_increments(plans: Plans) -> None:
    table = HEAD + '+44,UK,0.10/min,60/1,0.08\n+447,"UK, mobile",0.20/min 30/6,,\n+41,CH,,,0.10\n'
    deck = plans.brand(RATES, deck=table).catalogue.plans[0].tariff.deck
    found = deck.find("+447700900123", Kind.VOICE)
    assert found is not None
    assert found.prefix == longest_prefix("+447700900123", ["+44", "+447"])
    assert found.voice is not None
    assert found.voice.increments == Increments(30, 6)
    message = deck.find("+447700900123", Kind.SMS)
    assert message is not None
    assert message.prefix == "+44", "the longest prefix with a price for messages"
    assert deck.find("+41791234567", Kind.VOICE) is None


@pytest.mark.parametrize(
    ("table", "code", "place"),
    [
        ("region,name,percent\nny,Sales tax,4\n", "bad_region", (2, 1)),
        ("region,name,percent\nNY,,4\n", "bad_name", (2, 4)),
        ("region,name,percent\nNY,Sales tax,4%\n", "bad_percent", (2, 14)),
        ("region,name,percent\nNY,Sales tax,-4\n", "bad_percent", (2, 14)),
        ("region,name,percent,per_line\nNY,Sales tax,4,-1\n", "bad_price", (2, 16)),
        ("region,name,percent,per_line\nNY,Sales tax,4,0.123\n", "bad_price", (2, 16)),
        ("region,name,percent\nNY,Sales tax,4\nNY,Sales tax,5\n", "duplicate_tax", (3, 4)),
    ],
)
def test_a_wrong_tax_table_is_said_at_the_cell(plans: Plans, table: str, code: str, place: tuple[int, int]) -> None:
    findings = plans.findings(US + "tax: {table: taxes.csv}\n", taxes=table)
    assert [(one.code, (one.line, one.column)) for one in findings] == [(code, place)]


def test_the_tables_of_the_examples_are_read_whole() -> None:
    for path in Path("examples").glob("*/*.csv"):
        assert path.read_text("utf-8").startswith("# "), "says where its figures come from"
