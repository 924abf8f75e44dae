"""The parameters gate: every request is held against the SDK's own parameter types before the simulator looks at it.

On the wire everything is text; the gate gives each value the type the SDK declares, and refuses in Stripe's shape
what does not fit: an unknown name (with the name that was meant), a missing one, `4.90` where cents belong, a word
that is none of those allowed. Stripe's types write enumerations as `Literal[...] | str`, open for the future; here
they are closed on purpose, except where the only literal is `''`, which clears a field.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import stripe

from mvne_billing.payments.stripe_simulator.forms import Form
from mvne_billing.payments.stripe_simulator.operations import module_of
from mvne_billing.payments.stripe_simulator.refusals import Refusal

#: Gives a value its type, or raises `Refusal`; the text is the parameter's name as the caller wrote it.
Check = Callable[[Form, str], Any]

#: What the SDK lets a caller pass beside the parameters: never on the wire.
OPTIONS = frozenset(stripe.RequestOptions.__annotations__)

_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,12})?", re.ASCII)


def check(parameters: Any, form: dict[str, Form]) -> dict[str, Any]:
    """Return the request's parameters with their types; raise `Refusal` for the first that does not fit."""
    typed: dict[str, Any] = group(parameters)(form, "")
    return typed


@cache
def group(parameters: Any) -> Check:
    """Return the check of a TypedDict; each name's own check is made when the name first comes by."""
    annotations = {name: hint for name, hint in parameters.__annotations__.items() if name not in OPTIONS}
    required = sorted(parameters.__required_keys__ - OPTIONS)
    checks: dict[str, Check] = {}

    def learn(name: str, full: str) -> Check:
        if name not in annotations:
            raise _unknown(full, get_close_matches(name, annotations, 1))
        return checks.setdefault(name, compile_check(resolve(annotations[name], parameters)))

    def run(value: Form, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Refusal(f"{path} must be a group of named values", param=path)
        typed = {}
        for name, inner in value.items():
            full = f"{path}[{name}]" if path else name
            typed[name] = (checks.get(name) or learn(name, full))(inner, full)
        for name in required:
            if name not in value:
                full = f"{path}[{name}]" if path else name
                raise Refusal(f"The parameter {full} is required", code="parameter_missing", param=full)
        return typed

    return run


def compile_check(hint: Any) -> Check:
    """Return the check of one type, as it stands in the SDK's annotations."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if hasattr(hint, "__required_keys__"):  # a TypedDict, whichever module made it
        return lambda value, path: group(hint)(value, path)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return choice(inner)
    if origin is list:
        return _list(compile_check(inner[0]))
    if origin is dict:
        return _names
    if origin in (Union, types.UnionType):
        return _union([part for part in inner if not _is_object(part)])
    raise TypeError(f"the parameters gate does not know the type {hint!r}; add it to gate.py")


def choice(words: tuple[Any, ...]) -> Check:
    """Return the check that a value is one of these words."""

    def run(value: Form, path: str) -> str:
        if value not in words:
            listed = ", ".join(sorted(word for word in words if word))
            raise Refusal(f"{path} must be one of {listed}; it is {value!r}", param=path)
        return str(value)

    return run


def _union(parts: list[Any]) -> Check:
    words = tuple(word for part in parts if get_origin(part) is Literal for word in get_args(part))
    rest = [part for part in parts if get_origin(part) is not Literal and part is not type(None)]
    if any(words) and str in rest:
        rest.remove(str)
    scalars = [compile_check(part) for part in rest if part in _SCALARS]
    shapes = [compile_check(part) for part in rest if part not in _SCALARS]
    if len(scalars) > 1 or len(shapes) > 1:
        raise TypeError(f"the parameters gate cannot tell {rest!r} apart; teach it in gate.py")
    text, group_or_list = (scalars or shapes or [choice(words)])[0], (shapes or scalars or [choice(words)])[0]

    def run(value: Form, path: str) -> Any:
        if value in words:
            return value
        return text(value, path) if isinstance(value, str) else group_or_list(value, path)

    return run


def _list(inner: Check) -> Check:
    def run(value: Form, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise Refusal(f"{path} must be a list", param=path)
        return [inner(item, f"{path}[{place}]") for place, item in enumerate(value)]

    return run


def _names(value: Form, path: str) -> dict[str, str]:
    """Check free names with text (metadata); an empty text removes the name."""
    if isinstance(value, list):
        value = {str(place): item for place, item in enumerate(value)}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise Refusal(f"{path} must be names with text", param=path)
    return {name: str(text) for name, text in value.items()}


def _text(value: Form, path: str) -> str:
    if not isinstance(value, str):
        raise Refusal(f"{path} must be text", param=path)
    if not value:
        raise Refusal(f"{path} is empty, and cannot be cleared", code="parameter_invalid_empty", param=path)
    return value


def _integer(value: Form, path: str) -> int:
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise Refusal(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path)
    return int(value)


def _boolean(value: Form, path: str) -> bool:
    if value not in ("true", "false"):
        raise Refusal(f"Invalid boolean: {value}", param=path)
    return value == "true"


def _decimal(value: Form, path: str) -> Decimal:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise Refusal(f"Invalid decimal: {value}", param=path)
    return Decimal(value)


#: `float` stays exact here: the simulator never computes with one.
_SCALARS: dict[Any, Check] = {str: _text, int: _integer, bool: _boolean, Decimal: _decimal, float: _decimal}


def _unknown(param: str, close: list[str]) -> Refusal:
    hint = f"; did you mean {close[0]}?" if close else ""
    return Refusal(f"Received unknown parameter: {param}{hint}", code="parameter_unknown", param=param)


def resolve(annotation: Any, parameters: Any) -> Any:
    """Return the type behind an annotation written as text, `NotRequired` taken off."""
    holder = type("Holder", (), {"__annotations__": {"value": annotation}})
    return get_type_hints(holder, vars(module_of(parameters)))["value"]


def _is_object(part: Any) -> bool:
    """Tell a response class: the SDK also takes those where a mapping goes, which no wire can carry."""
    kind = get_origin(part) or part
    return isinstance(kind, type) and issubclass(kind, stripe.StripeObject)
