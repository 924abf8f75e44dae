"""What is wrong with a plan file: each problem with its place, its code and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property

from mvne.errors import MvneError

#: A place inside the file's data: keys and list positions from the top.
DataPath = tuple[str | int, ...]

#: The version of what `as_json` returns.
FORMAT_VERSION = 1

#: Longest piece of a source line that is shown.
_WIDTH = 120


class Severity(StrEnum):
    """How bad a finding is: an error stops a launch, a warning and a piece of information do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: `line` and `column` count from 1, `path` is like `plans[1].price`, `excerpt` is the source line."""

    file: str
    line: int
    column: int
    path: str
    code: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    excerpt: str = ""

    def __str__(self) -> str:
        parts = [f"{self.file}:{self.line}:{self.column}", self.path, self.message]
        if self.severity is not Severity.ERROR:
            parts.insert(1, str(self.severity))
        text = ": ".join(part for part in parts if part)
        return f"{text}; {self.hint}" if self.hint else text


class PlanFileInvalid(MvneError):
    """The plan file cannot be used; `findings` holds every problem that was found, errors and warnings."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(render(findings))
        self.findings = tuple(findings)


@dataclass(frozen=True)
class Source:
    """A file as it was read: its name as the user knows it, and its text."""

    name: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines as editors count them: a line feed ends a line, and nothing else does."""
        return self.text.split("\n")

    def finding(
        self,
        place: tuple[int, int],
        path: DataPath,
        code: str,
        message: str,
        hint: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        """Return a finding at `place` (line and column from 1) with the source line it stands on."""
        line, column = place
        excerpt = self.lines[line - 1] if line <= len(self.lines) else ""
        return Finding(self.name, line, column, spell(path), code, message, hint, severity, excerpt)


def spell(path: DataPath) -> str:
    """Write a place as people do.

    >>> spell(("plans", 1, "terms", 0, "price"))
    'plans[1].terms[0].price'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for the nearest known word, or nothing.

    >>> did_you_mean("currencey", ["currency", "price"])
    "did you mean 'currency'?"
    """
    near = get_close_matches(word[:60], list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""


def listed(words: Iterable[str], last: str = "or") -> str:
    """Write a list as a sentence does.

    >>> listed(["voice", "sms", "data"])
    'voice, sms or data'
    """
    *most, end = words
    return f"{', '.join(most)} {last} {end}" if most else end


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings by file and place, each problem once."""
    return sorted(set(findings), key=lambda one: (one.file, one.line, one.column, one.code, one.message))


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Return those that stop a launch."""
    return [one for one in findings if one.severity is Severity.ERROR]


def render(findings: Iterable[Finding]) -> str:
    """Write findings for people: the place, the message, the source line and a caret under the token."""
    return "\n".join(f"{one}\n{_excerpt(one)}" if one.excerpt else str(one) for one in findings)


def as_json(findings: Iterable[Finding]) -> dict[str, object]:
    """Return findings for machines, ready for `json.dumps`."""
    keys = ("file", "line", "column", "path", "code", "message", "hint", "severity")
    listing = [{key: getattr(one, key) for key in keys} for one in findings]
    return {"format_version": FORMAT_VERSION, "findings": listing}


def _excerpt(finding: Finding) -> str:
    # A hostile file must not send control characters to the terminal, nor a line of a megabyte.
    start = max(0, finding.column - 1 - _WIDTH // 2) if len(finding.excerpt) > _WIDTH else 0
    shown = "".join(sign if sign.isprintable() else " " for sign in finding.excerpt[start : start + _WIDTH])
    margin = f"{finding.line:>5} | "
    return f"{margin}{shown.rstrip()}\n{' ' * (len(margin) - 2)}| {' ' * (finding.column - 1 - start)}^"
