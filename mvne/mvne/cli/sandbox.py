"""The command that lives a brand's life in fast motion."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import click


@click.command("sandbox")
@click.argument("plan", type=click.Path(path_type=Path), metavar="PLAN.YAML")
@click.option(
    "--subscribers", default=200, show_default=True, type=click.IntRange(1, 100_000), help="How many sign up."
)
@click.option("--months", default=6, show_default=True, type=click.IntRange(1, 60), help="How long it goes on.")
@click.option("--seed", default=7, show_default=True, help="Same seed, same file, same version: same report.")
@click.option("--out", type=click.Path(path_type=Path), help="Report to write (default: BRAND-sandbox.html).")
def command(plan: Path, subscribers: int, months: int, seed: int, out: Path | None) -> None:
    """Simulate a brand's life: sign-ups, usage, bills, failures, profit. It has a store of its own; yours is safe."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from mvne import sandbox
    from mvne.planfile.reading import load

    # What a life makes is kept to its end: looking for garbage among it would only cost a tenth of the time.
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    brand = load(plan)
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(brand.name, total=None)
        done = sandbox.simulate(
            brand, subscribers, months, seed, watch=lambda day, days: progress.update(task, completed=day, total=days)
        )
    report = out or Path(f"{brand.id}-sandbox.html")
    report.write_text(sandbox.render(done), encoding="utf-8")
    click.echo(sandbox.summary(done))
    click.echo(f"\nreport: {report}")
