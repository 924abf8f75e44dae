"""Plan files for tests: a small valid one, and a way to change one thing and to say where the finding must point."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mvne.brand import Brand
from mvne.planfile import Finding, examine

BASE = """\
brand: {id: b, name: B, market: FR}
host:
  network: simulated
  agreement: {from: 2026-01-01, line: 0.60/month, voice: 0.0035/min, sms: 0.002, data: 0.85/GB}
plans:
  - id: a
    pay: postpaid
    price: 4.90
    includes: {voice: 60 min, sms: unlimited, data: 1 GB}
    then: {voice: 0.05/min, data: stop}
"""
US = """\
brand: {id: b, name: B, market: US}
host:
  network: simulated
  agreement: {from: 2026-01-01, voice: 0.0035/min, sms: 0.002, data: 0.85/GB}
plans:
  - {id: a, pay: postpaid, price: 4.90, includes: {voice: 60 min}, then: {voice: 0.05/min}}
"""
#: Stands before the token that a finding must point at.
MARK = "¦"


@dataclass(frozen=True)
class Plans:
    """Writes plan files into a folder of their own."""

    folder: Path

    def write(self, text: str, **tables: str) -> Path:
        for name, content in tables.items():
            (self.folder / f"{name}.csv").write_text(content, encoding="utf-8")
        path = self.folder / "plan.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def examine(self, text: str, **tables: str) -> tuple[Brand | None, list[Finding]]:
        return examine(self.write(text, **tables))

    def brand(self, text: str, **tables: str) -> Brand:
        brand, findings = self.examine(text, **tables)
        assert brand is not None, [str(one) for one in findings]
        return brand

    def findings(self, text: str, **tables: str) -> list[Finding]:
        """Return the findings of a text that is not valid; file names are shortened to their last part."""
        brand, findings = self.examine(text, **tables)
        assert brand is None
        return findings


def changed(old: str, new: str, base: str = BASE) -> str:
    """Return the base file with one piece changed, which must be there once."""
    assert base.count(old) == 1, old
    return base.replace(old, new)


def marked(text: str) -> tuple[str, tuple[int, int]]:
    """Take the mark out of a text; return the rest and the line and column at which it stood."""
    assert text.count(MARK) == 1, text
    before = text[: text.index(MARK)]
    return text.replace(MARK, ""), (before.count("\n") + 1, len(before) - before.rfind("\n"))
