"""A small world for the tests of orders: one brand with stock, both machines, an outbox, and ways to let it crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import Connection, Engine, select

from mvne_provisioning.activation import ActivationCode
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.counting import PoolCounts, count_by_state
from mvne_provisioning.inventory.numbers import add_numbers, number_of
from mvne_provisioning.inventory.profiles import add_profiles, profile_of
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.network.port import HostState
from mvne_provisioning.network.simulator import SimulatedHostNetwork
from mvne_provisioning.order.placing import find_order, place_order
from mvne_provisioning.order.progress import on_progress
from mvne_provisioning.order.record import Order
from mvne_provisioning.order.requests import AnyRequest, Request
from mvne_provisioning.order.running import run_order
from mvne_provisioning.order.steps import Ports
from mvne_provisioning.smdp.port import DownloadProgress
from mvne_provisioning.smdp.simulator import SimulatedSmdpPlus
from mvne_provisioning.smdp.states import ProfileState
from mvne_provisioning.states import PoolState
from mvne_provisioning.tables import provisioning_number, provisioning_profile

BRAND = "tilleul"
AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
UNTIL = AT + timedelta(days=90)
EID = Eid.with_check_digits("8" * 30)
NUMBERS = [Msisdn(f"+3319900{serial:04d}") for serial in range(1000)]

Transact = Callable[[], AbstractContextManager[Connection]]
Emit = Callable[[Connection, str, Mapping[str, object]], None]


class CrashError(BaseException):
    """Our side died here. Not an `Exception`, so that nothing can swallow it."""


@dataclass
class Crashing:
    """A `transact` that dies at its n-th transaction: before anything was written, before the commit, or after it."""

    transact: Transact
    die_at: int
    moment: str
    opened: int = 0

    @contextmanager
    def __call__(self) -> Iterator[Connection]:
        self.opened += 1
        dies = self.opened == self.die_at
        if dies and self.moment == "opening":
            raise CrashError
        with self.transact() as conn:
            yield conn
            if dies and self.moment == "before commit":
                raise CrashError
        if dies and self.moment == "after commit":
            raise CrashError


MOMENTS = ("opening", "before commit", "after commit")


@dataclass
class World:
    """One brand, its store and the two machines on the other side."""

    engine: Engine
    host: SimulatedHostNetwork
    smdp: SimulatedSmdpPlus
    emit: Emit
    brand: str = BRAND

    @property
    def ports(self) -> Ports:
        return Ports(self.host, self.smdp)

    def stock(self, size: int, first: int = 1) -> None:
        batch = simulated_batch(first, size)
        self.smdp.load(batch)
        with self.engine.begin() as conn:
            add_profiles(conn, self.brand, batch, AT)
            add_numbers(conn, self.brand, NUMBERS[first - 1 : first - 1 + size], AT)

    def place(self, order_id: str, request: AnyRequest) -> Order:
        with self.engine.begin() as conn:
            return place_order(conn, self.brand, order_id, request, AT)

    def run(self, order_id: str, transact: Transact | None = None) -> Order:
        return run_order(transact or self.engine.begin, self.brand, order_id, self.ports, AT, self.emit)

    def order(self, order_id: str, request: AnyRequest) -> Order:
        self.place(order_id, request)
        return self.run(order_id)

    def find(self, order_id: str) -> Order:
        with self.engine.begin() as conn:
            return find_order(conn, self.brand, order_id)

    def listen(self) -> int:
        def listener(progress: DownloadProgress) -> None:
            with self.engine.begin() as conn:
                on_progress(conn, self.brand, progress, AT, self.emit)

        return self.smdp.deliver(listener)

    def live_line(self, line_id: str) -> Order:
        """Bring a line to life, phone and all."""
        order = self.order(f"new-{line_id}", Request(line_id))
        self.scan(order)
        self.listen()
        return self.find(order.order_id)

    def scan(self, order: Order) -> None:
        code = order.activation_code
        assert isinstance(code, ActivationCode)
        self.smdp.download(code.for_qr(), EID, AT)

    def counts(self) -> PoolCounts:
        with self.engine.begin() as conn:
            return count_by_state(conn, self.brand)

    def line(self, line_id: str) -> tuple[Iccid, Imsi, Msisdn] | None:
        with self.engine.begin() as conn:
            profile, number = profile_of(conn, self.brand, line_id), number_of(conn, self.brand, line_id)
        if profile is None or number is None:
            assert profile is None
            assert number is None
            return None
        return profile.iccid, profile.imsi, number

    def check(self) -> None:
        """Fail unless our store, the host network and the SM-DP+ agree on every profile and number.

        Called when no order is under way: an assigned profile is a living line with its number, whose profile can be
        or was downloaded; any other has no living line, and one that is available is in the SM-DP+'s inventory too.
        """
        with self.engine.begin() as conn:
            mine = provisioning_profile.c.brand == self.brand
            profiles = conn.execute(select(provisioning_profile).where(mine)).all()
            numbers = conn.execute(select(provisioning_number).where(provisioning_number.c.brand == self.brand)).all()
        assert {row.state for row in [*profiles, *numbers]} <= {*PoolState} - {PoolState.RESERVED}
        held = {row.holder: Msisdn(row.msisdn) for row in numbers if row.holder}
        assert held.keys() == {row.holder for row in profiles if row.holder}
        for row in profiles:
            line, at_smdp = self.host.line(Imsi(row.imsi)), self.smdp.state(Iccid(row.iccid))
            lives = line is not None and line.state is not HostState.TERMINATED
            assert lives == (row.state == PoolState.ASSIGNED), row
            if row.state == PoolState.ASSIGNED:
                assert line is not None
                assert (line.msisdn, line.iccid) == (held[row.holder], row.iccid)
                assert at_smdp in (ProfileState.RELEASED, ProfileState.INSTALLED)
            elif row.state == PoolState.AVAILABLE:
                assert at_smdp is ProfileState.AVAILABLE
            else:
                assert at_smdp in (ProfileState.INSTALLED, ProfileState.UNAVAILABLE)


def new_world(engine: Engine, emit: Emit, brand: str = BRAND) -> World:
    tokens = count(1)
    smdp = SimulatedSmdpPlus(engine, requester=brand, token=lambda: f"{brand.upper()}-{next(tokens)}")
    return World(engine, SimulatedHostNetwork(engine), smdp, emit, brand)
