"""What the tests need from the system is installed when we may, and named in one line with its command when not."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scripts import system_needs
from scripts.system_needs import NEEDS, Need, library_loads, main, missing, no_cluster, request, server_programs

THERE = Need("Something", ("some-package",), lambda: True)
LACKING = Need("PostgreSQL server", ("postgresql",), lambda: False)
LACKING_TOO = Need("Pango", ("libpango-1.0-0", "libpangoft2-1.0-0"), lambda: False)


def programs_in(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
        (folder / name).chmod(stat.S_IRWXU)
    return folder


def test_this_machine_has_what_the_tests_need() -> None:
    assert missing() == []


def test_only_what_is_missing_is_named() -> None:
    assert missing([THERE, LACKING]) == [LACKING]


def test_the_request_is_one_line_with_the_exact_command() -> None:
    assert request([LACKING, LACKING_TOO]) == (
        "The tests need PostgreSQL server and Pango, which this machine lacks; run: sudo apt-get install -y "
        "--no-install-recommends postgresql libpango-1.0-0 libpangoft2-1.0-0"
    )


def test_every_need_names_its_packages() -> None:
    assert all(need.packages for need in NEEDS)


@pytest.mark.parametrize(("name", "loads"), [("libc.so.6", True), ("libno-such-thing.so.7", False)])
def test_a_library_is_there_when_the_linker_finds_it(name: str, loads: bool) -> None:
    assert library_loads(name) is loads


def test_the_newest_complete_server_of_debian_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs_in(tmp_path / "9.6" / "bin", "initdb", "postgres")
    complete = programs_in(tmp_path / "15" / "bin", "initdb", "postgres")
    programs_in(tmp_path / "17" / "bin", "initdb")
    monkeypatch.setattr(system_needs, "DEBIAN_POSTGRESQL", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert server_programs() == complete


def test_a_server_on_the_search_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs_in(tmp_path / "15" / "bin", "initdb", "postgres")
    own = programs_in(tmp_path / "own", "initdb", "postgres")
    monkeypatch.setattr(system_needs, "DEBIAN_POSTGRESQL", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: str(own / name))
    assert server_programs() == own


def test_no_server_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_needs, "DEBIAN_POSTGRESQL", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert server_programs() is None


def test_a_fresh_server_makes_no_cluster_while_we_install_it(tmp_path: Path) -> None:
    folder = tmp_path / "createcluster.d"
    with no_cluster(folder):
        assert [note.read_text() for note in folder.iterdir()] == ["create_main_cluster = false\n"]
    assert list(folder.iterdir()) == []


@pytest.fixture
def run_as(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[list[str]]]:
    """A machine that lacks PostgreSQL until apt-get brings it; returns the commands that were run on it."""

    def prepare(user: int, apt_get: str = "works", brings: bool = True) -> list[list[str]]:
        commands: list[list[str]] = []
        installed: list[str] = []

        def run(command: Sequence[str], **options: object) -> None:
            commands.append(list(command))
            if apt_get == "fails" and options["check"]:
                raise subprocess.CalledProcessError(100, list(command))
            if "install" in command and brings:
                installed.append("postgresql")

        need = Need("PostgreSQL server", ("postgresql",), lambda: bool(installed))
        monkeypatch.setattr(system_needs, "missing", lambda: missing([need]))
        monkeypatch.setattr(system_needs, "no_cluster", lambda: no_cluster(tmp_path))
        monkeypatch.setattr(subprocess, "run", run)
        monkeypatch.setattr(os, "geteuid", lambda: user)
        monkeypatch.setattr(shutil, "which", lambda name: None if apt_get == "absent" else f"/usr/bin/{name}")
        return commands

    return prepare


Prepare = Callable[..., list[list[str]]]
INSTALL = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"]


def test_root_installs_what_is_missing(run_as: Prepare) -> None:
    commands = run_as(user=0)
    assert main() == 0
    assert commands == [["apt-get", "update", "-qq"], INSTALL]


def test_anybody_else_is_told_the_command_and_nothing_is_run(
    run_as: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = run_as(user=1000)
    assert main() == 1
    assert commands == []
    assert capsys.readouterr().err == request([LACKING]) + "\n"


@pytest.mark.parametrize("trouble", [{"apt_get": "fails"}, {"apt_get": "absent"}, {"brings": False}], ids=str)
def test_root_is_told_too_when_the_install_does_not_help(
    run_as: Prepare, capsys: pytest.CaptureFixture[str], trouble: dict[str, str]
) -> None:
    run_as(user=0, **trouble)
    assert main() == 1
    assert capsys.readouterr().err.endswith(request([LACKING]) + "\n")
