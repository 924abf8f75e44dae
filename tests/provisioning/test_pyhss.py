"""PyHSS as a host network: the contract of all host networks, its own habits, and answers lost at any moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, select

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.milenage import Keys
from mvne_provisioning.network import pyhss
from mvne_provisioning.network.journal import COMMAND_MOVES, CommandJournal, CommandState, commands
from mvne_provisioning.network.port import (
    Capability,
    HostLine,
    HostNetwork,
    HostRefused,
    HostState,
    HostUnavailable,
    Refusal,
)
from mvne_provisioning.network.pyhss_client import NoAnswer, connect, send
from mvne_provisioning.network.pyhss_host import PyHss
from mvne_provisioning.network.subscription import Apn, HssRecord, IpVersion
from tests.database import open_engine
from tests.provisioning.contract_host import (
    COMMANDS,
    FIRST,
    ONE,
    OTHER,
    SECOND,
    THIRD,
    HostContract,
    bring,
    line_of,
)
from tests.provisioning.fake_pyhss import FakePyHss

A, S, T = HostState.ACTIVE, HostState.SUSPENDED, HostState.TERMINATED
KEYS = Keys(bytes(range(16)), bytes(range(16, 32)))
APNS = (Apn("internet"), Apn("ims", IpVersion.IPV6, qci=5, priority=1, may_preempt=True))
IFC = "default_ifc.xml"


@pytest.fixture
def fake() -> FakePyHss:
    return FakePyHss()


@pytest.fixture
def memory() -> Iterator[Engine]:
    opened = open_engine("sqlite://")
    yield opened
    opened.dispose()


def host_on(fake: FakePyHss, engine: Engine, **settings: Any) -> PyHss:
    http = connect("http://pyhss.example:8080", "secret key", transport=fake.transport)
    journal = CommandJournal(engine, settings.pop("brand", "tilleul"))
    return PyHss(
        http, journal, settings.pop("keys_of", lambda imsi: KEYS), **{"apns": APNS, "ifc_path": IFC, **settings}
    )


@pytest.fixture
def host(fake: FakePyHss, memory: Engine) -> PyHss:
    return host_on(fake, memory)


class TestPyHss(HostContract):
    """PyHSS keeps the contract, as far as it has the functions."""

    @pytest.fixture
    def make_usage(self) -> Callable[[Imsi], None]:
        return lambda imsi: None


def test_an_activated_line_is_what_pyhss_needs_to_let_it_in(host: PyHss, fake: FakePyHss) -> None:
    bring(host, A)
    (card,) = fake.rows("auc")
    assert (card["ki"], card["opc"]) == (KEYS.k.hex(), KEYS.opc.hex())
    assert (card["imsi"], card["iccid"], card["amf"], card["sqn"]) == (FIRST.imsi, FIRST.iccid, "8000", 33)
    internet, ims = fake.rows("apn")
    assert (internet["apn"], internet["ip_version"], internet["qci"], internet["arp_priority"]) == ("internet", 2, 9, 8)
    assert (ims["ip_version"], ims["arp_preemption_capability"], ims["arp_preemption_vulnerability"]) == (1, True, True)
    (line,) = fake.rows("subscriber")
    assert (line["auc_id"], line["default_apn"], line["apn_list"]) == (card["auc_id"], internet["apn_id"], "1,2")
    assert (line["msisdn"], line["enabled"], line["nam"], line["ue_ambr_dl"]) == (ONE[1:], True, 0, 10**9)
    (voice,) = fake.rows("ims_subscriber")
    assert (voice["imsi"], voice["msisdn"], voice["msisdn_list"], voice["ifc_path"]) == (
        FIRST.imsi,
        ONE[1:],
        ONE[1:],
        IFC,
    )


def test_apns_that_are_there_are_used_and_not_made_again(host: PyHss, fake: FakePyHss) -> None:
    bring(host, A)
    host.activate("second", SECOND.imsi, SECOND.iccid, OTHER)
    assert [apn["apn"] for apn in fake.rows("apn")] == ["internet", "ims"]
    host.set_apns("apns", SECOND.imsi, (Apn("fast"), APNS[0]))
    first, second = fake.rows("subscriber")
    assert (second["default_apn"], second["apn_list"]) == (3, "3,1")
    assert first["apn_list"] == "1,2"


def test_a_card_that_was_loaded_before_is_used_and_its_keys_are_not_asked_for(fake: FakePyHss, memory: Engine) -> None:
    loader = host_on(fake, memory)
    bring(loader, T)
    host = host_on(fake, memory, keys_of=lambda imsi: None)
    host.activate("again", FIRST.imsi, FIRST.iccid, OTHER)
    assert line_of(host, FIRST.imsi) == HostLine(FIRST.imsi, FIRST.iccid, OTHER, A, frozenset(), None)
    assert len(fake.rows("auc")) == 1


def test_a_card_whose_keys_nobody_has_is_refused_and_nothing_changes(fake: FakePyHss, memory: Engine) -> None:
    host = host_on(fake, memory, keys_of=lambda imsi: None)
    with pytest.raises(HostRefused) as refused:
        bring(host, A)
    assert refused.value.code == "no_keys"
    assert FIRST.imsi not in str(refused.value)
    assert not fake.rows("auc")
    assert not fake.rows("subscriber")


def test_a_loaded_card_is_no_line_yet(host: PyHss, fake: FakePyHss) -> None:
    bring(host, A)
    fake.kinds["subscriber"].rows.clear()
    assert host.line(FIRST.imsi) is None
    with pytest.raises(HostRefused) as refused:
        host.suspend("k", FIRST.imsi)
    assert refused.value.code == Refusal.UNKNOWN_LINE


def test_suspension_and_termination_let_the_phone_go(host: PyHss, fake: FakePyHss) -> None:
    bring(host, A)
    fake.rows("subscriber")[0]["serving_mme"] = "mme01"
    host.suspend("s", FIRST.imsi)
    host.resume("r", FIRST.imsi)
    assert fake.released == [FIRST.imsi]
    host.terminate("t", FIRST.imsi)
    assert fake.released == [FIRST.imsi] * 2
    assert not fake.rows("subscriber")
    assert not fake.rows("ims_subscriber")
    assert [card["imsi"] for card in fake.rows("auc")] == [FIRST.imsi]


def test_the_voice_service_follows_number_and_card(host: PyHss, fake: FakePyHss) -> None:
    bring(host, A)
    host.change_msisdn("n", FIRST.imsi, OTHER)
    host.swap_sim("s", FIRST.imsi, SECOND.imsi, SECOND.iccid)
    (voice,) = fake.rows("ims_subscriber")
    assert (voice["imsi"], voice["msisdn"], voice["msisdn_list"]) == (SECOND.imsi, OTHER[1:], OTHER[1:])
    (line,) = fake.rows("subscriber")
    assert line["auc_id"] == 2
    assert line["apn_list"] == "1,2"


def test_a_number_that_only_a_voice_service_has_is_in_use(host: PyHss, fake: FakePyHss) -> None:
    bring(host, A)
    fake.kinds["subscriber"].rows.clear()
    with pytest.raises(HostRefused) as refused:
        host.activate("k", SECOND.imsi, SECOND.iccid, ONE)
    assert refused.value.code == Refusal.MSISDN_IN_USE


def test_a_line_that_had_no_voice_service_gets_one_when_it_moves(host: PyHss, fake: FakePyHss) -> None:
    bring(host, A)
    fake.kinds["ims_subscriber"].rows.clear()
    host.swap_sim("s", FIRST.imsi, SECOND.imsi, SECOND.iccid)
    (voice,) = fake.rows("ims_subscriber")
    assert (voice["imsi"], voice["msisdn"]) == (SECOND.imsi, ONE[1:])


def test_the_same_activation_under_another_key_is_refused(host: PyHss) -> None:
    bring(host, A)
    with pytest.raises(HostRefused) as refused:
        host.activate("another key", FIRST.imsi, FIRST.iccid, ONE)
    assert refused.value.code == Refusal.IMSI_IN_USE


def test_without_voice_service_a_line_has_data_only(fake: FakePyHss, memory: Engine) -> None:
    host = host_on(fake, memory, ifc_path=None)
    bring(host, A)
    host.change_msisdn("n", FIRST.imsi, OTHER)
    host.swap_sim("s", FIRST.imsi, SECOND.imsi, SECOND.iccid)
    assert not fake.rows("ims_subscriber")
    assert not host.capabilities & {Capability.VOICE, Capability.SMS, Capability.BARRING, Capability.USAGE_FEED}
    assert Capability.DATA in host.capabilities


@pytest.mark.parametrize("speed", [0, -1, 10**9 + 1])
def test_a_speed_that_pyhss_cannot_hold_is_refused(host: PyHss, speed: int) -> None:
    bring(host, A)
    with pytest.raises(HostRefused) as refused:
        host.set_throttle("k", FIRST.imsi, speed)
    assert refused.value.code == "speed_out_of_range"
    assert line_of(host, FIRST.imsi).bits_per_second is None


def test_answers_are_remembered_on_every_kind_of_store(fake: FakePyHss, engine: Engine) -> None:
    host = host_on(fake, engine)
    bring(host, S)
    with pytest.raises(HostRefused) as first:
        host.suspend("k", FIRST.imsi)
    host.resume("r", FIRST.imsi)
    with pytest.raises(HostRefused) as again:
        host.suspend("k", FIRST.imsi)
    assert again.value.args == first.value.args
    host.suspend("suspend first", FIRST.imsi)
    assert line_of(host, FIRST.imsi).state is A
    with pytest.raises(HostRefused, match="other arguments"):
        host.suspend("k", SECOND.imsi)


def test_brands_do_not_share_their_keys(fake: FakePyHss, memory: Engine) -> None:
    bring(host_on(fake, memory), A)
    other = host_on(fake, memory, brand="menthe")
    other.activate("activate", SECOND.imsi, SECOND.iccid, OTHER)
    assert line_of(other, SECOND.imsi).state is A


# Lost answers

EVERY: dict[str, Callable[[HostNetwork, str], None]] = {
    "activate": lambda host, key: host.activate(key, SECOND.imsi, SECOND.iccid, OTHER),
    **{
        name: lambda host, key, command=command: command(host, key, FIRST.imsi)  # type: ignore[misc]  # bound early
        for name, command in COMMANDS.items()
        if name != "set_barring"
    },
}


def lines_of(host: HostNetwork) -> list[HostLine | None]:
    return [host.line(profile.imsi) for profile in (FIRST, SECOND, THIRD)]


def world(fake: FakePyHss) -> dict[str, Any]:
    return {name: sorted(map(str, kind.rows.values())) for name, kind in fake.kinds.items()}


@pytest.mark.parametrize("after_effect", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("command", EVERY)
def test_a_command_cut_off_at_any_request_ends_as_if_it_had_not_been(
    memory: Engine, command: str, after_effect: bool
) -> None:
    undisturbed, expected, brands = FakePyHss(), {}, count()

    def start(fake: FakePyHss, tries: int) -> PyHss:
        host = host_on(fake, memory, brand=f"brand {next(brands)}", tries=tries)
        bring(host, S if command == "resume" else A)
        fake.requests.clear()
        return host

    direct = start(undisturbed, 1)
    EVERY[command](direct, "k")
    requests = len(undisturbed.requests)
    expected, wanted = world(undisturbed), lines_of(direct)
    assert requests >= 2
    for cut in range(requests):
        for tries in (1, 3) if cut == requests - 1 else (1,):
            fake = FakePyHss()
            host = start(fake, tries)

            def fail(number: int, cut: int = cut) -> None:
                if number == cut:
                    raise httpx.ReadTimeout("no answer")

            setattr(fake, "after" if after_effect else "before", fail)
            if tries == 1:
                with pytest.raises(NoAnswer):
                    EVERY[command](host, "k")
            EVERY[command](host, "k")
            EVERY[command](host, "k")
            assert lines_of(host) == wanted, cut
            assert world(fake) == expected, cut


def test_a_host_that_never_answers_is_unavailable_and_the_command_stays_begun(
    host: PyHss, fake: FakePyHss, memory: Engine
) -> None:
    def fail(number: int) -> None:
        raise httpx.ConnectError("refused")

    fake.before = fail
    with pytest.raises(HostUnavailable, match=r"gave no answer when asked to .* \(ConnectError\); check its address"):
        bring(host, A)
    assert len(fake.requests) == 3
    with memory.begin() as conn:
        assert conn.execute(select(commands.c.state)).scalar_one() == CommandState.BEGUN
    fake.before = lambda number: None
    bring(host, A)
    assert line_of(host, FIRST.imsi).state is A


def test_a_swap_taken_up_again_does_not_take_another_line_for_its_own(fake: FakePyHss, memory: Engine) -> None:
    host = host_on(fake, memory, tries=1)
    bring(host, A)
    host.activate("second", SECOND.imsi, SECOND.iccid, OTHER)

    def fail(number: int) -> None:
        raise httpx.ReadTimeout("no answer")

    fake.before = fail
    with pytest.raises(HostUnavailable):
        host.swap_sim("k", FIRST.imsi, SECOND.imsi, SECOND.iccid)
    fake.before = lambda number: None
    before = world(fake)
    with pytest.raises(HostRefused) as refused:
        host.swap_sim("k", FIRST.imsi, SECOND.imsi, SECOND.iccid)
    assert refused.value.code == Refusal.IMSI_IN_USE
    assert world(fake) == before


def test_an_activation_taken_up_again_does_not_take_another_line_for_its_own(fake: FakePyHss, memory: Engine) -> None:
    host = host_on(fake, memory, tries=1)
    fake.before = lambda number: (_ for _ in ()).throw(httpx.ReadTimeout("no answer"))
    with pytest.raises(HostUnavailable):
        host.activate("k", FIRST.imsi, FIRST.iccid, OTHER)
    fake.before = lambda number: None
    bring(host, A)
    with pytest.raises(HostRefused) as refused:
        host.activate("k", FIRST.imsi, FIRST.iccid, OTHER)
    assert refused.value.code == Refusal.IMSI_IN_USE


def test_a_line_that_was_resumed_in_the_middle_of_its_end_is_noted_anew_at_its_real_end(
    fake: FakePyHss, memory: Engine
) -> None:
    host = host_on(fake, memory, tries=1)
    bring(host, A)
    fake.requests.clear()

    def fail(number: int) -> None:
        if fake.requests[-1].startswith("DELETE /subscriber"):
            raise httpx.ReadTimeout("no answer")

    fake.before = fail
    with pytest.raises(HostUnavailable):
        host.terminate("t", FIRST.imsi)
    fake.before = lambda number: None
    assert line_of(host, FIRST.imsi).state is S
    host.resume("r", FIRST.imsi)
    host.change_msisdn("n", FIRST.imsi, OTHER)
    host.terminate("t2", FIRST.imsi)
    assert line_of(host, FIRST.imsi) == HostLine(FIRST.imsi, FIRST.iccid, OTHER, T, frozenset(), None)


# Errors in plain words


def answering(status: int, content: bytes) -> httpx.Client:
    return connect("http://x", transport=httpx.MockTransport(lambda request: httpx.Response(status, content=content)))


@pytest.mark.parametrize(
    ("status", "content", "error", "message"),
    [
        (401, b"{}", HostUnavailable, "does not accept our provisioning key"),
        (403, b"", HostUnavailable, "does not accept our provisioning key"),
        (404, b"{}", HostUnavailable, "does not know how to suspend the line .404.; check its address"),
        (405, b"{}", HostUnavailable, "does not know how to"),
        (500, b'{"reason": "secret"}', HostUnavailable, "failed when asked to suspend the line .500."),
        (503, b"<html>", HostUnavailable, "failed when asked to"),
        (200, b"<html>", HostUnavailable, "is not PyHSS; check its address"),
        (200, b'"text"', HostUnavailable, "is not PyHSS"),
        (400, b'{"reason": "A database integrity error occurred: secret"}', HostUnavailable, "two commands collided"),
        (400, b'{"reason": "secret"}', HostRefused, "did not accept the request to suspend the line .400."),
        (308, b"{}", HostRefused, "did not accept"),
    ],
)
def test_a_failure_is_said_in_plain_words_and_quotes_nothing(
    status: int, content: bytes, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as failed:
        send(answering(status, content), pyhss.suspend(7))
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize(("status", "content"), [(200, b"null"), (400, b"null"), (404, b"{}"), (404, b"<html>")])
def test_what_pyhss_does_not_have_is_none_in_every_of_its_ways(status: int, content: bytes) -> None:
    assert send(answering(status, content), pyhss.find_card(FIRST.imsi)) is None


@pytest.mark.parametrize(
    "card", ["[]", "{}", '{"auc_id": 1, "imsi": "x", "iccid": null}', '{"auc_id": "x", "imsi": null, "iccid": null}']
)
def test_a_card_that_cannot_be_read_is_said_to_be_and_not_quoted(memory: Engine, card: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=card if "/auc/" in request.url.path else "null")

    http = connect("http://x", transport=httpx.MockTransport(answer))
    with pytest.raises(HostUnavailable, match="cannot be read") as failed:
        PyHss(http, CommandJournal(memory, "b"), lambda imsi: KEYS).line(FIRST.imsi)
    assert failed.value.__suppress_context__ or failed.value.__context__ is None


def test_a_line_without_iccid_is_said_to_lack_it(host: PyHss, fake: FakePyHss) -> None:
    bring(host, A)
    fake.rows("auc")[0]["iccid"] = None
    with pytest.raises(HostUnavailable, match="no ICCID"):
        host.line(FIRST.imsi)


def test_a_wrong_provisioning_key_is_said_and_the_right_one_then_works(memory: Engine) -> None:
    guarded = FakePyHss("another key")
    with pytest.raises(HostUnavailable, match="provisioning key"):
        bring(host_on(guarded, memory), A)
    host = PyHss(
        connect("http://x", "another key", transport=guarded.transport),
        CommandJournal(memory, "tilleul"),
        lambda _: KEYS,
    )
    bring(host, A)
    assert line_of(host, FIRST.imsi).state is A


def test_a_collision_at_pyhss_shows_no_key_and_can_be_tried_again(host: PyHss, fake: FakePyHss) -> None:
    bring(host, A)
    fake.rows("auc")[0]["imsi"] = None  # a card that somebody loaded by its ICCID alone
    fake.kinds["subscriber"].rows.clear()
    fake.kinds["ims_subscriber"].rows.clear()

    def steal(number: int) -> None:
        if fake.requests[-1] == "PUT /auc/":
            fake.rows("auc")[0]["iccid"] = FIRST.iccid

    fake.before = steal
    with pytest.raises(HostUnavailable, match="collided") as collided:
        host.activate("k", FIRST.imsi, FIRST.iccid, ONE)
    assert KEYS.k.hex() not in str(collided.value)
    fake.before = lambda number: None
    host.activate("k", FIRST.imsi, FIRST.iccid, ONE)
    assert line_of(host, FIRST.imsi).iccid == FIRST.iccid


def test_requests_show_no_keys() -> None:
    request = pyhss.add_card(HssRecord(FIRST.imsi, KEYS, iccid=Iccid(FIRST.iccid)))
    assert request.body is not None
    assert request.body["ki"] == KEYS.k.hex()
    assert KEYS.k.hex() not in repr(request)
    assert KEYS.opc.hex() not in repr(request)


def test_the_states_of_a_command_end() -> None:
    assert {state for state, following in COMMAND_MOVES.items() if not following} == {
        CommandState.DONE,
        CommandState.REFUSED,
    }
