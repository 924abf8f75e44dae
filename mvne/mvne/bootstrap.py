"""The one place where ports meet adapters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import cache

from mvne.clock import now
from mvne.markets.market import load_market
from mvne.platform import Platform, SimulatedWorld
from mvne.settings import Settings, SettingsError, read_settings
from mvne.store import Store, open_store
from mvne_billing.charging.store import ChargingStore
from mvne_plans.numbering import NumberKind
from mvne_provisioning.order.steps import Ports
from mvne_provisioning.smdp.tokens import unguessable_token

#: What the simulated Stripe account is opened with; it is not a secret.
_SIMULATED_KEY = "sk_test_simulated"
SIMULATED_WEBHOOK_SECRET = "whsec_simulated"


def connect(store: str | None = None, clock: Callable[[], datetime] = now) -> Platform:
    """Open the platform of this installation, its tables up to date; `store` overrides the store's URL.

    Everything outside is simulated unless the settings say otherwise. `clock` is the simulated world's own.
    """
    return bootstrap(read_settings(store), clock)


def bootstrap(
    settings: Settings, clock: Callable[[], datetime] = now, token: Callable[[], str] = unguessable_token
) -> Platform:
    """Open the platform that `settings` describe; `token` makes the matching ids of the simulated SM-DP+."""
    from mvne_billing.payments.stripe_gateway import StripeGateway
    from mvne_billing.payments.stripe_simulator.simulator import SimulatedStripe
    from mvne_provisioning.network.simulator import SimulatedHostNetwork
    from mvne_provisioning.smdp.simulator import SimulatedSmdpPlus

    with ExitStack() as opening:
        opened = open_store(settings.store_url)
        opening.callback(opened.close)
        outside = open_store(settings.simulated_url).engine
        opening.callback(outside.dispose)
        with opened.building():
            opened.migrate()
            smdp = SimulatedSmdpPlus(outside, token=token)
            stripe = SimulatedStripe(outside, clock)
            SimulatedHostNetwork(outside)  # makes its tables, which those of all markets share

        @cache
        def host(market: str) -> SimulatedHostNetwork:
            numbering = load_market(market).numbering
            premium = tuple(one.prefix for one in numbering.destinations if one.kind is NumberKind.PREMIUM)
            return SimulatedHostNetwork(outside, country=market, premium=premium)

        if settings.stripe_key is None:
            gateway = StripeGateway(_SIMULATED_KEY, SIMULATED_WEBHOOK_SECRET, http_client=stripe.http_client())
        else:
            if settings.stripe_webhook_secret is None:
                raise SettingsError("a Stripe key needs stripe_webhook_secret, the signing secret of the endpoint")
            key, secret = settings.stripe_key.get_secret_value(), settings.stripe_webhook_secret.get_secret_value()
            gateway = StripeGateway(key, secret, live=settings.live)
        return Platform(
            store=opened,
            ports=lambda market: Ports(host(market), smdp),
            gateway=gateway,
            world=SimulatedWorld(host, smdp, stripe),
            opened=opening.pop_all(),
        )


def charging_store(store: Store, apart: bool = False) -> ChargingStore:
    """Open what charging writes through: connections of its own to the store, by the driver of its kind.

    With `apart`, a SQLite file has its writer in a process of its own: worth starting where charging stays.
    """
    if store.engine.dialect.name == "postgresql":
        from mvne_billing.charging.postgresql_store import PostgresqlStore

        return PostgresqlStore(store.engine, store.read, store.transact)
    path = store.engine.url.database
    if apart and path not in (None, "", ":memory:"):
        from mvne_billing.charging.sqlite_apart import SqliteApart

        return SqliteApart(path, store.read, store.transact)
    from mvne_billing.charging.sqlite_store import SqliteStore

    return SqliteStore(store.engine, store.read, store.transact)
