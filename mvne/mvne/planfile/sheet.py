"""The working sheet of one reading: the file's nodes, the findings so far, and why each setting holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mvne.brand import Explained
from mvne.planfile.findings import DataPath, Finding, Severity, spell
from mvne.planfile.nodes import Document, Listing, Mapping, Node, Scalar
from mvne_plans.money import MoneyError
from mvne_plans.period import PeriodError
from mvne_plans.quantity import QuantityError
from mvne_plans.rate import RateError

T = TypeVar("T")

#: The code of a finding by what the value could not be read as.
_CODES: dict[type[ValueError], str] = {
    MoneyError: "bad_price",
    PeriodError: "bad_period",
    QuantityError: "bad_quantity",
    RateError: "bad_rate",
}
#: Findings that hold whatever the market is.
MARKET_FREE = {*_CODES.values(), "bad_date", "bad_percent", "negative_price", "duplicate_id"}


@dataclass
class Sheet:
    """Collects findings and reasons while a file is compiled; `left_out` are places whose shape was wrong."""

    document: Document
    folder: Path
    left_out: set[DataPath] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    defaults: list[Explained] = field(default_factory=list)

    def note(
        self,
        path: DataPath,
        code: str,
        message: str,
        hint: str = "",
        *,
        severity: Severity = Severity.ERROR,
        key: bool = False,
    ) -> None:
        """Add a finding at a value, or at its key."""
        place = self.document.place(path, key)
        self.findings.append(self.document.source.finding(place, path, code, message, hint, severity))

    def absent(self, path: DataPath, code: str, message: str, hint: str = "", *, key: bool = True) -> None:
        """Add a finding about something that is not there, unless it was there and left out for its shape."""
        if not any(place[: len(path)] == path for place in self.left_out):
            self.note(path, code, message, hint, key=key)

    def read(self, path: DataPath, parse: Callable[[], T]) -> T | None:
        """Return what `parse` reads, or add a finding at `path` with the reason and return None."""
        try:
            return parse()
        except (MoneyError, PeriodError, QuantityError, RateError) as error:
            code = next(code for kind, code in _CODES.items() if isinstance(error, kind))
            self.note(path, code, str(error))
            return None

    def default(self, path: str, value: object, reason: str) -> None:
        """Say why a setting that the file leaves open is as it is."""
        self.defaults.append(Explained(path, str(value), reason))

    def settings(self) -> tuple[Explained, ...]:
        """Return every value the file sets, with the line it stands on."""
        return tuple(_settings(self.document.root, self.document.source.name, ()))


def _settings(node: Node, file: str, path: DataPath) -> list[Explained]:
    match node:
        case Scalar(text=text, place=place):
            return [Explained(spell(path), text or "", f"{file}:{place[0]}")]
        case Mapping(entries=entries):
            return [one for key, (_, value) in entries.items() for one in _settings(value, file, (*path, key))]
        case Listing(items=items):
            named = [(_name(item, number), item) for number, item in enumerate(items)]
            return [one for name, item in named for one in _settings(item, file, (*path, name))]


def _name(item: Node, number: int) -> str | int:
    """Return the id of a list's item if it has one: `plans.serenite` says more than `plans[1]`."""
    if isinstance(item, Mapping) and "id" in item.entries:
        node = item.entries["id"][1]
        if isinstance(node, Scalar) and node.text:
            return node.text
    return number
