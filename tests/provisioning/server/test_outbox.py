"""What operators hear: each notification at least once, those of a profile in their order, with growing pauses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from mvne_provisioning.smdp.server import outbox, telling
from mvne_provisioning.smdp.server.es2 import Operators
from mvne_provisioning.smdp.server.es9 import Phones
from mvne_provisioning.smdp.server.service import Smdp
from mvne_provisioning.smdp.server.telling import HttpPost, InvalidNotifyUrl, OperatorUnreached
from mvne_provisioning.smdp.server.together import Together
from tests.database import free_port
from tests.provisioning.server.world import World, point


@dataclass
class Operator:
    """Takes what it is told, unless a test says that it does not."""

    heard: list[dict[str, object]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    is_away: bool = False

    def __call__(self, body: bytes) -> bool:
        if self.is_away:
            raise OperatorUnreached("away")
        content = json.loads(body)
        if content["iccid"] in self.refuses:
            return False
        self.heard.append(content)
        return True

    @property
    def points(self) -> list[str]:
        return [f"{one['iccid'][-4:-1]} {point(one)}" for one in self.heard]  # type: ignore[index] # it is text


def deliver(world: World, post: telling.Post) -> int:
    async def once() -> int:
        smdp = Smdp(
            Operators(world.settings, world.token),
            Phones(world.settings, world.certificates, world.vault, world.token),
            Together(world.engine),
            lambda: world.at,
        )
        try:
            return await telling.deliver(smdp, post)
        finally:
            await smdp.store.rest()

    return asyncio.run(once())


def installed(world: World) -> str:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    world.installed(card, world.bound(card), iccid)
    return iccid


def test_a_profiles_second_notification_waits_for_its_first(world: World) -> None:
    operator = Operator()
    installed(world)
    installed(world)
    assert [deliver(world, operator) for _ in range(3)] == [2, 2, 0]
    assert operator.points == ["019 3 ok", "027 3 ok", "019 4 ok", "027 4 ok"]


def test_one_that_is_not_taken_holds_up_its_own_profile_only(world: World) -> None:
    first = installed(world)
    installed(world)
    operator = Operator(refuses={f"{first}F"})
    assert [deliver(world, operator) for _ in range(3)] == [2, 1, 0]
    assert operator.points == ["027 3 ok", "027 4 ok"]
    operator.refuses.clear()
    world.at += timedelta(seconds=1)
    assert [deliver(world, operator) for _ in range(3)] == [1, 1, 0]
    assert operator.points[2:] == ["019 3 ok", "019 4 ok"]


def test_the_pauses_grow_while_the_operator_is_away(world: World) -> None:
    operator = Operator(is_away=True)
    installed(world)
    pauses = []
    for _ in range(5):
        assert deliver(world, operator) == 1
        waited = timedelta()
        while not world.take():
            world.at += timedelta(seconds=1)
            waited += timedelta(seconds=1)
        pauses.append(waited.seconds)
        world.at += timedelta(minutes=1)
    assert pauses == [1, 2, 4, 8, 16]
    operator.is_away = False
    assert [deliver(world, operator) for _ in range(3)] == [1, 1, 0]


def test_what_was_taken_by_a_process_that_died_is_delivered_by_the_next(world: World) -> None:
    operator = Operator()
    installed(world)
    assert len(world.take()) == 1
    assert deliver(world, operator) == 0
    world.at += timedelta(minutes=1)
    assert [deliver(world, operator) for _ in range(3)] == [1, 1, 0]


def test_every_notification_has_a_call_id_of_its_own(world: World) -> None:
    operator = Operator()
    installed(world)
    deliver(world, operator)
    deliver(world, operator)
    headers = [one["header"] for one in operator.heard]
    assert headers == [
        {"functionRequesterIdentifier": "smdp.example.com", "functionCallIdentifier": str(number)} for number in (1, 2)
    ]


@contextmanager
def operator_at(status: int, paths: list[str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            paths.append(self.path)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/base/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "is_taken"), [(204, True), (200, True), (404, False), (503, False)])
def test_only_a_success_counts_as_taken(status: int, is_taken: bool) -> None:
    paths: list[str] = []
    with operator_at(status, paths) as url:
        post = HttpPost(url)
        assert [post(b"{}"), post(b"{}")] == [is_taken] * 2
        post.close()
    assert paths == ["/base/gsma/rsp2/es2plus/handleDownloadProgressInfo"] * 2


def test_nobody_there_is_not_taken() -> None:
    with pytest.raises(OperatorUnreached):
        HttpPost(f"http://127.0.0.1:{free_port()}")(b"{}")


@pytest.mark.parametrize("url", ["", "operator.example", "ftp://operator.example", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidNotifyUrl, match="write it like"):
        HttpPost(url)


def test_pauses_end_at_an_hour() -> None:
    assert outbox.pause(10_000) == timedelta(hours=1)
