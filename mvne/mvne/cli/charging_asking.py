"""What the commands about live charging share: their options, and how they ask and tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mvne.cli import output
from mvne.cli.options import which_brand

if TYPE_CHECKING:
    from mvne.charging_client import Asking
    from mvne.platform import Platform
    from mvne_billing.charging.session import Answer, Service

Command = TypeVar("Command", bound=Callable[..., Any])


def service_options(command: Command) -> Command:
    """Add the options that say what is used."""
    kinds = click.Choice(["data", "voice", "sms"])
    for add in (
        click.option("--kind", type=kinds, default="data", show_default=True, help="What is used."),
        click.option("--to", metavar="NUMBER", help="Called number as dialled; data has none."),
        click.option("--country", metavar="ISO", help="Where the phone is (default: the brand's market)."),
        click.option("--label", default="", help="Sort of use where the network tells them apart, such as hotspot."),
        click.option("--group", "group_", default=0, show_default=True, help="Rating group."),
    ):
        command = add(command)
    return command


def url_option(command: Command) -> Command:
    """Add `--url`."""
    words = "Root of a charging server to ask instead of the store; LINE is then imsi-… or msisdn-…."
    return click.option("--url", help=words)(command)


def network_option(command: Command) -> Command:
    """Add `--network`."""
    words = "Network that serves the phone (MCC and MNC), when a charging server is asked."
    return click.option("--network", default="20801", show_default=True, help=words)(command)


def ask(platform: Platform, asked: Any) -> Answer:
    """Ask charging in this process."""
    from mvne import charging_client

    found = charging_client.ask(platform, asked)
    assert found is not None  # only a sweep has no answer
    return found


def known(platform: Platform, brand: str, session: str) -> tuple[str, int]:
    """Return the line and the last sequence number of a session; raise `UnknownSession`."""
    from mvne_billing.charging.loading import look_up
    from mvne_billing.charging.session import UnknownSession

    with platform.store.read() as conn:
        known = look_up(conn, brand, session, 0)
    if known is None:
        raise UnknownSession(f"there is no session {session} in brand {brand}; create it first")
    return known.subscription, known.sequence


def line_of(platform: Platform, brand: str | None, line: str) -> tuple[str, str, str]:
    """Return the brand, the line and its number that are meant."""
    from mvne import care, lines

    its = which_brand(platform, brand)
    line_id = care.line_id(platform, its, line)
    with platform.store.read() as conn:
        return its, line_id, lines.get(conn, its, line_id).msisdn or ""


def home_of(platform: Platform, brand: str) -> str:
    """Return the country of a brand."""
    from mvne.selling import selling

    with platform.store.read() as conn:
        return selling(conn, brand).settings.market


def service_of(kind: str, to: str | None, country: str | None, label: str) -> Service:
    """Return what is used, as charging says it."""
    from mvne_billing.charging.session import Service
    from mvne_plans.quantity import Kind

    if (to is None) != (kind == "data"):
        raise click.UsageError("calls and messages have a called number (--to), data has none")
    return Service(Kind(kind), to, country or "", label)


def units_of(text: str, kind: str) -> int:
    """Read an amount: base units in digits, or as people write it."""
    from mvne_plans.quantity import Kind, parse_units

    return int(text) if text.isascii() and text.isdigit() else parse_units(text, Kind(kind))


def api(url: str) -> str:
    """Return where a charging server creates charging data."""
    from mvne.charging_client import API

    return url.rstrip("/") + API


def asking_of(
    line: str,
    sequence: int,
    when: datetime,
    service: Service,
    network: str,
    rating_group: int,
    requested: int | None = None,
    used: int = 0,
    event: bool = False,
) -> Asking:
    """Return a request over HTTP."""
    from mvne.charging_client import Asking

    return Asking(line, sequence, when, service, network, rating_group, requested, used, is_event=event)


def show_posted(url: str, asking: Asking, as_json: bool) -> None:
    """Send a request over HTTP and print what came back."""
    from mvne.charging_client import post

    found = post(url, asking)
    if as_json:
        output.as_json(found)
        return
    for name, value in found.items():
        click.echo(f"{name}: {value}")


def show(answer: Answer, as_json: bool) -> None:
    """Print an answer."""
    from mvne.charging_client import as_dict
    from mvne_plans.money import micro_text

    if as_json:
        output.as_json(as_dict(answer))
        return
    free = "billed after" if answer.free_micro is None else micro_text(answer.free_micro, answer.currency)
    click.echo(f"session {answer.session}, request {answer.sequence}: {answer.result}")
    for one in answer.groups:
        granted = "nothing asked" if one.granted is None else f"{one.granted} units for {one.valid_s} s"
        last = f", the last: {one.final.action}" if one.final is not None else ""
        click.echo(f"rating group {one.rating_group}: {one.result}, {granted}{last} {one.message}".rstrip())
    click.echo(f"charged {micro_text(answer.charged_micro, answer.currency)}, free {free}")
