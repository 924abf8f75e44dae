"""Commands about prepaid balances."""

from __future__ import annotations

from datetime import datetime

import click

from mvne.cli import output, voucher
from mvne.cli.options import Moment, at_option, brand_option, json_option, moment, opened, store_option, which_brand
from mvne.cli.wallet import balance_of, id_option, line_of, money_of, name_of, told

_LINE = click.argument("line", metavar="LINE")
_AMOUNT = click.argument("amount", metavar="AMOUNT")
_ACTOR = click.option("--actor", help="Who does this, for the record.")
_REASON = click.option("--reason", help="Why, for the record.")


@click.group("balance")
def group() -> None:
    """Look after prepaid money: balances, top-ups, vouchers, transfers."""


group.add_command(voucher.group)


@group.command()
@_LINE
@store_option
@brand_option
@click.option("--at", type=Moment(), help="As it stood then, recomputed from the ledger (default: as it stands).")
@json_option
def show(line: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Show the balance of a line: what is free, what sessions hold, what expires when. LINE is its id or number."""
    from mvne import statements

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        if at is None:
            found = statements.show(platform, brand_id, line, moment(None))
        else:
            found = statements.show_at(platform, brand_id, line, at)
    if as_json:
        output.as_json(found)
        return
    lots = found.pop("lots", [])
    for title, content in found.items():
        click.echo(f"{title}: {content}")
    if lots:
        click.echo("")
        output.table(list(lots[0]), [list(lot.values()) for lot in lots], numbers=(2, 3))


@group.command()
@_LINE
@click.option("--limit", default=20, show_default=True, help="How many movements, newest first.")
@store_option
@brand_option
@click.option("--at", type=Moment(), help="Only what happened until then.")
@json_option
def history(line: str, limit: int, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Show what came into a balance and what went out, with the balance after each movement."""
    from mvne import statements

    with opened(store) as platform:
        found = statements.history(platform, which_brand(platform, brand), line, limit, at)
    if as_json:
        output.as_json({"movements": found})
    elif not found:
        click.echo(f"nothing has happened on the balance of {line} yet")
    else:
        titles = [title for title in found[0] if title != "id"]  # too long for a line; it is in the JSON
        output.table(titles, [[row[title] for title in titles] for row in found], numbers=(2, 3, 4))


@group.command("top-up")
@_LINE
@_AMOUNT
@click.option(
    "--source",
    type=click.Choice(["card", "cash", "shop", "bank"]),
    default="card",
    show_default=True,
    help="Where the money comes from: the subscriber's card, or somebody who took it.",
)
@_ACTOR
@_REASON
@id_option
@store_option
@brand_option
@at_option
@json_option
def top_up(  # one parameter an option
    line: str,
    amount: str,
    source: str,
    actor: str | None,
    reason: str | None,
    name: str | None,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Pay money into a balance: by the subscriber's card at once, or taken by hand with --source, --actor, --reason."""
    from mvne import topups
    from mvne_billing.balance.topup import Source

    if source != "card" and not (actor and reason):
        raise click.UsageError(f"money from {source} needs --actor and --reason: who took it, and what for")
    when = moment(at)
    with opened(store) as platform:
        brand_id, id_ = line_of(platform, brand, line)
        wanted = money_of(platform, brand_id, amount)
        topup_id = name or name_of(id_, when, "topup", wanted, source, actor, reason)
        if source == "card":
            done = topups.by_card(platform, brand_id, topup_id, id_, wanted, when)
        else:
            done = topups.by_hand(
                platform, brand_id, topup_id, id_, wanted, Source(source), str(actor), str(reason), when
            )
        left = balance_of(platform, brand_id, id_)
    words = f"{wanted} from {source}: {done.state}"
    told(as_json, words, left, {"topup": done.id, "amount": str(wanted), "source": source, "state": done.state})


@group.command()
@click.argument("giver", metavar="FROM")
@click.argument("taker", metavar="TO")
@_AMOUNT
@id_option
@store_option
@brand_option
@at_option
@json_option
def transfer(
    giver: str,
    taker: str,
    amount: str,
    name: str | None,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Send money from one line's balance to another's: both or neither. It expires when it would have."""
    from mvne import balances

    when = moment(at)
    with opened(store) as platform:
        brand_id, from_id = line_of(platform, brand, giver)
        _, to_id = line_of(platform, brand, taker)
        wanted = money_of(platform, brand_id, amount)
        sending_id = name or name_of(from_id, when, "send", to_id, wanted)
        balances.send(platform, brand_id, sending_id, from_id, to_id, wanted, when)
        left = balance_of(platform, brand_id, from_id)
    content = {"transfer": sending_id, "to": to_id, "amount": str(wanted)}
    told(as_json, f"{wanted} sent to line {to_id}", left, content)


@group.command()
@_LINE
@_AMOUNT
@click.option("--down", is_flag=True, help="Take the amount instead of giving it.")
@click.option("--until", type=Moment(), help="When what is given expires (default: never).")
@click.option("--actor", required=True, help="Who does this, for the record.")
@click.option("--reason", required=True, help="Why, for the record.")
@id_option
@store_option
@brand_option
@at_option
@json_option
def adjust(  # one parameter an option
    line: str,
    amount: str,
    down: bool,
    until: datetime | None,
    actor: str,
    reason: str,
    name: str | None,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Give a line money that nobody paid, or take some, with who and why in the books; never below its floor."""
    from mvne import balances

    when = moment(at)
    with opened(store) as platform:
        brand_id, id_ = line_of(platform, brand, line)
        money = money_of(platform, brand_id, amount)
        wanted = -money if down else money
        adjustment_id = name or name_of(id_, when, "adjust", wanted, actor, reason)
        balances.adjust(platform, brand_id, adjustment_id, id_, wanted, actor, reason, when, until)
        left = balance_of(platform, brand_id, id_)
    content = {"adjustment": adjustment_id, "amount": str(wanted)}
    told(as_json, f"adjusted by {wanted}", left, content)


@group.command()
@_LINE
@click.argument("addon", metavar="ADDON")
@id_option
@store_option
@brand_option
@at_option
@json_option
def buy(
    line: str,
    addon: str,
    name: str | None,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Buy an add-on with money of the balance: its bill is issued and paid at once, or nothing is bought."""
    from mvne import balances

    when = moment(at)
    with opened(store) as platform:
        brand_id, id_ = line_of(platform, brand, line)
        purchase_id = name or name_of(id_, when, "buy", addon)
        bought = balances.buy_addon(platform, brand_id, id_, addon, purchase_id, when)
        left = balance_of(platform, brand_id, id_)
    until = bought.valid.end.isoformat(timespec="minutes")
    content = {"purchase": bought.id, "addon": addon, "price": str(bought.addon.price)}
    told(as_json, f"{bought.addon.name} for {bought.addon.price}, good until {until}", left, content)


@group.command()
@store_option
@brand_option
@at_option
@json_option
def lapse(store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Take what has expired out of every balance, as every bill run does. Run again, it changes nothing."""
    from mvne import balances
    from mvne.selling import selling
    from mvne_plans.money import micro_text

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        done = balances.lapse(platform, brand_id, moment(at))
        with platform.store.read() as conn:
            amount = micro_text(done.micro, selling(conn, brand_id).settings.currency)
    if as_json:
        output.as_json({"balances": done.balances, "amount": amount})
    else:
        click.echo(f"{amount} expired in {done.balances} balance{'' if done.balances == 1 else 's'}")
