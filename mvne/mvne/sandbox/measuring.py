"""Closing the books of a simulated life, and reading from them what it came to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from mvne import versions
from mvne.sandbox.agenda import Run
from mvne.sandbox.simulation import Failure, Handled, Month, PlanResult, Result, SandboxError, Simulation
from mvne.states import LineState
from mvne.tables import line as line_table
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, move, post
from mvne_billing.ledger.verifying import Verified, verify
from mvne_billing.tables import invoice as invoice_table
from mvne_billing.tables import subscription as subscription_table
from mvne_billing.tables import suspense as suspense_table
from mvne_billing.tables import transfer as transfer_table
from mvne_billing.tables import usage as usage_table
from mvne_plans.agreement import in_force
from mvne_plans.canonical import content_hash
from mvne_plans.money import round_record
from mvne_plans.period import MONTH, boundary
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Asked:
    """What a simulation was asked for; `begins` and `ends` are local midnights."""

    subscribers: int
    months: int
    seed: int
    begins: datetime
    ends: datetime


class _Posting(NamedTuple):
    """One side of a transfer that is revenue or cost, before tax: `micro` above 0 is income."""

    month: str
    subscription: str | None
    account: str
    micro: int


#: Use is revenue once it is billed: until then it stands in these accounts, tax included.
_REVENUE = ("revenue:", "rounding", "unbilled:")
_COST = ("cost:",)


def close_books(run: Run, asked: Asked) -> None:
    """Accrue, month by month, what the host's minimum costs beyond its charges, and prove the books.

    Raises `SandboxError` when they do not agree, or when a subscriber has paid more than was billed.
    """
    with run.platform.store.transact() as conn:
        spent: Counter[str] = Counter()
        for one in _postings(conn, run):
            if one.account.startswith(_COST):
                spent[one.month] -= one.micro
        for opens, closes in _calendar(asked):
            shortfall = _minimum(run, opens, closes) - spent[_month(opens)]
            if shortfall > 0:
                at = closes.astimezone(UTC) - timedelta(seconds=1)
                like = Entry(run.brand.currency, "minimum", at, f"agreement:{_month(opens)}")
                post(conn, run.name, list(move(f"minimum:{_month(opens)}", accounts.MINIMUM_COST, accounts.HOST, shortfall, like)))


def _minimum(run: Run, opens: datetime, closes: datetime) -> int:
    """Return what the agreement asks for at least over a month, or the part of it that was lived, in micro-units."""
    agreement = in_force(run.brand.catalogue.agreements, opens.date())
    if agreement is None:
        return 0
    whole = boundary(opens.replace(day=1), MONTH, 1) - opens.replace(day=1)
    share = Fraction((closes - opens).days, whole.days)
    return round_record(share * agreement.minimum_micro / _months(agreement.minimum_every))


def measure(run: Run, asked: Asked) -> Simulation:
    """Return everything that a report shows; raise `SandboxError` when the books do not agree."""
    with run.platform.store.read() as conn:
        proof = _proven(verify(conn, run.name))
        postings = list(_postings(conn, run))
        plans = _plans_of(conn, run)
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
            hash=_hash(run),
            seed=asked.seed,
            subscribers=asked.subscribers,
            length=asked.months,
            start=asked.begins,
            end=asked.ends,
            agreements=tuple(one.starts for one in run.brand.catalogue.agreements),
            days=tuple(run.days),
            months=tuple(_months_of(conn, run, asked, postings)),
            plans=tuple(_plan_results(conn, run, postings, plans, proof)),
            trial=_result(one for one in postings if plans.get(one.subscription or "", "") is None),
            earned=_by_kind((one for one in postings if one.account.startswith(_REVENUE)), 1),
            spent=_by_kind((one for one in postings if one.account.startswith(_COST)), -1),
            owed=_sum(proof, run, "receivable:"),
            unbilled=_sum(proof, run, "unbilled:"),
            cash=_sum(proof, run, accounts.CASH),
            failures=tuple(_failures(conn, run)),
            events=dict(sorted(run.tally.events.items())),
            records=_records(conn, run),
            refused=dict(sorted(run.tally.refused.items())),
            suspense=_suspense(conn, run),
            bills=conn.execute(_count(invoice_table, run)).scalar_one(),
            transfers=proof.transfers,
            balances=_classes(proof),
        )
