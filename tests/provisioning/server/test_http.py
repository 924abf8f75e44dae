"""ES2+ and ES9+ as HTTP: paths, headers, sizes; and nothing that a client sends is a 500."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvne_provisioning.smdp.server import app as web
from mvne_provisioning.smdp.server import es2, es9
from mvne_provisioning.smdp.server.app import ES2_BASE, ES9_BASE, MOST_OCTETS, operators_app, phones_app
from mvne_provisioning.smdp.server.service import Smdp
from tests.provisioning.server.test_many_at_once import body, smdp
from tests.provisioning.server.world import World, outcome

Talk = Callable[[httpx.AsyncClient, httpx.AsyncClient], Awaitable[Any]]


def talking(world: World, talk: Talk) -> Any:
    """Let an operator and a phone talk to the server over HTTP, and return what comes of it."""

    async def both() -> Any:
        its = smdp(world)
        try:
            async with _client(operators_app(its)) as operator, _client(phones_app(its)) as phone:
                return await talk(operator, phone)
        finally:
            await its.store.rest()

    return asyncio.run(both())


def _client(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://smdp.example.com")


def test_a_download_over_http_has_the_headers_of_sgp_22(world: World) -> None:
    async def talk(operator: httpx.AsyncClient, phone: httpx.AsyncClient) -> None:
        async def es2(function: str, **fields: object) -> dict[str, Any]:
            told = await operator.post(f"{ES2_BASE}/{function}", content=body(function, **fields))
            assert (told.status_code, told.headers["content-type"]) == (200, "application/json")
            assert told.headers["x-admin-protocol"].startswith("gsma/rsp/v2.")
            found: dict[str, Any] = told.json()
            return found

        async def es9(function: str, request: dict[str, object]) -> dict[str, Any]:
            told = await phone.post(f"{ES9_BASE}/{function}", json=request)
            assert told.headers["x-admin-protocol"].startswith("gsma/rsp/v2.")
            found: dict[str, Any] = told.json() if told.status_code == 200 else {"status": told.status_code}
            return found

        ordered = await es2("downloadOrder", profileType="consumer")
        confirmed = await es2("confirmOrder", iccid=ordered["iccid"], releaseFlag=True)
        card = world.card(confirmed["matchingId"])
        offer = await es9("authenticateClient", card.authenticate(await es9("initiateAuthentication", card.initiate())))
        bound = await es9("getBoundProfilePackage", card.prepare(offer))
        assert outcome(bound) == "ok"
        notified = card.installed(bytes.fromhex(bound["transactionId"]), None)
        told = await phone.post(f"{ES9_BASE}/handleNotification", json=notified)
        assert (told.status_code, told.content) == (204, b"")
        assert "content-type" not in told.headers
        assert outcome(await es9("cancelSession", card.cancel(offer, 0))) == "8.10.1/3.9"

    talking(world, talk)
    assert world.told() == ["3 ok", "4 ok"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 404),
        ("POST", f"{ES2_BASE}/handleNotification", 404),
        ("POST", f"{ES2_BASE}/downloadOrder/", 404),
        ("GET", f"{ES2_BASE}/downloadOrder", 405),
        ("GET", "/health", 200),
    ],
)
def test_what_is_not_here_is_said_in_json(world: World, method: str, path: str, status: int) -> None:
    async def talk(operator: httpx.AsyncClient, phone: httpx.AsyncClient) -> httpx.Response:
        return await operator.request(method, path)

    told = talking(world, talk)
    assert told.status_code == status
    assert json.loads(told.content)


def test_a_body_that_is_too_large_is_not_read(world: World) -> None:
    async def talk(operator: httpx.AsyncClient, phone: httpx.AsyncClient) -> httpx.Response:
        return await phone.post(f"{ES9_BASE}/authenticateClient", content=b"x" * (MOST_OCTETS + 1))

    told = talking(world, talk)
    assert (told.status_code, outcome(told.json())) == (413, "1.6/2.1")


def test_a_body_that_never_comes_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", 0.01)

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    async def talk(operator: httpx.AsyncClient, phone: httpx.AsyncClient) -> httpx.Response:
        return await phone.post(f"{ES9_BASE}/authenticateClient", content=slow())

    assert talking(world, talk).status_code == 408


def test_a_defect_of_ours_is_a_function_error_too(world: World) -> None:
    async def talk(operator: httpx.AsyncClient, phone: httpx.AsyncClient) -> httpx.Response:
        return await phone.post(f"{ES9_BASE}/initiateAuthentication", json=world.card(None).initiate())

    def broken(size: int) -> bytes:
        raise ZeroDivisionError

    async def both() -> httpx.Response:
        its = smdp(world)
        bad = Smdp(
            its.operators,
            type(its.phones)(its.phones.settings, world.certificates, world.vault, broken),
            its.store,
            its.clock,
        )
        try:
            async with _client(phones_app(bad)) as phone:
                return await talk(phone, phone)
        finally:
            await its.store.rest()

    told = asyncio.run(both())
    assert (told.status_code, outcome(told.json())) == (200, "1.2/4.2")
    assert "ZeroDivision" not in told.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
NAMES = [
    "header",
    "iccid",
    "eid",
    "profileType",
    "matchingId",
    "confirmationCode",
    "smdsAddress",
    "releaseFlag",
    "finalProfileStatusIndicator",
    "transactionId",
    "smdpAddress",
    "euiccChallenge",
    "euiccInfo1",
    "authenticateServerResponse",
    "prepareDownloadResponse",
    "pendingNotification",
    "cancelSessionResponse",
]
HEADER = st.fixed_dictionaries({"functionRequesterIdentifier": JSON, "functionCallIdentifier": JSON})
OBJECTS = st.dictionaries(st.sampled_from(NAMES), JSON | st.binary().map(lambda data: data.hex()), max_size=6)
BODIES = st.binary(max_size=200) | st.builds(
    lambda fields, header: json.dumps({**fields, "header": header}).encode(), OBJECTS, HEADER | JSON
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=BODIES)
def test_whatever_comes_is_answered_with_a_function_error(world: World, content: bytes) -> None:
    async def talk(operator: httpx.AsyncClient, phone: httpx.AsyncClient) -> None:
        for client, base, names in ((operator, ES2_BASE, es2.FUNCTIONS), (phone, ES9_BASE, es9.FUNCTIONS)):
            for name in names:
                told = await client.post(f"{base}/{name}", content=content)
                assert told.status_code == 200
                assert outcome(told.json()) not in ("ok", "1.2/4.2")

    talking(world, talk)
