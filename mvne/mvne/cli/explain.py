"""Commands that say why: a plan's settings, a record's price."""

from __future__ import annotations

from pathlib import Path

import click

from mvne.cli import output
from mvne.cli.options import brand_option, json_option, opened, store_option, which_brand


@click.group("explain")
def group() -> None:
    """Say why something is as it is."""


@group.command()
@click.argument("plan")
@click.option("--file", type=click.Path(path_type=Path), default="plan.yaml", show_default=True, help="Plan file.")
@json_option
def plan(plan: str, file: Path, as_json: bool) -> None:
    """Print every setting of a PLAN with its reason: the file's line, the market pack, or a default."""
    from mvne.explaining import explain_plan
    from mvne.planfile.reading import load

    settings = explain_plan(load(file), plan)
    if as_json:
        output.as_json({"settings": [{"path": one.path, "value": one.value, "reason": one.reason} for one in settings]})
    else:
        output.table(("setting", "value", "because"), [(one.path, one.value, one.reason) for one in settings])


@group.command()
@click.argument("record")
@store_option
@brand_option
@json_option
def usage(record: str, store: str | None, brand: str | None, as_json: bool) -> None:
    """Print how the price of a usage RECORD came about.

    Its version, rules, allowances, bands, increments, what counts once per session, rounding, counters, cost and
    margin, the other reports of its session, and every price that it had before, with the reason.
    """
    from mvne.rated import explain_usage

    with opened(store) as platform:
        found = explain_usage(platform, which_brand(platform, brand), record)
    if as_json:
        output.as_json(found)
        return
    for title, content in found.items():
        if isinstance(content, list) and content:
            click.echo(f"\n{title}")
            output.table(list(content[0]), [list(row.values()) for row in content])
        elif content is not None and content != []:
            click.echo(f"{title}: {content}")
