"""The mount: an HTTP client of the Stripe SDK that hands requests to the simulator instead of the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import stripe

from mvne_billing.payments.stripe_simulator.keys import Answer

#: Takes HTTP method, path, encoded parameters and headers; gives the answer and the request's id.
Respond = Callable[[str, str, str, Mapping[str, str]], tuple[Answer, str]]


class ConnectionLost(Exception):
    """The connection broke before an answer came."""


class SimulatedClient(stripe.HTTPClient):
    """What the SDK takes for the network. Nothing leaves the process."""

    name = "simulated"

    def __init__(self, respond: Respond) -> None:
        super().__init__()
        self._respond = respond

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answer in place of the network."""
        parts = urlsplit(url)
        text = (post_data or "") if method == "post" else parts.query
        try:
            answer, reference = self._respond(method, unquote(parts.path), text, headers or {})
        except ConnectionLost as lost:
            broken = stripe.APIConnectionError(str(lost), should_retry=True)  # type: ignore[no-untyped-call]  # the SDK's
            raise broken from lost
        sent = {"Content-Type": "application/json", "Request-Id": reference}
        if answer.replayed:
            sent["Idempotent-Replayed"] = "true"
        return answer.body, answer.status, sent

    def close(self) -> None:
        """Close nothing: there is no connection."""
