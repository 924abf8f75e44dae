"""The worked file that uses all of the language: it passes every check, has every key of a tariff, is launched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from mvne.brand import Brand
from mvne.checking import check
from mvne.explaining import explain_plan
from mvne.facts import facts
from mvne.launching import launch
from mvne.planfile import load
from mvne.planfile.schema import json_schema
from mvne.platform import Platform
from mvne_plans.canonical import dumps, loads
from mvne_plans.catalogue import Catalogue
from scripts.packages import ROOT
from tests.mvne.house import AT, example
from tests.mvne.wholeness import faults

ATLAS = ROOT / "examples" / "atlas" / "plan.yaml"

#: Sections of the file that make up a tariff or an agreement.
SECTIONS = (
    "Allowance",
    "AgreementSection",
    "BandSection",
    "BonusSection",
    "CapacitySection",
    "GuardSection",
    "KindPrices",
    "OwnSection",
    "PrepaidSection",
    "PriceSection",
    "RolloverSection",
    "RoamingSection",
    "RoundingSection",
    "SendingSection",
    "StepSection",
    "TierSection",
    "TopUpSection",
)


@pytest.fixture(scope="module")
def atlas() -> Brand:
    return load(ATLAS)


def test_it_passes_every_check() -> None:
    report = check(ATLAS, on=date(2026, 11, 24))
    assert [str(one) for one in report.findings] == []
    assert len(report.margins) == 9


def test_it_comes_back_from_its_canonical_text(atlas: Brand) -> None:
    assert loads(Catalogue, dumps(atlas.catalogue)) == atlas.catalogue


def _keys(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from data
        for value in data.values():
            yield from _keys(value)
    elif isinstance(data, list):
        for value in data:
            yield from _keys(value)


def test_it_has_every_key_of_a_tariff() -> None:
    used = set(_keys(yaml.load(ATLAS.read_text("utf-8"), Loader=yaml.BaseLoader)))
    schema = json_schema()
    known = {key for name in SECTIONS for key in schema["$defs"][name]["properties"]}
    known |= {key for key in schema["properties"] if key not in ("promotions", "fees", "tax")}
    assert known - used == set()


def test_the_page_about_the_plan_file_prints_it_as_it_is(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "plan-file.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"^```yaml\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    for table in ATLAS.parent.glob("*.csv"):
        (tmp_path / table.name).write_bytes(table.read_bytes())
    (tmp_path / "plan.yaml").write_text(written, encoding="utf-8")
    assert load(tmp_path / "plan.yaml").catalogue == load(ATLAS).catalogue


@pytest.mark.parametrize(
    ("plan", "path", "value"),
    [
        ("trek", "plans.trek.then.data.next.fee", "10 EUR more, once, for 10 GB more"),
        ("trek", "plans.trek.includes.data.2.limits.roaming", "25 GB"),
        ("trek", "bands.evening.from", "18:00"),
        ("trek", "zones.maghreb[0]", "DZ"),
        ("trek", "number_groups.friends.own.size", "5"),
        ("trek", "guards.monthly_spend.spend", "100.00"),
        ("trek", "plans.trek.guards.eu_roaming_limit.spend", "60.00 EUR"),
        ("trek", "rounding.unit", "0.001"),
        ("trek", "thresholds[0]", "50"),
        ("expedition", "plans.expedition.guards.monthly_spend.spend", "150.00"),
        ("nomad", "plans.nomad.rounding.unit", "cent"),
        ("nomad", "prepaid.lasts", "12 months"),
    ],
)
def test_each_setting_of_its_plans_is_explained_once(atlas: Brand, plan: str, path: str, value: str) -> None:
    found = explain_plan(atlas, plan)
    assert {one.path: one.value for one in found}[path] == value
    assert len(found) == len({one.path for one in found})


def test_what_a_plan_does_otherwise_is_not_explained_by_the_file(atlas: Brand) -> None:
    expedition = {one.path for one in explain_plan(atlas, "expedition")}
    assert "guards.monthly_spend.spend" not in expedition, "it has one of its own"
    nomad = {one.path for one in explain_plan(atlas, "nomad")}
    assert not {"rounding.unit", "roaming.eea.as"} & nomad


def test_its_facts_are_what_the_rules_of_law_ask_for(atlas: Brand) -> None:
    plans: Any = facts(atlas)["plans"]
    trek, expedition, nomad = plans
    assert trek["roaming"]["eu_data_gb"] == "25"
    assert expedition["roaming"]["eu_data_gb"] == "40"
    assert trek["roaming"]["eu_surcharge_per_gb"] == "1"
    assert (trek["roaming"]["cutoff_ex_vat"], trek["roaming"]["alert_percent"]) == ("50", 80)
    assert nomad["roaming"]["zones"]["other"]["voice"] == "0.9/min 60/1"
    assert trek["throttle"] == [
        {"kind": "data", "bits_per_second": 10**6, "for": 5 * 10**9},
        {"kind": "data", "bits_per_second": 10**6, "for": 5 * 10**9},
        {"kind": "data", "bits_per_second": 128_000, "for": None},
    ]
    assert trek["next_plans"] == {"data": {"plan": "expedition", "fee": "10", "amount": 10**10}}
    assert trek["allowances"]["data_gb"] == "30", "the two gigabytes of the weekend are not for any use"
    assert trek["guards"][0] == {
        "id": "monthly_spend",
        "measure": "spend",
        "amount": "100",
        "per": "period",
        "kinds": [],
        "in": [],
        "to": [],
        "then": "stop",
    }


def test_it_is_launched_and_tried_out(platform: Platform) -> None:
    launched = launch(example("atlas"), platform, AT)
    assert launched.steps[-1].result == "line ended, its number rests"
    assert faults(platform, "atlas") == []
    again = launch(example("atlas"), platform, AT)
    assert (again.number, again.diff.unchanged) == (None, 10)
