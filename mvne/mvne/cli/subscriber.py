"""Commands about subscribers and their lines."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvne.cli import output, sharing
from mvne.cli.options import at_option, brand_option, json_option, moment, opened, store_option, which_brand

if TYPE_CHECKING:
    from mvne.lines import Line

_LINE = click.argument("line", metavar="LINE")


@click.group("subscriber")
def group() -> None:
    """Sign people up and look after their lines."""


for _group in sharing.GROUPS:
    group.add_command(_group)


@group.command()
@click.option("--name", required=True, help="Name as it stands on the bill.")
@click.option("--email", required=True, help="E-mail address.")
@click.option("--plan", required=True, help="Plan to buy.")
@click.option("--periods", default=1, show_default=True, help="How many periods are paid at once.")
@click.option("--code", help="Promotion code.")
@click.option("--born", type=click.DateTime(["%Y-%m-%d"]), help="Date of birth, where the brand has a minimum age.")
@click.option("--region", help="State or province, where the tax depends on it.")
@click.option("--language", help="Language of bills (default: the brand's first).")
@click.option("--number", help="Number wanted from the pool, in international form.")
@click.option("--method", default="pm_card_visa", show_default=True, help="Payment method, as the gateway calls it.")
@click.option("--id", "subscriber_id", help="Id of the subscriber (default: made from name and e-mail).")
@click.option("--no-phone", is_flag=True, help="Do not let a simulated phone install the eSIM.")
@store_option
@brand_option
@at_option
@json_option
def add(  # one parameter an option
    name: str,
    email: str,
    plan: str,
    periods: int,
    code: str | None,
    born: datetime | None,
    region: str | None,
    language: str | None,
    number: str | None,
    method: str,
    subscriber_id: str | None,
    no_phone: bool,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Sign somebody up: first bill, number, eSIM; interrupted or declined, say the same again and it goes on."""
    from mvne import phone, signup
    from mvne.people import Subscriber
    from mvne.selling import selling
    from mvne.states import LineState

    when = moment(at)
    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        with platform.store.read() as conn:
            spoken = language or selling(conn, brand_id).settings.languages[0]
        person = Subscriber(
            id=subscriber_id or _id(name, email),
            name=name,
            email=email,
            language=spoken,
            born=_day(born),
            region=region,
        )
        wanted = signup.SignUp(person, f"{person.id}-1", plan, method, periods, code, number)
        line = signup.sign_up(platform, brand_id, wanted, when)
        code_to_scan = line.activation_code
        if platform.world is not None and not no_phone and line.state is LineState.READY:
            line = phone.install(platform, brand_id, line.id, when)
    if as_json:
        output.as_json({**_line_as_json(line), "subscriber": person.id, "activation_code": code_to_scan})
        return
    click.echo(f"subscriber {person.id}, line {line.id}: {line.state}, number {line.msisdn}, eSIM {line.iccid}")
    if code_to_scan:
        _show_code(code_to_scan)
    if line.state is LineState.ACTIVE:
        click.echo("a simulated phone scanned the code and installed the eSIM")
    output.next_command(f"mvne subscriber show {line.id} --brand {brand_id}")


@group.command()
@_LINE
@store_option
@brand_option
@json_option
def show(line: str, store: str | None, brand: str | None, as_json: bool) -> None:
    """Show a line: its subscriber, plan, allowances, bills and payments. LINE is its id or its number."""
    from mvne import care

    with opened(store) as platform:
        found = care.show(platform, which_brand(platform, brand), line)
    if as_json:
        output.as_json(found)
        return
    for title, content in found.items():
        if isinstance(content, list):
            click.echo(f"\n{title}" if content else f"\n{title}: none")
            if content:
                output.table(list(content[0]), [list(row.values()) for row in content])
        else:
            click.echo(f"{title}: {'' if content is None else content}")


@group.command()
@_LINE
@click.option("--svg", type=click.Path(path_type=Path), help="Write the QR code as SVG.")
@click.option("--png", type=click.Path(path_type=Path), help="Write the QR code as PNG.")
@store_option
@brand_option
@json_option
def code(line: str, svg: Path | None, png: Path | None, store: str | None, brand: str | None, as_json: bool) -> None:
    """Show the activation code of a line again. Whoever reads it can take the line: for its owner only."""
    from mvne import care
    from mvne_provisioning import qr
    from mvne_provisioning.activation import ActivationCode

    with opened(store) as platform:
        found = care.activation_code(platform, which_brand(platform, brand), line)
    parsed = ActivationCode.parse(found)
    if svg:
        svg.write_text(qr.svg(parsed), encoding="utf-8")
    if png:
        png.write_bytes(qr.png(parsed))
    if as_json:
        output.as_json({"activation_code": parsed.for_qr()})
    elif svg or png:
        click.echo(f"wrote {', '.join(str(file) for file in (svg, png) if file)}")
    else:
        _show_code(found)


@group.command()
@_LINE
@click.option("--limit", default=20, show_default=True, help="How many records, newest first.")
@store_option
@brand_option
@json_option
def usage(line: str, limit: int, store: str | None, brand: str | None, as_json: bool) -> None:
    """Show what a line used, each record with its price and the rule that made it."""
    from mvne import care

    with opened(store) as platform:
        records = care.usage(platform, which_brand(platform, brand), line, limit)
    if as_json:
        output.as_json({"usage": records})
    elif not records:
        click.echo(f"{line} has used nothing yet")
    else:
        output.table(list(records[0]), [list(record.values()) for record in records], numbers=(3, 6, 7))
        output.next_command(f"mvne explain usage {records[0]['id']}")


@group.command()
@_LINE
@click.option("--cause", default="requested", show_default=True, help="Why, for the record.")
@store_option
@brand_option
@at_option
@json_option
def suspend(line: str, cause: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Stop a line for a while; it keeps its number and its contract."""
    from mvne import service

    _on_line(
        line, store, brand, as_json, lambda platform, its, id_: service.suspend(platform, its, id_, cause, moment(at))
    )


@group.command()
@_LINE
@store_option
@brand_option
@at_option
@json_option
def resume(line: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Make a suspended line active again."""
    from mvne import service

    _on_line(line, store, brand, as_json, lambda platform, its, id_: service.resume(platform, its, id_, moment(at)))


@group.command()
@_LINE
@click.option("--consent", is_flag=True, help="The owner of the line asked for this, just now, and was identified.")
@store_option
@brand_option
@at_option
@json_option
def swap(line: str, consent: bool, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Give a line a new eSIM; the old one stops. A simulated phone installs it at once."""
    from mvne import phone, service

    if not consent:
        raise click.UsageError("a SIM swap is how accounts are stolen: say --consent when the owner asked, just now")

    def swapped(platform: Any, its: str, id_: str) -> Line:
        found = service.swap_sim(platform, its, id_, moment(at))
        return found if platform.world is None else phone.install(platform, its, id_, moment(at))

    _on_line(line, store, brand, as_json, swapped)


@group.command()
@_LINE
@click.option("--now", is_flag=True, help="End at once instead of when what is paid for runs out.")
@store_option
@brand_option
@at_option
@json_option
def cancel(line: str, now: bool, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Cancel a line; what was used until its end is billed, its number rests for 90 days."""
    from mvne import care, service, workers

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        id_ = care.line_id(platform, brand_id, line)
        ends_at = service.cancel(platform, brand_id, id_, moment(at), now)
        workers.work(platform, brand_id, moment(at))
    if as_json:
        output.as_json({"line": id_, "ends_at": ends_at.isoformat()})
    else:
        click.echo(f"line {id_} ends at {ends_at.isoformat(timespec='minutes')}")


@group.command()
@_LINE
@click.argument("addon_id", metavar="ADDON")
@store_option
@brand_option
@at_option
@json_option
def addon(line: str, addon_id: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Buy an add-on for a line; it is on its next bill."""
    from mvne import care, service

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        id_ = care.line_id(platform, brand_id, line)
        purchase_id = f"{id_}:{addon_id}:{moment(at).isoformat(timespec='seconds')}"
        bought = service.buy_addon(platform, brand_id, id_, addon_id, purchase_id, moment(at))
    if as_json:
        output.as_json({"purchase": bought.id, "addon": addon_id, "price": str(bought.addon.price)})
    else:
        click.echo(
            f"{bought.addon.name} for {bought.addon.price}, good until {bought.valid.end.isoformat(timespec='minutes')}"
        )


def _on_line(line: str, store: str | None, brand: str | None, as_json: bool, do: Any) -> None:
    """Do something to a line and show how it stands then."""
    from mvne import care

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        found = do(platform, brand_id, care.line_id(platform, brand_id, line))
    if as_json:
        output.as_json(_line_as_json(found))
    else:
        click.echo(f"line {found.id} is {found.state}, number {found.msisdn}, eSIM {found.iccid}")


def _line_as_json(line: Line) -> dict[str, object]:
    return {"line": line.id, "state": line.state, "msisdn": line.msisdn, "iccid": line.iccid, "cause": line.cause}


def _show_code(code: str) -> None:
    from mvne_provisioning import qr
    from mvne_provisioning.activation import ActivationCode

    parsed = ActivationCode.parse(code)
    click.echo(f"activation code: {parsed.for_qr()}")
    click.echo(qr.text(parsed))


def _day(moment_of_birth: datetime | None) -> date | None:
    return moment_of_birth.date() if moment_of_birth else None


def _id(name: str, email: str) -> str:
    """Make an id from name and e-mail: the same person said twice is one person."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:30]
    return f"{words or 'subscriber'}-{hashlib.sha256(email.lower().encode()).hexdigest()[:6]}"
