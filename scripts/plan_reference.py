"""Writes `docs/plan-file.md` from the schema of the plan file.

Run as `python -m scripts.plan_reference` (or `make docs`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mvne.planfile.schema import json_schema
from scripts.packages import ROOT

PAGE = ROOT / "docs" / "plan-file.md"
HEAD = """# The plan file

One YAML file says what a brand is and sells. The tables below are drawn from the code by `make docs`; `mvne schema`
prints the same as JSON Schema, and `mvne init` writes a first file with the line that makes an editor use it.

**How it is read.** Scalars keep their text: `01`, `NO` and `9.90` mean what they say, quoted or not. Unknown and
duplicate keys are refused, and every problem is reported at once with its line and column. A file may be 1 MB, 30
levels deep.

**Quantities** are written as people write them: `60 min`, `90 s`, `2 h`; `100 sms`; `5 GB`, `500 MB` (decimal;
`GiB` for binary); `128 kbit/s`; `unlimited`. **Prices** have a dot: `9.90`. **Rates** name their unit and, if need
be, their increments: `0.05/min`, `0.05/min 60/1` (a whole first minute, then seconds), `0.002` for a message,
`0.85/GB`. **Periods** are `month`, `30 days`, `3 months`.

**Where and whom** are two things. `in` is where the phone is, `to` is whom it calls. Both take zones: `domestic`
(the country's ordinary numbers; premium, special and satellite numbers never ride along), `international`, a zone
of the market such as `eea`, an ISO 3166 country such as `GB`, and for roaming also `other`.

**Beyond an allowance** (`then`): a rate, `slow 128 kbit/s` (data), or `stop`. A bounded allowance must say which.

**Roaming** treats a country `domestic` (as at home: allowances count, and calls within the visited zone are
domestic), `refuse`, or with prices of its own.

**Services** price calls to a number group: `care_calls: {voice to: care_homes, price: 0, from_allowance: no, after:
{120 min per call: plan}}` is free for the first two hours of a call and leaves the allowance alone.

**Versions.** A plan that somebody bought is never edited: a change makes a new version, sold from then on, and
`mvne diff` says who stays on the old one. A plan that leaves the file while people are on it is refused; `--retire
PLAN` takes it off sale and lets them keep it.

**Files beside it.** Rate decks: `prefix,to,price,increments[,sms]`. Number groups: `number[,name]`. Tax tables:
`region,name,percent[,per_line]`.

**Not in this version**, and refused with a sentence that says so: commitments, partners, action services, automatic
change of tier, priced use on prepaid plans, wholesale by capacity, tiers or retail-minus.
"""


def page() -> str:
    """Return the whole page."""
    schema = json_schema()
    sections = [("the file itself", schema), *sorted(schema.get("$defs", {}).items())]
    return "\n".join([HEAD, *(_section(name, one) for name, one in sections if one.get("properties"))])


def _section(name: str, schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = [
        f"| `{key}` | {'yes' if key in required else ''} | {_text(one)} |" for key, one in schema["properties"].items()
    ]
    title = name.removesuffix("Section")
    return "\n".join(
        [f"## {title}", "", schema.get("description", ""), "", "| Key | Required | |", "|---|---|---|", *rows, ""]
    )


def _text(schema: dict[str, Any]) -> str:
    kinds = sorted(set(_sections(schema)))
    links = " ".join(f"→ [{kind}](#{kind.lower()})" for kind in kinds)
    return f"{schema.get('description', '')} {links}".strip().replace("|", "\\|")


def _sections(schema: Any) -> Iterator[str]:
    """Yield the sections that a value may be."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2].removesuffix("Section")
        for one in schema.values():
            yield from _sections(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from _sections(one)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
