"""Market packs as text: words stay words, bases come first, slips are refused with their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mvne.markets import packfile
from mvne.markets.packfile import PackError, at, merge, pack_names, parse_pack, read_pack

PACKS = (*pack_names(), "EU", "WORLD")
#: Every table of ours that states facts: it must say where they come from.
SOURCED_PATHS = (
    "countries",
    "numbering.country_codes",
    "numbering.territories",
    "numbering.area_codes",
    "numbering.fictional_fallback",
)


@pytest.fixture
def own_packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that stands in for the shipped packs."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "WORLD.yaml").write_text("{market: WORLD, list: [w]}")
    monkeypatch.setattr(packfile, "_PACKS", tmp_path)
    monkeypatch.setattr(packfile, "_BASES", tmp_path / "base")
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    packfile.read_pack.cache_clear()
    packfile._own.cache_clear()


@pytest.mark.parametrize(
    "written", ["NO", "ON", "off", "true", "01", "9.90", "0x10", "1_000", "2027-01-01", "12:30:45"]
)
def test_a_scalar_keeps_its_text(written: str) -> None:
    assert parse_pack(f"key: {written}", "x.yaml") == {"key": written}


@pytest.mark.parametrize("written", ["null", "~", ""])
def test_a_bare_null_is_none(written: str) -> None:
    assert parse_pack(f"key: {written}", "x.yaml") == {"key": None}


def test_a_quoted_null_is_a_word() -> None:
    assert parse_pack('key: "null"', "x.yaml") == {"key": "null"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", r"x\.yaml:3:1: 'a' stands here twice"),
        ("rows:\n  - {k: 1, k: 2}", r"x\.yaml:2:12: 'k' stands here twice"),
        ("[1, 2]", "a pack is a mapping"),
        ("", "a pack is a mapping"),
        ("a: [1", "this is not YAML"),
        ("? [1, 2]\n: value", r"x\.yaml:1:3: a key is a word"),
    ],
)
def test_a_badly_written_pack_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(PackError, match=message):
        parse_pack(text, "x.yaml")


def test_merge_lays_the_later_pack_over_the_base() -> None:
    base = {"keep": "1", "replace": "1", "deep": {"a": "1", "b": "1"}, "list": ["1"], "shape": ["1"]}
    over = {"replace": "2", "deep": {"b": "2"}, "list": ["2"], "shape": "2"}
    assert merge(base, over) == {
        "keep": "1",
        "replace": "2",
        "deep": {"a": "1", "b": "2"},
        "list": ["1", "2"],
        "shape": "2",
    }


def test_bases_come_first_and_each_once(own_packs: Path) -> None:
    (own_packs / "base" / "B1.yaml").write_text("{market: B1, extends: [B2], list: [b1], value: b1}")
    (own_packs / "base" / "B2.yaml").write_text("{market: B2, kind: base, list: [b2], value: b2}")
    (own_packs / "XX.yaml").write_text("{market: XX, extends: [B1, B2], list: [x]}")
    pack = read_pack("XX")
    assert pack["list"] == ("w", "b2", "b1", "x")
    assert pack["value"] == "b1"
    assert "kind" not in pack


def test_a_pack_that_extends_itself_is_refused(own_packs: Path) -> None:
    (own_packs / "base" / "B1.yaml").write_text("{market: B1, extends: [B2]}")
    (own_packs / "base" / "B2.yaml").write_text("{market: B2, extends: [B1]}")
    with pytest.raises(PackError, match=r"B1\.yaml extends itself through B1 and B2"):
        read_pack("B1")


def test_a_base_that_does_not_exist_is_named(own_packs: Path) -> None:
    (own_packs / "XX.yaml").write_text("{market: XX, extends: [NOWHERE]}")
    with pytest.raises(PackError, match=r"NOWHERE\.yaml"):
        read_pack("XX")


def test_a_missing_value_is_named_with_its_pack() -> None:
    with pytest.raises(PackError, match=r"FR\.yaml: 'numbering\.colour' is missing"):
        at(read_pack("FR"), "numbering.colour")
    with pytest.raises(PackError, match=r"'market\.deeper' is missing"):
        at(read_pack("FR"), "market.deeper")


def test_a_pack_cannot_be_changed() -> None:
    pack = read_pack("FR")
    with pytest.raises(TypeError):
        pack["tax"]["vat"]["standard"] = "0"
    assert isinstance(pack["rules"], tuple)


@pytest.mark.parametrize("name", PACKS)
def test_a_shipped_pack_names_itself_and_its_format(name: str) -> None:
    pack = read_pack(name)
    assert (pack["market"], pack["schema"]) == (name, "mvno-market-pack/1")


@pytest.mark.parametrize("name", pack_names())
def test_every_table_of_numbers_has_a_source_and_says_whether_it_is_confirmed(name: str) -> None:
    pack = read_pack(name)
    named = [at(pack, path) for path in SOURCED_PATHS]
    families = list(at(pack, "numbering.special"))
    zone = pack.get("tables", {}).get("roaming_zone", {"parts": (), "joined": ()})
    for table in (*named, *families, *zone["parts"], *zone["joined"]):
        assert table["source"], table
        assert table["confirmed"] in {"true", "false"}, table
    assert all(row["confirmed"] in {"true", "false"} for row in at(pack, "numbering.fictional"))


@pytest.mark.parametrize("name", pack_names())
def test_the_families_of_a_market_use_known_keys_only(name: str) -> None:
    allowed = {
        "name",
        "kind",
        "source",
        "confirmed",
        "note",
        "country",
        "numbers",
        "by_country",
        "each_area_code",
        "of",
    }
    for family in at(read_pack(name), "numbering.special"):
        assert set(family) <= allowed, family


@pytest.mark.parametrize("name", pack_names())
def test_rules_of_law_come_with_the_pack_and_have_their_own_id(name: str) -> None:
    ids = [rule["id"] for rule in read_pack(name)["rules"]]
    assert ids
    assert len(ids) == len(set(ids))


def test_rules_of_the_european_base_precede_the_french_ones() -> None:
    ids = [rule["id"][:2] for rule in read_pack("FR")["rules"]]
    assert ids == sorted(ids)
    assert {"EU", "FR"} == set(ids)


@pytest.mark.parametrize("name", PACKS)
def test_no_pack_holds_a_number_or_a_boolean_in_place_of_text(name: str) -> None:
    for path, table in _tables(read_pack(name)):
        for key, value in table.items():
            assert not isinstance(value, (bool, int, float)), f"{path}.{key}"


def test_norway_and_ontario_survive_yaml() -> None:
    assert "NO" in at(read_pack("SE"), "tables.roaming_zone.members")
    assert at(read_pack("FR"), "countries.names.NO") == "Norway"
    assert "ON" in {row["province"] for row in at(read_pack("CA"), "tax.rows")}
    assert at(read_pack("FR"), "portability.code.fields")[0]["known"]["01"] == "Orange"


def _tables(value: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every mapping inside a pack with its dotted path, the pack itself first."""
    if isinstance(value, Mapping):
        yield path, value
        for key, inner in value.items():
            yield from _tables(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, inner in enumerate(value):
            yield from _tables(inner, f"{path}[{index}]")
