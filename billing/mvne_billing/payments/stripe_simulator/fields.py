"""What several kinds of object have in common: metadata, and fields that are set or cleared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mvne_billing.payments.stripe_simulator.refusals import Json, Refusal


def metadata(params: Mapping[str, Any], present: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return metadata after a request: names merge, an empty text removes one, an empty parameter removes all.

    Stripe's bounds: 50 names of at most 40 signs, texts of at most 500.
    """
    given = params.get("metadata", {})
    if given == "":
        return {}
    merged = {**(present or {}), **given}
    for name, text in given.items():
        if len(name) > 40 or len(text) > 500:
            raise Refusal("metadata names have at most 40 signs and texts at most 500", param=f"metadata[{name}]")
    kept = {name: text for name, text in merged.items() if text}
    if len(kept) > 50:
        raise Refusal("metadata has at most 50 names", param="metadata")
    return kept


def given(params: Mapping[str, Any], names: Iterable[str]) -> Json:
    """Return the given ones of these fields; an empty text clears one."""
    return {name: (None if params[name] == "" else params[name]) for name in names if name in params}


def changes(body: Mapping[str, Any], after: Mapping[str, Any]) -> Json:
    """Return the fields that differ, as they were before: an event's `previous_attributes`."""
    return {name: body.get(name) for name, value in after.items() if body.get(name) != value}
