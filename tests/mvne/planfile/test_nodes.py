"""YAML with places: scalars keep their text, and hostile files cost nothing."""

from __future__ import annotations

import time
import tracemalloc

import pytest
import yaml

from mvne.planfile import nodes
from mvne.planfile.findings import Source
from mvne.planfile.nodes import compose, plain
from tests.mvne.planfile.writing import marked


@pytest.fixture(autouse=True, params=["libyaml", "python"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds with either of PyYAML's parsers."""
    loader = yaml.CSafeLoader if request.param == "libyaml" else yaml.SafeLoader
    monkeypatch.setattr(nodes, "_LOADER", loader)


@pytest.mark.parametrize("written", ["01", "NO", "9.90", "+33612345678", "12:30", "0x1F", "2027-01-31", "yes", "1_000"])
def test_a_scalar_keeps_its_text(written: str) -> None:
    document, findings = compose(Source("p", f"key: {written}"))
    assert document is not None
    assert not findings
    assert plain(document.root) == {"key": written}


@pytest.mark.parametrize(("written", "value"), [("", None), ("~", None), ("null", None), ("'~'", "~"), ('""', "")])
def test_only_an_empty_value_a_tilde_and_null_are_nothing(written: str, value: str | None) -> None:
    document, _ = compose(Source("p", f"key: {written}"))
    assert document is not None
    assert plain(document.root) == {"key": value}


def test_every_node_knows_its_place_also_after_accents() -> None:
    document, _ = compose(Source("p", "né: [é, {à: b}]\nnext:\n  - x\n"))
    assert document is not None
    assert document.place(("né", 1, "à")) == (1, 13)
    assert document.place(("né", 1, "à"), key=True) == (1, 10)
    assert document.place(("next", 0)) == (3, 5)
    assert document.place(("next", 7, "gone")) == (3, 3), "the nearest place above"


def test_an_alias_is_written_out() -> None:
    document, findings = compose(Source("p", "a: &x {b: c}\nd: *x"))
    assert document is not None
    assert not findings
    assert plain(document.root) == {"a": {"b": "c"}, "d": {"b": "c"}}


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("a: b\n¦a: c", "duplicate_key", "the key 'a' is here twice, first on line 1"),
        ("x: {k: 1, ¦k: 2}", "duplicate_key", "first on line 1"),
        ("¦<<: {a: b}", "merge_key", "write the keys out"),
        ("a: ¦!!python/object:os.system x", "tag", "not part of the language"),
        ("¦~: x", "bad_key", "a key is one word of text"),
        ("a: b\n¦---\nc: d", "second_document", "one document"),
        ("a: ¦*x", None, ""),
        ("a: &x [¦*x]", "alias", "before &x is complete"),
        ("a: ¦" + "x" * 1001, "too_long", "more than 1,000 characters"),
        ("a:\n¦\tb: c", "not_yaml", "indent with spaces, not with tabs"),
        ("¦", "empty", "mvne init"),
        ("a: b¦\x07", "not_yaml", "this is not YAML"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(text: str, code: str | None, says: str) -> None:
    text, place = marked(text)
    _, findings = compose(Source("p", text))
    assert len(findings) == 1
    assert (findings[0].line, findings[0].column) == place
    assert says in str(findings[0])
    assert code is None or findings[0].code == code


def test_two_mistakes_are_both_said() -> None:
    _, findings = compose(Source("p", "a: 1\na: 2\nb: 3\nb: 4"))
    assert [one.line for one in findings] == [2, 4]


def _bomb() -> str:
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 12)]
    return "\n".join(["a0: &a0 [lol, lol, lol]", *levels])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (_bomb(), "too_many"),
        ("a: " + "[" * 5_000, "too_deep"),
        ("a: " + "{b: " * 5_000, "too_deep"),
        ("\n".join(f"a{n}: &a{n} [{'*a' + str(n - 1) if n else 'x'}]" for n in range(40)), "too_deep"),
    ],
)
def test_a_hostile_file_is_refused_before_it_costs_anything(text: str, code: str) -> None:
    tracemalloc.start()
    begin = time.process_time()
    document, findings = compose(Source("p", text))
    took, (_, peak) = time.process_time() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    refused = document is None  # Not in the assertion: what a bomb explodes to must not be printed either.
    assert refused
    assert [one.code for one in findings] == [code]
    assert took < 5, "seconds of this process"
    assert peak < 20_000_000, "bytes"


def test_a_long_file_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MOST_NODES", 100)
    assert compose(Source("p", "- x\n" * 99))[0] is not None
    document, findings = compose(Source("p", "- x\n" * 100))
    assert document is None
    assert [(one.code, one.line) for one in findings] == [("too_many", 100)]
