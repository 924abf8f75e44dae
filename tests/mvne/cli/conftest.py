"""A command line with a store of its own, as a person at a terminal has it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mvne.cli import main as entry
from scripts.packages import ROOT


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


Mvne = Callable[..., Said]


@pytest.fixture
def mvne(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mvne:
    """Run `mvne` with these words in an empty folder with an empty store; never lets an exception out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MVNE_STORE", f"sqlite:///{tmp_path / 'store.sqlite'}")

    def run(*words: str | Path) -> Said:
        monkeypatch.setattr("sys.argv", ["mvne", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            entry.main()
        caught = capsys.readouterr()
        assert "Traceback" not in caught.out + caught.err
        return Said(ended.value.code if isinstance(ended.value.code, int) else 0, caught.out, caught.err)

    return run


@pytest.fixture(scope="session")
def launched_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store into which Tilleul was launched once; tests copy it."""
    folder = tmp_path_factory.mktemp("launched")
    from mvne.bootstrap import connect
    from mvne.clock import now
    from mvne.launching import launch
    from mvne.planfile.reading import load

    with connect(f"sqlite:///{folder / 'store.sqlite'}") as platform:
        launch(load(ROOT / "examples" / "tilleul" / "plan.yaml"), platform, now())
    return folder


@pytest.fixture
def tilleul(mvne: Mvne, launched_store: Path, tmp_path: Path) -> Mvne:
    """The command line, on a store into which Tilleul is launched."""
    for file in launched_store.iterdir():
        shutil.copy(file, tmp_path)
    return mvne
