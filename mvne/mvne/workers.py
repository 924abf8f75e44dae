"""Who does the jobs: every kind of work in the background, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from mvne import jobs, lines, service, versions
from mvne.jobs import Job
from mvne.lines import Line, LineEnded
from mvne.ordering import order
from mvne.platform import Platform
from mvne.restrictions import base_barrings, guarded, stopped
from mvne.selling import selling
from mvne.states import LineState
from mvne.tariff_view import chain
from mvne_billing.payments import attempts
from mvne_billing.subscription import subscription
from mvne_billing.subscription.subscription import Subscription
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
    """Hold a line to the speed that its plan names for the step beyond the allowance at which it is."""
    held = _held(platform, brand, job)
    steps = chain(held.plan.tariff, Kind.DATA)
    rule = steps[min(job.content.get("step", 0), len(steps) - 1)] if steps else None
    if isinstance(rule, Slow) and held.is_under_way(job, at):
        order(platform, brand, job.id, Throttle(held.line.id, rule.bits_per_second), at)


def _stop(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    """Bar a line from the kind of use whose allowance is used up."""
    held = _held(platform, brand, job)
    if held.is_under_way(job, at):
        order(platform, brand, job.id, Bar(held.line.id, held.barrings | {stopped(Kind(job.content["kind"]))}), at)


def _guard(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    """Stop a line that went past a guard, until its period ends."""
    held = _held(platform, brand, job)
    guard = next((one for one in held.plan.tariff.guards if one.id == job.content["guard"]), None)
    if guard is None or not held.lives or (guard.window == "period" and not held.is_under_way(job, at)):
        return
    order(platform, brand, job.id, Bar(held.line.id, held.barrings | guarded(guard)), at)


def _next(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    """Let a line go at full speed again that goes on at the next plan."""
    held = _held(platform, brand, job)
    if held.is_under_way(job, at) and job.content["kind"] == Kind.DATA and held.line.bits_per_second is not None:
        order(platform, brand, job.id, Throttle(held.line.id, None), at)


def _lift(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    """Take back what held a line: in the period that ended, or, when named, from `kinds` of use that it may have again.

    A line that has not come into service, or has ended, is not held.
    """
    held = _held(platform, brand, job)
    kinds = [Kind(kind) for kind in job.content.get("kinds", Kind)]
    if not held.lives:
        return
    if held.line.bits_per_second is not None and Kind.DATA in kinds:
        order(platform, brand, f"{job.id}:throttle", Throttle(held.line.id, None), at)
    over = {stopped(kind) for kind in kinds}
    if "kinds" not in job.content:
        over |= {bar for guard in held.plan.tariff.guards for bar in guarded(guard)}
    left = held.base | (held.barrings - over)
    if left != held.barrings:
        order(platform, brand, f"{job.id}:bar", Bar(held.line.id, left), at)


def _suspend(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    """Suspend a line whose bill is still not paid."""
    with platform.store.read() as conn:
        is_paid = attempts.due(conn, brand, job.content["invoice"]).minor <= 0
    if not is_paid and _held(platform, brand, job).line.state is LineState.ACTIVE:
        with suppress(LineEnded):
            service.suspend(platform, brand, job.content["line"], job.content["cause"], at)


def _resume(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    """Resume a line whose bill was paid."""
    if _held(platform, brand, job).line.state is LineState.SUSPENDED:
        with suppress(LineEnded):
            service.resume(platform, brand, job.content["line"], at)


def _terminate(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    service.terminate(platform, brand, job.content["line"], job.id, at)


def _end_unpaid(platform: Platform, brand: str, job: Job, at: datetime) -> None:
    service.end_unpaid(platform, brand, job.content["line"], job.content["invoice"], at)


WORKERS: Mapping[str, Worker] = {
    "slow": _slow,
    "stop": _stop,
    "next": _next,
    "guard": _guard,
    "lift": _lift,
    "suspend": _suspend,
    "resume": _resume,
    "terminate": _terminate,
    "end_unpaid": _end_unpaid,
}


@dataclass(frozen=True)
class _Held:
    """A job's line with its contract and plan; `base` is what the plan keeps it from at all times."""

    line: Line
    owner: Subscription
    plan: Plan
    base: frozenset[Barring]

    @property
    def barrings(self) -> frozenset[Barring]:
        """What the line is barred from now."""
        return frozenset(map(Barring, self.line.barrings))

    @property
    def lives(self) -> bool:
        """Whether the network knows the line."""
        return self.line.state in (LineState.READY, LineState.ACTIVE, LineState.SUSPENDED)

    def is_under_way(self, job: Job, at: datetime) -> bool:
        """Say whether the period that a job is about still runs: use that came late holds nobody in the next one."""
        now, then = (
            self.owner.number_at(self.plan.every, moment)
            for moment in (at, datetime.fromisoformat(job.content["period_start"]))
        )
        return self.lives and now == then


def _held(platform: Platform, brand: str, job: Job) -> _Held:
    with platform.store.read() as conn:
        sold = selling(conn, brand)
        line = lines.get(conn, brand, job.content["line"])
        owner = subscription.get(conn, brand, line.id)
        plan = versions.plan_version(conn, brand, owner.plan, owner.version)
    return _Held(line, owner, plan, base_barrings(plan, sold.market.numbering))
