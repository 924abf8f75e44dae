"""Writes `docs/cli.md` from the commands themselves. Run as `python -m scripts.command_reference` (or `make docs`)."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvne.cli.main import root
from scripts.packages import ROOT

PAGE = ROOT / "docs" / "cli.md"
HEAD = """# Commands

Every command, drawn from the code by `make docs`. Each is one call of the library. Data goes to standard output,
errors to standard error; with `--json` there is one JSON object and nothing else. Exit statuses are in
[settings.md](settings.md).
"""


def commands(group: click.Group, words: str = "mvne") -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with the words it is called by."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, f"{words} {name}")
        else:
            yield f"{words} {name}", command


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(_section(words, command) for words, command in commands(root))])


def _section(words: str, command: click.Command) -> str:
    context = click.Context(command, info_name=words)
    arguments = " ".join(parameter.make_metavar(context) for parameter in command.params if _is_argument(parameter))
    rows = [f"| `{', '.join(one.opts)}` | {_help(one)} |" for one in command.params if isinstance(one, click.Option)]
    help_text = " ".join((command.help or "").replace("\b", "").split())
    table = ["", "| Option | |", "|---|---|", *rows] if rows else []
    return "\n".join([f"## `{' '.join(filter(None, (words, arguments)))}`", "", help_text, *table, ""])


def _help(option: click.Option) -> str:
    text = (option.help or "").replace("|", "\\|")
    shown = option.show_default and option.default not in (None, False, ())
    return f"{text} [{option.default}]" if shown else text


def _is_argument(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
