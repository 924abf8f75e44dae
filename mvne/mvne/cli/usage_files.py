"""Commands about usage files: which came in and what became of them, which numbers of a sender are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mvne.cli import output
from mvne.cli.options import brand_option, json_option, opened, store_option, which_brand

if TYPE_CHECKING:
    from mvne_billing.mediation.files import Arrival, Series


@click.command()
@click.option("--limit", default=50, show_default=True, help="How many, newest first.")
@store_option
@brand_option
@json_option
def files(limit: int, store: str | None, brand: str | None, as_json: bool) -> None:
    """Show the files and feeds that came in, newest first, and how their records stand now."""
    from mvne_billing.mediation.files import arrivals

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        with platform.store.read() as conn:
            found = arrivals(conn, brand_id, limit)
    if as_json:
        output.as_json({"files": [_as_json(one) for one in found]})
    elif not found:
        click.echo("no usage has come in yet")
    else:
        for one in found:
            _say(one)


@click.command()
@click.option("--sender", metavar="NAME", help="Only this sender's files.")
@store_option
@brand_option
@json_option
def gaps(sender: str | None, store: str | None, brand: str | None, as_json: bool) -> None:
    """Show which numbers of each sender's files are missing, came twice, or after a later one."""
    from mvne_billing.mediation.files import series

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        with platform.store.read() as conn:
            found = series(conn, brand_id, sender)
    if as_json:
        output.as_json({"senders": [{**one._asdict(), "whole": one.is_whole} for one in found]})
    elif not found:
        click.echo("no file with a number of its sender's has come in yet")
    else:
        titles = ("sender", "first", "newest", "missing", "twice", "after a later one")
        output.table(titles, map(_series, found), numbers=(1, 2))


def _series(one: Series) -> tuple[object, ...]:
    missing = [str(span[0]) if span[0] == span[-1] else f"{span[0]} to {span[-1]}" for span in one.missing]
    numbers = (", ".join(map(str, listed)) or "none" for listed in (missing, one.twice, one.out_of_order))
    return (one.sender, one.first, one.last, *numbers)


def _say(one: Arrival) -> None:
    """Say in two lines which file it is and what became of it: ids are long."""
    click.echo(f"{one.source}, came in {one.at.isoformat(timespec='minutes')} as {one.batch}")
    number = f"{one.sender or 'the sender'}'s file {one.sequence}; " if one.sequence is not None else ""
    stand = [
        f"{number} {state.replace('_', ' ')}" for state, number in sorted(one.counts.items()) if state != "in_order"
    ]
    gone = "; unloaded" if one.unloaded_at is not None else ""
    now = ", ".join(stand) or "none"
    click.echo(f"    {number}{one.read} read, {one.duplicates} known already; now {now}{gone}")


def _as_json(one: Arrival) -> dict[str, object]:
    moments = {"at": one.at.isoformat(), "unloaded_at": one.unloaded_at.isoformat() if one.unloaded_at else None}
    return {**one._asdict(), "counts": dict(one.counts), "facts": dict(one.facts), **moments}


COMMANDS = (files, gaps)
