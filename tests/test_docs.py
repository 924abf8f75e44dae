"""The docs are what the code is: pages drawn from it are current, links lead somewhere, the README's commands run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mvne.cli.main import root
from scripts import command_reference, plan_reference
from scripts.packages import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
)


def blocks(language: str) -> list[str]:
    """Return the README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("drawn", [command_reference, plan_reference], ids=lambda module: module.PAGE.name)
def test_pages_drawn_from_the_code_are_current(drawn: object) -> None:
    assert drawn.PAGE.read_text(encoding="utf-8") == drawn.page(), "run: make docs"  # type: ignore[attr-defined]  # both have them


def test_every_command_and_option_has_help() -> None:
    found = list(command_reference.commands(root))
    silent = [words for words, command in found if not command.help]
    mute = [
        f"{words} {one.opts[0]}"
        for words, command in found
        for one in command.params
        if isinstance(one, click.Option) and not one.help
    ]
    assert (silent, mute) == ([], [])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    dead = [link for link in links if not link.startswith("http") and not (page.parent / link).exists()]
    assert dead == []


def test_the_readme_s_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    wanted = re.findall(r"^make (\w+)", "\n".join(blocks("sh")), flags=re.MULTILINE)
    assert wanted == ["launch", "test"]
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in wanted)


def test_the_readme_s_plan_file_is_at_most_25_lines_and_its_python_15() -> None:
    (plan,), (python,) = blocks("yaml"), blocks("python")
    assert len(plan.splitlines()) <= 25
    assert len(python.splitlines()) <= 15


def test_the_readme_s_commands_and_python_run_as_written(tmp_path: Path) -> None:
    (plan,), (python,) = blocks("yaml"), blocks("python")
    (tmp_path / "plan.yaml").write_text(plan, encoding="utf-8")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "LANG": "C.UTF-8",
    }
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("mvne ")]
    assert len(commands) == 8
    ran = _run(["sh", "-c", "\n".join(["set -eu", *commands])], tmp_path, environment)
    assert "Cinéma Mobile is launched" in ran
    assert "the books agree" in ran
    assert "+336399" in _run([sys.executable, "-c", python], tmp_path, environment)


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
