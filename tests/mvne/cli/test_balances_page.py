"""The worked examples of `docs/balances.md` run as they stand and say what the page says they do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from scripts.packages import ROOT
from tests.mvne.cli.conftest import Mvne

PAGE = (ROOT / "docs" / "balances.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the page's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def words_of(command: str, folder: Path) -> list[str]:
    """Return a command's words as a shell in this folder understands them."""
    ran = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {command}"], cwd=folder, capture_output=True, text=True, check=True
    )
    return ran.stdout.splitlines()


def test_every_command_says_what_the_page_says(mvne: Mvne, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    (plan,) = blocks("yaml")
    (tmp_path / "plan.yaml").write_text(plan, encoding="utf-8")
    examples = [line.split("  # ") for block in blocks("sh") for line in block.splitlines()]
    assert len(examples) >= 20
    for command, says in examples:
        said = mvne(*words_of(command, tmp_path)[1:])
        assert said.status == 0, f"{command}\n{said.out}{said.err}"
        assert says in " ".join(said.out.split()), f"{command}\n{said.out}"
