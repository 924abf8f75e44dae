"""Failures of the outside world, ordered at seeded moments, and told apart again when they come back as errors."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle

from mvne.platform import SimulatedWorld
from mvne.sandbox.simulation import Failure
from mvne_billing.payments.gateway import GatewayUnavailable
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.network.port import HostUnavailable
from mvne_provisioning.order.errors import OrderInterrupted
from mvne_provisioning.smdp.port import SmdpUnavailable

#: What an interrupted use case raises: the right thing is to call it again.
Outage = OrderInterrupted | GatewayUnavailable

_LOST = (Failure.HOST_ANSWER_LOST, Failure.SMDP_ANSWER_LOST, Failure.GATEWAY_ANSWER_LOST, Failure.GATEWAY_FAILURE_KEPT)
_HOST = (Failure.HOST_ANSWER_LOST, Failure.HOST_SILENT)
_GATEWAY = (Failure.GATEWAY_FAILURE_KEPT, Failure.GATEWAY_SILENT, Failure.GATEWAY_ANSWER_LOST)
_CHARGES = "/v1/payment_intents"


@dataclass
class Faults:
    """Orders failures of one simulated world and remembers which; the kinds take turns."""

    world: SimulatedWorld
    market: str
    over: bool = field(default=False, init=False)
    """Set shortly before the end: no failure of which it could not be seen how it ends."""
    _host: Iterator[Failure] = field(default_factory=lambda: cycle(_HOST), init=False)
    _gateway: Iterator[Failure] = field(default_factory=lambda: cycle(_GATEWAY), init=False)
    _asked: Counter[str] = field(default_factory=Counter, init=False)
    _errors: list[tuple[ProvisioningError, Failure]] = field(default_factory=list, init=False)
    _charges: deque[Failure] = field(default_factory=deque, init=False)

    def of_host(self, failure: Failure, command: str) -> None:
        """Let the next `command` to the host network fail."""
        error = self._remembered(HostUnavailable("no answer, as ordered"), failure)
        self.world.host(self.market).fail_next(command, error, after_effect=failure in _LOST)

    def of_host_at_times(self, command: str) -> None:
        """Let the next `command` to the host network fail, each second time that this is asked."""
        self._asked[command] += 1
        if self._asked[command] % 2 and not self.over:
            self.of_host(next(self._host), command)

    def of_charge_at_times(self) -> None:
        """Let the next charge fail, each fifth time that this is asked; one at a time, to know it again."""
        self._asked["charge"] += 1
        if self._asked["charge"] % 5 == 1 and not self._charges and not self.over:
            self.of_charge(next(self._gateway))

    def of_smdp(self, failure: Failure, command: str) -> None:
        """Let the next ES2+ `command` fail."""
        error = self._remembered(SmdpUnavailable("no answer, as ordered"), failure)
        self.world.smdp.fail_next(command, error, after_effect=failure in _LOST)

    def of_charge(self, failure: Failure) -> None:
        """Let the next charge fail."""
        self._charges.append(failure)
        kept = failure is Failure.GATEWAY_FAILURE_KEPT
        self.world.stripe.fail_next(
            500 if kept else "timeout", after_effect=failure in _LOST, stored=kept, path=_CHARGES
        )

    def which(self, outage: Outage) -> Failure:
        """Return the failure behind an error that was raised."""
        if isinstance(outage, GatewayUnavailable):
            return self._charges.popleft()
        return next(failure for error, failure in self._errors if error is outage.__cause__)

    def _remembered(self, error: ProvisioningError, failure: Failure) -> ProvisioningError:
        self._errors.append((error, failure))
        return error


@dataclass
class Tally:
    """What has happened so far, counted; `tried` are uses of the network, refused ones among them."""

    happened: Counter[Failure] = field(default_factory=Counter)
    handled: Counter[Failure] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    tried: int = 0
