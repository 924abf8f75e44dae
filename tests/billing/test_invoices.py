"""Invoices: what is on them, how they are numbered, what they do to the books, and that they stay as they are."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from mvne_billing import tables
from mvne_billing.invoice import issuing
from mvne_billing.invoice.drafting import Used, draft
from mvne_billing.invoice.invoice import Invoice, Line, LineKind
from mvne_billing.invoice.issuing import Form, InvoiceNotFound, NothingToCredit, credit, issue
from mvne_billing.subscription.addons import Purchase
from mvne_billing.tax import TaxPolicy, TaxRule, UnknownTaxRegion
from mvne_plans.canonical import content_hash, dumps, loads
from mvne_plans.catalogue import Addon, Plan, Promotion, TermNotSold
from mvne_plans.money import Money
from mvne_plans.period import Period
from mvne_plans.quantity import Kind
from tests.billing.builders import (
    PARTIES,
    VAT,
    Books,
    ladder,
    moment,
    money,
    plan,
    subscription,
)

HALF = Promotion("bienvenue", 3, percent=Decimal(50))
TAX_ON_TOP = TaxPolicy(
    False,
    {
        "CA": (TaxRule("State", Decimal("7.25")), TaxRule("911", per_line=money("0.75"))),
        "TWO": (TaxRule("Sales", Decimal(4)), TaxRule("Sales", Decimal(3))),
    },
)


def shown(lines: list[Line]) -> list[tuple[str, str, str, str]]:
    return [(line.kind.value, line.name, line.amount.decimal(), line.quantity) for line in lines]


def drafted(period: int = 0, of: Plan | None = None, ending: bool = False, **changes: Any) -> list[tuple[str, ...]]:
    owner = subscription(next_period=period, **changes)
    return [*shown(draft(owner, of or plan(), {}, [], ending))]


@pytest.mark.parametrize(
    ("period", "lines"),
    [
        (0, [("recurring", "Fan", "30.00", "90 days")]),
        (1, []),
        (2, []),
        (3, [("recurring", "Fan", "45.00", "90 days")]),
        (6, [("recurring", "Fan", "45.00", "90 days")]),
    ],
)
def test_a_term_is_due_when_it_starts_the_first_at_its_own_price(period: int, lines: list[tuple[str, ...]]) -> None:
    assert drafted(period, ladder(), term_periods=3) == lines


def test_a_term_s_line_covers_all_its_periods() -> None:
    (line,) = draft(subscription(next_period=3, term_periods=3), ladder(), {}, [], False)
    assert line.period == Period(moment("2027-05-30 09:00"), moment("2027-08-28 09:00"))


def test_a_month_s_line_covers_the_month_on_the_customer_s_clock() -> None:
    (line,) = draft(subscription(next_period=1), plan(), {}, [], False)
    assert str(line.period) == "2027-04-01T11:00:00+02:00 to 2027-05-01T11:00:00+02:00"
    assert (line.amount, line.micro, line.quantity) == (money("4.90"), 4_900_000, "month")


def test_a_term_that_is_not_sold_is_refused() -> None:
    with pytest.raises(TermNotSold, match="sold for 3, 12 periods of 30 days, not 1"):
        drafted(0, ladder())


def test_at_the_end_nothing_is_due_in_advance() -> None:
    assert drafted(1, ending=True) == []


@pytest.mark.parametrize(
    ("promotion", "prices"),
    [
        (HALF, ["-2.45", "-2.45", "-2.45", None]),
        (replace(HALF, periods=1), ["-2.45", None]),
        (Promotion("fix", 2, amount=money("1.50")), ["-1.50", "-1.50", None]),
        (Promotion("more than all", 1, amount=money("9.00")), ["-4.90", None]),
        (Promotion("more than all", 1, percent=Decimal(120)), ["-4.90", None]),
        (Promotion("nothing", 1, percent=Decimal(0)), [None]),
    ],
    ids=["half", "one period", "amount", "amount above the price", "above 100 %", "0 %"],
)
def test_a_promotion_holds_for_its_periods(promotion: Promotion, prices: list[str | None]) -> None:
    for period, off in enumerate(prices):
        lines = drafted(period, promotion=dumps(promotion))
        expected = [] if off is None else [("promotion", promotion.id, off, "")]
        assert lines == [("recurring", "Douceur", "4.90", "month"), *expected]


@pytest.mark.parametrize(
    ("periods", "next_period", "price", "off"),
    [(3, 0, "30.00", "-15.00"), (1, 0, "30.00", "-5.00"), (6, 3, "45.00", "-22.50"), (4, 3, "45.00", "-7.50")],
    ids=["a whole term", "one of three", "the next term", "one of the next"],
)
def test_a_promotion_reduces_the_periods_of_a_term_that_are_within_it(
    periods: int, next_period: int, price: str, off: str
) -> None:
    promotion = dumps(replace(HALF, periods=periods))
    assert drafted(next_period, ladder(), term_periods=3, promotion=promotion) == [
        ("recurring", "Fan", price, "90 days"),
        ("promotion", "bienvenue", off, ""),
    ]


def test_a_promotion_is_over_when_its_periods_are() -> None:
    promotion = dumps(replace(HALF, periods=3))
    assert drafted(3, ladder(), term_periods=3, promotion=promotion) == [("recurring", "Fan", "45.00", "90 days")]


def test_fees_are_on_what_is_really_paid() -> None:
    with_fee = plan(fees=(("recovery", Decimal("1.5")), ("nothing", Decimal(0))))
    assert drafted(0, with_fee, promotion=dumps(HALF)) == [
        ("recurring", "Douceur", "4.90", "month"),
        ("promotion", "bienvenue", "-2.45", ""),
        ("fee", "recovery", "0.04", "1.5 %"),
    ]


def test_use_and_add_ons_are_due_in_arrears_also_at_the_end() -> None:
    used = {Kind.DATA: Used(1_500_000_000, 1_234_567), Kind.VOICE: Used(5400, 0), Kind.SMS: Used(3, 4_999)}
    bought = Purchase(
        "p1", "line-a", Addon("a", "1 GB", money("3"), ()), Period(moment("2027-03-05"), moment("2027-04-01"))
    )
    lines = draft(subscription(next_period=1), plan(), used, [bought], True)
    assert shown(lines) == [
        ("addon", "1 GB", "3.00", ""),
        ("usage", "sms", "0.00", "3 sms"),
        ("usage", "data", "1.23", "1.5 GB"),
    ]
    assert lines[0].period == bought.valid
    assert [line.micro for line in lines] == [3_000_000, 4_999, 1_234_567]


LINES = (
    Line(LineKind.RECURRING, "Douceur", money("4.90"), 4_900_000, "month"),
    Line(LineKind.USAGE, "voice", money("0.55"), 547_501, "11 min"),
)


def issued(books: Books, invoice_id: str = "inv-1", policy: TaxPolicy = VAT, **changes: Any) -> Invoice:
    """Issue LINES to a subscription of any make, and book the use they bill so that the books hold."""
    with books.transact() as conn:
        return issue(
            conn,
            books.brand,
            invoice_id,
            subscription(**changes),
            LINES,
            Form(policy, PARTIES),
            moment("2027-04-01 09:00"),
        )


def test_an_invoice_says_everything_and_adds_up(books: Books) -> None:
    document = issued(books)
    assert document.number == books.number(1)
    assert (document.net, document.tax, document.total) == (money("4.54"), money("0.91"), money("5.45"))
    assert (document.kind, document.tax_included, document.corrects) == ("invoice", True, None)
    assert (document.lines, document.parties, document.timezone) == (LINES, PARTIES, "Europe/Paris")
    with books.transact() as conn:
        assert issuing.get(conn, books.brand, "inv-1") == document
        assert issuing.of_subscription(conn, books.brand, "line-a") == [document]
        row = conn.execute(select(tables.invoice).where(tables.invoice.c.brand == books.brand)).one()
    assert row.hash == content_hash(document) == content_hash(loads(Invoice, row.content))
    assert (row.net_minor, row.tax_minor, row.total_minor) == (454, 91, 545)


def test_tax_on_top_is_added(books: Books) -> None:
    document = issued(books, policy=TAX_ON_TOP, tax_region="CA")
    assert [(tax.name, tax.amount.decimal()) for tax in document.taxes] == [("State", "0.40"), ("911", "0.75")]
    assert (document.net, document.total) == (money("5.45"), money("6.60"))


@pytest.mark.parametrize(
    ("policy", "region", "expected"),
    [
        (
            VAT,
            None,
            {
                "receivable:line-a": 5_450_000,
                "unbilled:line-a": -547_501,
                "rounding": -2_499,
                "revenue:recurring": -4_900_000,
                "revenue:tax_included": 910_000,
                "tax:TVA": -910_000,
            },
        ),
        (
            TAX_ON_TOP,
            "TWO",
            {
                "receivable:line-a": 5_830_000,
                "unbilled:line-a": -547_501,
                "rounding": -2_499,
                "revenue:recurring": -4_900_000,
                "tax:Sales": -380_000,
            },
        ),
    ],
    ids=["tax in the price", "two taxes of one name on top"],
)
def test_an_invoice_moves_use_to_what_is_owed_and_tax_to_the_state(
    books: Books, policy: TaxPolicy, region: str | None, expected: dict[str, int]
) -> None:
    issued(books, policy=policy, tax_region=region)
    assert books.balances() == dict(sorted(expected.items()))


def test_the_same_invoice_again_is_the_one_that_was_issued(books: Books) -> None:
    first = issued(books)
    entries = books.transfers()
    assert issued(books) == first
    assert (books.transfers(), issued(books, "inv-2").number) == (entries, books.number(2))


def test_an_unknown_tax_region_takes_no_number(books: Books) -> None:
    with pytest.raises(UnknownTaxRegion):
        issued(books, policy=TAX_ON_TOP, tax_region="NV")
    assert issued(books).number == books.number(1)


@pytest.mark.parametrize(
    ("at", "timezone", "series"),
    [
        ("2027-12-31 22:59", "Europe/Paris", "2027"),
        ("2027-12-31 23:00", "Europe/Paris", "2028"),
        ("2028-01-01 07:59", "America/Los_Angeles", "2027"),
    ],
)
def test_the_year_of_a_number_is_the_customer_s(books: Books, at: str, timezone: str, series: str) -> None:
    owner = subscription(timezone=timezone)
    books.subscribe(owner)
    with books.transact() as conn:
        document = issue(conn, books.brand, "inv-1", owner, LINES, Form(VAT, PARTIES), moment(at))
        note = credit(conn, books.brand, "note-1", "inv-1", moment(at))
    assert (document.number, note.number) == (books.number(1, series), books.number(1, f"{series}-C"))


def test_numbers_have_no_gap_however_many_issue_at_once(books: Books) -> None:
    errors: list[BaseException] = []
    gate = threading.Barrier(4)

    def work(worker: int) -> None:
        gate.wait(10)
        try:
            for place in range(6):
                if place == 3:
                    with pytest.raises(RuntimeError):
                        abandon(books, f"lost-{worker}")
                issued(books, f"inv-{worker}-{place}")
        except BaseException as error:  # whatever went wrong in a thread is shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    with books.transact() as conn:
        numbers = [one.number for one in issuing.of_subscription(conn, books.brand, "line-a")]
    assert sorted(numbers) == [books.number(place) for place in range(1, 25)]


def abandon(books: Books, invoice_id: str) -> None:
    """Issue an invoice in a transaction that does not end well."""
    with books.transact() as conn:
        issue(conn, books.brand, invoice_id, subscription(), LINES, Form(VAT, PARTIES), moment("2027-04-01"))
        raise RuntimeError


def test_each_brand_counts_for_itself(books: Books) -> None:
    beside = Books(books.engine, f"{books.brand}-beside")
    assert [issued(books).number, issued(beside).number] == [books.number(1), beside.number(1)]
    with books.transact() as conn:
        assert issuing.find(conn, "somebody-else", "inv-1") is None
        assert issuing.of_subscription(conn, "somebody-else", "line-a") == []
        with pytest.raises(InvoiceNotFound, match="somebody-else"):
            credit(conn, "somebody-else", "note-1", "inv-1", moment("2027-04-02"))


@pytest.mark.parametrize(("policy", "region"), [(VAT, None), (TAX_ON_TOP, "CA")], ids=["in the price", "on top"])
def test_a_credit_note_takes_everything_back(books: Books, policy: TaxPolicy, region: str | None) -> None:
    books.subscribe(subscription(tax_region=region))
    document = issued(books, policy=policy, tax_region=region)
    with books.transact() as conn:
        note = credit(conn, books.brand, "note-1", "inv-1", moment("2027-04-02"))
        assert credit(conn, books.brand, "note-1", "inv-1", moment("2027-04-03")) == note
        assert issuing.credit_of(conn, books.brand, "inv-1") == note
        assert issuing.credit_of(conn, books.brand, "note-1") is None
    assert (note.number, note.corrects, note.kind) == (books.number(1, "2027-C"), "inv-1", "credit_note")
    assert (note.net, note.tax, note.total) == (-document.net, -document.tax, -document.total)
    assert [(line.kind, line.name) for line in note.lines] == [(LineKind.CREDIT, document.number)]
    held = books.balances()
    assert held["receivable:line-a"] == 0
    assert all(micro == 0 for account, micro in held.items() if account.startswith("tax:"))


def test_an_invoice_is_credited_once_and_a_credit_note_never(books: Books) -> None:
    books.subscribe()
    issued(books)
    with books.transact() as conn:
        credit(conn, books.brand, "note-1", "inv-1", moment("2027-04-02"))
    for note, what in (("note-2", "inv-1"), ("note-3", "note-1")):
        with pytest.raises(NothingToCredit), books.transact() as conn:
            credit(conn, books.brand, note, what, moment("2027-04-02"))
    with pytest.raises(InvoiceNotFound), books.transact() as conn:
        credit(conn, books.brand, "note-4", "inv-9", moment("2027-04-02"))


def test_credited_by_two_at_once_it_is_credited_once(books: Books) -> None:
    books.subscribe()
    issued(books)
    gate = threading.Barrier(2)
    refusals: list[type[BaseException]] = []

    def work(note_id: str) -> None:
        gate.wait(10)
        try:
            with books.transact() as conn:
                credit(conn, books.brand, note_id, "inv-1", moment("2027-04-02"))
        except NothingToCredit as refusal:
            refusals.append(type(refusal))

    threads = [threading.Thread(target=work, args=(f"note-{worker}",)) for worker in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert refusals == [NothingToCredit]
    assert books.balances()["receivable:line-a"] == 0


def test_the_database_refuses_a_second_credit_note_and_sums_that_do_not_add_up(books: Books) -> None:
    books.subscribe()
    issued(books)
    with books.transact() as conn:
        credit(conn, books.brand, "note-1", "inv-1", moment("2027-04-02"))
        query = select(tables.invoice).where(tables.invoice.c.brand == books.brand, tables.invoice.c.id == "note-1")
        row = dict(conn.execute(query).one()._mapping)
    for change in ({"id": "x", "number": "x"}, {"id": "x", "number": "x", "corrects": None, "net_minor": 1}):
        with pytest.raises(IntegrityError), books.transact() as conn:
            conn.execute(insert(tables.invoice).values(row | change))


def test_an_invoice_of_nothing_moves_nothing(books: Books) -> None:
    free = (
        Line(LineKind.RECURRING, "Douceur", Money(490, "EUR"), 4_900_000),
        Line(LineKind.PROMOTION, "all", Money(-490, "EUR"), -4_900_000),
    )
    with books.transact() as conn:
        document = issue(conn, books.brand, "inv-1", subscription(), free, Form(VAT, PARTIES), moment("2027-04-01"))
    assert (document.total, books.balances()["receivable:line-a"], books.faults()) == (money("0"), 0, ())


def test_a_document_survives_storage_to_the_byte(books: Books) -> None:
    books.subscribe()
    books.load([])
    (document,) = books.bill("2027-03-02")
    with books.transact() as conn:
        stored = issuing.get(conn, books.brand, document.id)
    assert stored == document
    assert dumps(stored) == dumps(document)
