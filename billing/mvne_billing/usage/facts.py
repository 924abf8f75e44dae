"""What is known of a usage file as a whole: who sent it, which number it has, what it says of itself, what is wrong.

Facts that stand at the beginning of a file are there when it is opened; findings and counts grow while its rows are
read, and are complete when the last row is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mvne_billing.usage.record import UsageRecord
from mvne_billing.usage.rows import BrokenRow

#: Findings that are kept of one file; more are only counted.
MOST_FINDINGS = 1000

#: The label of calls and messages that reached a line.
INCOMING = "incoming"


class Format(StrEnum):
    """The formats of usage files, known by their content."""

    CSV = "csv"
    PARQUET = "parquet"
    TAP = "tap"
    CDR = "3gpp"


class Severity(StrEnum):
    """How bad a finding is: the file should not be loaded, a row is wrong, or it should be looked at."""

    FATAL = "fatal"
    SEVERE = "severe"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a file: a code (`callEventDetailsCount.100`), its place, and a sentence.

    The numbers of codes follow the habit of roaming files: 10 malformed, 20 out of range, 30 missing, 100 and more for
    what does not agree with the rest of the file.
    """

    severity: Severity
    code: str
    place: str
    message: str


@dataclass
class Findings:
    """The findings of a file, in the order they were met; `count` also counts those beyond what is kept."""

    kept: list[Finding] = field(default_factory=list)
    count: Counter[Severity] = field(default_factory=Counter)

    def add(self, severity: Severity, code: str, place: str, message: str) -> None:
        """Keep a finding; beyond the most that are kept only its severity is counted."""
        self.count[severity] += 1
        if len(self.kept) < MOST_FINDINGS:
            self.kept.append(Finding(severity, code, place, message))

    @property
    def is_fatal(self) -> bool:
        """Whether the file should not be loaded."""
        return self.count[Severity.FATAL] > 0


@dataclass(frozen=True, slots=True)
class Conventions:
    """What a host's files leave unsaid, agreed with the host once.

    `countries` says where networks are that have no country of their own, by TADIG code, its first three letters, or
    mobile country code. `home` is where use without a named network was. `national` stands before a number that the
    network calls national (`+33`). `labels` names rating groups; those without a name have no label. `left_out` holds
    the names of record types that are passed over and counted: a host that sends S-GW and P-GW records tells the same
    traffic twice. `incoming` says whether calls and messages that reach a line are records, labelled `incoming`.
    """

    countries: Mapping[str, str] = field(default_factory=dict)
    home: str | None = None
    national: str = ""
    labels: Mapping[int, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    incoming: bool = False


#: A host with which nothing was agreed.
PLAIN = Conventions()


@dataclass
class UsageFile:
    """A usage file being read. `rows` can be gone through once.

    `sender`, `recipient` and `sequence` (the sender's own count of its files, for finding gaps) are empty where the
    format has none. `declared` is how many records the file says it has, in its own sense of a record. `records` and
    `broken` count the rows so far; `left_out` counts, by reason, what is in the file and no use of a line that is
    priced: rows that the mapping skips, incoming calls, records of the network about itself.
    """

    source: str
    format: Format
    rows: Iterator[UsageRecord | BrokenRow]
    sender: str = ""
    recipient: str = ""
    sequence: int | None = None
    created: datetime | None = None
    declared: int | None = None
    findings: Findings = field(default_factory=Findings)
    left_out: Counter[str] = field(default_factory=Counter)
    records: int = 0
    broken: int = 0
