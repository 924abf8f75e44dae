"""Words, tables and JSON on their way to a terminal or a pipe."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import click


def as_json(content: dict[str, object]) -> None:
    """Print one JSON object, with the version of its form."""
    click.echo(json.dumps({"format_version": 1, **content}, indent=2, ensure_ascii=False, default=str))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = ()) -> None:
    """Print a plain table; the columns in `numbers` are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for place, name in enumerate(head):
        drawn.add_column(name, justify="right" if place in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(highlight=False, markup=False, emoji=False, soft_wrap=False).print(drawn)


def next_command(words: str) -> None:
    """Say what one would do next."""
    click.echo(f"\nnext: {words}")
