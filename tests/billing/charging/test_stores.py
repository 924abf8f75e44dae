"""The stores: a batch is written whole or not at all, over the versions that it knows, and the durability is named."""

from __future__ import annotations

from dataclasses import fields

import pytest
from sqlalchemy import select

from mvne_billing.charging import rows
from mvne_billing.charging.effects import Batch
from mvne_billing.charging.postgresql_store import PostgresqlStore
from mvne_billing.charging.sqlite_store import SqliteStore
from mvne_billing.charging.store import ChargingStore, Moved
from mvne_billing.tables import allowance, balance, crossing, metadata, session, session_request, suspense, transfer
from tests.billing.charging.till import A, Till

AT = "2027-03-05 10:00:00.000000"


def batch(brand: str, version: int = 1, request: str = "s") -> Batch:
    """A batch with a row for every table; the ledger's own rules are not asked of it."""
    made = Batch()
    made.balances.append((5_000_000, 5_000_000, version + 1, brand, A, version))
    made.allowances.append((brand, A, "data", AT, 7, 8))
    made.opened.append((brand, request, A, "open", AT, AT, 3, 5_000_000, '{"a":"\\"quoted\\" and \\\\ slashed"}'))
    made.requests.append((brand, request, 3, "0" * 32, '["{1,2}",null]', AT))
    made.crossings.append((brand, f"c-{request}", A, "stop", "data", AT, request, AT))
    made.suspense.append((brand, f"x-{request}", "no_tariff", "why", "{}", "charging", AT))
    made.wholesale.append((brand, "wholesale:data", AT, 4))
    return made


@pytest.fixture
def store(till: Till) -> ChargingStore:
    till.line()
    till.open()
    assert till.store is not None
    return till.store


def test_a_batch_is_written_to_every_table(till: Till, store: ChargingStore) -> None:
    store.write(0, batch(till.books.brand))
    (row,) = till.rows(session)
    assert row["content"] == '{"a":"\\"quoted\\" and \\\\ slashed"}'
    assert (row["sequence"], row["valid_until"].isoformat()) == (3, "2027-03-05T10:00:00+00:00")
    (told,) = till.rows(session_request)
    assert told["answer"] == '["{1,2}",null]'
    assert len(till.rows(crossing)) == len(till.rows(suspense)) == 1
    assert {one["bucket"]: (one["used"], one["reserved"]) for one in till.rows(allowance)} == {
        "data": (7, 8),
        "wholesale:data": (4, 0),
    }
    again = Batch()
    again.balances.append((10_000_000, 0, 3, till.books.brand, A, 2))
    again.wholesale += [(till.books.brand, "wholesale:data", AT, 5)]
    again.allowances.append((till.books.brand, A, "data", AT, 0, 0))
    again.sessions.append((till.books.brand, "s", A, "closed", AT, AT, 4, 0, "{}"))
    store.write(0, again)
    assert {one["bucket"]: one["used"] for one in till.rows(allowance)} == {"data": 0, "wholesale:data": 9}
    (row,) = till.rows(session)
    assert (row["state"], row["content"], row["sequence"]) == ("closed", "{}", 4)


@pytest.mark.parametrize("wrong", ["version", "request"])
def test_nothing_of_a_batch_is_written_when_one_row_of_it_cannot_be(
    till: Till, store: ChargingStore, wrong: str
) -> None:
    first = batch(till.books.brand)
    first.opened, first.balances = [], [(10_000_000, 0, 2, till.books.brand, A, 1)]
    first.allowances = []
    store.write(0, first)
    before = [till.rows(table) for table in (balance, session, session_request, allowance, crossing)]
    second = batch(till.books.brand, 1 if wrong == "version" else 2, "t" if wrong == "version" else "s")
    with pytest.raises(Moved):
        store.write(0, second)
    assert [till.rows(table) for table in (balance, session, session_request, allowance, crossing)] == before


def test_a_balance_below_its_floor_is_not_a_matter_of_trying_again(till: Till, store: ChargingStore) -> None:
    wrong = Batch()
    wrong.balances.append((-1, 0, 2, till.books.brand, A, 1))
    with pytest.raises(Exception, match="not_overdrawn") as caught:
        store.write(0, wrong)
    assert not isinstance(caught.value, Moved)
    assert till.money() == (10_000_000, 0)


def test_the_durability_is_what_the_store_itself_says(till: Till, store: ChargingStore) -> None:
    if isinstance(store, SqliteStore):
        assert store.durability == "sqlite wal synchronous=FULL group-commit"
    else:
        # The tests' own server throws its data away.
        assert store.durability == "postgresql synchronous_commit=off fsync=off group-commit"
    assert till.line("line-b").create(line="line-b").durability == store.durability


def test_lines_are_spread_over_the_writers_of_postgresql(till: Till, store: ChargingStore) -> None:
    assert store.lanes == (2 if isinstance(store, PostgresqlStore) else 1)


def test_a_lost_connection_is_opened_again(till: Till, store: ChargingStore) -> None:
    from mvne_billing.charging.session import Units
    from tests.billing.charging.till import CALL

    till.create(Units(1, CALL, 60))
    if isinstance(store, SqliteStore):
        return  # a file has no connection to lose
    with till.books.engine.begin() as conn:
        conn.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%%WITH balances%%'"
        )
    assert till.release(1, Units(1, used=60)).charged_micro >= 0


@pytest.mark.parametrize(
    ("columns", "table"),
    [
        (rows.SESSION, session),
        (rows.REQUEST, session_request),
        (rows.TRANSFER, transfer),
        (rows.CROSSING, crossing),
        (rows.SUSPENSE, suspense),
        (rows.ALLOWANCE, allowance),
    ],
)
def test_rows_have_the_columns_of_their_tables(columns: tuple[str, ...], table: object) -> None:
    assert set(columns) <= set(table.c.keys())  # type: ignore[attr-defined]  # a table has columns
    assert set(metadata.tables) >= {"billing_session", "billing_session_request"}


def test_a_batch_names_every_list_that_a_store_writes() -> None:
    from mvne_billing.charging.postgresql_store import _PARTS

    assert {one.name for one in fields(Batch)} == set(_PARTS)
    assert select(balance) is not None


def test_half_a_batch_is_never_left_to_the_next(till: Till, store: ChargingStore) -> None:
    wrong = Batch()
    wrong.balances.append((10_000_000, 0, 2, till.books.brand, A, 1))
    wrong.requests.append((till.books.brand, "s", 2**70, "0" * 32, "[]", AT))
    with pytest.raises(Exception, match=r"int|range"):
        store.write(0, wrong)
    wrong.requests = []
    store.write(0, wrong)
    assert till.rows(session_request) == []
