"""Numbers that regulators keep free of subscribers, the only ones a sandbox may use.

Membership is a look-up in the pack's own table. A phone number library is no substitute: it calls the reserved French
and British mobiles invalid, and numbers of real people valid.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Literal

from mvne.markets.destinations import area_codes
from mvne.markets.packfile import MarketError, Pack, PackError, at

#: What a range is for; `any` where mobile and fixed numbers look alike.
LineKind = Literal["mobile", "fixed", "any"]
FALLBACK = "+1 <area code> 555-0100 to 555-0199"
_LINE_KINDS: Mapping[str, LineKind] = {
    "mobile": "mobile",
    "mobile_single": "mobile",
    "geographic": "fixed",
    "no_area": "fixed",
    "any_area_code": "any",
}


class NoFictionalNumbers(MarketError):
    """The market has reserved no number of this kind for fiction."""


class TooFewFictionalNumbers(MarketError):
    """More numbers were asked for than the market has reserved."""


@dataclass(frozen=True, slots=True)
class FictionalRange:
    """The numbers from `first` to `last`, both included, in international form and of equal length."""

    kind: LineKind
    first: str
    last: str

    def __len__(self) -> int:
        return int(self.last) - int(self.first) + 1

    def __iter__(self) -> Iterator[str]:
        return (f"+{number}" for number in range(int(self.first), int(self.last) + 1))


@dataclass(frozen=True, slots=True)
class FictionalNumbers:
    """The numbers reserved for fiction in one market, in the order in which a sandbox takes them.

    `borrowed` holds the ranges of the North American plan for a market that has none of its own: a sandbox may be given
    them explicitly, they are never handed out.
    """

    market: str
    ranges: tuple[FictionalRange, ...]
    borrowed: tuple[FictionalRange, ...] = ()
    _sorted: tuple[FictionalRange, ...] = field(init=False, repr=False, compare=False)
    _keys: tuple[tuple[int, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = sorted((*self.ranges, *self.borrowed), key=lambda each: _key(each.first))
        object.__setattr__(self, "_sorted", tuple(ordered))
        object.__setattr__(self, "_keys", tuple(_key(each.first) for each in ordered))

    def contains(self, msisdn: str) -> bool:
        """Say whether a number in international form (`+` and digits) is reserved for fiction."""
        digits = msisdn.removeprefix("+")
        if not (msisdn.startswith("+") and digits.isascii() and digits.isdecimal()):
            return False
        position = bisect_right(self._keys, _key(msisdn)) - 1
        return position >= 0 and _key(msisdn) <= _key(self._sorted[position].last)

    def first(self, count: int, kind: Literal["mobile", "fixed"] = "mobile") -> list[str]:
        """Return the first `count` numbers, always the same ones in the same order.

        Raise `NoFictionalNumbers` where the market has none of this kind, `TooFewFictionalNumbers` where it has fewer.
        """
        ranges = self._of(kind)
        if not ranges:
            raise NoFictionalNumbers(
                f"{self.market} has no {kind} number reserved for fiction: give the sandbox its numbers "
                f"explicitly, or use {FALLBACK}"
            )
        available = sum(len(each) for each in ranges)
        if count > available:
            raise TooFewFictionalNumbers(
                f"{self.market} has {available} {kind} numbers reserved for fiction, {count} were asked for: "
                f"ask for at most {available}, or give further numbers explicitly"
            )
        return list(islice(chain.from_iterable(ranges), count))

    def describe(self) -> str:
        """Return the ranges as a person reads them, for messages."""
        if not self.ranges:
            return f"no number of {self.market} is reserved for fiction; {FALLBACK} may be used instead"
        if all(each.kind == "any" for each in self.ranges):
            return f"{FALLBACK} with an area code of {self.market}"
        return ", ".join(_describe(each) for each in self.ranges)

    def _of(self, kind: Literal["mobile", "fixed"]) -> list[FictionalRange]:
        return [each for each in self.ranges if each.kind in (kind, "any")]


def fictional_numbers(pack: Pack, market: str) -> FictionalNumbers:
    """Return the fictional numbers of a pack; raise `PackError` for a row that cannot be read."""
    rows = at(pack, "numbering.fictional")
    ranges = tuple(each for row in rows for each in _ranges(pack, row))
    fallback = () if ranges else tuple(_ranges(pack, at(pack, "numbering.fictional_fallback")))
    return FictionalNumbers(market, ranges, fallback)


def _ranges(pack: Pack, row: Mapping[str, Any]) -> Iterator[FictionalRange]:
    kind = _LINE_KINDS.get(row["kind"])
    if kind is None:
        raise PackError(f"fictional numbers of kind '{row['kind']}' are unknown: use {', '.join(_LINE_KINDS)}")
    for first, last in _ends(pack, row):
        yield FictionalRange(kind, first, last)


def _ends(pack: Pack, row: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if "area_codes_of" in row:
        return _by_area_code(pack, row)
    if "numbers" in row:
        return ((number, number) for number in row["numbers"])
    if "national_prefixes" in row:
        return (_below(pack, prefix, int(row["count_each"])) for prefix in row["national_prefixes"])
    return ((row["from"], row["to"]),)


def _by_area_code(pack: Pack, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the range of every area code, the ones the row prefers first, the rest ascending."""
    known = area_codes(pack, row["area_codes_of"])
    for area in dict.fromkeys((*row.get("area_codes_first", ()), *known)):
        yield f"+1{area}{row['subscriber_from']}", f"+1{area}{row['subscriber_to']}"


def _below(pack: Pack, national_prefix: str, count: int) -> tuple[str, str]:
    """Return the ends of the `count` numbers (a power of ten) below a prefix in national form, as `030 23125`."""
    numbering = at(pack, "numbering")
    digits = national_prefix.replace(" ", "").removeprefix(numbering["trunk_prefix"] or "")
    width = len(str(count)) - 1
    stem = f"+{numbering['country_code']}{digits}"
    return stem + "0" * width, stem + "9" * width


def _describe(each: FictionalRange) -> str:
    return each.first if each.first == each.last else f"{each.first} to {each.last}"


def _key(msisdn: str) -> tuple[int, str]:
    return len(msisdn), msisdn
