"""The commands that ask for charging by hand: in process against the store, and over HTTP."""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

import pytest

from mvne.cli import main as entry
from tests.database import free_port
from tests.mvne.charging.conftest import Home
from tests.mvne.charging.served import serving


class Hand:
    """Runs `mvne charging` words against a home's store."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._home, self._monkeypatch, self._capsys = home, monkeypatch, capsys

    def run(self, *words: object) -> tuple[int, str, str]:
        line = ["mvne", "charging", *map(str, words)]
        self._monkeypatch.setattr(sys, "argv", line)
        self._monkeypatch.setenv("MVNE_STORE", self._home.url)
        with pytest.raises(SystemExit) as ended:
            entry.main()
        said = self._capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return (ended.value.code if isinstance(ended.value.code, int) else 0), said.out, said.err

    def json(self, *words: object) -> Any:
        status, out, err = self.run(*words, "--json")
        assert status == 0, out + err
        return json.loads(out)


@pytest.fixture
def hand(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hand:
    return Hand(home, monkeypatch, capsys)


def test_a_session_by_hand(home: Home, hand: Hand) -> None:
    at = home.at().isoformat()
    opened = hand.json("create", home.line.id, "--group", 10, "--request", "5 MB", "--session", "s", "--at", at)
    assert (opened["result"], opened["groups"][0]["granted"], opened["is_open"]) == ("SUCCESS", 5_000_000, True)
    standing = hand.json("balance", home.line.id)
    assert [one["session"] for one in standing["sessions"]] == ["s"]
    later = home.at(60).isoformat()
    updated = hand.json("update", "s", "--group", 10, "--used", "3 MB", "--at", later)
    assert (updated["sequence"], updated["groups"][0]["granted"]) == (1, 10_000_000)
    again = hand.json("update", "s", "--group", 10, "--used", "3 MB", "--sequence", 1, "--at", later)
    assert again == updated
    released = hand.json("release", "s", "--group", 10, "--used", 5, "--at", later)
    assert (released["sequence"], released["is_open"]) == (2, False)
    assert hand.json("balance", home.line.id)["sessions"] == []


def test_answers_are_words_for_people_too(home: Home, hand: Hand) -> None:
    status, out, _ = hand.run("create", home.line.id, "--session", "s", "--at", home.at().isoformat())
    assert (status, "rating group 0: SUCCESS, 10000000 units" in out) == (0, True)
    status, out, _ = hand.run("balance", home.line.id)
    assert (status, f"line: {home.line.id}" in out) == (0, True)


def test_events_by_hand(home: Home, hand: Hand) -> None:
    at = ("--at", home.at().isoformat())
    words = ("--kind", "sms", "--to", "+33199009999", *at)
    sent = hand.json("event", home.line.id, "--session", "m1", *words)
    assert (sent["result"], sent["groups"][0]["granted"]) == ("SUCCESS", 1)
    for action in ("check", "price"):
        told = hand.json("event", home.line.id, "--action", action, *words)
        assert told["result"] == "SUCCESS"
    back = hand.json("event", home.line.id, "--action", "refund", "--refunds", "m1", "--units", 0, *at)
    assert back["result"] == "SUCCESS"


def test_lost_sessions_are_swept_by_hand(home: Home, hand: Hand) -> None:
    hand.json("create", home.line.id, "--session", "s", "--at", home.at().isoformat())
    assert hand.json("sweep", "--at", home.at(3600 * 2).isoformat())["swept"] == 1
    status, out, _ = hand.run("sweep", "--at", home.at(3600 * 2).isoformat())
    assert (status, out) == (0, "0 sessions ended\n")


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (("update", "never"), 1, "there is no session never"),
        (("create", "nobody"), 1, "there is no line nobody"),
        (("create", "LINE", "--kind", "sms"), 2, "have a called number"),
        (("create", "LINE", "--request", "a lot"), 1, "is not a quantity of data"),
        (("event", "LINE", "--action", "refund", "--url", "http://127.0.0.1:1"), 2, "can only be charged"),
        (("update", "http://127.0.0.1:1/x"), 2, "say --sequence"),
        (("create", "imsi-208930000000017", "--url", "http://127.0.0.1:1"), 5, "no answer from http://127.0.0.1:1/"),
        (("serve", "--rating-group", "hotspot"), 2, "write it like 20=hotspot"),
        (("serve", "--key", "/nowhere.pem"), 2, "does not exist"),
        (("serve", "--key", __file__), 2, "TLS needs both"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(
    home: Home, hand: Hand, words: tuple[str, ...], status: int, complaint: str
) -> None:
    found, out, err = hand.run(*[home.line.id if one == "LINE" else one for one in words])
    assert (found, complaint in out + err) == (status, True), out + err


@pytest.mark.parametrize(
    ("module", "extra"),
    [("granian.server.embed", 'pip install "mvne[server]"'), ("diameter.message", 'pip install "mvne[diameter]"')],
)
def test_what_is_not_installed_is_named(
    home: Home, hand: Hand, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("mvne_billing.charging.gy")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    status, out, err = hand.run("serve", "--port", 1, "--gy-port", 0)
    assert (status, extra in err) == (1, True), out + err


@pytest.mark.parametrize("door", ["--port", "--gy-port"])
def test_a_port_that_is_taken_is_said_in_a_sentence(home: Home, hand: Hand, door: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = [] if door == "--port" else ["--port", free_port()]
        status, _, err = hand.run("serve", door, port, *other)
    assert (status, f"cannot listen on 127.0.0.1, port {port}: " in err) == (1, True), err


def test_a_server_is_asked_by_hand(home: Home, hand: Hand) -> None:
    at = ("--at", home.at().isoformat())
    with serving(home.url) as served:
        opened = hand.json("create", home.imsi, "--group", 10, "--url", served.url, *at)
        assert (opened["status"], opened["multipleUnitInformation"][0]["resultCode"]) == (201, "SUCCESS")
        place = opened["location"]
        updated = hand.json("update", place, "--group", 10, "--used", "1 MB", "--sequence", 1, *at)
        assert (updated["status"], updated["invocationSequenceNumber"]) == (200, 1)
        assert hand.json("release", place, "--group", 10, "--sequence", 2, *at)["status"] == 204
        sent = hand.json("event", home.imsi, "--kind", "sms", "--to", "+33199009999", "--url", served.url, *at)
        assert sent["status"] == 201
        status, _, err = hand.run("create", "imsi-208930000000099", "--url", served.url, *at)
        assert (status, "404 USER_UNKNOWN" in err) == (6, True)
