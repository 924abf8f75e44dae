"""Commands of the software phone: an eSIM card in a folder, and the profiles that come to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mvne.cli import output
from mvne.cli.failures import AGAIN
from mvne.cli.options import at_option, json_option, moment

if TYPE_CHECKING:
    from mvne_provisioning.phone.card import Card
    from mvne_provisioning.phone.http import Servers
    from mvne_provisioning.phone.notifying import Undelivered

Command = TypeVar("Command", bound=Callable[..., Any])


def card_option(command: Command) -> Command:
    """Add `--card`."""
    kind = click.Path(file_okay=False, path_type=Path)
    words = "Folder in which the card is kept."
    return click.option("--card", "folder", type=kind, default="card", show_default=True, help=words)(command)


def server_option(command: Command) -> Command:
    """Add `--server`."""
    words = "URL at which the SM-DP+ is reached instead of its own address, such as https://127.0.0.1:9443."
    return click.option("--server", metavar="URL", help=words)(command)


@click.group("phone")
def group() -> None:
    """Be a phone: download eSIM profiles to a software card that checks everything, and look after them.

    The card is a test card. It believes the certificates of the folder that it was made with, and only servers with
    such certificates serve it.
    """


@group.command()
@click.option(
    "--certs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder of certificates with SGP.26 names, such as one made by: mvne smdp pki.",
)
@click.option("--eid", help="EID of the card (default: a new one).")
@card_option
@at_option
@json_option
def new(certs: Path, eid: str | None, folder: Path, at: datetime | None, as_json: bool) -> None:
    """Make an empty card. Its folder holds private keys: for your eyes only."""
    from mvne_provisioning.phone.keeping import Folder
    from mvne_provisioning.phone.making import make
    from mvne_provisioning.smdp.tokens import random_bytes

    keeper = Folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with keeper.alone():
        card = make(certs, keeper, eid, moment(at), random_bytes)
    if as_json:
        output.as_json({"eid": card.eid, "card": str(folder)})
        return
    click.echo(f"card with EID {card.eid}: wrote {folder}")
    output.next_command(f"mvne phone download 'LPA:1$…' --card {folder}")


@group.command()
@click.argument("code", metavar="CODE")
@click.option(
    "--confirmation-code-file",
    "code_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that holds the confirmation code (default: you are asked when one is needed).",
)
@card_option
@server_option
@at_option
@json_option
def download(
    code: str, code_file: Path | None, folder: Path, server: str | None, at: datetime | None, as_json: bool
) -> None:
    """Download the profile of an activation code, LPA:1$…, and install it. Put the code in single quotes."""
    from mvne_provisioning.phone import lpa
    from mvne_provisioning.phone.fields import masked
    from mvne_provisioning.smdp.tokens import random_bytes

    def confirmation_code() -> str | None:
        return code_file.read_text(errors="replace").strip() if code_file else _asked()

    with _opened(folder, server) as (card, servers):
        found = lpa.download(card, servers, code, moment(at), random_bytes, confirmation_code)
    if as_json:
        said = {"iccid": masked(found.iccid), "provider": found.provider, "name": found.name, "state": "disabled"}
        output.as_json({**said, "undelivered": _as_json(found.undelivered)})
        return
    click.echo(f"installed {found.name} of {found.provider}, ICCID {masked(found.iccid)}, disabled")
    _tell(found.undelivered)
    output.next_command(f"mvne phone list --card {folder}")


@group.command("list")
@card_option
@json_option
def list_(folder: Path, as_json: bool) -> None:
    """Show the profiles on the card, with their whole ICCIDs, and how much is still to be told to servers."""
    from mvne_provisioning.phone.keeping import Folder

    card = _card(Folder(folder))
    head = ("iccid", "state", "provider", "name", "class")
    rows = [(one.iccid, one.state, one.provider, one.name, one.profile_class.name.lower()) for one in card.profiles()]
    waiting = len(card.notifications())
    if as_json:
        profiles = [dict(zip(head, row, strict=True)) for row in rows]
        output.as_json({"eid": card.eid, "room": card.room, "profiles": profiles, "undelivered": waiting})
        return
    click.echo(f"card with EID {card.eid}: {len(rows)} profiles, room for {card.room} bytes")
    if rows:
        output.table(head, rows)
    if waiting:
        click.echo(f"{waiting} notifications wait to be sent: mvne phone notify --card {folder}")


_ICCID = click.argument("iccid", metavar="ICCID")


@group.command()
@_ICCID
@card_option
@server_option
@json_option
def enable(iccid: str, folder: Path, server: str | None, as_json: bool) -> None:
    """Enable a profile; the one that was enabled is disabled. Those who want to know are told."""
    _manage("enable", "enabled", iccid, folder, server, as_json)


@group.command()
@_ICCID
@card_option
@server_option
@json_option
def disable(iccid: str, folder: Path, server: str | None, as_json: bool) -> None:
    """Disable a profile. Those who want to know are told."""
    _manage("disable", "disabled", iccid, folder, server, as_json)


@group.command()
@_ICCID
@card_option
@server_option
@json_option
def delete(iccid: str, folder: Path, server: str | None, as_json: bool) -> None:
    """Delete a disabled profile for good. Those who want to know are told."""
    _manage("delete", "deleted", iccid, folder, server, as_json)


@group.command()
@card_option
@server_option
@json_option
@click.pass_context
def notify(ctx: click.Context, folder: Path, server: str | None, as_json: bool) -> None:
    """Send the notifications that could not be delivered before; ends with status 5 when some still cannot be."""
    from mvne_provisioning.phone.notifying import deliver

    with _opened(folder, server) as (card, servers):
        before = len(card.notifications())
        left = deliver(card, servers)
    if as_json:
        output.as_json({"delivered": before - len(left), "undelivered": _as_json(left)})
    else:
        click.echo(f"{before - len(left)} notifications delivered, {len(left)} left")
        _tell(left)
    if left:
        ctx.exit(AGAIN)


def _manage(verb: str, done: str, iccid: str, folder: Path, server: str | None, as_json: bool) -> None:
    """Do something to a profile, and tell of it; what cannot be told stays on the card."""
    from mvne_provisioning.phone.fields import masked
    from mvne_provisioning.phone.notifying import deliver

    wanted = "".join(iccid.split()).rstrip("fF")
    with _opened(folder, server) as (card, servers):
        before = card.last_sequence
        getattr(card, verb)(wanted)
        left = deliver(card, servers, before)
    if as_json:
        output.as_json({"iccid": masked(wanted), "state": done, "undelivered": _as_json(left)})
        return
    click.echo(f"{done} {masked(wanted)}")
    _tell(left)


@contextmanager
def _opened(folder: Path, server: str | None) -> Iterator[tuple[Card, Servers]]:
    """Open a card for this process alone, and the way to servers."""
    from mvne_provisioning.phone.http import Servers
    from mvne_provisioning.phone.keeping import Folder

    keeper = Folder(folder)
    with keeper.alone():
        card = _card(keeper)
        with Servers(card.issuers, server) as servers:
            yield card, servers


def _card(keeper: Any) -> Card:
    from mvne_provisioning.phone.card import Card

    return Card(keeper.read(), keeper)


def _asked() -> str | None:
    """Ask for a confirmation code; nothing when nobody is there to answer."""
    try:
        answer: str = click.prompt("confirmation code", hide_input=sys.stdin.isatty(), err=True)
    except click.Abort:
        return None
    return answer.strip()


def _as_json(left: Sequence[Undelivered]) -> list[dict[str, object]]:
    return [
        {"sequence": one.sequence, "event": one.event.name.lower(), "address": one.address, "why": one.why}
        for one in left
    ]


def _tell(left: Sequence[Undelivered]) -> None:
    for one in left:
        click.echo(f"{one.address} could not be told of {one.event.name.lower()}: {one.why}")
    if left:
        click.echo("send it later: mvne phone notify")
