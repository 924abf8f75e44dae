"""The same seed, file and version give the same report, byte for byte, whoever runs it and wherever."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mvne.sandbox import render, simulate, summary
from mvne.sandbox.simulating import IN_MEMORY, first_day, scratch
from mvne.sandbox.simulation import SandboxError
from mvne_plans.agreement import Agreement
from scripts.packages import ROOT
from tests.mvne.sandbox.lives import Lived, example

PROGRAM = """
import sys
from mvne.planfile.reading import load
from mvne.sandbox import render, simulate
sys.stdout.buffer.write(render(simulate(load(sys.argv[1]), 20, 2, 5)).encode())
"""


def _elsewhere(name: str, hash_seed: str) -> bytes:
    """Return the report as another process makes it."""
    place = str(ROOT / "examples" / name / "plan.yaml")
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Asia/Tokyo", "LANG": "C"}
    done = subprocess.run([sys.executable, "-c", PROGRAM, place], env=environment, capture_output=True, check=True)
    return done.stdout


def test_two_runs_here_and_one_elsewhere_give_the_same_bytes() -> None:
    here = [render(simulate(example("tilleul"), 20, 2, 5)) for _ in range(2)]
    assert here[0] == here[1]
    assert _elsewhere("tilleul", "1") == here[0].encode()


def test_another_seed_gives_another_life() -> None:
    reports = {render(simulate(example("comet"), 2, 1, seed)) for seed in (1, 2, 3)}
    assert len(reports) == 3


def test_no_setting_of_the_installation_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not the store, where real subscribers may be, and not the Stripe key, with which money moves."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mvne.toml").write_text('live = true\nstripe_key = "sk_live_no"\nstripe_webhook_secret = "whsec_no"\n')
    monkeypatch.setenv("MVNE_STORE", f"sqlite:///{tmp_path / 'real.sqlite'}")
    monkeypatch.setenv("MVNE_STRIPE_KEY", "sk_live_no")
    simulate(example("comet"), 1, 1, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mvne.toml"]


@pytest.mark.parametrize(
    ("size", "kind"), [(1, ":memory:"), (IN_MEMORY, ":memory:"), (IN_MEMORY + 1, "scratch.sqlite")]
)
def test_long_lives_are_kept_in_a_file_that_is_gone_afterwards(size: int, kind: str) -> None:
    with scratch(size, datetime(2027, 1, 1, tzinfo=UTC)) as (platform, clock, folder):
        url = platform.store.engine.url
        assert kind in (url.database or ":memory:")
        assert clock() == datetime(2027, 1, 1, tzinfo=UTC)
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("agreement", "begins"),
    [
        ("2026-01-01", "2027-01-01T00:00:00+01:00"),
        ("2027-01-01", "2027-01-01T00:00:00+01:00"),
        ("2027-01-02", "2027-02-01T00:00:00+01:00"),
        ("2027-03-29", "2027-04-01T00:00:00+02:00"),
        ("2028-07-01", "2028-07-01T00:00:00+02:00"),
    ],
)
def test_a_life_begins_where_the_host_has_prices(agreement: str, begins: str) -> None:
    brand = example("tilleul")
    dated = Agreement(starts=datetime.fromisoformat(agreement).date(), currency="EUR")
    brand = replace(brand, catalogue=replace(brand.catalogue, agreements=(dated,)))
    assert first_day(brand).isoformat() == begins


def test_a_life_may_begin_on_another_day() -> None:
    done = simulate(example("comet"), 1, 1, 1, start=datetime(2027, 5, 10, 12, tzinfo=UTC))
    assert done.asked.begins.isoformat() == "2027-05-10T00:00:00-04:00"
    assert [month.month for month in done.months] == ["2027-05", "2027-06"]
    whole_months = sum(month.result.host + month.result.minimum for month in done.months)
    # 22 of 31 days of May and 9 of 30 of June, at 1,000 USD a month
    assert whole_months == 1_000_000_000 * 22 // 31 + 300_000_000


def test_more_people_than_numbers_are_refused_with_the_way_out() -> None:
    brand = example("tilleul")
    small = replace(brand, host=replace(brand.host, numbers=brand.host.numbers[:11]))
    with pytest.raises(
        SandboxError, match=r"10 subscribers need 12 numbers .* has 11 and 1000: raise them under host:"
    ):
        simulate(small, 10, 1, 1)


def test_the_summary_says_it_in_a_few_lines(seniors: Lived) -> None:
    told = summary(seniors.simulation)
    assert told.splitlines()[0] == (
        "Tilleul Mobile, simulated: 60 sign-ups over 3 months, January 1, 2027 to March 31, 2027 (Europe/Paris), seed 7"
    )
    assert all(plan.name in told for plan in seniors.simulation.plans)
    assert "The books balance in EUR" in told
