"""A client of the web application without a network between them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx

from mvne_billing.charging.nchf.app import BASE, application
from mvne_billing.usage.facts import Conventions
from tests.billing.edges.bodies import Body
from tests.billing.edges.scripted import Scripted, edge_of


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.content)
        return found

    @property
    def is_problem(self) -> bool:
        """Whether this is a problem document that says so, with the status that it has."""
        told = self.headers.get("content-type") == "application/problem+json"
        return told and self.json.get("status") == self.status and "detail" in self.json


class Web:
    """The web application over scripted charging."""

    def __init__(self, charging: Scripted | None = None, conventions: Conventions | None = None) -> None:
        self.charging = charging or Scripted()
        self._app = application(edge_of(self.charging, conventions), lambda: (True, {"status": "ok"}))

    def send(self, method: str, path: str, content: bytes, headers: dict[str, str] | None = None) -> Answered:
        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://chf.example") as client:
                told = {"content-type": "application/json"} if headers is None else headers
                return await client.request(method, path, content=content, headers=told)

        found = asyncio.run(sent())
        return Answered(found.status_code, dict(found.headers), found.content)

    def create(self, body: Body) -> Answered:
        return self.send("POST", BASE, json.dumps(body).encode())

    def update(self, created: Answered, body: Body) -> Answered:
        return self.send("POST", created.headers["location"] + "/update", json.dumps(body).encode())

    def release(self, created: Answered, body: Body) -> Answered:
        return self.send("POST", created.headers["location"] + "/release", json.dumps(body).encode())
