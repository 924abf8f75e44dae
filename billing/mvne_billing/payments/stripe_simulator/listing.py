"""Lists and searches: newest first, page by page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mvne_billing.payments.stripe_simulator.account import Account, tag
from mvne_billing.payments.stripe_simulator.refusals import Json, Refusal
from mvne_billing.payments.stripe_simulator.tables import OBJECT, TAG

#: How long an object takes to be found by search: Stripe promises less than a minute, and not one's own last writes.
SEARCH_LAG = 60

_RANGE = {"gt": OBJECT.c.created.__gt__, "gte": OBJECT.c.created.__ge__}
_RANGE |= {"lt": OBJECT.c.created.__lt__, "lte": OBJECT.c.created.__le__}
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_NAME = rf"(?:metadata\[(?P<name>{_QUOTED})\]|(?P<field>\w+))"
_CLAUSE = re.compile(rf"\s*{_NAME}\s*:\s*(?P<value>{_QUOTED})\s*(?P<more>AND\b|$)")


def page(account: Account, kind: str, url: str, params: Mapping[str, Any]) -> Json:
    """Answer a list: filters by tag, by time of creation, `limit`, `starting_after` and `ending_before`."""
    if "starting_after" in params and "ending_before" in params:
        raise Refusal("starting_after and ending_before exclude each other", code="parameters_exclusive")
    backwards = "ending_before" in params
    query = _filtered(kind, params)
    if backwards:
        query = query.where(OBJECT.c.seq > _seq(account, kind, params, "ending_before"))
    elif "starting_after" in params:
        query = query.where(OBJECT.c.seq < _seq(account, kind, params, "starting_after"))
    bodies, more = _take(account, query, limit(params), backwards)
    return {"object": "list", "url": url, "has_more": more, "data": bodies[::-1] if backwards else bodies}


def search(account: Account, kind: str, url: str, params: Mapping[str, Any]) -> Json:
    """Answer a search for `field:"value"` and `metadata["name"]:"value"` joined by AND, `SEARCH_LAG` seconds late."""
    query = sa.select(OBJECT.c.body, OBJECT.c.seq).where(
        OBJECT.c.kind == kind, OBJECT.c.created <= account.now - SEARCH_LAG
    )
    for name, value in _clauses(params["query"]):
        query = query.where(_tagged(name, [value]))
    if "page" in params:
        query = query.where(OBJECT.c.seq < _cursor(params["page"]))
    bodies, more = _take(account, query, limit(params), False)
    last = str(_seq(account, kind, {"page": bodies[-1]["id"]}, "page")) if more else None
    return {"object": "search_result", "url": url, "has_more": more, "data": bodies, "next_page": last}


def limit(params: Mapping[str, Any]) -> int:
    """Return how many objects a page holds: 1 to 100, 10 when not said."""
    wanted: int = params.get("limit", 10)
    if not 1 <= wanted <= 100:
        raise Refusal("limit must be between 1 and 100", code="parameter_invalid_integer", param="limit")
    return wanted


def _filtered(kind: str, params: Mapping[str, Any]) -> sa.Select[Any]:
    query = sa.select(OBJECT.c.body, OBJECT.c.seq).where(OBJECT.c.kind == kind)
    if kind == "customer":
        query = query.where(~_tagged("deleted", ["true"]))
    for name, value in params.items():
        if name == "created":
            query = query.where(*_created(value))
        elif name == "ids":
            query = query.where(OBJECT.c.id.in_(value))
        elif name in ("lookup_keys", "types"):
            query = query.where(_tagged(name.removesuffix("s"), value))
        elif name not in ("limit", "starting_after", "ending_before"):
            query = query.where(_tagged(name, [tag(value)]))
    return query


def _created(value: int | Mapping[str, int]) -> list[Any]:
    if isinstance(value, int):
        return [OBJECT.c.created == value]
    return [_RANGE[name](seconds) for name, seconds in value.items()]


def _tagged(name: str, values: Sequence[str]) -> sa.ColumnElement[bool]:
    return OBJECT.c.id.in_(sa.select(TAG.c.object).where(TAG.c.name == name, TAG.c.value.in_(values)))


def _take(account: Account, query: sa.Select[Any], size: int, backwards: bool) -> tuple[list[Json], bool]:
    order = OBJECT.c.seq.asc() if backwards else OBJECT.c.seq.desc()
    rows = account.connection.execute(query.order_by(order).limit(size + 1)).all()
    return [json.loads(row.body) for row in rows[:size]], len(rows) > size


def _seq(account: Account, kind: str, params: Mapping[str, Any], name: str) -> int:
    query = sa.select(OBJECT.c.seq).where(OBJECT.c.id == params[name], OBJECT.c.kind == kind)
    seq = account.connection.execute(query).scalar()
    if seq is None:
        raise Refusal(f"No such {kind}: '{params[name]}'", code="resource_missing", param=name)
    return int(seq)


def _cursor(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Refusal("page must be the next_page of the answer before", param="page")
    return int(text)


def _clauses(query: str) -> list[tuple[str, str]]:
    found, place, more = [], 0, "AND"
    while more:
        clause = _CLAUSE.match(query, place)
        if clause is None:
            raise Refusal(f"The simulator cannot search for {query!r}; it knows name:'value' AND …", param="query")
        name = clause["field"] or f"metadata.{_unquoted(clause['name'])}"
        found.append((name, _unquoted(clause["value"])))
        place, more = clause.end(), clause["more"]
    return found


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
