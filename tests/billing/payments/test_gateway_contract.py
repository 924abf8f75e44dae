"""The gateway contract, on the simulated Stripe; and on Stripe itself when STRIPE_SANDBOX_KEY holds a test key.

Without the variable the second class does not exist: nothing here says that Stripe was tried when it was not.
"""

from __future__ import annotations

import os
import uuid

import pytest

from mvne_billing.payments.gateway import PaymentGateway
from mvne_billing.payments.stripe_gateway import StripeGateway
from tests.billing.payments.contract_gateway import GatewayContract
from tests.billing.payments.world import SECRET, World

SANDBOX_KEY = os.environ.get("STRIPE_SANDBOX_KEY")


class TestSimulatedStripe(GatewayContract):
    @pytest.fixture
    def gateway(self, stored_world: World) -> PaymentGateway:
        return stored_world.gateway

    @pytest.fixture
    def run(self) -> str:
        return "run"


if SANDBOX_KEY:

    class TestStripeTestMode(GatewayContract):
        @pytest.fixture
        def gateway(self) -> PaymentGateway:
            return StripeGateway(SANDBOX_KEY or "", SECRET)

        @pytest.fixture
        def run(self) -> str:
            return f"contract-{uuid.uuid4().hex[:12]}"
