"""Two brands in one store never see or bill each other: every statement is read, and every query is tried."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, select

from mvne import billrun, care, jobs, lines, outbox, people, phone, service, standing, usage, versions
from mvne.brand import Brand
from mvne.errors import MvneError
from mvne.launching import launches
from mvne.lines import LineNotFound
from mvne.markets.market import load_market
from mvne.people import SubscriberNotFound
from mvne.selling import UnknownBrand, selling
from mvne.tables import metadata as roof
from mvne.versions import NotSold
from mvne_billing.invoice import correcting, issuing
from mvne_billing.ledger import billed, books
from mvne_billing.ledger.verifying import verify
from mvne_billing.mediation import (
    desk,
    duplicates,
    files,
    order,
    repricing,
    rerating,
    scope,
    sessions,
    stored,
    suspense,
)
from mvne_billing.mediation import live as live_use
from mvne_billing.mediation.rater import Rater
from mvne_billing.payments import attempts, refunding
from mvne_billing.rating.result import World
from mvne_billing.states import UsageState
from mvne_billing.subscription import addons, own_numbers, pools, subscription
from mvne_billing.tables import metadata as billing
from mvne_billing.usage.record import UsageRecord
from mvne_plans.money import Money
from mvne_plans.quantity import Kind
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory import counting, numbers, pool, profiles
from mvne_provisioning.inventory.numbers import NUMBERS
from mvne_provisioning.order import placing
from mvne_provisioning.order.errors import UnknownOrder
from mvne_provisioning.tables import metadata as provisioning
from scripts.packages import PACKAGES, modules
from tests.mvne import apart_balances, apart_charging
from tests.mvne.house import AT, GB, MINUTE, PARIS_NUMBER, House, example
from tests.mvne.wholeness import faults

OURS = frozenset(name for room in (roof, billing, provisioning) for name in room.tables)

#: Statements that may look across brands, and why.
ACROSS = {
    r"^SELECT mvne_line\.brand\s+FROM mvne_line\s+WHERE mvne_line\.iccid = ": "a message is routed to its brand",
    r"^SELECT provisioning_number\.msisdn\s+FROM .*provisioning_number\.brand != ": "the host gives a number once",
    r"^SELECT max\(mvne_brand\.ordinal\)": "each brand has a range of simulated profiles of its own",
    r"^SELECT mvne_brand\.brand\s+FROM mvne_brand ORDER BY": "the brands of a store are listed",
}


def unbranded(statement: str) -> set[str]:
    """Return the tables, or their aliases, that a statement uses without saying of which brand."""
    if any(re.search(pattern, statement, re.DOTALL) for pattern in ACROSS):
        return set()
    if insert := re.match(r"INSERT INTO (\w+) \(([^)]*)\)", statement):
        return {insert[1]} - ({insert[1]} if "brand" in insert[2].split(", ") else set()) & OURS
    used = set()
    for name in OURS:
        for found in re.finditer(rf"(?:FROM|JOIN|UPDATE|,)\s+{name}\b(?: AS (\w+))?(?!\.)", statement):
            used.add(found[1] or name)
    return {name for name in used if not re.search(rf"\b{name}\.brand = |= {name}\.brand\b", statement)}


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("SELECT mvne_line.id FROM mvne_line WHERE mvne_line.brand = ?", set()),
        ("SELECT mvne_line.id FROM mvne_line WHERE mvne_line.id = ?", {"mvne_line"}),
        ("SELECT 1 FROM mvne_line JOIN mvne_subscriber ON mvne_line.brand = mvne_subscriber.brand", set()),
        ("SELECT 1 FROM mvne_line, mvne_job WHERE mvne_line.brand = ?", {"mvne_job"}),
        ("SELECT 1 FROM billing_invoice AS note WHERE note.id = ?", {"note"}),
        ("UPDATE mvne_line SET brand=? WHERE mvne_line.id = ?", {"mvne_line"}),
        ("DELETE FROM mvne_job WHERE mvne_job.brand = ?", set()),
        ("INSERT INTO mvne_line (id, state) VALUES (?, ?)", {"mvne_line"}),
        ("INSERT INTO mvne_line (brand, id) VALUES (?, ?)", set()),
        ("SELECT simulated_host_line.imsi FROM simulated_host_line", set()),
    ],
)
def test_the_reader_of_statements_sees_what_is_missing(statement: str, missing: set[str]) -> None:
    assert unbranded(statement) == missing


@dataclass
class Watched:
    """What was said to the store while a brand was served: statements without a brand, and those that name another."""

    careless: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    read: int = 0


@contextmanager
def watching(house: House, other: str) -> Iterator[Watched]:
    """Read every statement; `other` is the brand that must not be named in any."""
    watched = Watched()

    def read(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        if not any(name in statement for name in OURS):
            return
        watched.read += 1
        if unbranded(statement):
            watched.careless.append(statement)
        named = [parameters] if isinstance(parameters, Mapping) else parameters if executemany else [parameters]
        values = {value for row in named for value in (row.values() if isinstance(row, Mapping) else row)}
        if other in {value for value in values if isinstance(value, str)}:
            watched.foreign.append(statement)

    event.listen(house.platform.store.engine, "before_cursor_execute", read)
    yield watched
    event.remove(house.platform.store.engine, "before_cursor_execute", read)


def brand(name: str) -> Brand:
    return replace(example("tilleul"), id=name)


def live(house: House, name: str) -> None:
    """Live a month and a half with a brand: every use case, under ids that the other brand uses as well."""
    platform = house.platform
    house.launch(brand(name))
    line = house.join("ada", name, code="BIENVENUE").id
    house.use(line, "voice", 70 * MINUTE, PARIS_NUMBER, brand=name)
    house.use(line, "data", 2 * GB, brand=name)
    stray = UsageRecord("stray", PARIS_NUMBER, Kind.VOICE, house.now, 60, "FR", PARIS_NUMBER, "a test")
    usage.load_records(platform, name, "batch", "a test", [stray], house.now)
    usage.collect_feed(platform, name, house.now)
    service.buy_addon(platform, name, line, "data-1gb", "addon", house.now)
    billrun.run_bills(platform, name, house.now)
    service.suspend(platform, name, line, "requested", house.after(minutes=1))
    service.resume(platform, name, line, house.after(minutes=1))
    service.swap_sim(platform, name, line, house.after(minutes=1))
    phone.install(platform, name, line, house.now)
    usage.replay_suspense(platform, name, house.now)
    apart_balances.move_money(house, name)
    house.after(days=31)
    billrun.run_bills(platform, name, house.now)
    [first, *_] = house.documents(line, name)
    with platform.store.transact() as conn:
        issuing.credit(conn, name, "note", first.id, house.now)
    paid = house.payments(line, name)[0]
    refunding.refund(platform.store.transact, name, "back", paid.id, "note", platform.gateway, house.now)
    care.show(platform, name, line)
    care.usage(platform, name, line, 10)
    standing.status(platform, name)
    with platform.store.transact() as conn:
        jobs.ask(conn, name, "job", "resume", {"line": "nobody"}, house.now)
    house.bill(name)
    assert faults(platform, name) == ["refused job job: there is no line nobody in brand " + name]


def test_every_statement_says_of_which_brand_it_speaks(platform: Any) -> None:
    house = House(platform)
    with watching(house, other="rival") as first:
        live(house, "tilleul")
    house.clock.now = AT
    with watching(house, other="tilleul") as second:
        live(house, "rival")
    for watched in (first, second):
        assert watched.read > 500
        assert watched.careless == []
        assert watched.foreign == []


NOBODY = "nobody"


@dataclass(frozen=True)
class Known:
    """What there is to ask for in the lived-in brand."""

    line: lines.Line
    documents: list[Any]
    payment: Any
    record: str


Query = Callable[[Connection, str, Known], Any]

#: Every public function that reads the rows of a brand, and how it is asked for rows that tilleul has.
QUERIES: dict[str, Query] = {
    "mvne.billrun.find_bill": lambda conn, brand, known: billrun.find_bill(conn, brand, known.documents[0].number),
    "mvne.billrun.paid_at": lambda conn, brand, known: billrun.paid_at(conn, brand, known.documents[0]),
    "mvne.jobs.waiting": lambda conn, brand, known: jobs.waiting(conn, brand, AT + timedelta(days=99)),
    "mvne.jobs.refused": lambda conn, brand, known: jobs.refused(conn, brand),
    "mvne.launching.launches": lambda conn, brand, known: launches(conn, brand),
    "mvne.lines.get": lambda conn, brand, known: lines.get(conn, brand, known.line.id),
    "mvne.lines.of_subscriber": lambda conn, brand, known: lines.of_subscriber(conn, brand, "ada"),
    "mvne.lines.by_iccid": lambda conn, brand, known: lines.by_iccid(conn, brand, str(known.line.iccid)),
    "mvne.lines.count": lambda conn, brand, known: lines.count(conn, brand),
    "mvne.lines.owners": lambda conn, brand, known: lines.owners(conn, brand, [record_of(known)]),
    "mvne.outbox.events": lambda conn, brand, known: outbox.events(conn, brand),
    "mvne.outbox.position": lambda conn, brand, known: outbox.position(conn, brand, "usage"),
    "mvne.people.find": lambda conn, brand, known: people.find(conn, brand, "ada"),
    "mvne.people.get": lambda conn, brand, known: people.get(conn, brand, "ada"),
    "mvne.selling.selling": lambda conn, brand, known: selling(conn, brand),
    "mvne.versions.current": lambda conn, brand, known: versions.current(conn, brand),
    "mvne.versions.history": lambda conn, brand, known: versions.history(conn, brand, ("plan", "douceur")),
    "mvne.versions.plan_version": lambda conn, brand, known: versions.plan_version(conn, brand, "douceur", 1),
    "mvne_billing.invoice.issuing.find": lambda conn, brand, known: issuing.find(conn, brand, "note"),
    "mvne_billing.invoice.issuing.get": lambda conn, brand, known: issuing.get(conn, brand, "note"),
    "mvne_billing.invoice.issuing.credit_of": lambda conn, brand, known: issuing.credit_of(
        conn, brand, known.documents[0].id
    ),
    "mvne_billing.invoice.issuing.of_subscription": lambda conn, brand, known: issuing.of_subscription(
        conn, brand, known.line.id
    ),
    "mvne_billing.ledger.books.balances": lambda conn, brand, known: books.balances(conn, brand),
    "mvne_billing.ledger.books.balance": lambda conn, brand, known: books.balance(conn, brand, "host:accrued"),
    "mvne_billing.ledger.books.transfers": lambda conn, brand, known: list(books.transfers(conn, brand)),
    "mvne_billing.ledger.verifying.verify": lambda conn, brand, known: verify(conn, brand).transfers,
    "mvne.lines.holdings": lambda conn, brand, known: lines.holdings(conn, brand, [str(known.line.msisdn)]),
    "mvne_billing.invoice.correcting.due": lambda conn, brand, known: correcting.due(
        conn, brand, known.line.id, Money.zero("EUR"), True
    ),
    "mvne_billing.ledger.billed.checks": lambda conn, brand, known: list(billed.checks(conn, brand)),
    "mvne_billing.mediation.desk.open_desk": lambda conn, brand, known: (
        desk.open_desk(conn, brand, _no_rater(brand, known), [known.line.id], AT).lines
    ),
    "mvne_billing.mediation.desk.open_wholesale": lambda conn, brand, known: bool(
        desk.open_wholesale(conn, brand, _no_rater(brand, known), AT, True)
    ),
    "mvne_billing.mediation.duplicates.sort_out": lambda conn, brand, known: (
        duplicates.sort_out(conn, brand, duplicates.BY_ID, [known_record(known)], {}).conflicts
    ),
    "mvne_billing.mediation.files.arrivals": lambda conn, brand, known: files.arrivals(conn, brand),
    "mvne_billing.mediation.files.series": lambda conn, brand, known: files.series(conn, brand),
    "mvne_billing.mediation.live.differences": lambda conn, brand, known: list(live_use.differences(conn, brand)),
    "mvne_billing.mediation.live.live_sessions": lambda conn, brand, known: (
        live_use.live_sessions(conn, brand, [replace(known_record(known), session="s")]).known
    ),
    "mvne_billing.mediation.order.order": lambda conn, brand, known: (
        order.order(conn, brand, [known.line.id], AT - timedelta(days=1)).latest
    ),
    "mvne_billing.mediation.repricing.sharing": lambda conn, brand, known: repricing.sharing(
        conn, brand, known.line.id, AT
    )[1:],
    "mvne_billing.mediation.rerating.get": lambda conn, brand, known: rerating.get(conn, brand, "again"),
    "mvne_billing.mediation.rerating.history": lambda conn, brand, known: rerating.history(conn, brand),
    "mvne_billing.mediation.scope.spans": lambda conn, brand, known: scope.spans(
        conn, brand, scope.EVERYTHING, list(UsageState)
    ),
    "mvne_billing.mediation.sessions.reported": lambda conn, brand, known: sessions.reported(
        conn, brand, [replace(known_record(known), session="s")]
    ),
    "mvne_billing.mediation.stored.by_id": lambda conn, brand, known: stored.by_id(conn, brand, [known.record]),
    "mvne_billing.mediation.suspense.outcomes": lambda conn, brand, known: suspense.outcomes(
        conn, brand, [one.id for one in suspense.everything(conn, brand)]
    ),
    "mvne_billing.subscription.own_numbers.of_lines": lambda conn, brand, known: own_numbers.of_lines(
        conn, brand, [known.line.id]
    ),
    "mvne_billing.subscription.pools.current": lambda conn, brand, known: pools.current(conn, brand, known.line.id, AT),
    "mvne_billing.subscription.pools.members": lambda conn, brand, known: pools.members(conn, brand, [known.line.id]),
    "mvne_billing.subscription.pools.of_lines": lambda conn, brand, known: pools.of_lines(conn, brand, [known.line.id]),
    "mvne_billing.mediation.suspense.waiting": lambda conn, brand, known: suspense.waiting(conn, brand),
    "mvne_billing.mediation.suspense.count_waiting": lambda conn, brand, known: suspense.count_waiting(conn, brand),
    "mvne_billing.mediation.suspense.everything": lambda conn, brand, known: list(suspense.everything(conn, brand)),
    "mvne_billing.payments.attempts.due": lambda conn, brand, known: attempts.due(conn, brand, known.documents[0].id),
    "mvne_billing.payments.attempts.get": lambda conn, brand, known: attempts.get(conn, brand, known.payment.id),
    "mvne_billing.payments.attempts.of_invoice": lambda conn, brand, known: attempts.of_invoice(
        conn, brand, known.payment.invoice
    ),
    "mvne_billing.payments.attempts.by_reference": lambda conn, brand, known: attempts.by_reference(
        conn, brand, known.payment.reference
    ),
    "mvne_billing.payments.attempts.open_invoices": lambda conn, brand, known: attempts.open_invoices(conn, brand),
    "mvne_billing.payments.attempts.unfinished": lambda conn, brand, known: attempts.unfinished(conn, brand),
    "mvne_billing.payments.refunding.get": lambda conn, brand, known: refunding.get(conn, brand, "back"),
    "mvne_billing.payments.refunding.refunded": lambda conn, brand, known: refunding.refunded(
        conn, brand, known.payment.id
    ),
    "mvne_billing.subscription.addons.purchases": lambda conn, brand, known: addons.purchases(
        conn, brand, [known.line.id]
    ),
    "mvne_billing.subscription.subscription.find": lambda conn, brand, known: subscription.find(
        conn, brand, known.line.id
    ),
    "mvne_billing.subscription.subscription.get": lambda conn, brand, known: subscription.get(
        conn, brand, known.line.id
    ),
    "mvne_billing.subscription.subscription.locked": lambda conn, brand, known: subscription.locked(
        conn, brand, [known.line.id]
    ),
    "mvne_billing.subscription.subscription.due": lambda conn, brand, known: subscription.due(
        conn, brand, AT + timedelta(days=99)
    ),
    "mvne_provisioning.inventory.counting.count_by_state": lambda conn, brand, known: (
        counting.count_by_state(conn, brand).numbers
    ),
    "mvne_provisioning.inventory.numbers.number_is_free": lambda conn, brand, known: numbers.number_is_free(
        conn, brand, Msisdn(example("tilleul").host.numbers[-1])
    ),
    "mvne_provisioning.inventory.numbers.number_of": lambda conn, brand, known: numbers.number_of(
        conn, brand, known.line.id
    ),
    "mvne_provisioning.inventory.pool.held": lambda conn, brand, known: pool.held(conn, NUMBERS, brand, known.line.id),
    "mvne_provisioning.inventory.pool.stored": lambda conn, brand, known: pool.stored(
        conn, NUMBERS, brand, str(known.line.msisdn)
    ),
    "mvne_provisioning.inventory.pool.has_available": lambda conn, brand, known: pool.has_available(
        conn, NUMBERS, brand
    ),
    "mvne_provisioning.inventory.pool.count": lambda conn, brand, known: pool.count(conn, NUMBERS, brand),
    "mvne_provisioning.inventory.profiles.profile_of": lambda conn, brand, known: profiles.profile_of(
        conn, brand, known.line.id
    ),
    "mvne_provisioning.inventory.profiles.imsis_of_brand": lambda conn, brand, known: profiles.imsis_of_brand(
        conn, brand, [Imsi(str(known.line.imsi))]
    ),
    "mvne_provisioning.order.placing.find_order": lambda conn, brand, known: placing.find_order(
        conn, brand, f"{known.line.id}:activate"
    ),
    "mvne_provisioning.order.placing.open_orders": lambda conn, brand, known: placing.open_orders(conn, brand),
    "mvne_provisioning.order.placing.lines_by_imsi": lambda conn, brand, known: placing.lines_by_imsi(
        conn, brand, [Imsi(str(known.line.imsi))]
    ),
}

QUERIES |= apart_balances.QUERIES | apart_charging.QUERIES

#: Of these, a brand in good order has none: that others' are not seen is what the reading of statements shows.
NONE_IN_GOOD_ORDER = (
    {
        "mvne_billing.invoice.correcting.due",
        "mvne_billing.ledger.billed.checks",
        "mvne_billing.mediation.desk.open_wholesale",
        "mvne_billing.mediation.files.series",
        "mvne_billing.mediation.live.differences",
        "mvne_billing.mediation.live.live_sessions",
        "mvne_billing.mediation.repricing.sharing",
        "mvne_billing.mediation.sessions.reported",
        "mvne_billing.subscription.own_numbers.of_lines",
        "mvne_billing.subscription.pools.current",
        "mvne_billing.subscription.pools.members",
        "mvne_billing.subscription.pools.of_lines",
        "mvne.jobs.waiting",
        "mvne_billing.payments.attempts.open_invoices",
        "mvne_billing.payments.attempts.unfinished",
        "mvne_billing.payments.attempts.due",
        "mvne_provisioning.order.placing.open_orders",
    }
    | apart_balances.NONE_IN_GOOD_ORDER
    | apart_charging.NONE_IN_GOOD_ORDER
)

#: Functions with a connection and a brand that write, by module; `orphans` only compares a brand with itself.
WRITES = {
    "mvne.doctor": {"orphans"},
    "mvne.jobs": {"ask", "retry"},
    "mvne.lines": {"change", "hold_number", "leave_number", "move", "open_line"},
    "mvne.ordering": {"end_line"},
    "mvne.outbox": {"advance", "emit", "hold", "next_number"},
    "mvne.people": {"add", "payable"},
    "mvne.pools": {"fill_profiles"},
    "mvne.versions": {"add", "retire"},
    "mvne_billing.invoice.issuing": {"credit", "issue"},
    "mvne_billing.ledger.transfer": {"post"},
    "mvne_billing.invoice.correcting": {"take"},
    "mvne_billing.mediation.booking": {"book", "change", "correct_bills"},
    "mvne_billing.mediation.paying": {"pay"},
    "mvne_billing.mediation.correcting": {"correct"},
    "mvne_billing.mediation.desk": {"announce", "write_counters"},
    "mvne_billing.mediation.files": {"begin", "finish"},
    "mvne_billing.mediation.mending": {"drop", "mend"},
    "mvne_billing.mediation.repricing": {"reprice", "standing"},
    "mvne_billing.mediation.rewriting": {"write"},
    "mvne_billing.mediation.settling": {"settle"},
    "mvne_billing.mediation.suspense": {"hold", "resolve"},
    "mvne_billing.subscription.own_numbers": {"add", "remove"},
    "mvne_billing.subscription.pools": {"cap", "join", "leave"},
    "mvne_billing.payments.attempts": {"record"},
    "mvne_billing.subscription.addons": {"billed", "buy"},
    "mvne_billing.subscription.subscription": {"billed", "cancel", "move", "reopen", "subscribe"},
    "mvne_provisioning.inventory.numbers": {
        "add_numbers",
        "assign_number",
        "quarantine_number",
        "recycle_numbers",
        "release_number",
        "reserve_number",
        "retire_number",
    },
    "mvne_provisioning.inventory.pool": {"add", "assign", "move", "release", "reserve"},
    "mvne_provisioning.inventory.profiles": {
        "add_profiles",
        "assign_profile",
        "release_profile",
        "reserve_profile",
        "retire_profile",
    },
    "mvne_provisioning.order.placing": {"cancel_order", "place_order"},
    "mvne_provisioning.order.progress": {"on_progress"},
    **apart_balances.WRITES,
}

#: How a query says that what it was asked for is not there.
NOT_THERE = (
    LineNotFound,
    SubscriberNotFound,
    UnknownBrand,
    NotSold,
    issuing.InvoiceNotFound,
    attempts.PaymentNotFound,
    subscription.SubscriptionNotFound,
    pool.UnknownItem,
    pools.PoolError,
    rerating.ReratingNotFound,
    UnknownOrder,
    *apart_balances.NOT_THERE,
)


def known_record(known: Known) -> UsageRecord:
    """Return a record of another content under an id that the lived-in brand has."""
    return replace(record_of(known), amount=1)


def _no_rater(brand: str, known: Known) -> Rater:
    return Rater(
        World(load_market("FR").numbering, {}, (), "UTC"),
        lambda conn, plan, version: versions.plan_version(conn, brand, plan, version),
        lambda conn, records: {},
    )


def record_of(known: Known) -> UsageRecord:
    return UsageRecord(known.record, str(known.line.msisdn), Kind.VOICE, AT + timedelta(days=1), 60, "FR", PARIS_NUMBER)


def functions_of_a_brand() -> set[str]:
    """Return every public function of the house that takes a connection and the id of a brand."""
    found = set()
    for module in [module for package in PACKAGES for module in modules(package)]:
        if ".migrations" in module or ".sandbox" in module:
            continue
        for name, function in vars(importlib.import_module(module)).items():
            if inspect.isfunction(function) and function.__module__ == module and not name.startswith("_"):
                taken = inspect.signature(function).parameters
                if "conn" in taken and "brand" in taken and taken["brand"].annotation == "str":
                    found.add(f"{module}.{name}")
    return found


def test_no_query_is_left_untried() -> None:
    every = (*WRITES.items(), *apart_charging.WRITES.items())
    writes = {f"{module}.{name}" for module, names in every for name in names}
    assert functions_of_a_brand() == {*QUERIES} | writes
    assert not {*QUERIES} & writes


def is_nothing(answer: Any) -> bool:
    """Say whether an answer tells of no row."""
    if isinstance(answer, Mapping) and answer and all(isinstance(value, int) for value in answer.values()):
        return not any(answer.values())
    return not answer


def ask(conn: Connection, brand: str, query: Query, known: Known) -> Any:
    """Return the answer, None when there is an error because nothing is there."""
    try:
        return query(conn, brand, known)
    except NOT_THERE:
        return None


def test_a_brand_without_rows_sees_none_of_the_others(tilleul: House) -> None:
    house = tilleul
    house.launch(brand("rival"))
    for name in ("rival", "tilleul"):
        line = house.join("ada", name).id
        house.use(line, "voice", 70 * MINUTE, PARIS_NUMBER, brand=name)
        house.collect_usage(name)
        service.buy_addon(house.platform, name, line, "data-1gb", "addon", house.now)
        [document] = house.documents(line, name)
        [payment] = house.payments(line, name)
        stray = UsageRecord("stray", PARIS_NUMBER, Kind.VOICE, house.now, 60, "FR", PARIS_NUMBER, "a test")
        usage.load_records(house.platform, name, "batch", "a test", [stray], house.now)
        usage.rerate(house.platform, name, rerating.Wanted("again", scope.EVERYTHING, "a test", "ada", house.now))
        with house.platform.store.transact() as conn:
            issuing.credit(conn, name, "note", document.id, house.now)
            jobs.ask(conn, name, "job", "resume", {"line": "nobody"}, house.now)
        transact = house.platform.store.transact
        refunding.refund(transact, name, "back", payment.id, "note", house.platform.gateway, house.now)
        apart_balances.pay_in(house, name)
        house.bill(name)
    record = str(care.usage(house.platform, "tilleul", "line-ada", 1)[0]["id"])
    known = Known(house.line("line-ada"), house.documents("line-ada"), house.payments("line-ada")[0], record)
    with house.platform.store.transact() as conn:
        for name, query in QUERIES.items():
            assert is_nothing(ask(conn, NOBODY, query, known)), name
            assert is_nothing(ask(conn, "tilleul", query, known)) == (name in NONE_IN_GOOD_ORDER), name


def test_use_of_the_others_number_goes_to_our_suspense(tilleul: House) -> None:
    house = tilleul
    house.launch(brand("rival"))
    theirs = house.join("ada", "rival")
    record = UsageRecord("r1", str(theirs.msisdn), Kind.VOICE, house.now, 60, "FR", PARIS_NUMBER, "a test")
    loaded = usage.load_records(house.platform, "tilleul", "batch", "a test", [record], house.now)
    assert dict(loaded.suspended) == {"unknown_subscriber": 1}
    with house.platform.store.read() as conn:
        assert suspense.count_waiting(conn, "rival") == 0


def test_the_feed_of_a_shared_host_gives_each_brand_its_own(tilleul: House) -> None:
    house = tilleul
    house.launch(brand("rival"))
    for name in ("tilleul", "rival"):
        house.join("ada", name)
        house.use("line-ada", "sms", 1, PARIS_NUMBER, brand=name)
    for name in ("tilleul", "rival"):
        assert sum(loaded.rated for loaded in house.collect_usage(name)) == 1, name
        assert sum(loaded.read for loaded in house.collect_usage(name)) == 0, name


def test_a_bill_run_of_one_brand_leaves_the_other_as_it_is(tilleul: House) -> None:
    house = tilleul
    house.launch(brand("rival"))
    for name in ("tilleul", "rival"):
        house.join("ada", name)
    house.after(days=31)
    before = _all_rows(house, "rival")
    house.bill("tilleul")
    assert _all_rows(house, "rival") == before
    assert len(house.documents("line-ada")) == 2
    assert len(house.documents("line-ada", "rival")) == 1


def _all_rows(house: House, name: str) -> dict[str, list[Any]]:
    """Return everything a brand has in the store."""
    with house.platform.store.read() as conn:
        return {
            table.name: sorted(map(str, conn.execute(select(table).where(table.c.brand == name)).all()))
            for room in (roof, billing, provisioning)
            for table in room.tables.values()
        }


def test_a_stranger_to_the_store_is_told_so(tilleul: House) -> None:
    with pytest.raises(MvneError, match="there is no brand 'nobody' in this store; launch it first"):
        billrun.run_bills(tilleul.platform, NOBODY, tilleul.now)
