"""The simulated host network: the contract of all host networks, and what only a simulator can do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.network.port import (
    Barring,
    Capability,
    HostRefused,
    HostState,
    HostUnavailable,
    Refusal,
    UsageKind,
)
from mvne_provisioning.network.simulated_use import Use, UseRefused
from mvne_provisioning.network.simulator import SimulatedHostNetwork
from mvne_provisioning.simulation import ImpossibleFault
from tests.provisioning.contract_host import COMMANDS, FIRST, ONE, OTHER, SECOND, HostContract, bring, line_of


class TestSimulatedHostNetwork(HostContract):
    """The simulator keeps the contract."""

    @pytest.fixture
    def make_usage(self, host: SimulatedHostNetwork, at: datetime) -> Callable[[Imsi], None]:
        def use(imsi: Imsi) -> None:
            for minute in range(5):
                host.use(imsi, UsageKind.VOICE, at + timedelta(minutes=minute), 61, to="+33199000099")
            host.use(imsi, UsageKind.DATA, at, 5_000_000_000)
            host.use(imsi, UsageKind.SMS, at, 1, to="3639", country="ES")

        return use


@pytest.fixture
def line(host: SimulatedHostNetwork) -> Imsi:
    bring(host, HostState.ACTIVE)
    return FIRST.imsi


def test_a_lost_answer_leaves_the_effect_and_the_retry_adds_none(host: SimulatedHostNetwork) -> None:
    host.fail_next("activate", HostUnavailable("no answer"), after_effect=True)
    with pytest.raises(HostUnavailable):
        host.activate("k", FIRST.imsi, FIRST.iccid, ONE)
    assert line_of(host, FIRST.imsi).state is HostState.ACTIVE
    host.activate("k", FIRST.imsi, FIRST.iccid, ONE)


def test_a_lost_request_leaves_nothing(host: SimulatedHostNetwork) -> None:
    host.fail_next("activate", HostUnavailable("no answer"), times=2)
    for _ in range(2):
        with pytest.raises(HostUnavailable):
            host.activate("k", FIRST.imsi, FIRST.iccid, ONE)
        assert host.line(FIRST.imsi) is None
    host.activate("k", FIRST.imsi, FIRST.iccid, ONE)
    assert line_of(host, FIRST.imsi).state is HostState.ACTIVE


def test_an_ordered_refusal_is_an_answer_and_so_remembered(host: SimulatedHostNetwork, line: Imsi) -> None:
    host.fail_next("suspend", HostRefused("maintenance", "not today"))
    for _ in range(2):
        with pytest.raises(HostRefused, match="not today"):
            host.suspend("k", line)
    assert line_of(host, line).state is HostState.ACTIVE


def test_a_failure_of_one_command_does_not_touch_another(host: SimulatedHostNetwork, line: Imsi) -> None:
    host.fail_next("resume", HostUnavailable("no answer"))
    host.suspend("k", line)


def test_an_impossible_failure_cannot_be_ordered(host: SimulatedHostNetwork) -> None:
    with pytest.raises(ImpossibleFault, match="there is no command 'fly'"):
        host.fail_next("fly", HostUnavailable("no answer"))
    with pytest.raises(ImpossibleFault, match="has no effect"):
        host.fail_next("suspend", HostRefused("x", "x"), after_effect=True)


def test_it_remembers_when_our_side_starts_again(engine: Engine, host: SimulatedHostNetwork, line: Imsi) -> None:
    again = SimulatedHostNetwork(engine)
    assert again.line(line) == host.line(line)
    again.activate("activate", FIRST.imsi, FIRST.iccid, ONE)


def test_latency_comes_before_every_answer(engine: Engine) -> None:
    waited: list[float] = []
    host = SimulatedHostNetwork(engine, latency=0.25, sleep=waited.append)
    host.activate("k", FIRST.imsi, FIRST.iccid, ONE)
    host.line(FIRST.imsi)
    host.usage_feed(0, 1)
    assert waited == [0.25, 0.25, 0.25]


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        (Capability.BARRING, "set_barring"),
        (Capability.THROTTLE, "set_throttle"),
        (Capability.CHANGE_MSISDN, "change_msisdn"),
        (Capability.SWAP_SIM, "swap_sim"),
    ],
)
def test_what_is_not_offered_is_refused(engine: Engine, missing: Capability, command: str) -> None:
    host = SimulatedHostNetwork(engine, capabilities=frozenset(Capability) - {missing})
    bring(host, HostState.ACTIVE)
    with pytest.raises(HostRefused) as refused:
        COMMANDS[command](host, "k", FIRST.imsi)
    assert refused.value.code == Refusal.NOT_CAPABLE


def test_without_a_usage_feed_there_is_none_to_read(engine: Engine) -> None:
    host = SimulatedHostNetwork(engine, capabilities=frozenset())
    with pytest.raises(HostRefused):
        host.usage_feed(0, 1)


HOME, ABROAD, PREMIUM = "+33199000099", "+4915550001", "+33899000000"


@pytest.mark.parametrize(
    ("barring", "kind", "to", "country", "passes"),
    [
        (Barring.OUTGOING_VOICE, UsageKind.VOICE, HOME, None, False),
        (Barring.OUTGOING_VOICE, UsageKind.SMS, HOME, None, True),
        (Barring.SMS, UsageKind.SMS, HOME, None, False),
        (Barring.SMS, UsageKind.VOICE, HOME, None, True),
        (Barring.DATA, UsageKind.DATA, None, None, False),
        (Barring.DATA, UsageKind.VOICE, HOME, None, True),
        (Barring.INTERNATIONAL, UsageKind.VOICE, ABROAD, None, False),
        (Barring.INTERNATIONAL, UsageKind.SMS, ABROAD, None, False),
        (Barring.INTERNATIONAL, UsageKind.VOICE, HOME, "ES", True),
        (Barring.INTERNATIONAL, UsageKind.VOICE, "3639", None, True),
        (Barring.ROAMING, UsageKind.DATA, None, "ES", False),
        (Barring.ROAMING, UsageKind.DATA, None, "FR", True),
        (Barring.PREMIUM, UsageKind.VOICE, PREMIUM, None, False),
        (Barring.PREMIUM, UsageKind.VOICE, HOME, None, True),
    ],
)
def test_a_bar_stops_what_it_names_and_nothing_else(
    host: SimulatedHostNetwork,
    line: Imsi,
    at: datetime,
    barring: Barring,
    kind: UsageKind,
    to: str | None,
    country: str | None,
    passes: bool,
) -> None:
    host.set_barring("bar", line, frozenset({barring}))
    if passes:
        assert host.use(line, kind, at, 1, to=to, country=country).country == (country or "FR")
        return
    with pytest.raises(UseRefused, match=f"barred from {barring}") as refused:
        host.use(line, kind, at, 1, to=to, country=country)
    assert refused.value.reason == "barred"
    assert host.usage_feed(0, 10).records == ()


def test_a_line_that_is_not_active_cannot_be_used(host: SimulatedHostNetwork, line: Imsi, at: datetime) -> None:
    host.suspend("k", line)
    for imsi in (line, SECOND.imsi):
        with pytest.raises(UseRefused) as refused:
            host.use(imsi, UsageKind.DATA, at, 1)
        assert refused.value.reason == "not_active"


@pytest.mark.parametrize(
    ("kind", "amount", "to"),
    [(UsageKind.VOICE, 1, None), (UsageKind.DATA, 1, HOME), (UsageKind.SMS, 1, None), (UsageKind.DATA, -1, None)],
)
def test_use_that_makes_no_sense_is_refused(
    host: SimulatedHostNetwork, line: Imsi, at: datetime, kind: UsageKind, amount: int, to: str | None
) -> None:
    with pytest.raises(UseRefused) as refused:
        host.use(line, kind, at, amount, to=to)
    assert refused.value.reason == "malformed"


@pytest.mark.parametrize("missing", [Capability.DATA, Capability.ROAMING])
def test_use_that_the_network_does_not_offer_is_refused(engine: Engine, at: datetime, missing: Capability) -> None:
    host = SimulatedHostNetwork(engine, capabilities=frozenset(Capability) - {missing})
    bring(host, HostState.ACTIVE)
    with pytest.raises(UseRefused) as refused:
        host.use(FIRST.imsi, UsageKind.DATA, at, 1, country="ES")
    assert refused.value.reason == "not_capable"


def test_the_same_use_twice_is_one_record_even_after_the_line_ended(
    host: SimulatedHostNetwork, line: Imsi, at: datetime
) -> None:
    first = host.use(line, UsageKind.DATA, at, 100, id="cdr-1")
    unnamed = host.use(line, UsageKind.DATA, at, 100)
    host.terminate("k", line)
    assert host.use(line, UsageKind.DATA, at, 100, id="cdr-1") == first
    assert host.use(line, UsageKind.DATA, at, 100) == unnamed
    with pytest.raises(UseRefused) as refused:
        host.use(line, UsageKind.DATA, at, 101, id="cdr-1")
    assert refused.value.reason == "id_reused"
    assert host.usage_feed(0, 10).records == (first, unnamed)


def test_many_uses_are_all_recorded_or_none(host: SimulatedHostNetwork, line: Imsi, at: datetime) -> None:
    uses = [Use(line, UsageKind.DATA, at + timedelta(seconds=second), second) for second in range(1500)]
    with pytest.raises(UseRefused):
        host.use_many([*uses, Use(SECOND.imsi, UsageKind.DATA, at, 1)])
    assert host.usage_feed(0, 10).records == ()
    records = host.use_many([*uses, uses[0]])
    assert [record.sequence for record in records] == [*range(1, 1501), 1]
    assert host.use_many(uses[:3]) == records[:3]
    assert host.usage_feed(0, 10_000).records == records[:-1]


def test_refused_uses_can_be_told_while_the_others_happen(host: SimulatedHostNetwork, line: Imsi, at: datetime) -> None:
    first, last = (Use(line, UsageKind.DATA, at, amount, id=f"cdr-{amount}") for amount in (1, 3))
    contradiction = Use(line, UsageKind.DATA, at, 2, id="cdr-1")
    unknown_line = Use(SECOND.imsi, UsageKind.DATA, at, 1)
    told: list[tuple[Use, str]] = []
    done = host.use_many(
        [first, contradiction, unknown_line, last], refused=lambda use, why: told.append((use, why.reason))
    )
    assert told == [(contradiction, "id_reused"), (unknown_line, "not_active")]
    assert [(record.id, record.sequence) for record in done] == [("cdr-1", 1), ("cdr-3", 2)]
    assert host.usage_feed(0, 10).records == done


def test_a_record_keeps_the_number_the_line_had_then(host: SimulatedHostNetwork, line: Imsi, at: datetime) -> None:
    host.use(line, UsageKind.SMS, at, 1, to=HOME)
    host.change_msisdn("k", line, OTHER)
    host.use(line, UsageKind.SMS, at, 2, to=HOME)
    assert [record.msisdn for record in host.usage_feed(0, 10).records] == [ONE, OTHER]


def test_eight_threads_write_the_feed_in_order_without_gaps(
    host: SimulatedHostNetwork, line: Imsi, at: datetime
) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda second: host.use(line, UsageKind.DATA, at, second), range(80)))
    assert [record.sequence for record in host.usage_feed(0, 100).records] == list(range(1, 81))


def test_eight_threads_cannot_give_one_number_to_two_lines(host: SimulatedHostNetwork) -> None:
    def activate(serial: int) -> bool:
        profile = simulated_batch(serial, 1)[0]
        for _ in range(3):
            try:
                host.activate(f"k{serial}", profile.imsi, profile.iccid, Msisdn("+33199000001"))
            except HostRefused:
                return False
            except HostUnavailable:  # it collided; the same key is tried again
                continue
            return True
        raise AssertionError("collided three times")

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(activate, range(100, 124))) == 1


def test_a_speed_beyond_32_bits_is_kept(host: SimulatedHostNetwork, line: Imsi) -> None:
    host.set_throttle("k", line, 10_000_000_000)
    assert line_of(host, line).bits_per_second == 10_000_000_000
