"""The ledger: what is in it stays, what comes twice counts once, and verify sees every hand that touched it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, insert, text
from sqlalchemy.exc import DBAPIError, StatementError

from mvne_billing import tables
from mvne_billing.ledger import verifying
from mvne_billing.ledger.books import balance, balances, transfers
from mvne_billing.ledger.transfer import Entry, InvalidTransfer, Transfer, TransferConflict, correct, move, post
from mvne_billing.ledger.verifying import verify
from tests.billing.builders import Books, calls, moment, open_books

AT = moment("2027-03-01")


def transfer(transfer_id: str = "t-1", **changes: Any) -> Transfer:
    return replace(Transfer(transfer_id, "cash", "revenue", 1_000, "EUR", "sale", AT, "inv-1", "line-a"), **changes)


def test_a_transfer_is_both_sides(books: Books) -> None:
    with books.transact() as conn:
        assert post(conn, books.brand, [transfer(), transfer("t-2", micro=5)]) == 2
    with books.transact() as conn:
        assert balances(conn, books.brand) == {"EUR": {"cash": 1_005, "revenue": -1_005}}
        assert (
            balance(conn, books.brand, "cash"),
            balance(conn, books.brand, "revenue"),
            balance(conn, books.brand, "x"),
        ) == (
            1_005,
            -1_005,
            0,
        )


def test_the_same_transfer_again_is_no_new_one(books: Books) -> None:
    elsewhere = transfer(at=AT.astimezone(timezone(timedelta(hours=9))))
    with books.transact() as conn:
        assert [post(conn, books.brand, [transfer(), transfer()]), post(conn, books.brand, [elsewhere])] == [1, 0]
        assert balance(conn, books.brand, "cash") == 1_000


@pytest.mark.parametrize(
    "change",
    [
        {"micro": 1_001},
        {"debit": "cash:2"},
        {"credit": "revenue:2"},
        {"currency": "USD"},
        {"code": "gift"},
        {"at": AT + timedelta(microseconds=1)},
        {"reference": "inv-2"},
        {"subscription": None},
        {"corrects": "t-0"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_id_with_other_content_is_refused(change: dict[str, Any]) -> None:
    with open_books() as books, books.transact() as conn:
        post(conn, books.brand, [transfer()])
        with pytest.raises(TransferConflict, match="t-1"):
            post(conn, books.brand, [transfer(**change)])
        with pytest.raises(TransferConflict, match="t-2"):
            post(conn, books.brand, [transfer("t-2"), transfer("t-2", **change)])
        assert [one.id for one, _ in transfers(conn, books.brand)] == ["t-1"]


def test_another_brand_has_books_of_its_own(books: Books) -> None:
    with books.transact() as conn:
        assert [
            post(conn, brand, [transfer(micro=1 + place)]) for place, brand in enumerate((books.brand, "beside"))
        ] == [1, 1]
        assert [balance(conn, brand, "cash") for brand in (books.brand, "beside", "none")] == [1, 2, 0]


def test_more_transfers_than_fit_one_lookup_are_posted_once(books: Books) -> None:
    many = [transfer(f"t-{number:05}") for number in range(1_201)]
    with books.transact() as conn:
        assert post(conn, books.brand, many + many[:10]) == 1_201
        assert post(conn, books.brand, many) == 0
        assert balance(conn, books.brand, "cash") == 1_201_000


@pytest.mark.parametrize("change", [{"micro": 0}, {"micro": -1}, {"debit": "revenue"}], ids=str)
def test_a_transfer_moves_something_from_one_account_to_another(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidTransfer, match="t-1"):
        transfer(**change)


LIKE = Entry("EUR", "usage", AT, "batch")


def test_a_signed_amount_chooses_its_side() -> None:
    assert move("m", "a", "b", 0, LIKE) == ()
    assert [(one.debit, one.credit, one.micro) for one in move("m", "a", "b", 7, LIKE)] == [("a", "b", 7)]
    assert [(one.debit, one.credit, one.micro) for one in move("m", "a", "b", -7, LIKE)] == [("b", "a", 7)]


@pytest.mark.parametrize("table", tables.APPEND_ONLY, ids=lambda table: table.name)
@pytest.mark.parametrize("verb", ["UPDATE {0} SET brand = 'other'", "DELETE FROM {0}"])
def test_the_database_refuses_to_change_what_only_grows(books: Books, table: Table, verb: str) -> None:
    filled(books)
    books.load(calls(1, first="2027-04-03 08:00", prefix="wrong"), "batch-3")
    books.unload("batch-3")
    with pytest.raises(DBAPIError, match="append-only"), books.transact() as conn:
        conn.execute(text(verb.format(table.name)))
    assert books.faults() == ()


def test_what_only_grows_is_not_emptied_at_a_stroke(books: Books) -> None:
    filled(books)
    verb = "TRUNCATE billing_transfer" if books.engine.dialect.name == "postgresql" else "DELETE FROM billing_transfer"
    with pytest.raises(DBAPIError, match="append-only"), books.transact() as conn:
        conn.execute(text(verb))


@pytest.mark.parametrize(
    "bad",
    [
        {"micro": 0},
        {"micro": -1},
        {"debit": "revenue"},
    ],
    ids=str,
)
def test_the_database_refuses_what_is_no_transfer(books: Books, bad: dict[str, Any]) -> None:
    row = {"brand": books.brand, "id": "t", "debit": "cash", "credit": "revenue", "micro": 1, "currency": "EUR"}
    row |= {"code": "sale", "at": AT, "reference": "x", "hash": "x"}
    with pytest.raises(DBAPIError), books.transact() as conn:
        conn.execute(insert(tables.transfer).values({**row, **bad}))


def test_a_correction_takes_back_and_names_what_it_corrects(books: Books) -> None:
    later = AT + timedelta(days=1)
    fix = correct(transfer(), "t-1:back", later, "ticket-7")
    assert (fix.corrects, fix.at, fix.reference, fix.code) == ("t-1", later, "ticket-7", "sale")
    with books.transact() as conn:
        assert post(conn, books.brand, [transfer(), fix]) == 2
        assert post(conn, books.brand, [fix]) == 0
        assert balances(conn, books.brand) == {"EUR": {"cash": 0, "revenue": 0}}
    assert books.faults() == ()


def test_a_correction_of_nothing_is_a_fault(books: Books) -> None:
    with books.transact() as conn:
        post(conn, books.brand, [correct(transfer(), "t-1:back", AT, "ticket-7")])
    assert books.faults() == ("transfer t-1:back corrects t-1, which is not there",)


accounts = st.sampled_from(["cash", "bank", "revenue", "rounding"])
random_transfers = st.lists(
    st.tuples(
        accounts,
        accounts,
        st.integers(1, 10**15),
        st.sampled_from(["EUR", "USD", "JPY"]),
        st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # given a zone
    ).filter(lambda row: row[0] != row[1]),
    max_size=25,
)


@settings(max_examples=25)
@given(random_transfers, st.data())
def test_whatever_is_posted_the_books_balance(
    rows: list[tuple[str, str, int, str, datetime]], data: st.DataObject
) -> None:
    posted = [
        Transfer(f"t-{place}", debit, credit, micro, currency, "any", at, "ref")
        for place, (debit, credit, micro, currency, at) in enumerate(rows)
    ]
    again = data.draw(st.lists(st.sampled_from(posted), max_size=10)) if posted else []
    back = [correct(one, f"{one.id}:back", AT, "undo") for one in dict.fromkeys(again)]
    with open_books() as books:
        with books.transact() as conn:
            assert post(conn, books.brand, posted) == len(posted)
            assert post(conn, books.brand, again) == 0
            assert post(conn, books.brand, back) == len(back)
            held = balances(conn, books.brand)
            verified = verify(conn, books.brand)
        assert all(sum(accounts_.values()) == 0 for accounts_ in held.values())
        expected: Counter[tuple[str, str]] = Counter()
        for one in posted:
            if f"{one.id}:back" not in {fix.id for fix in back}:
                expected[one.currency, one.debit] += one.micro
                expected[one.currency, one.credit] -= one.micro
        assert {(c, a): micro for c, found in held.items() for a, micro in found.items() if micro} == {
            key: micro for key, micro in expected.items() if micro
        }
        assert (verified.faults, verified.transfers) == ((), len(posted) + len(back))


def test_what_is_written_reads_back_whole(books: Books) -> None:
    written = [transfer("t-1"), transfer("t-2", corrects="t-1", subscription=None)]
    with books.transact() as conn:
        post(conn, books.brand, written)
    with books.transact() as conn:
        assert [one for one, _ in transfers(conn, books.brand)] == written
        assert all(one.content_hash() == stored for one, stored in transfers(conn, books.brand))


def test_verifying_leaves_its_connection_fit_for_writing(books: Books) -> None:
    with books.transact() as conn:
        post(conn, books.brand, [transfer()])
        verify(conn, books.brand)
        assert post(conn, books.brand, [transfer("t-2")]) == 1


def filled(books: Books) -> None:
    """Give the books a life: calls rated and billed, some still open."""
    books.subscribe()
    books.load(calls(80), "batch-1")
    books.bill("2027-04-01 12:00")
    books.load(calls(70, first="2027-04-02 08:00", prefix="april"), "batch-2")


@contextmanager
def unguarded(conn: Connection) -> Iterator[None]:
    """Do what somebody with the database's own rights can do: take the guards off the tables, and put them back."""
    names = [table.name for table in tables.APPEND_ONLY]
    if conn.dialect.name == "sqlite":
        for name in names:
            conn.execute(text(f"DROP TRIGGER {name}_no_update"))
            conn.execute(text(f"DROP TRIGGER {name}_no_delete"))
        yield
        return
    for name in names:
        conn.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER ALL"))
    yield
    for name in names:
        conn.execute(text(f"ALTER TABLE {name} ENABLE TRIGGER ALL"))


CHANGED = "document NUMBER was changed after it was issued"


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (
            "UPDATE billing_transfer SET micro = 1 WHERE id = 'usage:call-00000:cost'",
            "transfer usage:call-00000:cost was changed after it was written",
        ),
        (
            "UPDATE billing_transfer SET credit = 'elsewhere' WHERE id = 'usage:call-00000:cost'",
            "transfer usage:call-00000:cost was changed after it was written",
        ),
        ("DELETE FROM billing_transfer WHERE code = 'usage' AND debit = 'cost:voice'", "cost:voice holds 0"),
        ("DELETE FROM billing_transfer WHERE credit = 'revenue:usage:voice'", "revenue:usage:voice holds 0"),
        ("DELETE FROM billing_transfer WHERE code = 'invoice'", "receivable:line-a holds 0"),
        ("UPDATE billing_usage SET charge_micro = 1 WHERE id = 'call-00079'", "revenue:usage:voice holds"),
        ("UPDATE billing_usage SET cost_micro = 1 WHERE id = 'call-00079'", "cost:voice holds"),
        ("UPDATE billing_usage SET invoice = NULL WHERE id = 'call-00079'", "unbilled:line-a holds"),
        ("UPDATE billing_usage SET invoice = 'x' WHERE invoice IS NULL", "unbilled:line-a holds"),
        ("DELETE FROM billing_usage WHERE id = 'call-00079'", "revenue:usage:voice holds"),
        ("UPDATE billing_invoice SET total_minor = 1, net_minor = 1, tax_minor = 0 WHERE number = 'NUMBER'", CHANGED),
        ("UPDATE billing_invoice SET subscription = 'line-b' WHERE number = 'NUMBER'", CHANGED),
        ("UPDATE billing_invoice SET content = content || ' ' WHERE number = 'NUMBER'", CHANGED),
        (
            "DELETE FROM billing_invoice WHERE number = 'NUMBER'",
            "2 documents of series SERIES were issued; 1 are there",
        ),
    ],
    ids=[
        "amount",
        "account",
        "cost gone",
        "earnings gone",
        "invoice's transfers gone",
        "price of a record",
        "cost of a record",
        "record made open",
        "record taken as billed",
        "record gone",
        "invoice total",
        "invoice owner",
        "invoice content",
        "invoice gone",
    ],
)
def test_verify_sees_each_kind_of_tampering(books: Books, tamper: str, fault: str) -> None:
    filled(books)
    assert books.faults() == ()
    with books.transact() as conn, unguarded(conn):
        statement = text(f"{tamper.replace('NUMBER', books.number(1))} AND brand = :brand")
        assert conn.execute(statement, {"brand": books.brand}).rowcount > 0
    fault = fault.replace("NUMBER", books.number(1)).replace("SERIES", f"{books.brand.upper()}-2027")
    assert any(fault in line for line in books.faults()), books.faults()


def test_verify_counts_and_balances_what_it_read(books: Books) -> None:
    filled(books)
    with books.engine.connect() as conn:
        verified = verify(conn, books.brand)
    assert verified.transfers == books.transfers()
    assert sum(verified.balances["EUR"].values()) == 0
    with books.engine.connect() as conn:
        assert verify(conn, "nobody") == type(verified)(0, {}, ())


def test_accounts_that_do_not_add_up_are_a_fault() -> None:
    """No row of the ledger can do this; the check stands in case the sums themselves go wrong."""
    assert list(verifying._sums({"EUR": {"cash": 3, "revenue": -3}, "USD": {"cash": 1}})) == [
        "the accounts in USD add up to 1 micro-units, not to 0"
    ]


def test_a_moment_without_a_time_zone_is_not_stored(books: Books) -> None:
    with pytest.raises(StatementError, match="has no time zone"), books.transact() as conn:
        post(conn, books.brand, [transfer(at=AT.replace(tzinfo=None))])


def test_a_moment_is_read_in_utc_whatever_zone_it_was_written_in(books: Books) -> None:
    with books.transact() as conn:
        post(conn, books.brand, [transfer(at=AT.astimezone(timezone(timedelta(hours=9))))])
        ((read, _),) = transfers(conn, books.brand)
    assert read.at.isoformat() == "2027-03-01T00:00:00+00:00"
