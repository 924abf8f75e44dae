"""A simulated host network: the same port as a real one, with a memory of its own and failures on demand.

host = SimulatedHostNetwork(engine)
host.activate("key", imsi, iccid, msisdn)
host.use(imsi, UsageKind.VOICE, at, 90, to="+33199000001")
host.fail_next("suspend", HostUnavailable("no answer"), after_effect=True)   # done, but the answer is lost
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.network.port import (
    Barring,
    Capability,
    HostLine,
    HostRefused,
    HostState,
    HostUnavailable,
    NetworkUsage,
    Refusal,
    UsageBatch,
    UsageKind,
)
from mvne_provisioning.network.simulated_use import Conditions, Use
from mvne_provisioning.network.simulator_lines import (
    LIVING,
    change_line,
    line_row,
    lines_by_imsi,
    move_line,
    put_line,
    refuse_taken,
)
from mvne_provisioning.network.simulator_tables import answers, metadata
from mvne_provisioning.network.simulator_usage import Refused, record_uses, start_counter, usage_after
from mvne_provisioning.simulation import Answer, Wire

_COMMANDS = frozenset(
    {"activate", "suspend", "resume", "terminate", "change_msisdn", "swap_sim", "set_barring", "set_throttle"}
)
_FRESH: Mapping[str, object] = {"state": HostState.ACTIVE, "barrings": "", "bits_per_second": None}


class SimulatedHostNetwork:
    """A `HostNetwork` in a database of its own; `country` is where it stands, ISO 3166 two-letter.

    `premium` holds the prefixes that a line barred from premium numbers cannot call; `latency` is a pause before every
    answer, in seconds.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        capabilities: frozenset[Capability] = frozenset(Capability),
        country: str = "FR",
        premium: tuple[str, ...] = (),
        latency: float = 0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.latency = latency
        self._conditions = Conditions(capabilities, frozenset(premium), country)
        self._engine = engine
        self._wire = Wire(engine, answers, _COMMANDS, HostRefused, HostUnavailable, _reused, self._pause)
        self._sleep = sleep
        metadata.create_all(engine)
        with engine.begin() as conn:
            start_counter(conn)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this host offers."""
        return self._conditions.capabilities

    def fail_next(self, command: str, error: ProvisioningError, times: int = 1, after_effect: bool = False) -> None:
        """Let the next `times` calls of `command` fail with `error`.

        With `after_effect` the command is carried out and only its answer is lost. Raise `ImpossibleFault`.
        """
        self._wire.fail_next(command, error, times, after_effect)

    def activate(self, key: str, imsi: Imsi, iccid: Iccid, msisdn: Msisdn) -> None:
        """Make the line live."""

        def effect(conn: Connection) -> None:
            refuse_taken(conn, "iccid", iccid, Refusal.ICCID_IN_USE)
            refuse_taken(conn, "msisdn", msisdn, Refusal.MSISDN_IN_USE)
            put_line(conn, imsi, {"iccid": iccid, "msisdn": msisdn, **_FRESH})

        self._command("activate", key, {"imsi": imsi, "iccid": iccid, "msisdn": msisdn}, effect)

    def suspend(self, key: str, imsi: Imsi) -> None:
        """Stop an active line."""
        self._command("suspend", key, {"imsi": imsi}, lambda conn: move_line(conn, imsi, HostState.SUSPENDED))

    def resume(self, key: str, imsi: Imsi) -> None:
        """Make a suspended line active again."""

        def effect(conn: Connection) -> None:
            change_line(conn, imsi, {HostState.SUSPENDED}, state=HostState.ACTIVE)

        self._command("resume", key, {"imsi": imsi}, effect)

    def terminate(self, key: str, imsi: Imsi) -> None:
        """End the line."""
        self._command("terminate", key, {"imsi": imsi}, lambda conn: move_line(conn, imsi, HostState.TERMINATED))

    def change_msisdn(self, key: str, imsi: Imsi, msisdn: Msisdn) -> None:
        """Give the line another number."""

        def effect(conn: Connection) -> None:
            self._need(Capability.CHANGE_MSISDN)
            refuse_taken(conn, "msisdn", msisdn, Refusal.MSISDN_IN_USE)
            change_line(conn, imsi, LIVING, msisdn=msisdn)

        self._command("change_msisdn", key, {"imsi": imsi, "msisdn": msisdn}, effect)

    def swap_sim(self, key: str, old_imsi: Imsi, new_imsi: Imsi, new_iccid: Iccid) -> None:
        """Move the line to another card."""

        def effect(conn: Connection) -> None:
            self._need(Capability.SWAP_SIM)
            refuse_taken(conn, "imsi", new_imsi, Refusal.IMSI_IN_USE)
            refuse_taken(conn, "iccid", new_iccid, Refusal.ICCID_IN_USE)
            old = line_row(conn, old_imsi)
            move_line(conn, old_imsi, HostState.TERMINATED)
            kept = {name: getattr(old, name) for name in ("msisdn", "state", "barrings", "bits_per_second")}
            put_line(conn, new_imsi, {"iccid": new_iccid, **kept})

        arguments = {"old_imsi": old_imsi, "new_imsi": new_imsi, "new_iccid": new_iccid}
        self._command("swap_sim", key, arguments, effect)

    def set_barring(self, key: str, imsi: Imsi, barrings: frozenset[Barring]) -> None:
        """Bar exactly `barrings`."""
        listed = ",".join(sorted(barrings))

        def effect(conn: Connection) -> None:
            self._need(Capability.BARRING)
            change_line(conn, imsi, LIVING, barrings=listed)

        self._command("set_barring", key, {"imsi": imsi, "barrings": listed}, effect)

    def set_throttle(self, key: str, imsi: Imsi, bits_per_second: int | None) -> None:
        """Hold data to this speed; None lifts it."""

        def effect(conn: Connection) -> None:
            self._need(Capability.THROTTLE)
            change_line(conn, imsi, LIVING, bits_per_second=bits_per_second)

        self._command("set_throttle", key, {"imsi": imsi, "bits_per_second": bits_per_second}, effect)

    def line(self, imsi: Imsi) -> HostLine | None:
        """Return the line, a terminated one too."""
        self._pause()
        with self._engine.begin() as conn:
            return lines_by_imsi(conn, [imsi]).get(imsi)

    def use(
        self,
        imsi: Imsi,
        kind: UsageKind,
        at: datetime,
        amount: int,
        to: str | None = None,
        country: str | None = None,
        id: str | None = None,
    ) -> NetworkUsage:
        """Use the network as a phone would and return the record; raise `UseRefused`. See `Use`."""
        return self.use_many([Use(imsi, kind, at, amount, to, country, id)])[0]

    def use_many(self, uses: Sequence[Use], refused: Refused | None = None) -> tuple[NetworkUsage, ...]:
        """Do as `use` for all of `uses` in one transaction: for whole populations of phones.

        All or none, unless `refused` is given: then it is told each use that is refused, and the others happen.
        """
        try:
            with self._engine.begin() as conn:
                return record_uses(conn, uses, self._conditions, refused)
        except IntegrityError as collision:
            raise HostUnavailable("two phones used the same record id at once; try again") from collision

    def usage_feed(self, after: int, limit: int) -> UsageBatch:
        """Return at most `limit` records with a sequence above `after`."""
        self._pause()
        if Capability.USAGE_FEED not in self._conditions.capabilities:
            raise HostRefused(Refusal.NOT_CAPABLE, "this host has no usage feed")
        with self._engine.begin() as conn:
            return usage_after(conn, after, limit)

    def _command(
        self, name: str, key: str, arguments: Mapping[str, object], effect: Callable[[Connection], None]
    ) -> None:
        def answered(conn: Connection) -> Answer:
            effect(conn)
            return {}

        self._wire.call(name, key, arguments, answered)

    def _need(self, capability: Capability) -> None:
        if capability not in self._conditions.capabilities:
            raise HostRefused(Refusal.NOT_CAPABLE, f"this host does not offer {capability}")

    def _pause(self) -> None:
        if self.latency:
            self._sleep(self.latency)


def _reused(key: str) -> HostRefused:
    return HostRefused(Refusal.KEY_REUSED, f"the key {key!r} was used before with other arguments")
