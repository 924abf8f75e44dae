"""Whatever people and networks do, and in whatever order: the books, the pools, the host and Stripe agree."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import cache
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Engine, select

from mvne import collecting, doctor, phone, service, signup, usage, workers
from mvne.errors import MvneError
from mvne.states import LineState
from mvne.tables import line as line_table
from mvne_billing.errors import BillingError
from mvne_billing.ledger.verifying import verify
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.network.port import HostUnavailable
from mvne_provisioning.order.placing import open_orders
from tests.mvne.house import CARE_HOME, PARIS_NUMBER, House, engines, example, open_house
from tests.mvne.wholeness import unrest

#: What can be said to a person; anything else that is raised is a fault of ours.
IN_WORDS = (MvneError, BillingError, ProvisioningError)

CARDS = ["pm_card_visa", "pm_card_mastercard", "pm_card_chargeCustomerFail", "pm_card_chargeDeclined"]
CODES = [None, "BIENVENUE"]
CALLS = ["activate", "suspend", "resume", "terminate", "swap_sim", "set_barring", "set_throttle"]
AMOUNTS = {"voice": st.integers(1, 5000), "sms": st.integers(1, 3), "data": st.integers(1, 2 * 10**9)}


@cache
def launched() -> tuple[AbstractContextManager[House], House]:
    """Return a house in memory with tilleul, made once and copied; and what keeps it open."""
    opened = open_house("sqlite://")
    house = opened.__enter__()
    house.launch(example("tilleul"))
    return opened, house


def copy(source: Engine, target: Engine) -> None:
    """Copy a database in memory."""
    connections: list[Any] = [engine.raw_connection() for engine in (source, target)]
    connections[0].driver_connection.backup(connections[1].driver_connection)
    for connection in connections:
        connection.close()


class Life(RuleBasedStateMachine):
    """A few people with tilleul; `lines` are theirs, `names` count them."""

    @initialize()
    def open(self) -> None:
        self.opened = open_house("sqlite://")
        self.house = self.opened.__enter__()
        for source, target in zip(engines(launched()[1]), engines(self.house), strict=True):
            copy(source, target)
        self.lines: list[str] = []

    def teardown(self) -> None:
        """Let everything that waits be done: then nothing is left open, and all agrees."""
        if hasattr(self, "house"):
            self.house.after(hours=1)
            with suppress(*IN_WORDS):  # an order that the host has yet to answer
                self.house.bill()
            self.house.bill()
            assert unrest(self.house.platform, "tilleul") == []
            self.opened.__exit__(None, None, None)

    @rule(
        plan=st.sampled_from(["douceur", "serenite"]),
        card=st.sampled_from(CARDS),
        code=st.none() | st.just("BIENVENUE"),
    )
    def sign_up(self, plan: str, card: str, code: str | None) -> None:
        if len(self.lines) < 5:
            wish = self.house.wish(f"person{len(self.lines)}", plan=plan, method=card, code=code)
            with suppress(*IN_WORDS):
                signup.sign_up(self.house.platform, "tilleul", wish, self.house.now)
            if any(line == wish.line for line in self._known()):
                self.lines.append(wish.line)

    @precondition(lambda self: self.lines)
    @rule(data=st.data())
    def install(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from(self.lines))
        if self.house.line(line).state is LineState.READY:
            self._try(phone.install, line, self.house.now)

    @precondition(lambda self: self.lines)
    @rule(data=st.data(), kind=st.sampled_from(["voice", "sms", "data"]))
    def use(self, data: st.DataObject, kind: str) -> None:
        line = data.draw(st.sampled_from(self.lines))
        to = None if kind == "data" else data.draw(st.sampled_from([PARIS_NUMBER, CARE_HOME, "+4930123456"]))
        if self.house.line(line).imsi is not None:
            with suppress(*IN_WORDS):
                self.house.use(line, kind, data.draw(AMOUNTS[kind]), to)

    @rule()
    def collect_usage(self) -> None:
        self.house.collect_usage()

    @rule()
    def load_everything_twice(self) -> None:
        self.house.collect_usage()
        feed = self.house.platform.ports("FR").host.usage_feed(0, 1000)
        records = [usage._normalised(record) for record in feed.records]
        loaded = usage.load_records(self.house.platform, "tilleul", "again", "again", records, self.house.now)
        assert loaded.rated == 0

    @rule()
    def replay(self) -> None:
        usage.replay_suspense(self.house.platform, "tilleul", self.house.now)

    @rule()
    def bill(self) -> None:
        self._try(lambda platform, brand: self.house.bill())

    @rule()
    def work(self) -> None:
        self._try(workers.work, self.house.now)

    @rule(days=st.integers(1, 40))
    def pass_days(self, days: int) -> None:
        self.house.after(days=days)

    @precondition(lambda self: self.lines)
    @rule(data=st.data(), card=st.sampled_from(CARDS))
    def change_card(self, data: st.DataObject, card: str) -> None:
        person = data.draw(st.sampled_from(self.lines)).removeprefix("line-")
        self._try(collecting.use_method, person, card)

    @precondition(lambda self: self.lines)
    @rule(data=st.data(), what=st.sampled_from([service.resume, service.swap_sim]))
    def serve(self, data: st.DataObject, what: Callable[..., Any]) -> None:
        self._try(what, data.draw(st.sampled_from(self.lines)), self.house.after(seconds=1))

    @precondition(lambda self: self.lines)
    @rule(data=st.data())
    def suspend(self, data: st.DataObject) -> None:
        self._try(service.suspend, data.draw(st.sampled_from(self.lines)), "requested", self.house.after(seconds=1))

    @precondition(lambda self: self.lines)
    @rule(data=st.data(), now=st.booleans())
    def cancel(self, data: st.DataObject, now: bool) -> None:
        self._try(service.cancel, data.draw(st.sampled_from(self.lines)), self.house.now, now)

    @precondition(lambda self: self.lines)
    @rule(data=st.data(), number=st.integers(1, 3))
    def buy_addon(self, data: st.DataObject, number: int) -> None:
        line = data.draw(st.sampled_from(self.lines))
        self._try(service.buy_addon, line, "data-1gb", f"addon-{line}-{number}", self.house.now)

    @rule(call=st.sampled_from(CALLS), is_done=st.booleans())
    def no_answer_from_the_host(self, call: str, is_done: bool) -> None:
        world = self.house.platform.world
        assert world is not None
        world.host("FR").fail_next(call, HostUnavailable("no answer"), after_effect=is_done)

    @invariant()
    def everything_agrees(self) -> None:
        if not hasattr(self, "house"):
            return
        with self.house.platform.store.read() as conn:
            left = open_orders(conn, "tilleul")
            assert verify(conn, "tilleul").faults == ()
            assert doctor.orphans(conn, "tilleul") == []
        if not left:
            assert unrest(self.house.platform, "tilleul") == []

    def _try(self, use_case: Callable[..., Any], *arguments: Any) -> None:
        with suppress(*IN_WORDS):
            use_case(self.house.platform, "tilleul", *arguments)

    def _known(self) -> list[str]:
        with self.house.platform.store.read() as conn:
            return list(conn.execute(select(line_table.c.id).where(line_table.c.brand == "tilleul")).scalars())


TestLife = Life.TestCase
# A step is a whole use case, so every run tries a tenth of the usual number of lives; soaking tries ten times as many.
_usual = settings()
TestLife.settings = settings(
    max_examples=_usual.max_examples // 10, stateful_step_count=_usual.stateful_step_count // 2, deadline=None
)
