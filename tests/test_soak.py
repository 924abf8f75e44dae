"""Long fuzzing really runs what Hypothesis drives, repeats itself by seed, and says what it found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.packages import ROOT

MACHINE = """
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, rule

BUDGET = f"{settings.default.max_examples} examples of {settings.default.stateful_step_count} steps"

class Counter(RuleBasedStateMachine):
    @rule()
    def add(self):
        with open("ran", "w") as log:
            log.write(BUDGET)

TestCounter = Counter.TestCase
TestCounter.settings = settings(max_examples=1)

def test_without_hypothesis():
    raise AssertionError("not part of a soak")
"""
PROPERTY = """
from hypothesis import given, settings, strategies as st

@settings(max_examples=20)
@given(st.integers(0, 10**9))
def test_number(n):
    with open("numbers", "a") as log:
        log.write(f"{n} ")
"""
FAILING = """
from hypothesis import given, strategies as st

@given(st.integers())
def test_small(n):
    assert n < 1000
"""


def soak(folder: Path, code: str, seed: int, seconds: int = 0) -> subprocess.CompletedProcess[str]:
    """Soak a folder of its own that holds one test file."""
    (folder / "test_it.py").write_text(code)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text("from tests.conftest import settings\n")
    program = (
        f"import sys; sys.path.append({str(ROOT)!r}); from tests.soak import soak; sys.exit(soak({seed}, {seconds}))"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_state_machine_runs_with_the_big_budget(tmp_path: Path) -> None:
    done = soak(tmp_path, MACHINE, seed=7)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("soak: seed 7, 0 s\n")
    assert "soak: all well, seeds 7 to 7" in done.stdout
    assert (tmp_path / "ran").read_text() == "1000 examples of 100 steps"


def test_rounds_go_on_with_the_next_seed_until_the_time_is_up(tmp_path: Path) -> None:
    done = soak(tmp_path, PROPERTY, seed=7, seconds=9)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seeds 7 to 7" not in done.stdout
    assert len((tmp_path / "numbers").read_text().split()) > 20


def test_the_same_seed_tries_the_same_examples(tmp_path: Path) -> None:
    tried = []
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        (tmp_path / name).mkdir()
        soak(tmp_path / name, PROPERTY, seed)
        tried.append((tmp_path / name / "numbers").read_text().split())
    assert len(tried[0]) == 20
    assert tried[0] == tried[1] != tried[2]


def test_a_failure_names_the_seed_that_brings_it_back(tmp_path: Path) -> None:
    done = soak(tmp_path, FAILING, seed=5, seconds=60)
    assert done.returncode == 1
    assert "again with: make soak SEED=5" in done.stdout
    assert "test_small" in done.stdout
