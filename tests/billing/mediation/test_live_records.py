"""Records of use that a live session charged: not charged again, compared, and what differs is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import insert

from mvne_billing.mediation.live import differences
from mvne_billing.states import UsageState
from mvne_billing.tables import session as session_table
from mvne_billing.tables import usage as usage_table
from mvne_billing.usage.record import UsageRecord
from tests.billing.builders import Books, moment, record
from tests.billing.mediation.looking import owed, reasons, stored, used


def charge_live(books: Books, units: int, state: str = "closed", session: str = "s", written: bool = True) -> None:
    """Let a session be there that charged a call live, and, once it is over, its row of usage."""
    row: dict[str, Any] = {"brand": books.brand, "id": session, "subscription": "line-a", "state": state}
    row |= {"opened_at": moment("2027-03-05 10:00"), "valid_until": moment("2027-03-05 11:00"), "sequence": 2}
    with books.transact() as conn:
        conn.execute(insert(session_table), row | {"reserved_micro": 0, "content": "{}"})
        if written:
            conn.execute(insert(usage_table), _row(books, units, session))


def _row(books: Books, units: int, session: str) -> dict[str, Any]:
    one = record(units, record_id=f"{session}:1")
    return {
        "brand": books.brand,
        "id": one.id,
        "hash": one.content_hash(),
        "batch": "live",
        "subscription": "line-a",
        "plan": "douceur",
        "version": 1,
        "kind": one.kind,
        "start": one.start,
        "amount": units,
        "msisdn": one.msisdn,
        "to": one.to,
        "country": "FR",
        "destination": "France",
        "parts": "[]",
        "charge_micro": 0,
        "cost_micro": 0,
        "cost_rule": "",
        "currency": "EUR",
        "invoice": "paid_live",
        "session": session,
        "state": UsageState.LIVE,
    }


def told(amount: int, record_id: str = "cdr-1", session: str = "s") -> UsageRecord:
    return replace(record(amount, record_id=record_id), session=session)


def different(books: Books) -> list[tuple[int, int]]:
    with books.engine.connect() as conn:
        return [(one.charged, one.recorded) for one in differences(conn, books.brand)]


def test_a_record_of_what_was_charged_live_costs_nothing_again(books: Books) -> None:
    books.subscribe()
    charge_live(books, 600)
    loaded = books.load([told(600)])
    assert (loaded.rated, loaded.matched, loaded.charge_micro) == (0, 1, 0)
    assert stored(books, "cdr-1")["cdr-1"].state is UsageState.MATCHED
    assert (used(books), different(books), owed(books)) == ({}, [], 0)
    assert books.load([told(600)], "again").duplicates == 1
    assert books.faults() == ()


def test_partial_records_are_added_up_and_until_all_are_there_it_is_seen(books: Books) -> None:
    books.subscribe()
    charge_live(books, 600)
    assert different(books) == []
    books.load([told(200, "a")])
    assert different(books) == [(600, 200)]
    books.load([told(300, "b"), told(100, "c")], "b2")
    assert different(books) == []


def test_more_use_than_was_charged_waits_for_a_person(books: Books) -> None:
    books.subscribe()
    charge_live(books, 600)
    books.load([told(500, "a"), replace(told(101, "b"), start=moment("2027-03-05 10:08"))])
    assert reasons(books) == [("b", "charged_live")]
    assert different(books) == [(600, 500)]
    assert books.replay().matched == 0


def test_while_the_session_is_open_its_records_wait(books: Books) -> None:
    books.subscribe()
    charge_live(books, 600, "open", written=False)
    assert dict(books.load([told(600)]).suspended) == {"charged_live": 1}
    with books.transact() as conn:
        conn.execute(session_table.update().where(session_table.c.brand == books.brand).values(state="closed"))
        conn.execute(insert(usage_table), _row(books, 600, "s"))
    assert books.replay().matched == 1


def test_a_record_of_another_session_line_or_kind_is_priced_as_ever(books: Books) -> None:
    books.subscribe()
    charge_live(books, 600)
    loaded = books.load([told(60, "a", "other"), record(60, record_id="b", start="2027-03-05 12:00")])
    assert (loaded.rated, loaded.matched) == (2, 0)


def test_use_of_a_session_that_charged_nothing_of_the_kind_waits(books: Books) -> None:
    """A session that was refused leaves no row: if the network let the use through all the same, somebody looks."""
    books.subscribe()
    charge_live(books, 0, "closed", written=False)
    assert dict(books.load([told(60)]).suspended) == {"charged_live": 1}


def test_a_matched_record_can_be_corrected_and_unloaded(books: Books) -> None:
    books.subscribe()
    charge_live(books, 600)
    books.load([told(500)])
    assert books.load([replace(told(600, "fix"), corrects="cdr-1")], "b2").matched == 1
    assert different(books) == []
    books.unload("b2")
    assert different(books) == [(600, 500)]
    books.unload("batch-1")
    assert different(books) == []
    assert books.load([told(600, "fix")], "b3").matched == 1
    assert different(books) == []
    assert books.faults() == ()


def test_rating_again_leaves_live_use_as_it_is(books: Books) -> None:
    books.subscribe()
    charge_live(books, 600)
    books.load([told(600), record(60, record_id="b", start="2027-03-05 12:00")])
    done = books.rerate(subscription="line-a")
    assert (done.records, done.lines) == (1, ())
    assert stored(books, "s:1")["s:1"].rating == 1
