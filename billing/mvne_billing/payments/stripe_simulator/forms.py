"""Form encoding as Stripe's SDK writes it: `metadata[plan]=x` and `types[0]=card` become nested values of text."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from mvne_billing.payments.stripe_simulator.refusals import Refusal

#: Text, a list, or a mapping of them: a request before the gate gave it types.
Form = str | list["Form"] | dict[str, "Form"]

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")


def decode(text: str) -> dict[str, Form]:
    """Read a body or query string; a later value of the same name wins, as it does at Stripe.

    >>> decode("amount=490&metadata[plan]=douceur&types[0]=card&types[1]=sepa_debit")
    {'amount': '490', 'metadata': {'plan': 'douceur'}, 'types': ['card', 'sepa_debit']}
    """
    tree: dict[str, Form] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _plant(tree, _path(name), value)
    return {name: _lists(value) for name, value in tree.items()}


def _path(name: str) -> list[str]:
    match = _KEY.fullmatch(name)
    if not match:
        raise Refusal(f"The parameter name {name!r} cannot be read", code="parameter_unknown", param=name)
    return [match.group(1), *_PART.findall(match.group(2))]


def _plant(tree: dict[str, Form], path: list[str], value: str) -> None:
    *above, last = path
    for part in above:
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            raise Refusal(f"{path[0]} is given both as a value and as a group of values", param=path[0])
        tree = branch
    tree[last or str(len(tree))] = value


def _lists(value: Form) -> Form:
    """Turn mappings whose names are 0, 1, 2 … into lists, from the bottom up."""
    if not isinstance(value, dict):
        return value
    below = {name: _lists(inner) for name, inner in value.items()}
    if list(below) == [str(place) for place in range(len(below))]:
        return list(below.values())
    return below
