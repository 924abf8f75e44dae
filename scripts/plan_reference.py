"""Writes `docs/plan-file.md` from the schema of the plan file.

Run as `python -m scripts.plan_reference` (or `make docs`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mvne.planfile.schema import json_schema
from scripts.packages import ROOT

PAGE = ROOT / "docs" / "plan-file.md"
#: The file that has every key of a tariff once; the page prints it.
FULL = ROOT / "examples" / "atlas" / "plan.yaml"
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

**A price of use** is one line, `0.05/min 60/1 setup 0.10 minimum 0.20 maximum 2 stop percent 2.5`, or the same key by
key, where it can also have `tiers` over the period (`graduated`, `volume` or `package`, which is by started block, as
in `{price: 1.00/500 MB, tiers_are: package}`) and other prices in time `bands`. Set-up, minimum, maximum and percent
count once per session; a band's price keeps the increments of the usual one unless it names its own.

**Where and whom** are two things. `in` is where the phone is, `to` is whom it calls. Both take zones: `domestic`
(the country's ordinary numbers; premium, special and satellite numbers never ride along), `international`, a zone
of the market such as `eea`, one of the file's own under `zones`, an ISO 3166 country such as `GB`, for roaming also
`other`, and for calls `on_net`, the brand's own numbers.

**Time bands** go by the subscriber's clock; the first in the file that holds is in force. A `holiday` is a day of its
own sort, not the weekday it falls on. One over midnight belongs to the day it begins. Calls are cut where the band
changes unless `calls_split_at_bands` is no; data and messages take the band of their start.

**Allowances**: one a kind, or a list. They burn by `priority`, then what expires first, then the oldest. `thresholds`
make events at percentages; using all of it up always is one. What is left can roll over or give a `credit` on the
next bill.

**Beyond an allowance** (`then`): a price, `slow 128 kbit/s` (data), `stop`, or `{next: PLAN}`, which goes on at that
plan's allowance for the difference of the two prices, once, and then as that plan does. A list is steps, each `for`
so much of the period. A bounded allowance must say what happens.

**Roaming** treats a country `domestic` (as at home: allowances count, and calls within the visited zone are
domestic), `refuse`, or with prices of its own. In the EU included data may have a fair use: `auto` is twice the plan's
price before tax over what a host abroad may charge (Regulation (EU) 2022/612), by the lowest cap known, so that it is
enough on every day; `auto 2026-07-01` takes the cap of a day. Beyond it the zone's `then` prices hold, or the plan's.

**Guards** stop or report a line that spends or uses too much. A plan of an EU market that charges for data abroad has
one by default, at 50 EUR before tax a period, with a notice at 80 percent (art. 14 of the same regulation); one of
your own named `eu_roaming_limit` is instead of it.

**Prepaid** plans price use from the line's wallet, whose rules stand under `prepaid`. They take no `rates` but their
own, and no `volume` prices.

**Services** price calls to a number group: `care_calls: {voice to: care_homes, price: 0, from_allowance: no, after:
{120 min per call: plan}}` is free for the first two hours of a call and leaves the allowance alone.

**Versions.** A plan that somebody bought is never edited: a change makes a new version, sold from then on, and
`mvne diff` says who stays on the old one. A plan that leaves the file while people are on it is refused; `--retire
PLAN` takes it off sale and lets them keep it.

**Files beside it.** Rate decks: `prefix,to,price`, and `increments`, `setup`, `minimum`, `maximum`, `percent` of a
call, `sms`, and a column for a time band's price (`evening`, `sms evening`). Number groups: `number[,name]`. Tax
tables: `region,name,percent[,per_line]`.

**Not in this version**, and refused with a sentence that says so: commitments, partners, action services, passes.

## All of it in one file

A small brand needs a dozen of these keys; this one, [`examples/atlas`](../examples/atlas/README.md), uses every key
of a tariff.

```yaml
"""


def page() -> str:
    """Return the whole page."""
    schema = json_schema()
    sections = [("the file itself", schema), *sorted(schema.get("$defs", {}).items())]
    head = f"{HEAD}{FULL.read_text(encoding='utf-8')}```\n"
    return "\n".join([head, *(_section(name, one) for name, one in sections if one.get("properties"))])


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
