"""Commands about usage: load, collect, look at what waits in suspense, mend it, try it again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvne.cli import estimating, output, rerating, usage_files
from mvne.cli.options import Moment, at_option, brand_option, json_option, moment, opened, store_option, which_brand

if TYPE_CHECKING:
    from mvne_billing.mediation.loading import Loaded
    from mvne_billing.mediation.suspense import Held, Which

_HELD_ID = click.argument("held", metavar="ID")
_ACTOR = click.option("--actor", default="operator", show_default=True, help="Who does this, for the record.")


@click.group("usage")
def group() -> None:
    """Bring in what lines used, price it, and put it right."""


for _command in (*usage_files.COMMANDS, *rerating.COMMANDS, *estimating.COMMANDS):
    group.add_command(_command)


def _which(command: Any) -> Any:
    """Add the options that name a slice of what waits in suspense."""
    command = click.option("--to", "until", type=Moment(), help="Only use that began before then.")(command)
    command = click.option("--from", "since", type=Moment(), help="Only use that began then or later.")(command)
    command = click.option("--number", metavar="MSISDN", help="Only use of this number.")(command)
    command = click.option("--batch", metavar="ID", help="Only what this batch brought.")(command)
    command = click.option("--source", metavar="NAME", help="Only what this file or feed brought.")(command)
    return click.option("--reason", "why", metavar="REASON", help="Only what waits for this reason.")(command)


@group.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--mapping", type=click.Path(path_type=Path), help="Mapping file (YAML) of a host's own CSV.")
@click.option("--key", default="id", show_default=True, help="What makes two records one: id, or fields with commas.")
@click.option("--days", type=int, help="Within how many days a key is one record (default: whenever).")
@click.option("--anyway", is_flag=True, help="Load a file whose declared totals do not agree with what it holds.")
@store_option
@brand_option
@at_option
@json_option
def load(  # one parameter an option
    file: Path,
    mapping: Path | None,
    key: str,
    days: int | None,
    anyway: bool,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Load a file of usage records: CSV, Parquet, TAP3 or 3GPP charging records, known by its content.

    A record known already changes nothing; one without a price waits in suspense with its reason, and so does a row
    that cannot be read. What is wrong with the file as a whole is said.
    """
    from mvne import usage, workers
    from mvne_billing.mediation.duplicates import Duplicates
    from mvne_billing.usage.mapping.loading import load_mapping

    mapped = None if mapping is None else load_mapping(mapping)
    terms = usage.Terms(mapped, duplicates=Duplicates.parse(key, days), anyway=anyway)
    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        loaded = usage.load_file(platform, brand_id, file, moment(at), terms)
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
@_which
@store_option
@brand_option
@json_option
def suspense(store: str | None, brand: str | None, as_json: bool, **which: Any) -> None:
    """Show the records that have no price, each with its reason; all or a slice of them."""
    from mvne_billing.mediation.suspense import everything

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        with platform.store.read() as conn:
            held = list(everything(conn, brand_id, _slice(**which)))
    if as_json:
        output.as_json({"suspense": [dict(zip(_HELD, _cells(one), strict=True)) for one in held]})
    elif not held:
        click.echo("nothing waits in suspense")
    else:
        output.table(_HELD, map(_cells, held))
        output.next_command("mvne usage replay, once the cause is mended; mvne usage fix and drop for one record")


@group.command()
@_which
@store_option
@brand_option
@at_option
@json_option
def replay(store: str | None, brand: str | None, at: datetime | None, as_json: bool, **which: Any) -> None:
    """Try what is in suspense again, all or a slice of it."""
    from mvne import usage, workers

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        loaded = usage.replay_suspense(platform, brand_id, moment(at), _slice(**which))
        workers.work(platform, brand_id, moment(at))
    _show([loaded], as_json)


@group.command()
@_HELD_ID
@click.argument("changes", metavar="[FIELD=VALUE]...", nargs=-1)
@_ACTOR
@click.option("--reason", default="mended by hand", show_default=True, help="Why, for the record.")
@store_option
@brand_option
@at_option
@json_option
def fix(
    held: str,
    changes: tuple[str, ...],
    actor: str,
    reason: str,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Change a record in suspense, such as msisdn=+33639980001; what it was is kept. Then: mvne usage replay.

    Fields: id, msisdn, kind, start, amount, country, to, session, label, corrects. Without any the record just waits
    again, also one that was dropped.
    """
    from mvne import usage

    wanted = dict(_pair(one) for one in changes)
    with opened(store) as platform:
        mended = usage.mend(platform, which_brand(platform, brand), held, wanted, actor, reason, moment(at))
    if as_json:
        output.as_json({"id": mended.id, "was": held, "reason": mended.reason, "message": mended.message})
        return
    click.echo(f"{mended.id} waits to be tried again")
    output.next_command("mvne usage replay --reason mended")


@group.command()
@_HELD_ID
@_ACTOR
@click.option("--reason", required=True, help="Why, for the record.")
@store_option
@brand_option
@at_option
@json_option
def drop(
    held: str, actor: str, reason: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool
) -> None:
    """Write a record in suspense off: it stays visible and does not come in again with its file."""
    from mvne import usage

    with opened(store) as platform:
        dropped = usage.drop(platform, which_brand(platform, brand), held, actor, reason, moment(at))
    if as_json:
        output.as_json({"id": dropped.id, "dropped": True})
    else:
        click.echo(f"{dropped.id} is written off; mvne usage fix {dropped.id} lets it wait again")


@group.command()
@store_option
@brand_option
@json_option
def live(store: str | None, brand: str | None, as_json: bool) -> None:
    """Show the sessions charged live whose records say something else; those without a record may wait yet."""
    from mvne_billing.mediation.live import differences
    from mvne_plans.quantity import format_amount

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        with platform.store.read() as conn:
            found = list(differences(conn, brand_id))
    if as_json:
        output.as_json({"differences": [one._asdict() for one in found]})
    elif not found:
        click.echo("the records of every session say what was charged")
    else:
        shown = [(*one[:3], *(format_amount(units, one.kind) for units in one[3:])) for one in found]
        output.table(("line", "session", "kind", "charged", "recorded"), shown, numbers=(3, 4))


_HELD = ("id", "reason", "message", "source")


def _cells(held: Held) -> tuple[str, ...]:
    return (held.id, held.reason, held.message, held.source)


def _slice(
    why: str | None,
    source: str | None,
    batch: str | None,
    number: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Which:
    from mvne_billing.mediation.suspense import Which
    from mvne_billing.rating.result import Reason

    known = sorted(reason.value for reason in Reason)
    if why is not None and why not in known:
        raise click.BadParameter(f"{why!r} is no reason; reasons are {', '.join(known)}", param_hint="--reason")
    return Which(None if why is None else Reason(why), source, batch, number, since, until)


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        raise click.BadParameter(f"{text!r} says no value; write it like msisdn=+33639980001", param_hint="FIELD=VALUE")
    return name, value


#: What a load tells beside what was priced, and in which words.
_TOLD = {
    "matched": "charged live already",
    "corrected": "correct others",
    "late": "late: their time was billed already",
    "out_of_order": "out of order: later use had the allowance first",
    "dropped": "written off before",
}


def _show(loaded: list[Loaded], as_json: bool) -> None:
    suspended: dict[str, int] = {}
    for one in loaded:
        for reason, number in one.suspended.items():
            suspended[reason] = suspended.get(reason, 0) + number
    counts = {name: sum(getattr(one, name) for one in loaded) for name in ("read", "rated", "duplicates", *_TOLD)}
    findings = [words for one in loaded for words in one.findings]
    batches = [one.batch for one in loaded]
    if as_json:
        output.as_json({**counts, "suspended": suspended, "findings": findings, "batches": batches})
        return
    click.echo(f"{counts['read']} records: {counts['rated']} priced, {counts['duplicates']} known already")
    for name, words in _TOLD.items():
        if counts[name]:
            click.echo(f"{counts[name]} {words}")
    for words in findings:
        click.echo(words)
    for reason, number in suspended.items():
        click.echo(f"{number} in suspense: {reason.replace('_', ' ')}")
    if suspended:
        output.next_command("mvne usage suspense")
    elif counts["out_of_order"]:
        output.next_command(f"mvne usage rerate --batch {batches[0]} --dry-run")
