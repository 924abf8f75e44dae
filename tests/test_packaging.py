"""The wheel holds everything that stands in the four packages, and its command leads somewhere."""

from __future__ import annotations

import importlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest

from scripts.packages import PACKAGES, ROOT, files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built from this tree by its own build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [path] = folder.iterdir()
    with zipfile.ZipFile(path) as archive:
        yield archive


def metadata(wheel: zipfile.ZipFile, name: str) -> str:
    [member] = [member for member in wheel.namelist() if member.endswith(f".dist-info/{name}")]
    return wheel.read(member).decode()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_of_the_package_is_in_the_wheel_as_it_is(wheel: zipfile.ZipFile, package: str) -> None:
    area = (ROOT / PACKAGES[package]).parent
    expected = {path.relative_to(area).as_posix(): path.read_bytes() for path in files(package)}
    packed = {name: wheel.read(name) for name in wheel.namelist() if name.split("/")[0] == package}
    assert sorted(packed) == sorted(expected)
    assert packed == expected


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wheel_says_that_the_package_is_typed(wheel: zipfile.ZipFile, package: str) -> None:
    assert f"{package}/py.typed" in wheel.namelist()


def test_the_wheel_holds_our_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_console_command_leads_to_a_function(wheel: zipfile.ZipFile) -> None:
    assert metadata(wheel, "entry_points.txt").strip() == "[console_scripts]\nmvne = mvne.cli.main:main"
    assert callable(importlib.import_module("mvne.cli.main").main)


def test_the_licence_goes_with_the_wheel(wheel: zipfile.ZipFile) -> None:
    about = Parser().parsestr(metadata(wheel, "METADATA"))
    assert about["License-Expression"] == "Apache-2.0"
    [licence] = [name for name in wheel.namelist() if Path(name).name == "LICENSE"]
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
