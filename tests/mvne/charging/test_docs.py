"""The page about protocols does as it says: its example runs, and its description of the API is drawn from the code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from mvne_billing.charging.gy.codes import Code
from mvne_billing.charging.nchf.problems import STATUS, Cause
from scripts import charging_openapi
from scripts.packages import ROOT
from tests.mvne.charging.conftest import Home
from tests.mvne.charging.served import serving

PAGE = (ROOT / "docs" / "charging-protocols.md").read_text(encoding="utf-8")

#: Stands for curl where there is none: it knows what the example uses.
CURL = """#!{python}
import sys, urllib.error, urllib.request
words, headers, url, data = sys.argv[1:], {{}}, "", None
while words:
    word = words.pop(0)
    if word == "-H":
        name, _, value = words.pop(0).partition(": ")
        headers[name] = value
    elif word == "-d":
        data = words.pop(0).encode()
    elif not word.startswith("-"):
        url = word
try:
    answer = urllib.request.urlopen(urllib.request.Request(url, data, headers))
except urllib.error.HTTPError as error:
    answer = error
lines = [f"HTTP/1.1 {{answer.status}}", *(f"{{name}}: {{value}}" for name, value in answer.headers.items())]
sys.stdout.write("\\r\\n".join(lines) + "\\r\\n\\r\\n" + answer.read().decode())
"""


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def contained(part: Any, whole: Any) -> bool:
    """Say whether all that `part` says is in `whole`."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and contained(one, whole[name]) for name, one in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) == len(whole) and all(map(contained, part, whole))
    return bool(part == whole)


def test_the_example_runs_as_written(home: Home, tmp_path: Path) -> None:
    example = PAGE[PAGE.index("### A session by hand") :]
    said, told = blocks("sh", example), [json.loads(one) for one in blocks("json", example)]
    (tmp_path / "curl").write_text(CURL.format(python=sys.executable))
    (tmp_path / "curl").chmod(0o755)
    with serving(home.url) as served:
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "CHF": served.url,
            "SUPI": home.imsi,
        }
        script = "\necho; echo =====\n".join(["set -eu", *said])
        ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    answers = [one.strip() for one in ran.stdout.split("=====")[1:]]
    statuses = [int(one.split()[1]) for one in answers]
    assert statuses == [201, 200, 400, 204]
    for expected, answer in zip(told, answers, strict=False):
        found = json.loads(answer.replace("\r", "").partition("\n\n")[2])
        assert contained(expected, found), found
    assert len(told) == 3


def test_the_description_of_the_api_is_that_of_the_code() -> None:
    """Names and paths are compared: how a schema is written is the library's."""
    kept, drawn = json.loads(charging_openapi.PAGE.read_text()), json.loads(charging_openapi.page())
    assert kept["paths"] == drawn["paths"], "run: make docs"
    assert _names(kept) == _names(drawn), "run: make docs"


def _names(described: dict[str, Any]) -> dict[str, tuple[list[str], list[str]]]:
    schemas = described["components"]["schemas"]
    return {name: (sorted(one.get("properties", {})), sorted(one.get("required", []))) for name, one in schemas.items()}


def test_every_cause_and_every_code_is_on_the_page() -> None:
    assert set(STATUS) == set(Cause)
    assert [one for one in STATUS if f"`{one}`" not in PAGE] == []
    assert [int(one) for one in Code if str(int(one)) not in PAGE] == []
