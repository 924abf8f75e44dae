"""An open platform: the store and the outside world, as every use case takes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mvne.store import Store
from mvne_billing.payments.gateway import PaymentGateway
from mvne_provisioning.order.steps import Ports

if TYPE_CHECKING:
    from mvne_billing.payments.stripe_simulator.simulator import SimulatedStripe
    from mvne_provisioning.network.simulator import SimulatedHostNetwork
    from mvne_provisioning.smdp.simulator import SimulatedSmdpPlus


@dataclass(frozen=True)
class SimulatedWorld:
    """The simulated outside, for phones, faults and tests: what has no place in a use case.

    `host` returns the simulated host network of a market; all of them stand in one database.
    """

    host: Callable[[str], SimulatedHostNetwork]
    smdp: SimulatedSmdpPlus
    stripe: SimulatedStripe


@dataclass(frozen=True)
class Platform:
    """The store with its ports. `ports` returns the host network of a market and the SM-DP+.

    `world` is there when the outside is simulated, None when it is real. Close it when done, or use it in a `with`.
    """

    store: Store
    ports: Callable[[str], Ports]
    gateway: PaymentGateway
    world: SimulatedWorld | None = None
    opened: ExitStack = field(default_factory=ExitStack, repr=False)

    def close(self) -> None:
        """Close every database that was opened."""
        self.opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
