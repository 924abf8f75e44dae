"""Telephone numbers in a plan file: the groups of a service, and the pool the host gives."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mvne.markets.fictional import NoFictionalNumbers, TooFewFictionalNumbers
from mvne.markets.market import Market
from mvne.planfile.compiling.values import every
from mvne.planfile.findings import DataPath
from mvne.planfile.models.host import HostSection
from mvne.planfile.models.offers import GroupSection, OwnSection
from mvne.planfile.sheet import Sheet
from mvne.planfile.table import Row, open_table
from mvne_plans.catalogue import NumberGroup, OwnList
from mvne_plans.numbering import NumberKind

MOST_IN_GROUP = 5_000
MOST_IN_POOL = 100_000
POOL = 1_000
_E164 = re.compile(r"\+[1-9][0-9]{5,14}", re.ASCII)
_CHANGES = re.compile(r"(\d{1,3})\s+per\s+(\S.*)", re.ASCII)
_KINDS = {
    NumberKind.EMERGENCY: "an emergency number",
    NumberKind.FREEPHONE: "a freephone number",
    NumberKind.PREMIUM: "a premium-rate number",
    NumberKind.SATELLITE: "a satellite number",
    NumberKind.SHORT: "a short code",
}


def read_group(sheet: Sheet, market: Market, path: DataPath, id: str, section: GroupSection) -> NumberGroup:
    """Return a number group: ordinary numbers of the market, in E.164, each once; or a list of every subscriber's."""
    if (section.source is None) == (section.own is None):
        if not any(place[: len(path)] == path for place in sheet.left_out):
            message = f"the group {id!r} needs one of source, a CSV file, and own, a list of every subscriber's"
            sheet.note(path, "bad_group", message, key=True)
        return NumberGroup(id)
    if section.own is not None or section.source is None:
        return NumberGroup(id, own=_own(sheet, (*path, "own"), section.own)) if section.own else NumberGroup(id)
    table = open_table(sheet, (*path, "source"), section.source, ("number",), ("name",))
    most = section.max_size or MOST_IN_GROUP
    if section.max_size is None:
        sheet.default(f"number_groups.{id}.max_size", most, "default of the language")
    found: dict[str, int] = {}
    for row in table.rows() if table else ():
        number = market.numbering.normalise(row.text("number"))
        if not _belongs(row, market, number):
            continue
        if number in found:
            row.note("number", "duplicate_number", f"{number} is on line {found[number]} already", warn=True)
        elif len(found) == most:
            row.note("number", "group_too_large", f"the group holds more than its max_size of {most:,} numbers")
            break
        found.setdefault(number, row.line)
    if table and not found and not table.noted:
        table.note((1, 1), "empty_group", f"the group {id!r} holds no number")
    return NumberGroup(id, tuple(sorted(found)))


def _own(sheet: Sheet, path: DataPath, section: OwnSection) -> OwnList:
    if section.changes is None:
        return OwnList(section.size)
    match = _CHANGES.fullmatch(section.changes.strip())
    if not match:
        message = f"{section.changes[:40]!r} does not say how often; write it like 2 per month"
        sheet.note((*path, "changes"), "bad_changes", message)
        return OwnList(section.size)
    return OwnList(section.size, int(match.group(1)), every(sheet, (*path, "changes"), match.group(2)))


def _belongs(row: Row, market: Market, number: str) -> bool:
    shown = row.text("number")[:40]
    destination = market.numbering.classify(number)
    if destination is None or not (_E164.fullmatch(number) or not number.startswith("+")):
        row.note("number", "bad_number", f"{shown!r} is not a telephone number; write it like +33199001234")
    elif destination.kind is not NumberKind.ORDINARY:
        message = f"{shown} is {_KINDS[destination.kind]} ({destination.name}); a group holds ordinary numbers only"
        row.note("number", f"{destination.kind}_number", message)
    elif destination.country != market.code:
        message = f"{shown} leads to {destination.name}; a group holds numbers of {market.name} only"
        row.note("number", "foreign_number", message)
    elif not market.fictional.contains(number):
        row.note("number", "not_fictional", _not_fictional(shown, market))
    else:
        return True
    return False


def _not_fictional(number: str, market: Market) -> str:
    ranges = market.fictional.describe()
    return f"{number} may belong to a real person; with network: simulated use numbers reserved for fiction: {ranges}"


def read_pool(sheet: Sheet, market: Market, section: HostSection) -> tuple[str, ...]:
    """Return the MSISDNs that the host gives: the file's ranges, or the market's first fictional mobile numbers."""
    path: DataPath = ("host", "numbers")
    if section.numbers is None:
        return _default_pool(sheet, market)
    pool: dict[str, None] = {}
    for position, one in enumerate(section.numbers):
        place = (*path, position)
        first, last = market.numbering.normalise(one.first), market.numbering.normalise(one.last)
        for key, number in (("from", first), ("to", last)):
            if not _E164.fullmatch(number):
                sheet.note((*place, key), "bad_number", f"{number!r} is not a telephone number in E.164 form")
                break
        else:
            for number in _between(sheet, place, first, last):
                if not _usable(sheet, market, place, number, pool):
                    break
                pool[number] = None
    return tuple(pool)


def _between(sheet: Sheet, path: DataPath, first: str, last: str) -> Iterator[str]:
    if len(first) != len(last) or first > last:
        sheet.note(
            (*path, "to"), "bad_range", f"{last} does not follow {first}; write the higher number of equal length"
        )
        return
    count = int(last) - int(first) + 1
    if count > MOST_IN_POOL:
        sheet.note((*path, "to"), "range_too_large", f"{count:,} numbers; a range holds at most {MOST_IN_POOL:,}")
        return
    yield from (f"+{number}" for number in range(int(first), int(last) + 1))


def _usable(sheet: Sheet, market: Market, path: DataPath, number: str, pool: dict[str, None]) -> bool:
    """Say whether a number may be in the pool; note the first of a range that may not, which is enough."""
    if not market.fictional.contains(number):
        sheet.note((*path, "from"), "not_fictional", _not_fictional(number, market))
    elif market.fictional.ranges and not re.fullmatch(market.mobile_pattern, number):
        sheet.note((*path, "from"), "not_mobile", f"{number} is not a mobile number of {market.name}")
    elif number in pool:
        sheet.note((*path, "from"), "overlap", f"{number} is in an earlier range already")
    else:
        return True
    return False


def _default_pool(sheet: Sheet, market: Market) -> tuple[str, ...]:
    try:
        pool = market.fictional.first(POOL)
    except TooFewFictionalNumbers:
        # Germany has a few hundred: all of them, then.
        pool = [number for one in market.fictional.ranges if one.kind != "fixed" for number in one]
    except NoFictionalNumbers as error:
        sheet.absent(("host", "numbers"), "no_numbers", str(error))
        return ()
    reason = f"first mobile numbers that {market.name} reserves for fiction (market pack {market.code})"
    sheet.default("host.numbers", f"{len(pool)} from {pool[0]}", reason)
    return tuple(pool)
