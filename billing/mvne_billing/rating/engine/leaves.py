"""Which number is called, as one small integer: a dictionary of all prefixes that any tariff or agreement knows.

Two numbers with the same longest known prefix are the same to every rule, so that prefix, the leaf, stands for them.
Numbers are integers: an E.164 number is its digits, a short code is minus a one followed by its digits (112 is -1112).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from mvne_billing.rating.engine.expression import TRUE, Expr, case, equals, lit, within
from mvne_billing.rating.engine.relation import Relation
from mvne_billing.rating.engine.tables import Table
from mvne_plans.numbering import NumberingPlan

#: Digits of the longest E.164 number (ITU-T E.164, 6.1); numbers are brought to this length to be cut.
DIGITS = 15

#: Digits by which each level of the dictionary looks: the first, and each further one.
_FIRST, _MORE = 4, 2

#: The leaves of everything that no prefix matches, of use without a called number, and of unknown short codes.
ROOT, NOBODY = "+", ""

_DEEPER = -1

#: Numbers have more digits than this, but for a few that the reference may have.
_SHORT = 8

#: What is known of a number so far, by the column of the dictionary.
_FOUND = {"leaf": "found", "least": "least"}

#: So many short codes are asked one by one.
_FEW = 12


@dataclass(frozen=True)
class Leaves:
    """All known prefixes in order, each the name of a leaf, and the short code that stands for unknown ones."""

    names: tuple[str, ...]
    unknown_short: str

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of each leaf by its name."""
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def prefixes(self) -> dict[str, int]:
        """The leaf of each prefix, in digits without the plus sign."""
        return {name[1:]: place for name, place in self.numbers.items() if name.startswith("+") and len(name) > 1}

    @property
    def longest(self) -> int:
        """The digits of the longest prefix; a number with fewer cannot be looked up by its head."""
        return max(map(len, self.prefixes), default=1)


def leaves_of(numbering: NumberingPlan, known: Iterable[str]) -> Leaves:
    """Return the leaves of a numbering plan and of the prefixes of rate decks and number groups."""
    found = {one.prefix for one in numbering.destinations} | set(known)
    reachable = {one for one in found if _is_number(one) and (one.startswith("+") or numbering.normalise(one) == one)}
    # Nobody dials a code of eighteen nines; one that is known all the same gives way to a shorter one.
    unknown = next(code for code in ("9" * size for size in range(18, 0, -1)) if code not in reachable)
    return Leaves((NOBODY, ROOT, unknown, *sorted(reachable)), unknown)


def _is_number(text: str) -> bool:
    digits = text.removeprefix("+")
    longest = DIGITS if text.startswith("+") else DIGITS + 2
    return digits.isascii() and digits.isdigit() and 0 < len(digits) <= longest and text[:2] != "+0"


def short_code(code: str) -> int:
    """Return a short code as the integer that stands for it.

    >>> short_code("112"), short_code("0800")
    (-1112, -10800)
    """
    return -int(f"1{code}")


def levels(leaves: Leaves) -> tuple[int, ...]:
    """Return by how many leading digits each level of the dictionary looks."""
    sizes = [min(_FIRST, leaves.longest)]
    while sizes[-1] < leaves.longest:
        sizes.append(min(sizes[-1] + _MORE, leaves.longest))
    return tuple(sizes)


@lru_cache(maxsize=8)  # a run asks twice: for the tables, and for what they hold
def dictionary(leaves: Leaves) -> list[Table]:
    """Return one table per level: by `place` the `leaf` known so far, and which `part` of the next level to ask.

    `least` is the least number that has as many digits as the prefix of the leaf: what is shorter does not have it.
    Every place has a row, so that no number is missed and the engine can look instead of search: a place of the first
    level is the leading digits of a number, one of a further level the part and the next digits. Part 0 says that the
    leaf is final.
    """
    known, root = leaves.prefixes, leaves.numbers[ROOT]
    tables = []
    parts: list[str | None] = [""]
    for before, size in pairwise((0, *levels(leaves))):
        deeper = {prefix[:size] for prefix in known if len(prefix) > size}
        heads = [None if part is None else part + tail for part in parts for tail in _tails(size - before)]
        numbered = {head: place for place, head in enumerate(sorted(deeper), start=1)}
        found = list(_longest(heads, known))
        columns = {
            "place": range(len(heads)),
            "leaf": [known.get(prefix, root) for prefix in found],
            "least": [10 ** (len(prefix) - 1) if prefix else 0 for prefix in found],
            "part": [0 if head is None else numbered.get(head, 0) for head in heads],
        }
        tables.append(Table(f"head_{size}", columns, {"place": "long", "leaf": "int", "least": "long", "part": "int"}))
        parts = [None, *sorted(deeper)]
    return tables


def _tails(size: int) -> list[str]:
    return [f"{tail:0{size}d}" for tail in range(10**size)]


def _longest(heads: Sequence[str | None], known: Mapping[str, int]) -> Iterator[str]:
    """Yield the longest known prefix of each head, empty for none."""
    lengths = sorted({len(prefix) for prefix in known}, reverse=True)
    for head in heads:
        fitting = (head[:size] for size in lengths if head[:size] in known) if head is not None else iter(())
        yield next(fitting, "")


def short_codes(leaves: Leaves) -> Table:
    """Return the table of short codes: `code` as its integer, and its `leaf`."""
    codes = {short_code(name): place for name, place in leaves.numbers.items() if name.isdigit()}
    ordered = sorted(codes)
    return Table("short_code", {"code": ordered, "leaf": [codes[one] for one in ordered]}, {"leaf": "int"})


def with_leaf(rows: Relation, leaves: Leaves) -> Relation:
    """Add `leaf` to rows with a `number` (0 for none); -1 for numbers that the dictionary cannot tell."""
    unknown = leaves.numbers[leaves.unknown_short]
    rows = rows.extend(padded=_padded(rows["number"]), found=lit(leaves.numbers[ROOT]), least=lit(0), part=lit(0))
    sizes = levels(leaves)
    for (before, size), table in zip(pairwise((0, *sizes)), dictionary(leaves), strict=True):
        level, tails = table.relation, 10 ** (size - before)
        digits = rows["padded"] // 10 ** (DIGITS - size)
        within_part = digits - rows["padded"] // 10 ** (DIGITS - before) * tails if before else digits
        place = within(rows["part"] * tails + within_part, 0, len(table) - 1)
        rows = rows.join(
            level, equals(place, level.there("place")), next_leaf="leaf", next_least="least", next_part="part"
        )
        deeper = (rows["part"] > 0) if before else TRUE
        found = {name: case((deeper, rows[f"next_{name}"]), otherwise=rows[old]) for name, old in _FOUND.items()}
        rows = rows.extend(found=found["leaf"], least=found["least"], part=rows["next_part"])
    rows = _with_short_leaf(rows, leaves, unknown)
    # Where all prefixes are short, so that every number is longer, nothing has to be looked up to know it.
    least = rows["least"] if leaves.longest > _SHORT else lit(10 ** (leaves.longest - 1))
    called = case(
        (equals(rows["number"], lit(0)), leaves.numbers[NOBODY]),
        (rows["number"] < 0, rows["short_leaf"]),
        (rows["number"] < least, _DEEPER),
        (rows["number"] >= 10**DIGITS, _DEEPER),
        otherwise=rows["found"],
    )
    dropped = {"padded", "found", "least", "part", "next_leaf", "next_least", "next_part", "short_leaf"}
    kept = [name for name in (*rows.columns, "leaf") if name not in dropped]
    return rows.extend(leaf=called).keep(kept)


def _with_short_leaf(rows: Relation, leaves: Leaves, unknown: int) -> Relation:
    """Add `short_leaf`: a few codes are asked one by one, which costs nothing where nobody dials one."""
    table = short_codes(leaves)
    if len(table) > _FEW:
        shorts = table.relation
        return rows.find(shorts, equals(rows["number"], shorts.there("code")), short_leaf=("leaf", lit(unknown)))
    codes = zip(table.columns["code"], table.columns["leaf"], strict=True)
    known = [(equals(rows["number"], int(str(code))), int(str(leaf))) for code, leaf in codes]
    return rows.extend(short_leaf=case((rows["number"] < 0, case(*known, otherwise=unknown))))


def _padded(number_: Expr) -> Expr:
    """Return a number brought to fifteen digits by zeros at its end; its usual lengths are tried first."""
    lengths = (11, 12, 10, 13, 9, 14, 15, 8, 7, 6, 5, 4, 3, 2, 1)
    branches = [((number_ >= 10 ** (size - 1)) & (number_ < 10**size), _shifted(number_, size)) for size in lengths]
    return case((number_ <= 0, 0), *branches)


def _shifted(number_: Expr, size: int) -> Expr:
    return within(number_, 10 ** (size - 1), 10**size - 1) * int(10 ** (DIGITS - size))
