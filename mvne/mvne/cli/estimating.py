"""The command that prices whole files of usage by a plan file, before anything is sold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mvne.cli import output
from mvne.cli.options import json_option

if TYPE_CHECKING:
    from mvne.estimating import Estimate


@click.command()
@click.argument("plan_file", type=click.Path(path_type=Path))
@click.argument("usage", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--plan", metavar="ID", help="Every number in the files is a line of this plan.")
@click.option("--lines", type=click.Path(path_type=Path), help="Who had which number and plan: Parquet or CSV.")
@click.option("--output", "folder", type=click.Path(path_type=Path), required=True, help="Folder for rated records.")
@click.option("--memory", metavar="SIZE", help="Use no more memory than this, such as 1GB (default: what there is).")
@json_option
def estimate(
    plan_file: Path,
    usage: tuple[Path, ...],
    plan: str | None,
    lines: Path | None,
    folder: Path,
    memory: str | None,
    as_json: bool,
) -> None:
    """Rate files of usage (Parquet) by a plan file in bulk: what they would bring and cost; no store is touched.

    The folder gets the rated records, those without a price with their reason, and totals by line. The prices of the
    plans themselves are not in it, only use.
    """
    from mvne.clock import now
    from mvne.estimating import estimate
    from mvne.planfile.reading import load
    from mvne_billing.rating.engine.api import Limits
    from mvne_billing.rating.engine.port import EngineError

    if (plan is None) == (lines is None):
        raise click.UsageError("say either --plan, the plan of every number, or --lines, a file of lines")
    try:
        limits = Limits(memory)
    except EngineError as problem:
        raise click.BadParameter(str(problem), param_hint="--memory") from None
    begin = now()
    found = estimate(load(plan_file), usage, lines or plan or "", folder, limits)
    milliseconds = max((now() - begin) // timedelta(milliseconds=1), 1)
    _show(found, found.run.records * 1000 // milliseconds, as_json)


def _show(found: Estimate, records_per_second: int, as_json: bool) -> None:
    from mvne_plans.money import micro_text

    run, currency = found.run, found.currency
    if as_json:
        output.as_json(
            {
                **{name: getattr(run, name) for name in ("records", "rated", "duplicates", "by_reference")},
                "suspended": dict(run.suspended),
                "share_by_reference": run.share_percent,
                "reasons": dict(run.reasons),
                "currency": currency,
                **{name: getattr(run, name) for name in ("charge_micro", "cost_micro", "margin_micro")},
                "records_per_second": records_per_second,
                "output": str(run.output),
            }
        )
        return
    click.echo(
        f"{run.records:,} records: {run.rated:,} priced, {run.duplicates:,} duplicates; "
        f"{records_per_second:,} records/s"
    )
    for reason, count in run.suspended.items():
        click.echo(f"{count:,} have no price: {reason.replace('_', ' ')}")
    for name in ("charge", "cost", "margin"):
        click.echo(f"{name:6} {micro_text(getattr(run, f'{name}_micro'), currency)}")
    click.echo(f"{run.by_reference:,} records one by one, by the reference ({run.share_percent})")
    for why, count in run.reasons.items():
        click.echo(f"  {count:,} lines: {why}")
    output.next_command(f"look into {run.output}: rated/, suspense/ and totals/ are Parquet")


COMMANDS = (estimate,)
