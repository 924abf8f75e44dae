"""`scripts/environment` makes .venv ready, does nothing twice, and refuses in one line that says what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.packages import ROOT

#: Stands for an interpreter: writes down what it was asked, and lacks what the variables say it lacks.
PYTHON = """#!/bin/sh
case "$*" in
  *version_info*) exit ${OLD:-0} ;;
  *ensurepip*) exit ${BARE:-0} ;;
  "-m venv --clear .venv")
    echo venv >> "$LOG"; rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
  "-m pip install"*)
    for last; do :; done
    echo "pip $last" >> "$LOG"; exit ${OFFLINE:-0} ;;
esac
"""


class Checkout:
    """A folder like ours with a pretended interpreter, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        (folder / "scripts").mkdir(parents=True)
        (folder / "pyproject.toml").touch()
        shutil.copy(ROOT / "scripts" / "environment", folder / "scripts")
        (folder / "python").write_text(PYTHON)
        (folder / "python").chmod(0o755)

    def run(self, level: str, python: str | None = None, **lacks: str) -> subprocess.CompletedProcess[str]:
        where = {"PATH": os.defpath, "LOG": str(self.log), "PYTHON": python or str(self.folder / "python")}
        script = self.folder / "scripts" / "environment"
        return subprocess.run([str(script), level], env={**where, **lacks}, capture_output=True, text=True)

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "here")


HOW = (
    "(on Debian 12 or newer: apt-get install -y python3 python3-venv; "
    "or name another one: make PYTHON=/path/to/python3)"
)


@pytest.mark.parametrize(
    ("python", "lacks", "complaint"),
    [
        ("/no/such/python3", {}, "there is no /no/such/python3 here"),
        (None, {"OLD": "1"}, "Python 3.11 or newer is needed, and {python} is older"),
        (None, {"BARE": "1"}, "{python} has no venv module"),
    ],
)
def test_what_is_lacking_is_said_in_one_line(
    checkout: Checkout, python: str | None, lacks: dict[str, str], complaint: str
) -> None:
    done = checkout.run("run", python, **lacks)
    assert done.returncode != 0
    assert done.stderr == f"make: {complaint.format(python=checkout.folder / 'python')} {HOW}\n"
    assert not (checkout.folder / ".venv").exists()


@pytest.mark.parametrize(
    ("levels", "asked"),
    [
        (["empty"], ["venv"]),
        (["run"], ["venv", "pip ."]),
        (["dev"], ["venv", "pip .[dev]"]),
        (["run", "run", "empty"], ["venv", "pip ."]),
        (["run", "dev", "dev"], ["venv", "pip .", "pip .[dev]"]),
        (["dev", "run"], ["venv", "pip .[dev]"]),
    ],
    ids=str,
)
def test_nothing_is_done_twice(checkout: Checkout, levels: list[str], asked: list[str]) -> None:
    assert [checkout.run(level).returncode for level in levels] == [0] * len(levels)
    assert checkout.asked() == asked


def test_a_ready_environment_says_nothing(checkout: Checkout) -> None:
    checkout.run("run")
    done = checkout.run("run")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_newer_pyproject_is_installed_again(checkout: Checkout) -> None:
    checkout.run("dev")
    later = (checkout.folder / ".venv" / "installed-dev").stat().st_mtime + 10
    os.utime(checkout.folder / "pyproject.toml", (later, later))
    checkout.run("dev")
    assert checkout.asked() == ["venv", "pip .[dev]", "pip .[dev]"]


def test_an_install_that_failed_is_tried_again(checkout: Checkout) -> None:
    assert checkout.run("run", OFFLINE="1").returncode != 0
    assert checkout.run("run").returncode == 0
    assert checkout.asked() == ["venv", "pip .", "pip ."]


def test_a_checkout_that_was_moved_gets_a_new_environment(checkout: Checkout) -> None:
    checkout.run("run")
    checkout.folder = checkout.folder.rename(checkout.folder.parent / "elsewhere")
    checkout.log = checkout.folder / "log"
    checkout.run("run")
    assert checkout.asked() == ["venv", "pip .", "venv", "pip ."]


def test_an_environment_whose_python_is_gone_is_made_again(checkout: Checkout) -> None:
    checkout.run("run")
    (checkout.folder / ".venv" / "bin" / "python").unlink()
    checkout.run("run")
    assert checkout.asked() == ["venv", "pip .", "venv", "pip ."]
