"""Which parameter type the SDK declares for each request: read from the SDK itself, so it matches the pinned version.

The SDK's service classes are generated from Stripe's OpenAPI file: each method names its parameters' TypedDict and,
in its body, the HTTP method and the path. Each class is read once, when the first request for its objects comes.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import stripe
import stripe.params

#: The first part of an address, and the SDK's service for it: the objects the simulator knows.
SERVICES = {
    "charges": "ChargeService",
    "customers": "CustomerService",
    "events": "EventService",
    "payment_intents": "PaymentIntentService",
    "payment_methods": "PaymentMethodService",
    "prices": "PriceService",
    "products": "ProductService",
    "refunds": "RefundService",
}

_METHOD = re.compile(r"\n    (?=(?:async )?def )")
_PARAMETERS = re.compile(r'\bparams: (?:Optional\[)?"(\w+)"')
_REQUEST = re.compile(r'self\._request\(\s*"(\w+)",\s*"(/v1/[^"]+)"')


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that Stripe has: `path` with `{names}`, and the SDK's TypedDict of its parameters."""

    method: str
    path: str
    parameters: Any

    def match(self, method: str, path: str) -> tuple[str, ...] | None:
        """Return the ids that stand in the address when it is this operation's, else None."""
        own, given = self.path.split("/"), path.split("/")
        if method != self.method or len(own) != len(given):
            return None
        pairs = list(zip(own, given, strict=True))
        if any(name != part and not name.startswith("{") for name, part in pairs):
            return None
        return tuple(part for name, part in pairs if name.startswith("{"))


@cache
def operations(noun: str) -> tuple[Operation, ...]:
    """Return the operations on one kind of object, addresses without an id first; none when the noun is not known."""
    service = SERVICES.get(noun)
    if service is None:
        return ()
    module = sys.modules[getattr(stripe, service).__module__]
    found = [_operation(chunk) for chunk in _METHOD.split(inspect.getsource(module))]
    return tuple(sorted(filter(None, found), key=lambda operation: operation.path.count("{")))


def find(method: str, path: str) -> tuple[Operation, tuple[str, ...]] | None:
    """Return the operation behind an address and the ids in it, or None when the SDK has none."""
    for operation in operations(path.removeprefix("/v1/").split("/", 1)[0]):
        ids = operation.match(method, path)
        if ids is not None:
            return operation, ids
    return None


def module_of(parameters: Any) -> ModuleType:
    """Return the module that declares a TypedDict: the names in its annotations are looked up there."""
    return sys.modules[parameters.__module__]


def _operation(source: str) -> Operation | None:
    parameters, request = _PARAMETERS.search(source), _REQUEST.search(source)
    if parameters is None or request is None:
        return None
    return Operation(request.group(1), request.group(2), getattr(stripe.params, parameters.group(1)))
