"""A mapping file: what it may say, and everything that is wrong with it said at once."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_billing.usage.mapping.loading import load_mapping
from mvne_billing.usage.mapping.model import CsvMapping, Text
from mvne_billing.usage.mapping.parsing import InvalidMapping, parse_mapping

FIELDS: dict[str, Any] = {
    "msisdn": "A",
    "kind": {"value": "voice"},
    "start": "S",
    "amount": "D",
    "country": {"value": "FR"},
    "to": "B",
}


def problems(**changes: Any) -> tuple[str, ...]:
    fields = {name: value for name, value in (FIELDS | changes.pop("fields", {})).items() if value is not None}
    with pytest.raises(InvalidMapping) as caught:
        parse_mapping({"fields": fields, **changes})
    return caught.value.problems


def test_a_small_mapping_is_enough() -> None:
    assert isinstance(parse_mapping({"fields": FIELDS}), CsvMapping)


def test_all_problems_are_said_at_once() -> None:
    found = problems(
        fields={"msisdn": None, "start": {"column": "S", "zone": "Mars/Base", "format": "dd/mm"}, "colour": "C"},
        encoding="utf-9",
        delimiter=";;",
        header="perhaps",
        skip=[{"column": "X"}, {"column": "X", "matches": "("}],
        skip_lines="-1",
        speed=3,
    )
    for part in (
        "the mapping has no speed",
        "fields has no colour",
        "fields.msisdn is missing",
        "encoding 'utf-9' is not known",
        "delimiter is ';;', not one sign",
        "header is 'perhaps', not yes or no",
        "zone 'Mars/Base' is not known",
        "fields.start.format is 'dd/mm'",
        "skip[0] needs a column and one of is, in, not_in, matches",
        "skip[1].matches is not a regular expression",
        "skip_lines is '-1', not a number of lines",
    ):
        assert any(part in one for one in found), (part, found)
    assert len(found) == 11


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fields": {"kind": {"column": "K", "value": "voice"}}}, "fields.kind needs a column or a value"),
        ({"fields": {"kind": {}}}, "fields.kind needs a column or a value"),
        ({"fields": {"kind": {"value": "fax"}}}, "fields.kind: 'fax' is none of the kinds"),
        ({"fields": {"kind": {"column": "K", "values": {"1": "voice", "2": "fax"}}}}, "'fax' is none of the kinds"),
        ({"fields": {"kind": {"column": "K", "values": {"1": "voice"}, "otherwise": "?"}}}, "'?' is none of the kinds"),
        ({"fields": {"kind": {"column": "K", "values": ["voice"]}}}, "fields.kind.values is ['voice']"),
        ({"fields": {"msisdn": {"column": "A", "columns": ["A", "B"]}}}, "fields.msisdn has column and columns"),
        ({"fields": {"msisdn": {"columns": "A"}}}, "fields.msisdn.columns is 'A', not a list"),
        ({"fields": {"msisdn": ["A"]}}, "fields.msisdn is ['A'], not keys with values"),
        ({"fields": {"start": {"column": "S", "format": "%d/%m/%Y"}}}, "fields.start needs a zone"),
        ({"fields": {"start": {"column": "S", "zone": "../etc"}}}, "zone '../etc' is not known"),
        ({"fields": {"amount": {"column": "D", "unit": "min"}}}, "fields.amount.unit needs the kind it is for"),
        ({"fields": {"amount": {"voice": {"column": "D", "unit": "KB"}}}}, "KB does not measure voice"),
        ({"fields": {"amount": {"voice": {"column": "D", "unit": "parsec"}}}}, "'parsec', none of ms, s, min"),
        ({"fields": {"amount": {"voice": {"value": "1.5"}}}}, "fields.amount.voice.value is '1.5'"),
        ({"fields": {"amount": {"voice": {"column": "D", "fraction": "half"}}}}, "fraction is 'half', none of error"),
        ({"fields": {"kind": {"value": "data"}, "amount": {"voice": "D"}}}, "'data' is none of the kinds"),
        ({"header": "no"}, "without a header a column is a position from 1, not 'A'"),
        ({"header": "no", "fields": {"to": 0}}, "not '0'"),
        ({"skip": {"column": "A"}}, "skip is {'column': 'A'}, not a list"),
        ({"skip": [{"column": "A", "is": "1", "in": ["2"]}]}, "skip[0] needs a column and one of"),
        ({"skip": ["A"]}, "skip[0] is 'A', not keys with values"),
        ({"trailer": {"column": "A", "is": "T"}}, "trailer.records is missing"),
        ({"file_name": "("}, "file_name is not a regular expression"),
        ({"country_code": "e164"}, "country_code is 'e164', none of iso, tadig, plmn"),
        ({"quote": "''"}, "quote is \"''\", not one sign"),
        ({"decimal": ""}, "decimal is '', not one sign"),
        ({"encoding": "utf\x008"}, "is not known"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes: dict[str, Any], message: str) -> None:
    assert any(message in one for one in problems(**changes)), problems(**changes)


@pytest.mark.parametrize("said", [None, [], "fields", 5])
def test_what_is_no_mapping_is_refused(said: Any) -> None:
    with pytest.raises(InvalidMapping, match=r"the mapping is .*, not keys with values"):
        parse_mapping(said)


def test_yaml_and_json_say_the_same_and_texts_stay_texts(tmp_path: Path) -> None:
    fields = FIELDS | {"to": {"column": "B", "prefixes": {"00": "+", "0": "+33"}}, "country": {"value": "NO"}}
    (tmp_path / "m.json").write_text(json.dumps({"fields": fields}), encoding="utf-8")
    lines = [f"  {name}: {json.dumps(value)}" for name, value in fields.items() if name not in ("to", "country")]
    yaml = "\n".join(["fields:", *lines, "  to: {column: B, prefixes: {00: +, 0: +33}}", "  country: {value: NO}"])
    (tmp_path / "m.yaml").write_text(yaml, encoding="utf-8")
    found = load_mapping(tmp_path / "m.yaml")
    assert found == load_mapping(tmp_path / "m.json")
    assert found.country == Text(value="NO")
    assert found.to is not None
    assert found.to.prefixes == {"00": "+", "0": "+33"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"fields: [", "this is not YAML"),
        (b"fields: {}\nfields: {}", "line 1: fields is there twice"),
        (b"fields:\n  to: {value: a, value: b}", "line 2: value is there twice"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"", "the mapping is None, not keys with values"),
        (b"[" * 5000, "this is not YAML"),
        (b"&a [*a, *a]", "this is not YAML"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "m.yaml").write_bytes(content)
    with pytest.raises(InvalidMapping, match=message):
        load_mapping(tmp_path / "m.yaml")


def test_a_mapping_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidMapping, match="cannot be read"):
        load_mapping(tmp_path / "nowhere.yaml")


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
KEYS = ["fields", "skip", "trailer", "header", "delimiter", "quote", "file_name", "encoding", "skip_lines", "sender"]
NAMES = [*FIELDS, "id", "label", "session"]


@given(
    st.dictionaries(st.sampled_from(KEYS), anything, max_size=4),
    st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(
            anything,
            st.dictionaries(
                st.sampled_from(["column", "columns", "value", "values", "unit", "format", "zone", "voice"]), anything
            ),
        ),
        max_size=4,
    ),
)
def test_anything_is_a_mapping_or_says_what_is_wrong(top: dict[str, Any], fields: dict[str, Any]) -> None:
    with suppress(InvalidMapping):
        assert parse_mapping({"fields": FIELDS | fields, **top}).amounts
