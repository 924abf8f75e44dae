"""The plan file that `mvne init` writes, and the schema it points editors to."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from mvne.checking import check
from mvne.markets.market import UnknownMarket, known_markets
from mvne.planfile import load
from mvne.planfile.init import TEMPLATES, UnknownTemplate, init_files, init_text
from mvne.planfile.schema import dumps, json_schema, schema_text

TODAY = date(2026, 11, 24)


def _write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "plan.yaml"


@pytest.mark.parametrize("market", known_markets())
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_first_plan_file_passes_every_check(tmp_path: Path, market: str, template: str) -> None:
    report = check(_write(tmp_path, init_files("Ma marque", market, template)), on=TODAY)
    assert report.ok
    assert report.findings == ()
    assert report.margins


@pytest.mark.parametrize("name", ['Say "hi" \\ there', "Été", "日本", "- a: b # c", "x" * 200, "\x00\x1b", "'"])
def test_any_name_gives_a_valid_file(tmp_path: Path, name: str) -> None:
    brand = load(_write(tmp_path, init_files(name, "fr", "general")))
    assert brand.name == ("".join(sign for sign in name if sign.isprintable()).strip()[:80] or "Brand")


def test_a_first_plan_file_is_short_and_names_its_schema() -> None:
    lines = init_text("Tilleul Mobile", "fr", "seniors").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=plan.schema.json"
    assert len(lines) <= 35
    assert set(init_files("T", "fr", "seniors")) == {"plan.yaml", "plan.schema.json"}
    assert set(init_files("T", "us", "seniors")) == {"plan.yaml", "plan.schema.json", "taxes.csv"}


def test_canadian_taxes_come_from_the_market_pack() -> None:
    table = init_files("T", "ca", "kids")["taxes.csv"]
    assert "QC,QST,9.975," in table
    assert "ON,HST,13," in table


def test_an_unknown_template_or_market_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownTemplate, match="did you mean 'seniors'"):
        init_text("T", "fr", "senior")
    with pytest.raises(UnknownTemplate, match="templates are seniors"):
        init_text("T", "fr", "zzz")
    with pytest.raises(UnknownMarket):
        init_text("T", "zz", "seniors")


def test_the_shipped_schema_is_current() -> None:
    assert schema_text() == dumps(), "write mvne.planfile.schema.dumps() to mvne/mvne/schema/plan.schema.json"


def test_the_schema_knows_the_keys_of_the_language_with_words_for_the_mouse() -> None:
    schema = json_schema()
    definitions = schema["$defs"]
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["additionalProperties"] is False
    assert "voice to" in definitions["ServiceSection"]["properties"]
    assert "in" in definitions["Allowance"]["properties"]
    described = [
        (name, key)
        for name, one in definitions.items()
        for key, value in one["properties"].items()
        if not value.get("description")
    ]
    assert described == []
    assert '"null"' not in dumps()


def test_the_schema_takes_quantities_as_numbers_and_as_text() -> None:
    price = json_schema()["$defs"]["PlanSection"]["properties"]["price"]
    assert set(price["type"]) == {"string", "number"}


@pytest.mark.parametrize("example", ["tilleul", "comet"])
def test_the_schema_has_every_key_of_the_examples(example: str) -> None:
    text = Path(f"examples/{example}/plan.yaml").read_text("utf-8")
    schema = json_schema()
    plan_keys = set(schema["$defs"]["PlanSection"]["properties"])
    data = yaml.load(text, Loader=yaml.BaseLoader)
    assert set(data) <= set(schema["properties"])
    assert all(set(plan) <= plan_keys for plan in data["plans"])
    shipped = Path(f"examples/{example}") / text.splitlines()[0].split("$schema=")[1]
    assert json.loads(shipped.read_text("utf-8")) == schema
