"""One key, one effect: retries, crashes, lost answers, other parameters, four callers at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Literal

import pytest
import stripe

from mvne_billing.payments.gateway import (
    Charge,
    ChargeResult,
    ChargeStatus,
    GatewayRefused,
    GatewayUnavailable,
    KeyReused,
    ProductSpec,
)
from mvne_plans.money import Money
from tests.billing.payments.world import Clock, World
from tests.database import open_engine


@pytest.mark.parametrize("status", [500, 503, 409, 429, "timeout"])
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_lost_answer_and_a_retry_make_one_payment(
    stored_world: World, status: int | Literal["timeout"], after_effect: bool
) -> None:
    world = stored_world
    customer = world.customer()
    world.stripe.fail_next(status, after_effect=after_effect)
    with pytest.raises(GatewayUnavailable) as unavailable:
        world.charge("pay-1", "pm_card_visa", customer=customer)
    assert unavailable.value.replayed is False
    assert len(world.all("payment_intents")) == (1 if after_effect else 0)
    world.gateway = world.new_gateway()
    assert world.charge("pay-1", "pm_card_visa", customer=customer).status is ChargeStatus.SUCCEEDED
    assert len(world.all("payment_intents")) == len(world.all("charges")) == 1


def test_a_lost_decline_is_the_same_decline_when_asked_again(world: World) -> None:
    world.customer()
    world.stripe.fail_next("timeout", after_effect=True, path="/v1/payment_intents")
    with pytest.raises(GatewayUnavailable):
        world.charge("pay-1", "pm_card_chargeDeclinedLostCard")
    again = world.charge("pay-1", "pm_card_chargeDeclinedLostCard")
    assert (again.status, again.code) == (ChargeStatus.FAILED, "lost_card")
    assert len(world.all("payment_intents")) == 1


def test_a_lost_refund_and_a_retry_give_back_once(world: World) -> None:
    paid = world.paid(1000)
    world.stripe.fail_next("timeout", after_effect=True)
    with pytest.raises(GatewayUnavailable):
        world.refund("r-1", paid, 400)
    world.refund("r-1", paid, 400)
    assert [refund["amount"] for refund in world.all("refunds")] == [400]


def test_as_many_failures_come_as_were_ordered_and_only_where_ordered(world: World) -> None:
    customer = world.customer()
    world.stripe.fail_next(times=2, path="/v1/payment_intents")
    world.gateway.sync_product("k", ProductSpec("tilleul-douceur", "Douceur"))
    for _ in range(2):
        with pytest.raises(GatewayUnavailable):
            world.charge("pay-1", "pm_card_visa", customer=customer)
    assert world.charge("pay-1", "pm_card_visa", customer=customer).status is ChargeStatus.SUCCEEDED


def test_a_stored_failure_comes_back_for_a_day_and_says_so(world: World) -> None:
    customer = world.customer()
    world.stripe.fail_next(500, stored=True)
    with pytest.raises(GatewayUnavailable):
        world.charge("pay-1", "pm_card_visa", customer=customer)
    with pytest.raises(GatewayUnavailable) as again:
        world.charge("pay-1", "pm_card_visa", customer=customer)
    assert again.value.replayed is True
    assert world.gateway.find_charge("pay-1", customer) is None
    world.clock.advance(hours=24)
    assert world.charge("pay-1", "pm_card_visa", customer=customer).status is ChargeStatus.SUCCEEDED


def test_a_payment_behind_a_stored_failure_is_found_by_our_id(world: World) -> None:
    customer = world.customer()
    world.stripe.fail_next(500, after_effect=True, stored=True)
    with pytest.raises(GatewayUnavailable):
        world.charge("pay-1", "pm_card_visa", customer=customer)
    found = world.gateway.find_charge("pay-1", customer)
    assert found is not None
    assert found.status is ChargeStatus.SUCCEEDED


def test_a_key_is_remembered_for_a_day_and_no_longer(world: World) -> None:
    customer = world.customer()
    first = world.charge("pay-1", "pm_card_visa", customer=customer)
    world.clock.advance(hours=23, minutes=59)
    assert world.charge("pay-1", "pm_card_visa", customer=customer) == first
    world.clock.advance(minutes=1)
    assert world.charge("pay-1", "pm_card_visa", customer=customer) != first
    assert len(world.all("payment_intents")) == 2


@pytest.mark.parametrize(
    "other",
    [
        Charge("pay-1", "inv-1", Money(491, "EUR"), "", "pm_card_visa"),
        Charge("pay-1", "inv-1", Money(490, "USD"), "", "pm_card_visa"),
        Charge("pay-1", "inv-2", Money(490, "EUR"), "", "pm_card_visa"),
        Charge("pay-1", "inv-1", Money(490, "EUR"), "", "pm_card_mastercard"),
    ],
    ids=["amount", "currency", "invoice", "method"],
)
def test_a_key_used_for_something_else_is_refused(world: World, other: Charge) -> None:
    customer = world.customer()
    world.charge("pay-1", "pm_card_visa", customer=customer)
    changed = Charge(other.payment_id, other.invoice_id, other.amount, customer, other.method)
    with pytest.raises(KeyReused):
        world.gateway.charge("pay:pay-1", changed)
    assert len(world.all("payment_intents")) == 1


def test_a_key_used_at_another_address_is_refused(world: World) -> None:
    world.charge("pay-1", "pm_card_visa")
    with pytest.raises(KeyReused):
        world.gateway.sync_product("pay:pay-1", ProductSpec("tilleul-douceur", "Douceur"))


def test_the_same_parameters_at_another_address_are_another_request(world: World) -> None:
    for plan in ("douceur", "serenite"):
        world.sdk.products.create({"id": plan, "name": plan})
    world.sdk.products.update("douceur", {"name": "Plus"}, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError):
        world.sdk.products.update("serenite", {"name": "Plus"}, {"idempotency_key": "k"})


def test_a_key_that_is_too_long_is_refused(world: World) -> None:
    with pytest.raises(GatewayRefused, match="255"):
        world.gateway.sync_product("k" * 256, ProductSpec("tilleul-douceur", "Douceur"))


def test_a_refusal_is_kept_under_its_key_like_any_answer(world: World) -> None:
    params: stripe.params.PaymentIntentCreateParams = {"amount": 490, "currency": "eur", "customer": "cus_nobody"}
    replayed = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            world.sdk.payment_intents.create(params, {"idempotency_key": "k"})
        assert refused.value.headers is not None
        replayed.append(refused.value.headers.get("Idempotent-Replayed"))
    assert replayed == [None, "true"]


def test_a_request_that_fails_its_parameter_check_does_not_use_up_its_key(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        world.sdk.products.create({}, {"idempotency_key": "k"})  # type: ignore[typeddict-item]  # the point
    assert world.sdk.products.create({"name": "Douceur"}, {"idempotency_key": "k"}).name == "Douceur"


def test_the_order_of_parameters_does_not_make_another_request(world: World) -> None:
    first = world.sdk.products.create({"name": "Douceur", "active": True}, {"idempotency_key": "k"})
    assert world.sdk.products.create({"active": True, "name": "Douceur"}, {"idempotency_key": "k"}).id == first.id


def test_four_processes_with_one_key_make_one_payment(database_url: str) -> None:
    """Each thread stands for a process: its own engine, its own simulator object, its own gateway."""
    worlds = [World(open_engine(database_url), Clock()) for _ in range(4)]
    customer = worlds[0].customer()
    start = threading.Barrier(4)
    results: list[ChargeResult] = []

    def run(world: World) -> None:
        start.wait()
        for number in range(5):
            results.append(world.charge(f"pay-{number}", "pm_card_visa", customer=customer))

    threads = [threading.Thread(target=run, args=(world,)) for world in worlds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 20
    assert len({result.reference for result in results}) == 5
    assert len(worlds[0].all("payment_intents")) == 5
    for world in worlds:
        world.engine.dispose()


def test_four_threads_of_one_process_share_an_account_in_memory(memory_world: World) -> None:
    world = memory_world
    customer = world.customer()
    start = threading.Barrier(4)
    results: list[ChargeResult] = []

    def run() -> None:
        start.wait()
        results.extend(world.charge(f"pay-{number}", "pm_card_visa", customer=customer) for number in range(5))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 20
    assert len({result.reference for result in results}) == 5


def test_the_account_outlives_the_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'stripe.sqlite'}"
    references = []
    for _ in range(2):
        world = World(open_engine(url), Clock())
        references.append(world.charge("pay-1", "pm_card_visa").reference)
        world.engine.dispose()
    assert references[0] == references[1]
