"""What the payment tests share: a clock to move, a simulated Stripe, the gateway over it, a customer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import stripe

from mvne_billing.payments.gateway import Charge, ChargeResult, CustomerSpec, Refund, RefundResult
from mvne_billing.payments.stripe_gateway import StripeGateway
from mvne_billing.payments.stripe_simulator.simulator import SimulatedStripe
from mvne_plans.money import Money

SECRET = "whsec_test"
TEST_KEY = "sk_test_simulated"


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: int) -> None:
        self.now += timedelta(**by)


@dataclass
class World:
    """One simulated Stripe account and both ways to talk to it: our gateway, and Stripe's SDK bare."""

    engine: sa.Engine
    clock: Clock

    def __post_init__(self) -> None:
        self.stripe = SimulatedStripe(self.engine, self.clock)
        self.gateway = self.new_gateway()
        self.sdk = stripe.StripeClient(TEST_KEY, http_client=self.stripe.http_client(), max_network_retries=0).v1

    def new_gateway(self) -> StripeGateway:
        """A gateway as a process that has just started would make it."""
        return StripeGateway(TEST_KEY, SECRET, self.stripe.http_client())

    def customer(self, name: str = "sub-1") -> str:
        return self.gateway.ensure_customer(f"customer:{name}", CustomerSpec(name, "Ada", "ada@tilleul.example", "fr"))

    def charge(self, payment: str, method: str, amount: int = 490, customer: str | None = None) -> ChargeResult:
        paid_by = customer or self.customer()
        return self.gateway.charge(f"pay:{payment}", Charge(payment, "inv-1", Money(amount, "EUR"), paid_by, method))

    def paid(self, amount: int = 490, payment: str = "pay-1") -> str:
        """The reference of a charge that succeeded."""
        reference = self.charge(payment, "pm_card_visa", amount).reference
        assert reference is not None
        return reference

    def refund(self, refund: str, charge: str, amount: int) -> RefundResult:
        return self.gateway.refund(f"refund:{refund}", Refund(refund, charge, Money(amount, "EUR"), f"cn-{refund}"))

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind, through the SDK's own paging, oldest first."""
        listed: Callable[..., Any] = getattr(self.sdk, kind).list
        return [item.to_dict() for item in listed({"limit": 100}).auto_paging_iter()][::-1]
