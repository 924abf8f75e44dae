"""What happens every day of a simulated life: bills and payments in the morning, use and its records in the evening."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select

from mvne import bills, collecting, jobs, outbox, phone, usage, workers
from mvne.sandbox import files, living
from mvne.sandbox.agenda import Life, Run
from mvne.sandbox.chance import happens, pick
from mvne.sandbox.simulation import Day, Failure
from mvne.sandbox.using import Phone, uses
from mvne.states import LineState
from mvne.tables import line as line_table
from mvne_billing.states import PaymentState
from mvne_billing.tables import subscription as subscription_table
from mvne_plans.quantity import Kind
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.inventory.numbers import recycle_numbers
from mvne_provisioning.network.port import NetworkUsage, UsageKind
from mvne_provisioning.network.simulated_use import Use, UseRefused

MORNING, EVENING = timedelta(hours=6), timedelta(hours=22, minutes=30)
WAKES = timedelta(hours=7)

BUYS_MORE = 0.35  #: buy an add-on when their data is used up
TRIES_SUSPENDED = 0.2  #: try to call on a day on which the line is suspended
LATE_EVENING, LATE_LINE = 0.15, 0.03  #: on some evenings the use of some lines is held back
LATE_DAYS = 3
LAST_DAYS = 3  #: days at the end in which the outside answers, so that what went wrong before is made good
REPEATED_EVERY, BROKEN_EVERY = 16, 20  #: days between such files
REPEATED_ROWS = 40

#: What the host is asked for by a job, so that its failure can be ordered.
_COMMANDS = {"slow": "set_throttle", "suspend": "suspend", "resume": "resume", "terminate": "terminate"}


def keep_house(run: Run, midnights: Sequence[datetime], watch: Callable[[int, int], None]) -> None:
    """Put the errands of every day on the agenda; `midnights` are those days' local ones, in UTC."""
    run.plan(midnights[-LAST_DAYS], _last_days)
    for number, midnight in enumerate(midnights, 1):
        run.plan(midnight + MORNING, _issue)
        run.plan(midnight + MORNING, _collect)
        run.plan(midnight + MORNING, _work)
        run.plan(midnight + EVENING, partial(_evening, number=number, midnight=midnight))
        run.plan(midnight + EVENING, _work)
        run.plan(midnight + EVENING, partial(_close, number=number, days=len(midnights), watch=watch))


def _last_days(run: Run, at: datetime) -> None:
    run.faults.over = True


def _issue(run: Run, at: datetime) -> None:
    """Give numbers that have rested back to the pool, and issue what is due."""
    with run.platform.store.transact() as conn:
        recycle_numbers(conn, run.name, at)
    steps = list(bills.issue_due(run.platform, run.name, at))
    if any(step.invoice is not None and step.invoice.total.minor > 0 for step in steps):
        run.faults.of_charge_at_times()


def _collect(run: Run, at: datetime) -> None:
    """Collect what is due; a decline is counted once per bill, and its owner thinks about another card."""
    for one in collecting.collect_due(run.platform, run.name, at):
        invoice, line = one.invoice.id, one.invoice.subscription
        if one.payment.state is PaymentState.FAILED and invoice not in run.declines:
            run.declines.add(invoice)
            run.declined[invoice] = line
            run.went_wrong(Failure.PAYMENT_DECLINED)
            if line in run.lives:
                living.declined(run, at, run.lives[line])
        living.paid(run, invoice, one.payment.state)


def _work(run: Run, at: datetime) -> None:
    """Do what waits, some of it against a network that does not answer."""
    with run.platform.store.read() as conn:
        waiting = jobs.waiting(conn, run.name, at)
    command = next((_COMMANDS[job.kind] for job in waiting if job.kind in _COMMANDS), None)
    if command is not None:
        run.faults.of_host_at_times(command)
    workers.work(run.platform, run.name, at)


class _Line(NamedTuple):
    row: Row[str, str, str | None, int | None, datetime | None]
    life: Life


def _lines(run: Run) -> list[_Line]:
    line, owner = line_table.c, subscription_table.c
    query = (
        select(line.id, line.state, line.imsi, line.bits_per_second, owner.ends_at)
        .join(subscription_table, (owner.brand == line.brand) & (owner.id == line.id))
        .where(line.brand == run.name)
        .order_by(line.id)
    )
    with run.platform.store.read() as conn:
        rows = conn.execute(query).all()
    return [_Line(row, run.lives[row.id]) for row in rows if row.id in run.lives]


def _evening(run: Run, at: datetime, number: int, midnight: datetime) -> None:
    """Let everybody use the network, and take its records in, each in its way."""
    held_back = happens(run.chance, LATE_EVENING)
    wanted: list[Use] = []
    late: list[Use] = []
    for line in _lines(run):
        found = _day(run, at, midnight, line)
        (late if held_back and happens(run.chance, LATE_LINE) else wanted).extend(found)
    if late:
        run.plan(at + timedelta(days=LATE_DAYS, hours=-12), partial(_deliver_late, late=late))
    records = _use(run, wanted)
    usage.collect_feed(run.platform, run.name, at)
    if records and number % REPEATED_EVERY == 1:
        _repeat(run, at, records[-REPEATED_ROWS:])
    if records and number % BROKEN_EVERY == 2:
        _break(run, at, records[0])
    _react(run, at)


def _day(run: Run, at: datetime, midnight: datetime, line: _Line) -> list[Use]:
    row, life = line
    person, directory = life.person, run.directories[life.person.plan]
    if row.state == LineState.SUSPENDED and Kind.VOICE in directory.kinds and happens(life.chance, TRIES_SUSPENDED):
        return [Use(Imsi(row.imsi), UsageKind.VOICE, at, 60, pick(life.chance, directory.home), None, f"{row.id}:{at}")]
    if row.state != LineState.ACTIVE or life.usable_from is None:
        return []
    here = phone_of(run, at, midnight, line)
    return uses(person, directory, here, run.period_days[person.plan], life.chance)


def phone_of(run: Run, at: datetime, midnight: datetime, line: _Line) -> Phone:
    """Return the phone of an active line on the day after `midnight`, up to `at`."""
    row, life = line
    fate, countries = life.person.fate, run.directories[life.person.plan].countries
    first = max(midnight + WAKES, life.usable_from or at)
    last = at if row.ends_at is None else min(at, row.ends_at)
    gone = fate.goes_abroad
    abroad = countries and gone is not None and gone <= midnight < gone + timedelta(days=fate.stays_days)
    country = countries[life.person.number % len(countries)] if abroad else None
    return Phone(row.id, Imsi(row.imsi), first, last, country, row.bits_per_second)


def _use(run: Run, wanted: Sequence[Use]) -> tuple[NetworkUsage, ...]:
    """Use the network; what it refuses is counted."""
    run.tally.tried += len(wanted)

    def refused(use: Use, refusal: UseRefused) -> None:
        run.tally.refused[refusal.reason] += 1

    host = phone.simulated(run.platform).host(run.brand.market.code)
    return host.use_many(wanted, refused)


def _deliver_late(run: Run, at: datetime, late: Sequence[Use]) -> None:
    """Let the network hand in records of some days ago, perhaps of a period that has been billed since."""
    records = _use(run, late)
    run.went_wrong(Failure.RECORD_LATE, len(records))
    run.watched |= {record.id: Failure.RECORD_LATE for record in records}


def _repeat(run: Run, at: datetime, records: Sequence[NetworkUsage]) -> None:
    """Load a file of records that the feed has brought already."""
    file = run.files.write(f"repeated-{at:%Y%m%d}", map(files.row, records))
    loaded = usage.load_file(run.platform, run.name, file, at)
    run.went_wrong(Failure.RECORD_REPEATED, len(records))
    run.made_good(Failure.RECORD_REPEATED, loaded.duplicates)


def _break(run: Run, at: datetime, known: NetworkUsage) -> None:
    """Load a file with a row that cannot be read, a call of nobody's number, and a known id with other content."""
    name, country = f"broken-{at:%Y%m%d}", run.brand.market.code
    home = run.directories[run.brand.catalogue.plans[0].id].home
    rows = [
        ("unreadable", known.msisdn, "voice", "yesterday", "sixty", country, home[0]),
        files.call(f"{name}:nobody", home[-1], at, country, home[0]),
        files.call(known.id, known.msisdn, at, country, home[-1]),
    ]
    loaded = usage.load_file(run.platform, run.name, run.files.write(name, rows), at)
    for failure, reason in _HELD.items():
        run.went_wrong(failure)
        run.made_good(failure, loaded.suspended.get(reason, 0))
    usage.replay_suspense(run.platform, run.name, at)


#: Put aside with its reason is how these are handled: visible, never priced, never dropped.
_HELD = {
    Failure.RECORD_UNREADABLE: "malformed",
    Failure.RECORD_OF_NOBODY: "unknown_subscriber",
    Failure.RECORD_CONFLICTING: "conflict",
}


def _react(run: Run, at: datetime) -> None:
    """Let people whose data is used up think about an add-on."""
    addons = {addon.id: addon for addon in run.brand.catalogue.addons}
    with run.platform.store.read() as conn:
        news = outbox.events(conn, run.name, run.events_read, 100_000)
    for one in news:
        run.events_read = one.number
        run.tally.events[one.type] += 1
        life = run.lives.get(one.subject)
        if life is None or one.type not in ("usage.slow", "usage.stop") or one.content["name"] != Kind.DATA:
            continue
        fitting = [
            addon.id
            for addon in addons.values()
            if any(bucket.kind is Kind.DATA for bucket in addon.buckets)
            and (not addon.plans or life.person.plan in addon.plans)
        ]
        if fitting and happens(life.chance, BUYS_MORE):
            run.plan(at + timedelta(hours=12), partial(living.buy_addon, life=life, addon=fitting[0]))


def _close(run: Run, at: datetime, number: int, days: int, watch: Callable[[int, int], None]) -> None:
    """Count the lines, and take note of those that have ended."""
    states = []
    for row, life in _lines(run):
        states.append(row.state)
        life.in_service = row.state in (LineState.ACTIVE, LineState.SUSPENDED)
        if row.state == LineState.ENDED and not life.ended:
            life.ended = True
            run.ends.append(at)
        if life.ended:
            for invoice in [invoice for invoice, line in run.declined.items() if line == row.id]:
                del run.declined[invoice]
                run.made_good(Failure.PAYMENT_DECLINED)
    waiting = sum(states.count(state) for state in (LineState.ORDERED, LineState.READY))
    day = at.astimezone(ZoneInfo(run.brand.timezone)).date()
    run.days.append(Day(day, states.count(LineState.ACTIVE), states.count(LineState.SUSPENDED), waiting))
    watch(number, days)
