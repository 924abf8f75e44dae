"""Commands about what lines share and what they keep alone: pools of allowances, friends and family."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from mvne.cli import output
from mvne.cli.options import at_option, brand_option, json_option, moment, opened, store_option, which_brand

_LINE = click.argument("line", metavar="LINE")
_LIST = click.option("--list", "list_id", metavar="NAME", required=True, help="Which of the line's lists.")


@click.group("friends")
def friends() -> None:
    """Keep a line's own number lists, where its plan has any."""


@friends.command("add")
@_LINE
@click.argument("number", metavar="NUMBER")
@_LIST
@store_option
@brand_option
@at_option
@json_option
def add_friend(
    line: str, number: str, list_id: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool
) -> None:
    """Put a NUMBER into a list of a line's, as far as the list has room."""
    from mvne import sharing

    with opened(store) as platform:
        brand_id, id_ = _named(platform, brand, line)
        sharing.add_friend(platform, brand_id, id_, list_id, number, moment(at))
        found = sharing.friends(platform, brand_id, id_, moment(at))
    _show(found, as_json, "friends", "the brand has no list that subscribers keep")


@friends.command("remove")
@_LINE
@click.argument("number", metavar="NUMBER")
@_LIST
@store_option
@brand_option
@at_option
@json_option
def remove_friend(
    line: str, number: str, list_id: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool
) -> None:
    """Take a NUMBER out of a list of a line's, as often as the list may be changed."""
    from mvne import sharing

    with opened(store) as platform:
        brand_id, id_ = _named(platform, brand, line)
        sharing.remove_friend(platform, brand_id, id_, list_id, number, moment(at))
        found = sharing.friends(platform, brand_id, id_, moment(at))
    _show(found, as_json, "friends", "the brand has no list that subscribers keep")


@friends.command("list")
@_LINE
@store_option
@brand_option
@at_option
@json_option
def list_friends(line: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Show the numbers in a line's own lists and the places that are free."""
    from mvne import sharing

    with opened(store) as platform:
        brand_id, id_ = _named(platform, brand, line)
        found = sharing.friends(platform, brand_id, id_, moment(at))
    _show(found, as_json, "friends", "the brand has no list that subscribers keep")


@click.group("pool")
def pool() -> None:
    """Let lines share the allowances of one of them."""


@pool.command("add")
@_LINE
@click.option("--owner", metavar="LINE", required=True, help="The line whose shared allowances they are.")
@click.option("--limit", "limits", multiple=True, metavar="ALLOWANCE=AMOUNT", help="The line's own limit: data=2 GB.")
@store_option
@brand_option
@at_option
@json_option
def add_member(
    line: str,
    owner: str,
    limits: tuple[str, ...],
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Let a line into the pool of another; in it already, its limits are set anew."""
    from mvne import sharing

    caps = dict(_limit(one) for one in limits)
    with opened(store) as platform:
        brand_id, id_ = _named(platform, brand, line)
        owner_id = _named(platform, brand_id, owner)[1]
        sharing.join_pool(platform, brand_id, id_, owner_id, caps, moment(at))
        found = sharing.pool(platform, brand_id, owner_id, moment(at))
    _show(found, as_json, "members", f"{owner} shares with nobody")


@pool.command("remove")
@_LINE
@store_option
@brand_option
@at_option
@json_option
def remove_member(line: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Let a line share no more; what it took stays taken."""
    from mvne import sharing

    with opened(store) as platform:
        brand_id, id_ = _named(platform, brand, line)
        left = sharing.leave_pool(platform, brand_id, id_, moment(at))
        found = sharing.pool(platform, brand_id, left.owner, moment(at))
    _show(found, as_json, "members", f"{left.owner} shares with nobody any more")


@pool.command("show")
@_LINE
@store_option
@brand_option
@at_option
@json_option
def show_pool(line: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Show the pool that a line owns or is in, and each member's limits."""
    from mvne import sharing

    with opened(store) as platform:
        brand_id, id_ = _named(platform, brand, line)
        found = sharing.pool(platform, brand_id, id_, moment(at))
    _show(found, as_json, "members", f"{line} shares with nobody")


def _named(platform: Any, brand: str | None, line: str) -> tuple[str, str]:
    from mvne import care

    brand_id = which_brand(platform, brand)
    return brand_id, care.line_id(platform, brand_id, line)


def _limit(text: str) -> tuple[str, str]:
    name, mark, amount = text.partition("=")
    if not mark:
        raise click.BadParameter(f"{text!r} says no amount; write it like data=2 GB", param_hint="--limit")
    return name, amount


def _show(found: list[dict[str, object]], as_json: bool, title: str, nothing: str) -> None:
    if as_json:
        output.as_json({title: found})
    elif not found:
        click.echo(nothing)
    else:
        output.table(list(found[0]), [list(row.values()) for row in found])


GROUPS = (friends, pool)
