"""What any host network must do, whoever built it: run on the simulator, and with a key on the real thing.

A subclass gives the fixture `host`, and `make_usage`, which lets a phone call for some seconds and send some bytes.
What a host does not offer it refuses as `not_capable`, and that is all that is asked of it there.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.network.port import (
    Barring,
    Capability,
    HostLine,
    HostNetwork,
    HostRefused,
    HostState,
    NetworkUsage,
    Refusal,
    UsageKind,
)

FIRST, SECOND, THIRD = simulated_batch(1, 3)
ONE, OTHER = Msisdn("+33199000001"), Msisdn("+33199000002")

Command = Callable[[HostNetwork, str, Imsi], None]

COMMANDS: dict[str, Command] = {
    "suspend": lambda host, key, imsi: host.suspend(key, imsi),
    "resume": lambda host, key, imsi: host.resume(key, imsi),
    "terminate": lambda host, key, imsi: host.terminate(key, imsi),
    "change_msisdn": lambda host, key, imsi: host.change_msisdn(key, imsi, OTHER),
    "swap_sim": lambda host, key, imsi: host.swap_sim(key, imsi, THIRD.imsi, THIRD.iccid),
    "set_barring": lambda host, key, imsi: host.set_barring(key, imsi, frozenset({Barring.DATA})),
    "set_throttle": lambda host, key, imsi: host.set_throttle(key, imsi, 128_000),
}

#: What a host must offer for a command.
NEEDED: dict[str, Capability] = {
    "change_msisdn": Capability.CHANGE_MSISDN,
    "swap_sim": Capability.SWAP_SIM,
    "set_barring": Capability.BARRING,
    "set_throttle": Capability.THROTTLE,
}

A, S, T = HostState.ACTIVE, HostState.SUSPENDED, HostState.TERMINATED

#: In which states each command is accepted, and the state after it.
ACCEPTED: dict[str, dict[HostState, HostState]] = {
    "suspend": {A: S},
    "resume": {S: A},
    "terminate": {A: T, S: T},
    "change_msisdn": {A: A, S: S},
    "swap_sim": {A: T, S: T},
    "set_barring": {A: A, S: S},
    "set_throttle": {A: A, S: S},
}


def line_of(host: HostNetwork, imsi: Imsi) -> HostLine:
    line = host.line(imsi)
    assert line is not None
    return line


def bring(host: HostNetwork, state: HostState) -> None:
    """Bring the first line into `state`."""
    host.activate("activate", FIRST.imsi, FIRST.iccid, ONE)
    if state is HostState.SUSPENDED:
        host.suspend("suspend first", FIRST.imsi)
    elif state is HostState.TERMINATED:
        host.terminate("terminate first", FIRST.imsi)


def refuses(host: HostNetwork, command: str) -> bool:
    """Say whether the host does not offer `command`, and see that it says so."""
    if command not in NEEDED or NEEDED[command] in host.capabilities:
        return False
    before = host.line(FIRST.imsi)
    for key in ("first", "first", "second"):
        with pytest.raises(HostRefused) as refused:
            COMMANDS[command](host, key, FIRST.imsi)
        assert refused.value.code == Refusal.NOT_CAPABLE
    assert host.line(FIRST.imsi) == before
    return True


class HostContract:
    """Every host network keeps these promises."""

    def test_offers_what_is_needed_to_sell_a_line(self, host: HostNetwork) -> None:
        assert host.capabilities >= {Capability.VOICE, Capability.SMS, Capability.DATA}

    def test_an_activated_line_is_active_unbarred_and_fast(self, host: HostNetwork) -> None:
        assert host.line(FIRST.imsi) is None
        host.activate("k", FIRST.imsi, FIRST.iccid, ONE)
        assert host.line(FIRST.imsi) == HostLine(FIRST.imsi, FIRST.iccid, ONE, A, frozenset(), None)

    @pytest.mark.parametrize("state", HostState)
    @pytest.mark.parametrize("command", COMMANDS)
    def test_a_command_is_accepted_in_its_states_only(self, host: HostNetwork, command: str, state: HostState) -> None:
        bring(host, state)
        if refuses(host, command):
            return
        before = host.line(FIRST.imsi)
        after = ACCEPTED[command].get(state)
        if after is None:
            with pytest.raises(HostRefused) as refused:
                COMMANDS[command](host, "k", FIRST.imsi)
            assert refused.value.code == Refusal.WRONG_STATE
            assert host.line(FIRST.imsi) == before
        else:
            COMMANDS[command](host, "k", FIRST.imsi)
            assert line_of(host, FIRST.imsi).state is after

    @pytest.mark.parametrize("command", COMMANDS)
    def test_a_command_for_a_line_that_never_was_is_refused(self, host: HostNetwork, command: str) -> None:
        if refuses(host, command):
            return
        with pytest.raises(HostRefused) as refused:
            COMMANDS[command](host, "k", SECOND.imsi)
        assert refused.value.code == Refusal.UNKNOWN_LINE

    @pytest.mark.parametrize("command", COMMANDS)
    def test_a_replayed_key_has_no_second_effect(self, host: HostNetwork, command: str) -> None:
        bring(host, S if command == "resume" else A)
        if refuses(host, command):
            return
        COMMANDS[command](host, "k", FIRST.imsi)
        after = host.line(FIRST.imsi)
        COMMANDS[command](host, "k", FIRST.imsi)
        assert host.line(FIRST.imsi) == after

    def test_a_replayed_key_does_not_undo_what_came_later(self, host: HostNetwork) -> None:
        bring(host, S)
        host.resume("resume", FIRST.imsi)
        host.suspend("suspend first", FIRST.imsi)
        host.activate("activate", FIRST.imsi, FIRST.iccid, ONE)
        assert line_of(host, FIRST.imsi).state is A

    def test_a_refusal_is_remembered_under_its_key(self, host: HostNetwork) -> None:
        with pytest.raises(HostRefused) as first:
            host.suspend("k", FIRST.imsi)
        host.activate("activate", FIRST.imsi, FIRST.iccid, ONE)
        with pytest.raises(HostRefused) as again:
            host.suspend("k", FIRST.imsi)
        assert (again.value.code, str(again.value)) == (first.value.code, str(first.value))
        host.suspend("another key", FIRST.imsi)

    def test_a_key_with_other_arguments_is_refused(self, host: HostNetwork) -> None:
        bring(host, A)
        with pytest.raises(HostRefused) as other_number:
            host.activate("activate", FIRST.imsi, FIRST.iccid, OTHER)
        with pytest.raises(HostRefused) as other_command:
            host.suspend("activate", FIRST.imsi)
        assert other_number.value.code == other_command.value.code == Refusal.KEY_REUSED

    @pytest.mark.parametrize(
        ("imsi", "iccid", "msisdn", "code"),
        [
            (FIRST.imsi, SECOND.iccid, OTHER, Refusal.IMSI_IN_USE),
            (SECOND.imsi, FIRST.iccid, OTHER, Refusal.ICCID_IN_USE),
            (SECOND.imsi, SECOND.iccid, ONE, Refusal.MSISDN_IN_USE),
        ],
    )
    def test_what_a_living_line_has_no_other_line_gets(
        self, host: HostNetwork, imsi: Imsi, iccid: Iccid, msisdn: Msisdn, code: Refusal
    ) -> None:
        bring(host, A)
        with pytest.raises(HostRefused) as refused:
            host.activate("k", imsi, iccid, msisdn)
        assert refused.value.code == code
        assert host.line(SECOND.imsi) is None
        host.terminate("terminate", FIRST.imsi)
        host.activate("k2", imsi, iccid, msisdn)
        assert line_of(host, imsi).state is A

    def test_a_number_in_use_cannot_be_changed_to(self, host: HostNetwork) -> None:
        bring(host, A)
        if refuses(host, "change_msisdn"):
            return
        host.activate("second", SECOND.imsi, SECOND.iccid, OTHER)
        with pytest.raises(HostRefused) as refused:
            host.change_msisdn("k", FIRST.imsi, OTHER)
        assert refused.value.code == Refusal.MSISDN_IN_USE

    @pytest.mark.parametrize("state", [A, S])
    def test_a_swap_moves_all_but_the_card(self, host: HostNetwork, state: HostState) -> None:
        bring(host, state)
        if refuses(host, "swap_sim"):
            return
        barred, speed = frozenset[Barring](), None
        if not refuses(host, "set_barring"):
            barred = frozenset({Barring.PREMIUM, Barring.ROAMING})
            host.set_barring("bar", FIRST.imsi, barred)
        if not refuses(host, "set_throttle"):
            speed = 128_000
            host.set_throttle("throttle", FIRST.imsi, speed)
        host.swap_sim("swap", FIRST.imsi, SECOND.imsi, SECOND.iccid)
        assert host.line(SECOND.imsi) == HostLine(SECOND.imsi, SECOND.iccid, ONE, state, barred, speed)
        assert line_of(host, FIRST.imsi).state is T
        host.swap_sim("swap back", SECOND.imsi, FIRST.imsi, FIRST.iccid)
        assert host.line(FIRST.imsi) == HostLine(FIRST.imsi, FIRST.iccid, ONE, state, barred, speed)

    def test_a_swap_to_a_card_in_use_is_refused_and_changes_nothing(self, host: HostNetwork) -> None:
        bring(host, A)
        if refuses(host, "swap_sim"):
            return
        host.activate("second", SECOND.imsi, SECOND.iccid, OTHER)
        for key, imsi, iccid in (("a", SECOND.imsi, THIRD.iccid), ("b", THIRD.imsi, SECOND.iccid)):
            with pytest.raises(HostRefused):
                host.swap_sim(key, FIRST.imsi, imsi, iccid)
        assert line_of(host, FIRST.imsi).state is A

    def test_bars_are_what_was_said_last(self, host: HostNetwork) -> None:
        bring(host, A)
        if refuses(host, "set_barring"):
            return
        for number, barred in enumerate([frozenset(Barring), frozenset({Barring.SMS}), frozenset[Barring]()]):
            host.set_barring(f"bar {number}", FIRST.imsi, barred)
            assert line_of(host, FIRST.imsi).barrings == barred

    def test_speed_is_what_was_said_last(self, host: HostNetwork) -> None:
        bring(host, A)
        if refuses(host, "set_throttle"):
            return
        for number, speed in enumerate([64_000, 100_000_000, None]):
            host.set_throttle(f"throttle {number}", FIRST.imsi, speed)
            assert line_of(host, FIRST.imsi).bits_per_second == speed

    def test_the_usage_feed_can_be_read_in_pieces_and_again(
        self, host: HostNetwork, make_usage: Callable[[Imsi], None]
    ) -> None:
        bring(host, A)
        if Capability.USAGE_FEED not in host.capabilities:
            with pytest.raises(HostRefused) as refused:
                host.usage_feed(0, 100)
            assert refused.value.code == Refusal.NOT_CAPABLE
            return
        make_usage(FIRST.imsi)
        all_at_once = host.usage_feed(0, 100)
        assert {record.kind for record in all_at_once.records} >= {UsageKind.VOICE, UsageKind.DATA}
        assert {(record.imsi, record.msisdn) for record in all_at_once.records} == {(FIRST.imsi, ONE)}
        pieces: list[NetworkUsage] = []
        after = 0
        while (batch := host.usage_feed(after, 1)).records:
            pieces.extend(batch.records)
            after = batch.next
        assert tuple(pieces) == all_at_once.records
        assert after == all_at_once.next
        assert len({record.id for record in pieces}) == len(pieces)
        assert [record.sequence for record in pieces] == sorted({record.sequence for record in pieces})
