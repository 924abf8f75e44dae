"""Commands about usage: load, collect, look at what waits in suspense, try it again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mvne.cli import output
from mvne.cli.options import at_option, brand_option, json_option, moment, opened, store_option, which_brand

if TYPE_CHECKING:
    from mvne_billing.mediation.loading import Loaded
    from mvne_billing.mediation.suspense import Held


@click.group("usage")
def group() -> None:
    """Bring in what lines used, and price it."""


@group.command()
@click.argument("file", type=click.Path(path_type=Path))
@store_option
@brand_option
@at_option
@json_option
def load(file: Path, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Load a CSV or Parquet file of usage records.

    Columns: id, msisdn, kind, start, amount, country, to. A record known already changes nothing; one without a price
    waits in suspense with its reason, and so does a row that cannot be read.
    """
    from mvne import usage, workers

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        loaded = usage.load_file(platform, brand_id, file, moment(at))
        workers.work(platform, brand_id, moment(at))
    _show([loaded], as_json)


@group.command()
@store_option
@brand_option
@at_option
@json_option
def collect(store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Load what the host network's usage feed has new."""
    from mvne import usage, workers

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        loaded = usage.collect_feed(platform, brand_id, moment(at))
        workers.work(platform, brand_id, moment(at))
    _show(loaded, as_json)


@group.command()
@store_option
@brand_option
@json_option
def suspense(store: str | None, brand: str | None, as_json: bool) -> None:
    """Show the records that have no price, each with its reason."""
    from mvne_billing.mediation.suspense import everything

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        with platform.store.read() as conn:
            held = list(everything(conn, brand_id))
    if as_json:
        output.as_json({"suspense": [dict(zip(_HELD, _cells(one), strict=True)) for one in held]})
    elif not held:
        click.echo("nothing waits in suspense")
    else:
        output.table(_HELD, map(_cells, held))
        output.next_command("mvne usage replay, once the cause is mended")


@group.command()
@store_option
@brand_option
@at_option
@json_option
def replay(store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Try everything in suspense again."""
    from mvne import usage, workers

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        loaded = usage.replay_suspense(platform, brand_id, moment(at))
        workers.work(platform, brand_id, moment(at))
    _show([loaded], as_json)


_HELD = ("id", "reason", "message", "source")


def _cells(held: Held) -> tuple[str, ...]:
    return (held.id, held.reason, held.message, held.source)


def _show(loaded: list[Loaded], as_json: bool) -> None:
    suspended: dict[str, int] = {}
    for one in loaded:
        for reason, number in one.suspended.items():
            suspended[reason] = suspended.get(reason, 0) + number
    counts = {name: sum(getattr(one, name) for one in loaded) for name in ("read", "rated", "duplicates")}
    if as_json:
        output.as_json({**counts, "suspended": suspended, "batches": [one.batch for one in loaded]})
        return
    click.echo(f"{counts['read']} records: {counts['rated']} priced, {counts['duplicates']} known already")
    for reason, number in suspended.items():
        click.echo(f"{number} in suspense: {reason.replace('_', ' ')}")
    if suspended:
        output.next_command("mvne usage suspense")
