"""Tax: in the price or on top of it, one or several, and always to the last cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_billing.tax import TaxPolicy, TaxRule, UnknownTaxRegion, taxes
from mvne_plans.money import Money, total
from tests.billing.builders import money

VAT = TaxRule("TVA", Decimal(20))
STATE = TaxRule("State", Decimal("7.25"))
CITY = TaxRule("City", Decimal("2.5"))
LINE_FEE = TaxRule("911", per_line=Money(75, "EUR"))


@pytest.mark.parametrize(
    ("amount", "rules", "inclusive", "lines", "net", "amounts"),
    [
        ("4.90", (VAT,), True, 0, "4.08", ["0.82"]),
        ("12.90", (VAT,), True, 1, "10.75", ["2.15"]),
        ("0.01", (VAT,), True, 0, "0.01", ["0.00"]),
        ("0.03", (VAT,), True, 0, "0.02", ["0.01"]),
        ("-4.90", (VAT,), True, 0, "-4.08", ["-0.82"]),
        ("0", (VAT,), True, 0, "0", ["0.00"]),
        ("10.00", (VAT,), False, 0, "10.00", ["2.00"]),
        ("10.00", (STATE, CITY), False, 0, "10.00", ["0.73", "0.25"]),
        ("10.98", (STATE, CITY), True, 0, "10.00", ["0.73", "0.25"]),
        ("10.00", (STATE, LINE_FEE), False, 1, "10.00", ["0.73", "0.75"]),
        ("10.00", (STATE, LINE_FEE), False, 0, "10.00", ["0.73"]),
        # In a price of 12.75 with 0.75 per line the percentage is in the other 12.00.
        ("12.75", (VAT, LINE_FEE), True, 1, "10.00", ["2.00", "0.75"]),
        ("10.00", (), True, 0, "10.00", []),
        ("10.00", (TaxRule("exempt", Decimal(0)),), True, 0, "10.00", []),
    ],
)
def test_tax_by_hand(
    amount: str, rules: tuple[TaxRule, ...], inclusive: bool, lines: int, net: str, amounts: list[str]
) -> None:
    found, tax_lines = taxes(money(amount), rules, inclusive, lines)
    assert found == money(net)
    assert [line.amount.decimal() for line in tax_lines] == amounts
    assert all(line.base == found for line in tax_lines)


def test_a_tax_line_says_its_rate_as_it_is_written() -> None:
    _, lines = taxes(money("10"), (STATE, VAT), inclusive=False)
    assert [(line.name, line.percent) for line in lines] == [("State", "7.25"), ("TVA", "20")]


rules = st.lists(
    st.builds(
        TaxRule,
        st.sampled_from(["a", "b", "c"]),
        st.decimals(0, 30, places=3),
        st.one_of(st.none(), st.integers(0, 500).map(lambda minor: Money(minor, "EUR"))),
    ),
    max_size=4,
).map(tuple)


@given(st.integers(-(10**12), 10**12), rules, st.booleans(), st.integers(0, 3))
def test_net_and_taxes_make_up_the_total(minor: int, chosen: tuple[TaxRule, ...], inclusive: bool, lines: int) -> None:
    amount = Money(minor, "EUR")
    net, tax_lines = taxes(amount, chosen, inclusive, lines)
    if inclusive:
        assert net + total([line.amount for line in tax_lines], "EUR") == amount
    else:
        assert net == amount
    asked_for = [rule.name for rule in chosen if rule.percent or (rule.per_line and lines)]
    assert [line.name for line in tax_lines] == asked_for


@given(st.integers(0, 10**12), st.decimals(0, 100, places=2))
def test_tax_taken_out_is_the_tax_put_on(minor: int, percent: Decimal) -> None:
    """Out of a price with tax comes a net amount whose tax, put on again, is off by a cent at most."""
    rule = (TaxRule("tax", percent),)
    net, _ = taxes(Money(minor, "EUR"), rule, inclusive=True)
    _, again = taxes(net, rule, inclusive=False)
    assert abs((net + total([line.amount for line in again], "EUR")).minor - minor) <= 1


def test_where_nothing_depends_on_the_place_any_region_will_do() -> None:
    policy = TaxPolicy(True, {None: (VAT,)})
    assert policy.rules(None) == policy.rules("75001") == (VAT,)


def test_a_region_without_a_row_is_an_error_not_a_tax_of_nothing() -> None:
    policy = TaxPolicy(False, {"CA": (STATE,), "OR": ()})
    assert (policy.rules("CA"), policy.rules("OR")) == ((STATE,), ())
    for region in ("NV", None):
        with pytest.raises(UnknownTaxRegion, match="the tax table has CA, OR"):
            policy.rules(region)
