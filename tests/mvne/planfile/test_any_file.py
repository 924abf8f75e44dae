"""Whatever a plan file says, reading it ends in a brand or in findings with places, never in another error."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvne.checking import check
from mvne.facts import facts
from mvne.planfile import PlanFileInvalid, errors, examine, load, render

EXAMPLES = Path("examples")
WORDS = (
    "~ -1 1e999 0 unlimited stop slow eea EEA GB XX ../plan.yaml care_homes.csv /etc/passwd +33639980001 112 ١٢ NaN "
    "1/0 50% 0% month yes plan 2027-02-30 auto evening mon-fri 25:00 13-32 trek hotspot cent"
)
PHRASES = [
    "",
    "slow 0 kbit/s",
    "0.05/min 60/1 setup 9 maximum 1 stop",
    "auto 2016-01-01",
    "60 min",
    "5 GB",
    "0/0 min",
    "0 days",
    "999 days",
    "{a: b}",
    "9,90",
    "9" * 400,
    "\u202e",
]
JUNK = st.one_of(
    st.sampled_from([*WORDS.split(), *PHRASES]),
    st.text(max_size=12),
    st.lists(st.sampled_from(["a", "5 GB"]), max_size=3),
    st.dictionaries(
        st.sampled_from(["amount", "to", "in", "voice", "price", "tiers", "slow", "next", "for", "bands", "x"]),
        st.sampled_from(["eea", "1", "0.05/min", "5 GB", "trek"]),
        max_size=3,
    ),
)


def _nodes(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value below the top."""
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [one for key, value in steps for one in [(*path, key), *_nodes(value, (*path, key))]]


@st.composite
def mutated(draw: st.DrawFn, example: str) -> str:
    data = yaml.load((EXAMPLES / example / "plan.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)
    for _ in range(draw(st.integers(1, 3))):
        paths = _nodes(data)
        if not paths:
            break
        *above, last = draw(st.sampled_from(paths))
        parent = data
        for step in above:
            parent = parent[step]
        action = draw(st.sampled_from(["delete", "rename", "junk", "junk", "twice"]))
        if action == "delete":
            del parent[last]
        elif action == "rename" and isinstance(parent, dict):
            parent[draw(st.sampled_from([f"{last}x", "price", "id", "voice", ""]))] = parent.pop(last)
        elif action == "twice" and isinstance(parent, list):
            parent.append(parent[last])
        else:
            parent[last] = draw(JUNK)
    text: str = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    return text


def _read(folder: Path, text: str) -> None:
    path = folder / "mutated.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    brand, findings = examine(path)
    assert (brand is None) == bool(errors(findings))
    assert all(one.line > 0 and one.column > 0 and one.message for one in findings)
    render(findings)
    check(path, on=date(2026, 11, 24))
    if brand is not None:
        assert facts(brand)
        return
    with pytest.raises(PlanFileInvalid) as raised:
        load(path)
    assert list(raised.value.findings) == findings


@pytest.fixture(scope="module", params=["tilleul", "comet", "atlas"])
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copytree(EXAMPLES / request.param, folder, dirs_exist_ok=True)
    return request.param, folder


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_an_example_changed_in_any_place_gives_findings_or_a_brand(
    example: tuple[str, Path], data: st.DataObject
) -> None:
    name, folder = example
    _read(folder, data.draw(mutated(name)))


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_an_example_with_any_letters_changed_gives_findings_or_a_brand(
    example: tuple[str, Path], data: st.DataObject
) -> None:
    name, folder = example
    text = (EXAMPLES / name / "plan.yaml").read_text("utf-8")
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text = text[:start] + data.draw(st.text(st.characters(), max_size=6)) + text[start + length :]
    _read(folder, text)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_table_with_any_letters_changed_gives_findings_or_a_brand(tmp_path_factory: Any, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("tables")
    shutil.copytree(EXAMPLES / "tilleul", folder, dirs_exist_ok=True)
    table = folder / data.draw(st.sampled_from(["international.csv", "host-international.csv", "care_homes.csv"]))
    content = table.read_bytes()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        content = content[:start] + data.draw(st.binary(max_size=6)) + content[start + data.draw(st.integers(0, 9)) :]
    table.write_bytes(content)
    _read(folder, (folder / "plan.yaml").read_text("utf-8"))
    shutil.rmtree(folder)


@given(st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_any_bytes_give_findings(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "plan.yaml"
    path.write_bytes(content)
    brand, findings = examine(path)
    assert brand is None
    assert findings
