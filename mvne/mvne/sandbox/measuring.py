"""Reading from the store of a simulated life what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, func, select

from mvne import versions
from mvne.sandbox.agenda import Run
from mvne.sandbox.closing import Posting, calendar, month_of, postings, prove
from mvne.sandbox.simulation import Asked, Failure, Handled, Month, PlanResult, Result, Simulation
from mvne_billing.ledger import accounts
from mvne_billing.ledger.verifying import Verified
from mvne_billing.tables import invoice as invoice_table
from mvne_billing.tables import subscription as subscription_table
from mvne_billing.tables import suspense as suspense_table
from mvne_billing.tables import usage as usage_table
from mvne_plans.canonical import content_hash


def measure(run: Run, asked: Asked) -> Simulation:
    """Return everything that a report shows; raise `SandboxError` when the books do not agree."""
    with run.platform.store.read() as conn:
        proof = prove(conn, run)
        posted = list(postings(conn, run))
        held = proof.balances.get(run.brand.currency, {})
        plan_of = _plan_of(conn, run)
        return Simulation(
            brand=run.name,
            name=run.brand.name,
            language=run.brand.languages[0],
            colour=run.brand.theme.primary,
            currency=run.brand.currency,
            market=run.brand.market.code,
            pack=run.brand.market.as_of,
            timezone=run.brand.timezone,
            version=version("mvne"),
            hash=_file_hash(run),
            agreements=tuple(one.starts for one in run.brand.catalogue.agreements),
            asked=asked,
            days=tuple(run.days),
            months=tuple(_months(run, asked, posted)),
            plans=tuple(_plans(run, posted, plan_of, held)),
            trial=result(one for one in posted if one.subscription and one.subscription not in plan_of),
            earned=_by_kind(posted, cost=False),
            spent=_by_kind(posted, cost=True),
            owed=_sum(held, "receivable:"),
            unbilled=_sum(held, "unbilled:"),
            cash=_sum(held, accounts.CASH),
            failures=tuple(_failures(conn, run)),
            events=dict(sorted(run.tally.events.items())),
            tried=run.tally.tried,
            priced=_count(conn, run, usage_table),
            refused=dict(sorted(run.tally.refused.items())),
            suspense=_suspense(conn, run),
            documents=_count(conn, run, invoice_table),
            transfers=proof.transfers,
            books=_classes(proof),
        )


def result(posted: Iterable[Posting]) -> Result:
    """Return what postings come to."""
    sums: Counter[str] = Counter()
    for one in posted:
        kind = "minimum" if one.account == accounts.MINIMUM_COST else "host" if one.is_cost else "revenue"
        sums[kind] += one.micro
    return Result(sums["revenue"], -sums["host"], -sums["minimum"])


def _file_hash(run: Run) -> str:
    """Return a short name of everything the plan file says."""
    said = [(kind, id_, content_hash(content)) for (kind, id_), content in versions.wanted(run.brand).items()]
    return content_hash(tuple(said))[:12]


def _plan_of(conn: Connection, run: Run) -> dict[str, str]:
    """Return the plan of every line of the population."""
    table = subscription_table.c
    query = select(table.id, table.plan).where(table.brand == run.name)
    return {row.id: row.plan for row in conn.execute(query) if row.id in run.lives}


def _months(run: Run, asked: Asked, posted: Sequence[Posting]) -> Iterator[Month]:
    zone = ZoneInfo(run.brand.timezone)
    sold = Counter(month_of(life.person.joins.astimezone(zone)) for life in run.lives.values())
    ended = Counter(month_of(at.astimezone(zone)) for at in run.ends)
    lines = {f"{day.day:%Y-%m}": day.active + day.suspended for day in run.days}
    for opens, _ in calendar(asked):
        month = month_of(opens)
        own = result(one for one in posted if one.month == month)
        yield Month(month, sold[month], ended[month], lines[month], own)


def _plans(
    run: Run, posted: Sequence[Posting], plan_of: Mapping[str, str], held: Mapping[str, int]
) -> Iterator[PlanResult]:
    living = Counter(plan_of[life.person.id] for life in run.lives.values() if life.in_service)
    for plan in run.brand.catalogue.plans:
        mine = {line for line, its_plan in plan_of.items() if its_plan == plan.id}
        owed = sum(held.get(accounts.receivable(line), 0) for line in mine)
        own = result(one for one in posted if one.subscription in mine)
        yield PlanResult(plan.id, plan.name, len(mine), living[plan.id], own, owed)


def _by_kind(posted: Iterable[Posting], cost: bool) -> dict[str, int]:
    """Return what for revenue came in, or what for cost arose; use of all kinds is one kind of revenue."""
    sums: Counter[str] = Counter()
    for one in posted:
        if one.is_cost is cost:
            sums[one.account if cost else _REVENUE_KINDS.get(one.account.partition(":")[0], one.account)] += one.micro
    use = sum(sums.pop(name) for name in list(sums) if name.startswith("revenue:usage:"))
    if use:
        sums["revenue:usage"] += use
    return {name: -micro if cost else micro for name, micro in sorted(sums.items())}


#: Use that is not billed yet is no revenue yet; the rounding of its bill line belongs to it.
_REVENUE_KINDS = {"unbilled": "revenue:usage", "rounding": "revenue:usage"}


def _sum(held: Mapping[str, int], prefix: str) -> int:
    return sum(micro for account, micro in held.items() if account.startswith(prefix))


def _failures(conn: Connection, run: Run) -> Iterator[Handled]:
    """Yield every kind of failure; records that came at a wrong time are made good when they have their price."""
    table, ids = usage_table.c, sorted(run.watched)
    found: set[str] = set()
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        found |= set(conn.execute(select(table.id).where(table.brand == run.name, table.id.in_(part))).scalars())
    priced = Counter(run.watched[one] for one in found)
    for failure in Failure:
        handled = run.tally.handled[failure] + priced[failure]
        yield Handled(failure, run.tally.happened[failure], handled)


def _count(conn: Connection, run: Run, table: Table) -> int:
    """Count rows of the population; the launch's own test is left out."""
    mine = (table.c.brand == run.name, table.c.subscription.in_(sorted(run.lives)))
    return int(conn.execute(select(func.count()).select_from(table).where(*mine)).scalar_one())


def _suspense(conn: Connection, run: Run) -> dict[str, int]:
    table = suspense_table.c
    query = select(table.reason, func.count()).where(table.brand == run.name, table.resolved_at.is_(None))
    return {reason: int(number) for reason, number in conn.execute(query.group_by(table.reason).order_by(table.reason))}


def _classes(proof: Verified) -> dict[str, dict[str, int]]:
    """Return the balances by currency and class of account; each currency adds up to 0."""
    books: dict[str, dict[str, int]] = {}
    for currency, held in proof.balances.items():
        sums: Counter[str] = Counter()
        for account, micro in held.items():
            sums[account.partition(":")[0]] += micro
        books[currency] = dict(sorted(sums.items()))
    return books
