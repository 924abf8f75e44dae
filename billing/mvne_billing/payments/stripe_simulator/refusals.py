"""The errors of the simulated Stripe, in the shape Stripe gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: A JSON object on its way to the wire.
Json = dict[str, Any]


class Refusal(Exception):
    """An error answer. `keeps` says that what was done before it stands: a declined payment intent exists."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        more: Mapping[str, Any] | None = None,
        keeps: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keeps = keeps
        given = {"type": kind, "message": message, "code": code, "param": param, **(more or {})}
        self.error: Json = {name: value for name, value in given.items() if value is not None}

    @property
    def body(self) -> Json:
        """The answer's body."""
        return {"error": self.error}


def missing(kind: str, reference: str, param: str, status: int = 404) -> Refusal:
    """Return the refusal of an id that names nothing: 404 in the address, 400 in a parameter."""
    return Refusal(f"No such {kind}: '{reference}'", status=status, code="resource_missing", param=param)
