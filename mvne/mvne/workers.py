"""Who does the jobs: every kind of work in the background, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from mvne import jobs, lines, service, versions
from mvne.jobs import Job
from mvne.lines import Line
from mvne.ordering import order
from mvne.platform import Platform
from mvne.restrictions import base_barrings, stopped
from mvne.selling import selling
from mvne.states import LineState
from mvne_billing.subscription import subscription
from mvne_plans.catalogue import Plan
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Slow
from mvne_provisioning.network.port import Barring
from mvne_provisioning.order.requests import Bar, Throttle

Worker = Callable[[Platform, str, Job, datetime], None]


def work(platform: Platform, brand: str, at: datetime) -> int:
    """Do what waits for a brand by `at` and return how much was done; what is refused is kept for a person."""
    return jobs.work(platform.store.transact, brand, lambda job: WORKERS[job.kind](platform, brand, job, at), at)


def _slow(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    """Hold a line to the speed its plan names beyond the allowance."""
    line, plan, _ = _held(platform, brand, job)
    rule = plan.tariff.beyond.get(Kind.DATA)
    if line.state is not LineState.ENDED and isinstance(rule, Slow):
        order(platform, brand, job.id, Throttle(line.id, rule.bits_per_second), at)


def _stop(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    """Bar a line from the kind of use whose allowance is used up."""
    line, _, _ = _held(platform, brand, job)
    if line.state is not LineState.ENDED:
        barrings = {Barring(one) for one in line.barrings} | {stopped(Kind(job.content["kind"]))}
        order(platform, brand, job.id, Bar(line.id, frozenset(barrings)), at)


def _lift(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    """Take back what held a line in the period that ended."""
    line, _, base = _held(platform, brand, job)
    if line.state is LineState.ENDED:
        return
    if line.bits_per_second is not None:
        order(platform, brand, f"{job.id}:throttle", Throttle(line.id, None), at)
    if set(line.barrings) != set(base):
        order(platform, brand, f"{job.id}:bar", Bar(line.id, base), at)


def _suspend(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    service.suspend(platform, brand, job.content["line"], job.content["cause"], at)


def _resume(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    service.resume(platform, brand, job.content["line"], at)


def _terminate(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    service.terminate(platform, brand, job.content["line"], job.id, at)


def _end_unpaid(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    service.end_unpaid(platform, brand, job.content["line"], job.content["invoice"], at)


WORKERS: Mapping[str, Worker] = {
    "slow": _slow,
    "stop": _stop,
    "lift": _lift,
    "suspend": _suspend,
    "resume": _resume,
    "terminate": _terminate,
    "end_unpaid": _end_unpaid,
}


def _held(platform: Platform, brand: str, job: Job) -> tuple[Line, Plan, frozenset[Barring]]:
    """Return a job's line, its plan, and what the plan keeps it from at all times."""
    with platform.store.read() as conn:
        sold = selling(conn, brand)
        line = lines.get(conn, brand, job.content["line"])
        owner = subscription.get(conn, brand, line.id)
        plan = versions.plan_version(conn, brand, owner.plan, owner.version)
    return line, plan, base_barrings(plan, sold.market.numbering)
