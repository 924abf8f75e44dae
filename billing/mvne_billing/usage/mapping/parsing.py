"""Reading a mapping: plain dicts, as YAML or JSON gives them, to a checked `CsvMapping`; all problems at once."""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mvne_billing.errors import BillingError
from mvne_billing.usage.mapping.model import Amount, Condition, CsvMapping, Moment, Text, Trailer
from mvne_billing.usage.mapping.units import PLAIN, UNITS, Unit
from mvne_plans.quantity import Kind


class InvalidMapping(BillingError):
    """A mapping cannot be used; `problems` says everything that is wrong with it."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("the mapping cannot be used: " + "; ".join(self.problems))


_LAYOUT = frozenset(("encoding", "delimiter", "quote", "header", "skip_lines", "decimal"))
_TOP = _LAYOUT | {"fields", "skip", "trailer", "sender", "file_name", "country_code"}
_NEEDED = ("msisdn", "kind", "start", "amount", "country")
_FIELDS = frozenset((*_NEEDED, "id", "to", "session", "label", "corrects"))
_SOURCE = frozenset(("column", "columns", "value", "remove"))
_TEXT = _SOURCE | {"join", "values", "otherwise", "prefixes"}
_AMOUNT = _SOURCE | {"unit", "fraction"}
_CONDITION = frozenset(("column", "is", "in", "not_in", "matches", "because"))


def parse_mapping(said: object) -> CsvMapping:
    """Return the mapping that `said` (a dict of texts, lists and dicts) describes; raise `InvalidMapping`."""
    reading = _Reading()
    mapping = reading.mapping(said)
    if reading.problems or mapping is None:
        raise InvalidMapping(reading.problems)
    return mapping


@dataclass
class _Reading:
    """One pass over a mapping; each method returns something usable and notes what is wrong on the way."""

    problems: list[str] = field(default_factory=list)
    header: bool = True

    def mapping(self, said: object) -> CsvMapping | None:
        top = self.table(said, "the mapping", _TOP)
        self.header = self.yes(top, "header", True)
        fields = self.table(top.get("fields", {}), "fields", _FIELDS)
        for name in _NEEDED:
            if name not in fields:
                self.problems.append(f"fields.{name} is missing")
        texts: dict[str, Any] = {
            name: self.text(fields[name], f"fields.{name}") for name in fields if name not in ("start", "amount")
        }
        start = self.moment(fields.get("start", {}), "fields.start") if "start" in fields else None
        amounts = self.amounts(fields.get("amount", {}), "fields.amount")
        self.kinds(texts.get("kind"), amounts)
        rules = [
            self.condition(one, f"skip[{place}]") for place, one in enumerate(self.list_of(top.get("skip"), "skip"))
        ]
        read: dict[str, Any] = {
            "encoding": self.known(top, "encoding", "utf-8-sig", codecs.lookup, LookupError),
            "delimiter": self.sign(top, "delimiter", ","),
            "quote": self.sign(top, "quote", '"', empty=True) or None,
            "skip_lines": self.count(top, "skip_lines"),
            "decimal": self.sign(top, "decimal", "."),
            "trailer": self.trailer(top["trailer"]) if "trailer" in top else None,
            "sender": str(top.get("sender", "")),
            "file_name": self.pattern(top.get("file_name"), "file_name"),
            "country_code": self.one_of(top, "country_code", ("iso", "tadig", "plmn")),
        }
        if self.problems or start is None:
            return None
        return CsvMapping(start=start, amounts=amounts, header=self.header, skip=tuple(rules), **texts, **read)

    def table(self, said: object, place: str, keys: frozenset[str]) -> Mapping[str, Any]:
        if not isinstance(said, Mapping):
            self.problems.append(f"{place} is {said!r}, not keys with values")
            return {}
        unknown = sorted(str(key) for key in said if key not in keys)
        if unknown:
            self.problems.append(f"{place} has no {', '.join(unknown)}; it has {', '.join(sorted(keys))}")
        return said

    def list_of(self, said: object, place: str) -> list[Any]:
        if said is None:
            return []
        if not isinstance(said, list | tuple):
            self.problems.append(f"{place} is {said!r}, not a list")
            return []
        return list(said)

    def yes(self, said: Mapping[str, Any], key: str, default: bool) -> bool:
        text = str(said.get(key, default)).lower()
        if text not in ("yes", "no", "true", "false"):
            self.problems.append(f"{key} is {text!r}, not yes or no")
            return default
        return text in ("yes", "true")

    def one_of(self, said: Mapping[str, Any], key: str, choices: tuple[str, ...], place: str = "") -> str:
        text = str(said.get(key, choices[0]))
        if text not in choices:
            self.problems.append(f"{place}{key} is {text!r}, none of {', '.join(choices)}")
        return text

    def sign(self, said: Mapping[str, Any], key: str, default: str, empty: bool = False) -> str:
        text = {"tab": "\t"}.get(str(said.get(key, default)), str(said.get(key, default)))
        if len(text) != 1 and not (empty and not text):
            self.problems.append(f"{key} is {text!r}, not one sign (or tab)")
            return default
        return text

    def count(self, said: Mapping[str, Any], key: str) -> int:
        text = str(said.get(key, 0))
        if not (text.isascii() and text.isdigit() and len(text) < 7):
            self.problems.append(f"{key} is {text!r}, not a number of lines")
            return 0
        return int(text)

    def known(
        self, said: Mapping[str, Any], key: str, default: str, lookup: Callable[[str], object], error: type[Exception]
    ) -> str:
        text = str(said.get(key, default))
        try:
            lookup(text)
        except (error, ValueError):
            self.problems.append(f"{key} {text!r} is not known")
        return text

    def pattern(self, said: object, place: str) -> re.Pattern[str] | None:
        if said is None:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", FutureWarning)
                return re.compile(str(said))
        except (re.error, FutureWarning, RecursionError) as error:
            self.problems.append(f"{place} is not a regular expression: {error}")
            return None

    def columns(self, said: Mapping[str, Any], place: str) -> tuple[str, ...]:
        one, several = said.get("column"), self.list_of(said.get("columns"), f"{place}.columns")
        if one is not None and several:
            self.problems.append(f"{place} has column and columns; keep one")
        columns = tuple(str(name) for name in ([one] if one is not None else several))
        for name in columns:
            if not self.header and not (name.isascii() and name.isdigit() and 0 < int(name) < 10_000):
                self.problems.append(f"{place}: without a header a column is a position from 1, not {name!r}")
        return columns

    def text(self, said: object, place: str) -> Text:
        if isinstance(said, str | int):
            said = {"column": said}
        table = self.table(said, place, _TEXT)
        columns = self.columns(table, place)
        if bool(columns) == ("value" in table):
            self.problems.append(f"{place} needs a column or a value, one of the two")
        values = table.get("values")
        return Text(
            columns=columns,
            value=str(table.get("value", "")),
            join=str(table.get("join", " ")),
            remove=str(table.get("remove", "")),
            values=None if values is None else self.texts(values, f"{place}.values"),
            otherwise=str(table["otherwise"]) if "otherwise" in table else None,
            prefixes=self.texts(table.get("prefixes", {}), f"{place}.prefixes"),
        )

    def texts(self, said: object, place: str) -> dict[str, str]:
        if not isinstance(said, Mapping):
            self.problems.append(f"{place} is {said!r}, not texts with texts")
            return {}
        return {str(key): str(value) for key, value in said.items()}

    def moment(self, said: object, place: str) -> Moment:
        table = dict(said) if isinstance(said, Mapping) else {"column": said}
        form, zone = str(table.pop("format", "iso")), table.pop("zone", None)
        if zone is not None:
            self.known({"zone": zone}, "zone", "", ZoneInfo, ZoneInfoNotFoundError)
        if zone is None and "%" in form and "%z" not in form:
            self.problems.append(f"{place} needs a zone: {form!r} says none")
        if form not in ("iso", "unix", "unix_ms") and "%" not in form:
            self.problems.append(f"{place}.format is {form!r}, not iso, unix, unix_ms or such as %d/%m/%Y %H:%M:%S")
        return Moment(self.text(table, place), form, None if zone is None else str(zone))

    def amounts(self, said: object, place: str) -> dict[Kind, Amount]:
        kinds = {kind.value for kind in Kind}
        if isinstance(said, Mapping) and said and all(key in kinds for key in said):
            found = {Kind(str(key)): self.amount(one, f"{place}.{key}", Kind(str(key))) for key, one in said.items()}
        else:
            same = self.amount(said, place, None)
            found = {kind: same for kind in (Kind.VOICE, Kind.DATA)}
        return {Kind.SMS: Amount(value=1), **found}

    def amount(self, said: object, place: str, kind: Kind | None) -> Amount:
        if isinstance(said, str | int):
            said = {"column": said}
        table = self.table(said, place, _AMOUNT)
        columns, value = self.columns(table, place), str(table.get("value", ""))
        if bool(columns) == ("value" in table) and table:
            self.problems.append(f"{place} needs a column or a value, one of the two")
        if value and not (value.isascii() and value.isdigit() and len(value) < 16):
            self.problems.append(f"{place}.value is {value!r}, not a whole number")
            value = ""
        fraction: Any = self.one_of(table, "fraction", ("error", "up", "down"), f"{place}.")
        unit = self.unit(table, place, kind)
        return Amount(columns, int(value) if value else None, unit, str(table.get("remove", "")), fraction)

    def unit(self, said: Mapping[str, Any], place: str, kind: Kind | None) -> Unit:
        if "unit" not in said:
            return PLAIN
        found = UNITS.get(str(said["unit"]))
        if found is None:
            self.problems.append(f"{place}.unit is {said['unit']!r}, none of {', '.join(UNITS)}")
            return PLAIN
        if kind is None:
            self.problems.append(f"{place}.unit needs the kind it is for: amount: {{{found.kind}: …}}")
        elif found.kind is not kind:
            self.problems.append(f"{place}.unit: {found.name} does not measure {kind}")
        return found

    def kinds(self, kind: Text | None, amounts: Mapping[Kind, Amount]) -> None:
        """Check that the values that kinds are translated to are kinds, and that each has an amount."""
        if kind is None or (kind.columns and kind.values is None):
            return
        said = {*(kind.values or {}).values(), *([] if kind.otherwise is None else [kind.otherwise])}
        for value in sorted(said if kind.columns else {kind.value}):
            with suppress(ValueError):
                if Kind(value) in amounts:
                    continue
            self.problems.append(f"fields.kind: {value!r} is none of the kinds that have an amount")

    def condition(self, said: object, place: str) -> Condition:
        table = self.table(said, place, _CONDITION)
        tests = [key for key in ("is", "in", "not_in", "matches") if key in table]
        if len(tests) != 1 or "column" not in table:
            self.problems.append(f"{place} needs a column and one of is, in, not_in, matches")
            return Condition("1")
        [column] = self.columns({"column": table["column"]}, place)
        test, value = tests[0], table[tests[0]]
        because = str(table.get("because", f"{column} {test.replace('_', ' ')} {value}"))
        if test == "matches":
            return Condition(column, pattern=self.pattern(value, f"{place}.matches"), because=because)
        among = [value] if test == "is" else self.list_of(value, f"{place}.{test}")
        return Condition(column, frozenset(map(str, among)), test == "not_in", because=because)

    def trailer(self, said: object) -> Trailer:
        table = dict(self.table(said, "trailer", _CONDITION | {"records"}))
        records = str(table.pop("records", ""))
        if not records:
            self.problems.append("trailer.records is missing: the column with the number of rows")
        return Trailer(self.condition(table, "trailer"), records)
