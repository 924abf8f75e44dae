"""Work after the fact: done once under its key, kept with a reason when refused, waiting when there is no answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from mvne import jobs, service, workers
from mvne.errors import MvneError
from mvne.jobs import Job
from mvne.platform import Platform
from mvne.states import LineState
from mvne_billing.errors import BillingError
from mvne_billing.payments.gateway import GatewayUnavailable
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.network.port import HostRefused, HostUnavailable, Refusal
from mvne_provisioning.order.errors import LineBusy, OrderInterrupted
from tests.mvne.house import AT, House
from tests.mvne.wholeness import faults

BRAND = "tilleul"


def ask(platform: Platform, *ids: str, later: timedelta = timedelta(0)) -> None:
    with platform.store.transact() as conn:
        for name in ids:
            jobs.ask(conn, BRAND, name, "lift", {"line": name}, AT + later)


def waiting(platform: Platform) -> list[str]:
    with platform.store.read() as conn:
        return [one.id for one in jobs.waiting(conn, BRAND, AT + timedelta(days=1))]


def failing(error: Exception) -> Callable[[Job], None]:
    def do(job: Job) -> None:
        raise error

    return do


def test_jobs_are_done_in_order_and_once(platform: Platform) -> None:
    ask(platform, "later", later=timedelta(minutes=1))
    ask(platform, "b", "a", "a")
    done: list[str] = []
    for count in (2, 0):
        assert jobs.work(platform.store.transact, BRAND, lambda job: done.append(job.id), AT) == count
    assert done == ["a", "b"]
    assert waiting(platform) == ["later"]


@pytest.mark.parametrize("error", [MvneError("no"), BillingError("no"), ProvisioningError("no")], ids=repr)
def test_a_refused_job_is_kept_with_its_reason_and_does_not_stop_the_others(
    platform: Platform, error: Exception
) -> None:
    ask(platform, "a", "b")
    assert jobs.work(platform.store.transact, BRAND, failing(error), AT) == 0
    with platform.store.read() as conn:
        assert jobs.refused(conn, BRAND) == [("a", "no"), ("b", "no")]


TRY_AGAIN = [OrderInterrupted("no answer"), GatewayUnavailable("no answer"), LineBusy("busy"), ValueError("a defect")]


@pytest.mark.parametrize("error", TRY_AGAIN, ids=repr)
def test_a_job_without_an_answer_waits(platform: Platform, error: Exception) -> None:
    ask(platform, "a", "b")
    with pytest.raises(type(error)):
        jobs.work(platform.store.transact, BRAND, failing(error), AT)
    assert waiting(platform) == ["a", "b"]


def test_a_job_that_the_host_refused_is_done_when_a_person_lets_it_be_tried_again(tilleul: House) -> None:
    platform, line = tilleul.platform, tilleul.join("ada").id
    assert platform.world is not None
    host = platform.world.host("FR")
    service.suspend(platform, BRAND, line, "requested", tilleul.now)
    with platform.store.transact() as conn:
        jobs.ask(conn, BRAND, "resume", "resume", {"line": line}, tilleul.now)
    service.cancel(platform, BRAND, line, tilleul.after(minutes=1), now=True)
    host.fail_next("resume", HostRefused(Refusal.WRONG_STATE, "not now"))
    host.fail_next("terminate", HostUnavailable("no answer"))
    with pytest.raises(OrderInterrupted):
        workers.work(platform, BRAND, tilleul.now)
    with platform.store.read() as conn:
        [(name, reason)] = jobs.refused(conn, BRAND)
    assert (name, "not now" in reason) == ("resume", True)
    assert tilleul.line(line).state is LineState.SUSPENDED

    with platform.store.transact() as conn:
        jobs.retry(conn, BRAND, "resume")
    assert workers.work(platform, BRAND, tilleul.after(minutes=1)) == 2
    assert tilleul.line(line).state is LineState.ENDED
    assert faults(platform, BRAND) == []
