"""A simulated SM-DP+: the operator's side (ES2+) as a port, a phone to download with, and failures on demand.

    smdp = SimulatedSmdpPlus(engine)
    smdp.load(simulated_batch(1, 100))                                # the vendor delivers
    iccid = smdp.download_order("call-1", profile_type="simulated")   # the operator orders ...
    smdp.confirm_order("call-2", iccid, release_flag=True)
    smdp.download("LPA:1$smdp.simulated.example$...", eid, at)        # ... the phone downloads
    smdp.deliver(listener)                                            # ... and the operator is told

Test certificates only: commercial phones would refuse it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, Engine

from mvne_provisioning.activation import ActivationCode
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.profile import Profile
from mvne_provisioning.simulation import Answer, Wire
from mvne_provisioning.smdp import simulated_phone, simulator_notifications, simulator_orders
from mvne_provisioning.smdp.port import Confirmed, DownloadProgress, Es2Failed, FinalState, SmdpUnavailable
from mvne_provisioning.smdp.simulated_phone import LIMITS, Attempt, Es9Failed, InstalledProfile, Limits
from mvne_provisioning.smdp.simulator_delivery import load_profiles, state_of
from mvne_provisioning.smdp.simulator_notifications import PendingNotification
from mvne_provisioning.smdp.simulator_tables import answers, metadata
from mvne_provisioning.smdp.states import ProfileState
from mvne_provisioning.smdp.tokens import unguessable_token

_COMMANDS = frozenset({"download_order", "confirm_order", "cancel_order", "release_profile"})


class SimulatedSmdpPlus:
    """An `SmdpPlus` in a database of its own, as one operator (`requester`) sees it.

    Operators that share the engine share the server, but not each other's profiles. `token` makes matching ids;
    `latency` is a pause before every answer to the operator, in seconds.
    """

    def __init__(
        self,
        engine: Engine,
        address: str = "smdp.simulated.example",
        *,
        requester: str = "operator",
        token: Callable[[], str] = unguessable_token,
        limits: Limits = LIMITS,
        latency: float = 0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self.requester = requester
        self.latency = latency
        self._engine = engine
        self._token = token
        self._limits = limits
        self._sleep = sleep
        self._wire = Wire(engine, answers, _COMMANDS, Es2Failed, SmdpUnavailable, _reused, self._pause)
        metadata.create_all(engine)

    def fail_next(self, command: str, error: ProvisioningError, times: int = 1, after_effect: bool = False) -> None:
        """Let the next `times` calls of an ES2+ function, `download_order` ..., fail with `error`.

        With `after_effect` the function is carried out and only its answer is lost. Raise `ImpossibleFault`.
        """
        self._wire.fail_next(command, error, times, after_effect)

    def load(self, profiles: Iterable[Profile]) -> int:
        """Take a vendor's delivery into the inventory; return how many were new; raise `DeliveryConflict`."""
        with self._engine.begin() as conn:
            return load_profiles(conn, self.requester, profiles)

    def state(self, iccid: Iccid) -> ProfileState | None:
        """Return where a profile stands; None if it was never delivered."""
        with self._engine.begin() as conn:
            return state_of(conn, iccid)

    def download_order(
        self, call_id: str, iccid: Iccid | None = None, profile_type: str | None = None, eid: Eid | None = None
    ) -> Iccid:
        """Take a profile out of the inventory."""

        def effect(conn: Connection) -> Answer:
            return {"iccid": simulator_orders.order_profile(conn, self.requester, iccid, profile_type, eid)}

        arguments = {"iccid": iccid, "profile_type": profile_type, "eid": eid}
        return Iccid(self._call("download_order", call_id, arguments, effect)["iccid"])

    def confirm_order(
        self,
        call_id: str,
        iccid: Iccid,
        eid: Eid | None = None,
        matching_id: str | None = None,
        confirmation_code: str | None = None,
        release_flag: bool = False,
    ) -> Confirmed:
        """Give an ordered profile its matching id."""

        def effect(conn: Connection) -> Answer:
            chosen, linked_to = simulator_orders.confirm_profile(
                conn, self.requester, iccid, eid, matching_id, confirmation_code, release_flag, self._token
            )
            return {"matching_id": chosen, "eid": linked_to, "smdp_address": self.address}

        arguments = {"iccid": iccid, "eid": eid, "matching_id": matching_id, "release_flag": release_flag}
        secret = confirmation_code and simulator_orders.confirmation_hash(confirmation_code)
        answer = self._call("confirm_order", call_id, {**arguments, "code": secret}, effect)
        linked = answer["eid"]
        return Confirmed(answer["matching_id"], Eid(linked) if linked else None, answer["smdp_address"])

    def cancel_order(
        self,
        call_id: str,
        iccid: Iccid,
        matching_id: str | None,
        final_state: FinalState,
        eid: Eid | None = None,
    ) -> None:
        """Undo an order that was not downloaded."""

        def effect(conn: Connection) -> Answer:
            simulator_orders.cancel_profile_order(conn, self.requester, iccid, eid, matching_id, final_state)
            return {}

        arguments = {"iccid": iccid, "eid": eid, "matching_id": matching_id, "final_state": final_state}
        self._call("cancel_order", call_id, arguments, effect)

    def release_profile(self, call_id: str, iccid: Iccid) -> None:
        """Let a confirmed profile be downloaded."""

        def effect(conn: Connection) -> Answer:
            simulator_orders.release(conn, self.requester, iccid)
            return {}

        self._call("release_profile", call_id, {"iccid": iccid}, effect)

    def download(
        self,
        activation_code: str,
        eid: Eid,
        at: datetime,
        confirmation_code: str | None = None,
        install_error: int | None = None,
    ) -> InstalledProfile:
        """Download and install as a phone would that read this activation code.

        Raise `InvalidActivationCode` or `Es9Failed`. See `Attempt` for `install_error`.
        """
        code = ActivationCode.parse(activation_code)
        if code.address != self.address:
            raise Es9Failed("8.8.1", "3.8", f"this is {self.address}, not {code.address}")
        with self._engine.begin() as conn:
            attempt = Attempt(code, eid, at, confirmation_code, install_error)
            outcome = simulated_phone.download(conn, attempt, self._limits)
        if isinstance(outcome, Es9Failed):
            raise outcome
        return outcome

    def enable(self, iccid: Iccid, eid: Eid, at: datetime) -> None:
        """Enable an installed profile on the phone; raise `Es9Failed`."""
        self._manage(iccid, eid, ProfileState.ENABLED, at)

    def disable(self, iccid: Iccid, eid: Eid, at: datetime) -> None:
        """Disable an enabled profile on the phone; raise `Es9Failed`."""
        self._manage(iccid, eid, ProfileState.DISABLED, at)

    def delete(self, iccid: Iccid, eid: Eid, at: datetime) -> None:
        """Delete a profile that is not enabled from the phone; raise `Es9Failed`."""
        self._manage(iccid, eid, ProfileState.DELETED, at)

    def pending_notifications(self, limit: int = 100) -> tuple[PendingNotification, ...]:
        """Return what this operator was not yet told, or did not acknowledge, in order."""
        with self._engine.begin() as conn:
            return simulator_notifications.pending(conn, self.requester, limit)

    def acknowledge(self, sequence: int) -> None:
        """Take a notification out of the queue."""
        with self._engine.begin() as conn:
            simulator_notifications.acknowledge(conn, self.requester, sequence)

    def deliver(self, listener: Callable[[DownloadProgress], None]) -> int:
        """Tell `listener` all that is pending, in order; return how many notifications it took.

        Each is acknowledged after the listener returned. If it raises, that and what follows stay pending: a
        notification is delivered at least once, and perhaps twice.
        """
        delivered = 0
        while batch := self.pending_notifications():
            for notification in batch:
                listener(notification.progress)
                self.acknowledge(notification.sequence)
            delivered += len(batch)
        return delivered

    def _manage(self, iccid: Iccid, eid: Eid, to: ProfileState, at: datetime) -> None:
        with self._engine.begin() as conn:
            simulated_phone.manage(conn, iccid, eid, to, at)

    def _call(
        self, function: str, call_id: str, arguments: Mapping[str, object], effect: Callable[[Connection], Answer]
    ) -> Answer:
        key = f"{self.requester} {call_id}"  # each operator counts its own calls
        return self._wire.call(function, key, arguments, effect)

    def _pause(self) -> None:
        if self.latency:
            self._sleep(self.latency)


def _reused(key: str) -> Es2Failed:
    return Es2Failed("1.6", "2.1", f"functionCallIdentifier {key!r} was used before with other parameters")
