"""Notifications: signed as Stripe signs them, at least once, and to order late, twice, out of order or never."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from mvne_billing.payments.gateway import BadSignature, ChargeStatus, GatewayEvent
from mvne_billing.payments.stripe_simulator.events import Delivery
from tests.billing.payments.world import SECRET, World


class Inbox:
    """An endpoint that verifies with our gateway and remembers; it answers with the statuses given, then 200."""

    def __init__(self, world: World, *answers: int) -> None:
        self.world = world
        self.answers = list(answers)
        self.events: list[GatewayEvent] = []

    def __call__(self, payload: bytes, signature: str) -> int:
        self.events.append(self.world.gateway.parse_event(payload, signature, self.world.clock()))
        return self.answers.pop(0) if self.answers else 200

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


PAID = ["customer.created", "payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def test_a_payment_tells_what_happened_in_order(stored_world: World) -> None:
    world = stored_world
    reference = world.paid()
    inbox = Inbox(world)
    assert world.stripe.deliver(inbox, SECRET) == Delivery(delivered=4)
    assert inbox.types == PAID
    created, succeeded = inbox.events[1], inbox.events[3]
    assert (created.reference, created.charge) == (reference, reference)
    assert succeeded.created == world.clock()
    assert world.stripe.deliver(inbox, SECRET) == Delivery()


def test_a_charge_event_names_its_charge_as_we_know_it(world: World) -> None:
    reference = world.paid()
    world.refund("r-1", reference, 100)
    inbox = Inbox(world)
    world.stripe.deliver(inbox, SECRET)
    refunded = next(event for event in inbox.events if event.type == "charge.refunded")
    made = next(event for event in inbox.events if event.type == "refund.created")
    assert refunded.reference.startswith("ch_")
    assert made.reference.startswith("re_")
    assert refunded.charge == made.charge == reference
    customer = inbox.events[0]
    assert (customer.type, customer.charge) == ("customer.created", None)


@pytest.mark.parametrize(
    ("method", "types"),
    [
        ("pm_card_visa", ["charge.succeeded", "payment_intent.succeeded"]),
        ("pm_card_chargeDeclined", ["charge.failed", "payment_intent.payment_failed"]),
        ("pm_card_authenticationRequired", ["charge.failed", "payment_intent.payment_failed"]),
        ("pm_success_fr", ["payment_intent.processing", "charge.succeeded", "payment_intent.succeeded"]),
        ("pm_failed_fr", ["payment_intent.processing", "charge.failed", "payment_intent.payment_failed"]),
    ],
)
def test_every_outcome_has_its_events(world: World, method: str, types: list[str]) -> None:
    world.charge("pay-1", method)
    inbox = Inbox(world)
    world.stripe.deliver(inbox, SECRET)
    assert inbox.types[2:] == types


def test_the_catalogue_and_the_refunds_have_events_too(world: World) -> None:
    world.sdk.products.create({"name": "Douceur", "id": "douceur"})
    world.sdk.products.update("douceur", {"name": "Douceur Plus"})
    price = world.sdk.prices.create({"product": "douceur", "currency": "eur", "unit_amount": 490})
    world.sdk.prices.update(price.id, {"active": False})
    for card in ("pendingRefund", "refundFail"):
        paid = world.charge(card, f"pm_card_{card}").reference
        assert paid is not None
        world.refund(card, paid, 100)
    inbox = Inbox(world)
    world.stripe.deliver(inbox, SECRET)
    assert inbox.types[:4] == ["product.created", "product.updated", "price.created", "price.updated"]
    assert {"refund.created", "charge.refunded", "refund.updated", "refund.failed"} <= set(inbox.types)


def test_an_update_says_what_was_before(world: World) -> None:
    world.sdk.products.create({"name": "Douceur", "id": "douceur"})
    world.sdk.products.update("douceur", {"name": "Douceur Plus"})
    event = world.all("events")[-1]
    assert event["data"]["previous_attributes"] == {"name": "Douceur"}
    assert event["data"]["object"]["name"] == "Douceur Plus"


def test_an_event_shows_its_object_as_it_was_then(world: World) -> None:
    reference = world.paid()
    created = next(event for event in world.all("events") if event["type"] == "payment_intent.created")
    assert created["data"]["object"]["status"] == "requires_confirmation"
    assert world.gateway.fetch_charge(reference).status is ChargeStatus.SUCCEEDED
    assert created["request"]["idempotency_key"] == "pay:pay-1"
    assert world.sdk.events.retrieve(created["id"]).type == "payment_intent.created"


def test_a_notification_that_is_not_taken_comes_again(world: World) -> None:
    world.paid()
    inbox = Inbox(world, 200, 500, 302)
    assert world.stripe.deliver(inbox, SECRET) == Delivery(delivered=2, refused=2)
    assert world.stripe.deliver(inbox, SECRET) == Delivery(delivered=2)
    assert inbox.types == [*PAID, PAID[1], PAID[2]]


def test_notifications_come_in_portions(world: World) -> None:
    world.paid()
    inbox = Inbox(world)
    assert world.stripe.deliver(inbox, SECRET, limit=3) == Delivery(delivered=3)
    assert world.stripe.deliver(inbox, SECRET, limit=3) == Delivery(delivered=1)
    assert inbox.types == PAID


def test_duplicates_have_the_same_id(world: World) -> None:
    world.paid()
    inbox = Inbox(world)
    assert world.stripe.deliver(inbox, SECRET, duplicate=True) == Delivery(delivered=4)
    ids = [event.id for event in inbox.events]
    assert ids[::2] == ids[1::2]
    assert len(set(ids)) == 4


def test_notifications_can_come_out_of_order(world: World) -> None:
    world.paid()
    inbox = Inbox(world)
    world.stripe.deliver(inbox, SECRET, reorder=True)
    assert inbox.types == PAID[::-1]


def test_a_dropped_notification_never_comes_but_the_charge_can_be_asked(world: World) -> None:
    reference = world.paid()
    inbox = Inbox(world)
    dropped = world.stripe.deliver(inbox, SECRET, drop=lambda event_type: event_type == "payment_intent.succeeded")
    assert dropped == Delivery(delivered=3, dropped=1)
    assert world.stripe.deliver(inbox, SECRET) == Delivery()
    assert world.gateway.fetch_charge(reference).status is ChargeStatus.SUCCEEDED


def test_an_endpoint_that_breaks_loses_nothing(world: World) -> None:
    world.paid()

    def broken(payload: bytes, signature: str) -> int:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        world.stripe.deliver(broken, SECRET)
    assert world.stripe.deliver(Inbox(world), SECRET) == Delivery(delivered=4)


def first_notification(world: World, secret: str = SECRET) -> tuple[bytes, str]:
    taken: list[tuple[bytes, str]] = []

    def endpoint(payload: bytes, signature: str) -> int:
        taken.append((payload, signature))
        return 200

    world.paid()
    world.stripe.deliver(endpoint, secret)
    return taken[-1]


def test_a_notification_signed_with_another_secret_is_refused(world: World) -> None:
    payload, signature = first_notification(world, "whsec_other")
    with pytest.raises(BadSignature, match="not signed with our"):
        world.gateway.parse_event(payload, signature, world.clock())


def test_a_changed_notification_is_refused(world: World) -> None:
    payload, signature = first_notification(world)
    with pytest.raises(BadSignature):
        world.gateway.parse_event(payload.replace(b"490", b"990"), signature, world.clock())


@pytest.mark.parametrize("signature", ["", "t=1", "v1=abc", "nonsense", "t=x,v1=abc"])
def test_a_notification_without_a_proper_signature_is_refused(world: World, signature: str) -> None:
    payload, _ = first_notification(world)
    with pytest.raises(BadSignature):
        world.gateway.parse_event(payload, signature, world.clock())


def test_bytes_that_are_no_text_are_refused(world: World) -> None:
    with pytest.raises(BadSignature):
        world.gateway.parse_event(b"\xff\xfe", "t=1,v1=abc", world.clock())


@pytest.mark.parametrize(("seconds", "accepted"), [(0, True), (300, True), (301, False), (-301, True)])
def test_an_old_notification_is_refused_as_a_replay(world: World, seconds: int, accepted: bool) -> None:
    payload, signature = first_notification(world)
    at = world.clock() + timedelta(seconds=seconds)
    if accepted:
        assert world.gateway.parse_event(payload, signature, at).id == json.loads(payload)["id"]
    else:
        with pytest.raises(BadSignature, match="too long ago"):
            world.gateway.parse_event(payload, signature, at)
