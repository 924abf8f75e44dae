"""Turn the numbering tables of a pack into destinations: every prefix and short code with its country and kind.

Laid down in this order, the later winning where two say the same prefix: country codes, territories inside them, area
codes of the North American plan, special families (world, then base, then the market's own), emergency numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mvne.markets.packfile import Pack, PackError, at
from mvne_plans.numbering import Destination, NumberingPlan, NumberKind

#: Most numbers one range may stand for: a slip of the pen must not fill the memory.
RANGE_MAX = 10_000


def numbering_plan(pack: Pack, home: str) -> NumberingPlan:
    """Return the world as the market `home` dials it; raise `PackError` for a table that cannot be read."""
    return NumberingPlan(
        country=home,
        country_code=at(pack, "numbering.country_code"),
        trunk_prefix=at(pack, "numbering.trunk_prefix"),
        destinations=destinations(pack, home),
        national_lengths=tuple(int(length) for length in pack["numbering"].get("national_lengths", ())),
        international_prefix=pack["numbering"].get("international_prefix", "00"),
    )


def destinations(pack: Pack, home: str) -> tuple[Destination, ...]:
    """Return every prefix and short code the market knows, each once."""
    laid = (*_ordinary(pack), *_special(pack, home), *_emergency(pack, home))
    return tuple({destination.prefix: destination for destination in laid}.values())


def area_codes(pack: Pack, country: str) -> tuple[str, ...]:
    """Return the area codes of a country of the North American plan, ascending; empty for any other country."""
    codes: str = at(pack, "numbering.area_codes.rows").get(country, "")
    return tuple(codes.split())


def emergency_numbers(pack: Pack) -> tuple[str, ...]:
    """Return the numbers that are always free: the market's main ones, then those it also answers."""
    table = at(pack, "numbering.emergency")
    return (*table["numbers"], *table.get("also", ()))


def expand(numbers: str) -> tuple[str, ...]:
    """Return the prefixes and short codes that a space-separated list of numbers and ranges stands for.

    Raise `PackError` for a range whose ends differ in length or order, or that is longer than `RANGE_MAX`.

    >>> expand("+3389 +33800-+33802 3918-3920 118")
    ('+3389', '+33800', '+33801', '+33802', '3918', '3919', '3920', '118')
    """
    return tuple(number for token in numbers.split() for number in _expand_token(token))


def _expand_token(token: str) -> Iterable[str]:
    first, dash, last = token.partition("-")
    plus = "+" if first.startswith("+") else ""
    low, high = first.removeprefix("+"), last.removeprefix("+") if dash else first.removeprefix("+")
    ends_fit = (low + high).isascii() and low.isdecimal() and high.isdecimal() and len(low) == len(high)
    if not ends_fit or not 0 <= int(high) - int(low) < RANGE_MAX:
        raise PackError(f"'{token}' is no number and no range: write 118000-118999, at most {RANGE_MAX} numbers")
    return (f"{plus}{number:0{len(low)}d}" for number in range(int(low), int(high) + 1))


def _ordinary(pack: Pack) -> Iterator[Destination]:
    names = at(pack, "countries.names")
    for code, country in at(pack, "numbering.country_codes.rows").items():
        yield Destination(f"+{code}", country, NumberKind.ORDINARY, names[country])
    for country, prefixes in at(pack, "numbering.territories.rows").items():
        for prefix in expand(prefixes):
            yield Destination(prefix, country, NumberKind.ORDINARY, names[country])
    for country in at(pack, "numbering.area_codes.rows"):
        for area in area_codes(pack, country):
            yield Destination(f"+1{area}", country, NumberKind.ORDINARY, names[country])


def _special(pack: Pack, home: str) -> Iterator[Destination]:
    for family in at(pack, "numbering.special"):
        kind = _kind(family)
        for prefix, country, name in _members(pack, family, home):
            yield Destination(prefix, country, kind, name)


def _kind(family: Mapping[str, Any]) -> NumberKind:
    try:
        return NumberKind(family["kind"])
    except ValueError as error:
        kinds = ", ".join(NumberKind)
        raise PackError(f"'{family['kind']}' of '{family['name']}' is no kind of number: use {kinds}") from error


def _members(pack: Pack, family: Mapping[str, Any], home: str) -> Iterator[tuple[str, str | None, str]]:
    if "by_country" in family:
        names = at(pack, "countries.names")
        for country, prefixes in family["by_country"].items():
            for prefix in expand(prefixes):
                yield prefix, country, f"{names[country]}, {family['name']}"
    elif "each_area_code" in family:
        for country in family["of"]:
            for area in area_codes(pack, country):
                yield f"+1{area}{family['each_area_code']}", country, family["name"]
    else:
        for number in expand(family["numbers"]):
            yield number, family.get("country", home), family["name"]


def _emergency(pack: Pack, home: str) -> Iterator[Destination]:
    for number in emergency_numbers(pack):
        yield Destination(number, home, NumberKind.EMERGENCY, f"emergency {number}")
