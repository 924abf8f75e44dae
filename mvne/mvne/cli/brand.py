"""Commands about a brand as a whole: init, check, diff, launch, status, doctor, schema."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mvne.cli import output
from mvne.cli.failures import CHANGES, FAILURE, INVALID
from mvne.cli.options import at_option, brand_option, json_option, moment, opened, store_option, which_brand

if TYPE_CHECKING:
    from mvne.brand import Brand
    from mvne.diffing import Diff
    from mvne.launching import Step

_PLAN = click.argument("plan", type=click.Path(path_type=Path), metavar="PLAN.YAML")
_RETIRE = click.option(
    "--retire", multiple=True, metavar="PLAN", help="Take a plan off sale though people are on it; they keep it."
)


@click.command()
@click.argument("name")
@click.option("--market", default="fr", show_default=True, help="Country: fr, us, gb, de and others.")
@click.option("--template", default="general", show_default=True, help="general, seniors, celebrity, travel or kids.")
@click.option("--out", type=click.Path(path_type=Path), default="plan.yaml", show_default=True, help="File to write.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def init(name: str, market: str, template: str, out: Path, force: bool) -> None:
    """Write a first plan file for a brand called NAME, ready to be launched."""
    from mvne.planfile.init import init_files
    from mvne.planfile.schema import schema_text

    made = init_files(name, market, template)
    files = {out if file == "plan.yaml" else out.parent / file: text for file, text in made.items()}
    files[out.parent / "plan.schema.json"] = schema_text()
    there = [str(file) for file in files if file.exists()]
    if there and not force:
        raise click.ClickException(f"{', '.join(there)} exists already; --force replaces it, --out names another file")
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        click.echo(f"wrote {file}")
    output.next_command(f"mvne check {out}")


@click.command()
@_PLAN
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Day whose wholesale agreement counts (default: today).")
@json_option
def check(plan: Path, on: datetime | None, as_json: bool) -> None:
    """Check a plan file: every problem with its place, and the margin of every plan."""
    from mvne.checking import check as examine
    from mvne.clock import now
    from mvne.margin_table import margins_as_json, render_margins
    from mvne.planfile import findings

    day: date = (on or now()).date()
    report = examine(plan, on=day)
    if as_json:
        output.as_json({**findings.as_json(report.findings), "margins": margins_as_json(report.margins)})
    else:
        if report.findings:
            click.echo(findings.render(report.findings))
        if report.brand is not None:
            click.echo(render_margins(report.margins, report.brand))
            output.next_command(f"mvne launch {plan}")
        else:
            count = len(findings.errors(report.findings))
            errors = "1 error" if count == 1 else f"{count} errors"
            click.echo(f"\n{errors} in {plan}; nothing can be launched", err=True)
    sys.exit(0 if report.ok else INVALID)


@click.command()
@_PLAN
@_RETIRE
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 4 when a launch would change something.")
@store_option
@json_option
def diff(plan: Path, retire: tuple[str, ...], detailed_exitcode: bool, store: str | None, as_json: bool) -> None:
    """Show what a launch would add, change and retire. Nothing is touched."""
    from mvne import diffing

    brand = _checked(plan, moment(None).date())
    with opened(store) as platform:
        found = diffing.diff(brand, platform, frozenset(retire))
    if as_json:
        output.as_json(_diff_as_json(found))
    else:
        _show_diff(found)
    sys.exit(CHANGES if detailed_exitcode and found else 0)


@click.command()
@_PLAN
@_RETIRE
@store_option
@at_option
@json_option
def launch(plan: Path, retire: tuple[str, ...], store: str | None, at: datetime | None, as_json: bool) -> None:
    """Launch a brand, or bring a launched one in line with its file.

    Shows the differences, makes them good step by step and tries the brand out on a test subscriber. Interrupted, it is
    run again and goes on where it stopped; run on an unchanged file, it changes nothing.
    """
    from mvne import launching

    brand = _checked(plan, moment(at).date())
    quiet = launching.Watcher()
    with opened(store) as platform:
        watcher = quiet if as_json else launching.Watcher(begun=_show_begun, stepped=_show_step)
        done = launching.launch(brand, platform, moment(at), frozenset(retire), watcher)
        url = platform.store.engine.url.render_as_string()
    if as_json:
        steps = [{"name": step.name, "result": step.result} for step in done.steps]
        output.as_json({**_diff_as_json(done.diff), "launch": done.number, "resumed": done.resumed, "steps": steps})
        return
    if done.number is None:
        click.echo(f"{brand.name}: no changes, all {done.diff.unchanged} things are as the file says.")
    else:
        click.echo(f"\n{brand.name} is launched. Host network, SM-DP+ and Stripe are simulated. Store: {url}")
    output.next_command(_first_sign_up(brand))


@click.command()
@store_option
@brand_option
@json_option
def status(store: str | None, brand: str | None, as_json: bool) -> None:
    """Show how a brand stands: what it sells, its lines, pools, money and what waits for a person."""
    from mvne import standing

    with opened(store) as platform:
        found = standing.status(platform, which_brand(platform, brand))
    if as_json:
        output.as_json(found)
        return
    for section, content in found.items():
        if isinstance(content, dict):
            click.echo(f"{section}: " + ", ".join(f"{name} {value}" for name, value in content.items()))
        else:
            click.echo(f"{section}: {content}")


@click.command()
@store_option
@json_option
def doctor(store: str | None, as_json: bool) -> None:
    """Examine the installation and the store; each fault comes with its remedy."""
    from mvne.health import examine

    checks = examine(store)
    if as_json:
        output.as_json({"checks": [asdict(one) for one in checks]})
    else:
        for one in checks:
            click.echo(f"{'ok   ' if one.ok else 'FAULT'} {one.name}: {one.found}")
            if not one.ok:
                click.echo(f"      {one.remedy}")
    sys.exit(0 if all(one.ok for one in checks) else FAILURE)


@click.command()
def schema() -> None:
    """Print the JSON Schema of the plan file, for editors."""
    from mvne.planfile.schema import schema_text

    click.echo(schema_text(), nl=False)


COMMANDS = (init, check, diff, launch, status, doctor, schema)


def _checked(plan: Path, on: date) -> Brand:
    """Return the brand of a plan file that passes every check; raise `PlanFileInvalid` with the errors otherwise."""
    from mvne.checking import check as examine
    from mvne.planfile.findings import PlanFileInvalid, errors

    report = examine(plan, on=on)
    if report.brand is None:
        raise PlanFileInvalid(errors(report.findings))
    return report.brand


def _show_begun(found: Diff, resumed: int) -> None:
    if resumed:
        click.echo(f"going on with an interrupted launch: {resumed} steps are done already")
    else:
        _show_diff(found)
        click.echo()


def _show_step(step: Step) -> None:
    click.echo(f"  {step.name}: {step.result}")


def _show_diff(found: Diff) -> None:
    from mvne.diffing import Action

    signs = {Action.ADD: "+", Action.CHANGE: "~", Action.RETIRE: "-"}
    for change in found.changes:
        click.echo(f"{signs[change.action]} {change.kind} {change.id}: {change.words}")
    for words in found.refusals:
        click.echo(f"! refused: {words}")
    counted = ", ".join(f"{found.count(action)} to {action}" for action in Action)
    click.echo(f"{found.brand}: {counted}, {found.unchanged} unchanged" if found else f"{found.brand}: no changes")


def _diff_as_json(found: Diff) -> dict[str, object]:
    changes = [{"action": one.action, "kind": one.kind, "id": one.id, "words": one.words} for one in found.changes]
    return {"brand": found.brand, "changes": changes, "unchanged": found.unchanged, "refusals": list(found.refusals)}


def _first_sign_up(brand: Brand) -> str:
    """Return the command that signs up a first subscriber of a brand."""
    plan = brand.catalogue.plans[0]
    words = f"mvne subscriber add --brand {brand.id} --name 'Jeanne Martin' --email jeanne@example.com --plan {plan.id}"
    if plan.price is None:
        words += f" --periods {plan.terms[0].periods}"
    if brand.minimum_age is not None:
        words += " --born 1950-04-12"
    if brand.tax_table:
        words += f" --region {brand.tax_table[0].region}"
    return words
