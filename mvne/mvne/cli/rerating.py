"""Commands that price use again: re-rating a slice of it, unloading a file, and what was done so far."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mvne.cli import output
from mvne.cli.options import Moment, at_option, brand_option, json_option, moment, opened, store_option, which_brand

if TYPE_CHECKING:
    from mvne_billing.mediation.rerating import Rerated

_ACTOR = click.option("--actor", default="operator", show_default=True, help="Who does this, for the record.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
_ID = click.option(
    "--id", "name", metavar="ID", help="Id of this; the same again goes on, or says what it did (default: made of it)."
)


@click.command()
@click.option("--subscription", "line", metavar="LINE", help="Only use of this line (id or number).")
@click.option("--plan", metavar="PLAN", help="Only use that was priced by this plan.")
@click.option("--version", type=int, help="Only use that was priced by this version of its plan.")
@click.option("--from", "since", type=Moment(), help="Only use that began then or later.")
@click.option("--to", "until", type=Moment(), help="Only use that began before then.")
@click.option("--batch", metavar="ID", help="Only use that this batch brought; see mvne usage files.")
@click.option("--came", type=click.Choice(["late", "out_of_order"]), help="Only use that came late, or out of order.")
@click.option("--by-version", type=int, help="Price it by this version of its plan (default: by the one it has).")
@_ACTOR
@click.option("--reason", default="rated again by hand", show_default=True, help="Why, for the record.")
@_DRY_RUN
@_ID
@store_option
@brand_option
@at_option
@json_option
def rerate(  # one parameter an option
    line: str | None,
    plan: str | None,
    version: int | None,
    since: datetime | None,
    until: datetime | None,
    batch: str | None,
    came: str | None,
    by_version: int | None,
    actor: str,
    reason: str,
    dry_run: bool,
    name: str | None,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Price a slice of use again and book only the differences; what was billed is corrected on the next bill.

    With it all use is priced again that shares an allowance with it, in the order of time: so records that came late
    or out of order are put right, and so is use priced by a version, a list or an agreement that was wrong.
    """
    from mvne import care, usage, workers
    from mvne_billing.mediation.rerating import Wanted
    from mvne_billing.mediation.scope import Scope
    from mvne_billing.states import Came

    when = moment(at)
    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        line_id = None if line is None else care.line_id(platform, brand_id, line)
        scope = Scope(line_id, plan, version, since, until, batch, Came(came) if came else None)
        wanted = Wanted(
            name or _name("rerate", scope, by_version, reason, when), scope, reason, actor, when, by_version
        )
        done = usage.rerate(platform, brand_id, wanted, dry_run)
        workers.work(platform, brand_id, when)
        currency = _currency(platform, brand_id)
    _show(done, currency, dry_run, as_json)


@click.command()
@click.argument("batch", metavar="BATCH")
@_ACTOR
@click.option("--reason", required=True, help="Why, for the record.")
@_DRY_RUN
@_ID
@store_option
@brand_option
@at_option
@json_option
def unload(
    batch: str,
    actor: str,
    reason: str,
    dry_run: bool,
    name: str | None,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Take back everything that a BATCH brought, as if it had never come; it may be loaded again. See usage files.

    Its records stay, without a price; what they took of allowances is free for others, which are priced again.
    """
    from mvne import usage, workers
    from mvne_billing.mediation.unloading import Unloading

    when = moment(at)
    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        wanted = Unloading(name or _name("unload", batch, reason, when), batch, reason, actor, when)
        done = usage.unload(platform, brand_id, wanted, dry_run)
        workers.work(platform, brand_id, when)
        currency = _currency(platform, brand_id)
    _show(done, currency, dry_run, as_json)


@click.command()
@store_option
@brand_option
@json_option
def reratings(store: str | None, brand: str | None, as_json: bool) -> None:
    """Show what was priced again and unloaded so far: why, by whom, and what it changed."""
    from mvne_billing.mediation.rerating import get, history

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        currency = _currency(platform, brand_id)
        with platform.store.read() as conn:
            found = [get(conn, brand_id, one.id) for one in history(conn, brand_id)]
    rows = [
        {
            "id": wanted.id,
            "what": wanted.kind,
            "when": wanted.at.isoformat(timespec="minutes"),
            "by": wanted.actor,
            "why": wanted.reason,
            "records": done.records,
            "lines": len(done.lines),
            "price": _money(done.charge_micro, currency),
            "cost": _money(done.cost_micro, currency),
            "done": "yes" if done.done else "interrupted: say it again",
        }
        for wanted, done in found
    ]
    if as_json:
        output.as_json({"reratings": rows})
    elif not rows:
        click.echo("nothing was priced again so far")
    else:
        for row in rows:
            click.echo(f"{row['id']}: {row['what']}, {row['when']}, by {row['by']}: {row['why']}")
            changed = f"{row['lines']} lines changed; prices {row['price']}, costs {row['cost']}"
            click.echo(f"    {row['records']} records priced again, {changed}; done: {row['done']}")


def _show(done: Rerated, currency: str, dry_run: bool, as_json: bool) -> None:
    rows = [
        {
            "line": one.subscription,
            "changed": one.changed,
            "kept": one.kept,
            "price": _money(one.charge_micro, currency),
            "of it billed": _money(one.billed_micro, currency),
            "cost": _money(one.cost_micro, currency),
        }
        for one in done.lines
    ]
    if as_json:
        totals = {"charge_micro": done.charge_micro, "cost_micro": done.cost_micro, "currency": currency}
        output.as_json({"id": done.id, "dry_run": dry_run, "records": done.records, **totals, "lines": rows})
        return
    would = "would change" if dry_run else "changed"
    click.echo(f"{done.records} records priced again; {len(rows)} lines {would}")
    click.echo(f"prices {_money(done.charge_micro, currency)}, costs {_money(done.cost_micro, currency)}")
    if rows:
        output.table(list(rows[0]), [list(row.values()) for row in rows], numbers=(1, 2, 3, 4, 5))
    if any(one.kept for one in done.lines):
        click.echo("kept: records that have no price any more, and stay as they were")
    if not dry_run:
        click.echo(f"id {done.id}: the same again changes nothing")


def _money(micro: int, currency: str) -> str:
    from mvne_plans.money import micro_text

    return f"{'+' if micro > 0 else ''}{micro_text(micro, currency)}"


def _currency(platform: Any, brand: str) -> str:
    from mvne.selling import selling

    with platform.store.read() as conn:
        return selling(conn, brand).settings.currency


def _name(kind: str, *said: object) -> str:
    """Return the id of an operation that was given none: made of what is said, so that the same again is the same."""
    digest = hashlib.sha256("\x1f".join(map(str, said)).encode()).hexdigest()
    return f"{kind}-{digest[:16]}"


COMMANDS = (rerate, unload, reratings)
