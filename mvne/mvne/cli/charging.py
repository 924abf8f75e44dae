"""Commands about live charging: serve it to the network, or ask for it by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from mvne.cli import charging_server, output
from mvne.cli.charging_asking import (
    api,
    ask,
    asking_of,
    home_of,
    known,
    line_of,
    network_option,
    service_of,
    service_options,
    show,
    show_posted,
    units_of,
    url_option,
)
from mvne.cli.options import at_option, brand_option, json_option, moment, opened, store_option, which_brand

_ACTIONS = {"charge": "CHARGE", "refund": "REFUND", "check": "CHECK", "price": "PRICE"}


@click.group("charging")
def group() -> None:
    """Charge while a service is used: what is granted is held before it is spent."""


group.add_command(charging_server.serve)


@group.command()
@click.argument("line", metavar="LINE")
@service_options
@click.option("--request", "wanted", default="0", help="Units to ask for, such as `5 MB`; 0 leaves it to us.")
@click.option("--session", help="Id of the session (default: made from line and moment).")
@url_option
@network_option
@store_option
@brand_option
@at_option
@json_option
def create(
    line: str,
    kind: str,
    to: str | None,
    country: str | None,
    label: str,
    group_: int,
    wanted: str,
    session: str | None,
    url: str | None,
    network: str,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Open a charging session of a LINE and ask for units."""
    from mvne_billing.charging.session import Request, Step, Units

    units, when = units_of(wanted, kind), moment(at)
    if url:
        asking = asking_of(line, 0, when, service_of(kind, to, "", label), network, group_, requested=units)
        show_posted(api(url), asking, as_json)
        return
    with opened(store) as platform:
        its, line_id, msisdn = line_of(platform, brand, line)
        service = service_of(kind, to, country or home_of(platform, its), label)
        name = session or f"{line_id}:{when.isoformat(timespec='seconds')}"[:100]
        asked = Units(group_, service, requested=units)
        show(ask(platform, Request(its, name, 0, Step.CREATE, line_id, when, (asked,), msisdn)), as_json)


@group.command()
@click.argument("session", metavar="SESSION")
@service_options
@click.option("--used", default="0", help="Units used since the last report.")
@click.option("--request", "wanted", default="0", help="Units to ask for; 0 leaves it to us.")
@click.option("--sequence", type=int, help="Sequence number (default: the next; a repeat says the same one).")
@network_option
@store_option
@brand_option
@at_option
@json_option
def update(session: str, used: str, wanted: str, **rest: Any) -> None:
    """Report what a SESSION used and ask for more. SESSION is its id, or its Location at a charging server."""
    _step("UPDATE", session, used, wanted, **rest)


@group.command()
@click.argument("session", metavar="SESSION")
@service_options
@click.option("--used", default="0", help="Units used since the last report.")
@click.option("--sequence", type=int, help="Sequence number (default: the next; a repeat says the same one).")
@network_option
@store_option
@brand_option
@at_option
@json_option
def release(session: str, used: str, **rest: Any) -> None:
    """Report what a SESSION used last and end it; what it held returns."""
    _step("RELEASE", session, used, None, **rest)


@group.command()
@click.argument("line", metavar="LINE")
@click.option(
    "--action",
    type=click.Choice(sorted(_ACTIONS)),
    default="charge",
    show_default=True,
    help="Charge at once, give back, ask whether it would be granted, or what it would cost.",
)
@service_options
@click.option("--units", default="1", show_default=True, help="How much; of a refund, 0 is all of it.")
@click.option("--refunds", default="", metavar="SESSION", help="Session that a refund is of.")
@click.option("--session", help="Id of the event (default: made from line and moment).")
@url_option
@network_option
@store_option
@brand_option
@at_option
@json_option
def event(
    line: str,
    action: str,
    kind: str,
    to: str | None,
    country: str | None,
    label: str,
    group_: int,
    units: str,
    refunds: str,
    session: str | None,
    url: str | None,
    network: str,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Charge a LINE for what happens at once, refund it, or ask."""
    from mvne_billing.charging.session import Action, Event

    amount, when = units_of(units, kind), moment(at)
    if url:
        if action != "charge":
            raise click.UsageError("over HTTP an event can only be charged (TS 32.291); ask the store for the rest")
        asking = asking_of(
            line, 0, when, service_of(kind, to, "", label), network, group_, requested=amount, event=True
        )
        show_posted(api(url), asking, as_json)
        return
    with opened(store) as platform:
        its, line_id, msisdn = line_of(platform, brand, line)
        service = None if action == "refund" else service_of(kind, to, country or home_of(platform, its), label)
        name = session or f"{line_id}:{action}:{when.isoformat(timespec='seconds')}"[:100]
        asked = Event(its, name, Action[_ACTIONS[action]], line_id, when, service, amount, group_, refunds, msisdn)
        show(ask(platform, asked), as_json)


@group.command()
@click.argument("line", metavar="LINE")
@store_option
@brand_option
@json_option
def balance(line: str, store: str | None, brand: str | None, as_json: bool) -> None:
    """Show what a LINE can spend, what its open sessions hold, and which these are."""
    from mvne.charging_client import standing

    with opened(store) as platform:
        its, line_id, _ = line_of(platform, brand, line)
        found = standing(platform, its, line_id)
    if as_json:
        output.as_json(found)
        return
    sessions = found.pop("sessions")
    for name, value in found.items():
        click.echo(f"{name}: {value}")
    if isinstance(sessions, list) and sessions:
        output.table(list(sessions[0]), [list(one.values()) for one in sessions], numbers=(2, 3))


@group.command()
@store_option
@brand_option
@at_option
@json_option
def sweep(store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """End the sessions whose clients never came back; what they held returns."""
    from mvne.charging_chores import sweep_once

    with opened(store) as platform:
        swept = sweep_once(platform, which_brand(platform, brand), moment(at))
    if as_json:
        output.as_json({"swept": swept})
    else:
        click.echo(f"{swept} sessions ended")


def _step(
    step: str,
    session: str,
    used: str,
    wanted: str | None,
    kind: str,
    to: str | None,
    country: str | None,
    label: str,
    group_: int,
    sequence: int | None,
    network: str,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    from mvne_billing.charging.session import Request, Step, Units

    spent, when = units_of(used, kind), moment(at)
    requested = None if wanted is None else units_of(wanted, kind)
    if session.startswith(("http://", "https://")):
        if sequence is None:
            raise click.UsageError("say --sequence: only the store knows which comes next")
        asking = asking_of("", sequence, when, service_of(kind, to, "", label), network, group_, requested, spent)
        show_posted(f"{session}/{step.lower()}", asking, as_json)
        return
    with opened(store) as platform:
        its = which_brand(platform, brand)
        line_id, last = known(platform, its, session)
        service = service_of(kind, to, country, label) if country else None
        number = last + 1 if sequence is None else sequence
        units = Units(group_, service, requested, spent)
        show(ask(platform, Request(its, session, number, Step[step], line_id, when, (units,))), as_json)
