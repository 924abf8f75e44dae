"""The worked examples of docs/charging.md, run as they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from mvne_billing.charging.session import Action, Answer, Policy, Units
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket
from scripts.packages import ROOT
from tests.billing.builders import MB, Books
from tests.billing.charging.till import CALL, DATA, EMERGENCY, TEXT, A, Till

PAGE = (ROOT / "docs" / "charging.md").read_text(encoding="utf-8")
USES = {"call": CALL, "data": DATA, "message": TEXT, "emergency": EMERGENCY}
_START = re.compile(r"^Wallet (\d+\.\d\d), (\d+) s and (\d+) MB included\.$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A line as it begins, and what is done on it, row by row."""

    wallet: str
    seconds: int
    megabytes: int
    rows: tuple[tuple[str, ...], ...]


def examples() -> Iterator[Example]:
    """Give the examples of the page: a sentence about the line, and the table after it."""
    for found in _START.finditer(PAGE):
        table = PAGE[found.end() :].lstrip().split("\n\n")[0].splitlines()
        rows = tuple(tuple(cell.strip() for cell in row.strip("|").split("|")) for row in table[2:])
        yield Example(found.group(1), int(found.group(2)), int(found.group(3)), rows)


def units(text: str) -> int:
    number, _, unit = text.partition(" ")
    return int(number) * (MB if unit == "MB" else 1)


def micro(text: str) -> int:
    return int(Decimal(text) * 1_000_000)


def done(till: Till, step: str, name: str, use: str, used: str, wanted: str, sequences: dict[str, int]) -> Answer:
    service = USES[use]
    if step == "event":
        return till.event(Action.CHARGE, session=name, service=service, units=units(used))
    if step == "refund":
        return till.event(Action.REFUND, session=f"{name}-back", refunds=name, rating_group=1, units=units(used))
    sequence = sequences[name] = sequences.get(name, -1) + 1
    asked = None if wanted == "-" else units(wanted)
    group = Units(1, service if step == "create" else None, asked, units(used))
    send = {"create": till.create, "update": till.update, "release": till.release}[step]
    return send(sequence, group, session=name) if step != "create" else till.create(group, session=name)  # type: ignore[operator]  # each takes its own


@pytest.mark.parametrize("example", list(examples()), ids=lambda one: f"{one.wallet}-{one.rows[0][0]}")
def test_an_example_of_the_page_is_as_it_says(books: Books, example: Example) -> None:
    buckets = [Bucket("voice", Kind.VOICE, example.seconds), Bucket("data", Kind.DATA, example.megabytes * MB)]
    till = Till(books, Policy()).plan(buckets=tuple(one for one in buckets if one.amount)).line(A, example.wallet)
    sequences: dict[str, int] = {}
    for step, use, used, wanted, granted, charged, free, reserved in example.rows:
        verb, _, name = step.partition(" ")
        told = done(till, verb, name, use, used, wanted, sequences)
        (one,) = told.groups
        assert told.charged_micro == micro(charged), step
        assert till.money() == (micro(free), micro(reserved)), step
        if granted != "-":
            amount, _, final = granted.partition(", ")
            assert (one.granted, one.final is not None) == (units(amount), bool(final)), step
    till.close()
    assert books.faults() == ()


def test_the_page_has_examples() -> None:
    assert len(list(examples())) >= 7
