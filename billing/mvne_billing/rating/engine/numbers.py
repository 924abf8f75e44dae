"""Numbers that a tariff names one by one: groups and the brand's own, and to which of them a called number belongs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from mvne_billing.rating.engine.leaves import DIGITS, short_code
from mvne_billing.rating.engine.tables import Table
from mvne_billing.rating.result import World
from mvne_plans.agreement import Agreement
from mvne_plans.tariff import ON_NET, RateDeck, Tariff


@dataclass(frozen=True)
class Members:
    """Every set of groups that some number belongs to, the empty one first, and the table of these numbers."""

    sets: tuple[frozenset[str], ...]
    table: Table

    def world(self, world: World, member: int, agreements: tuple[Agreement, ...]) -> World:
        """Return a world in which every number belongs to exactly the groups of set `member`."""
        mine = self.sets[member]
        groups = {name: _All() if name in mine else frozenset[str]() for name in world.groups}
        on_net = _All() if ON_NET in mine else frozenset[str]()
        return World(world.numbering, groups, agreements, world.timezone, on_net)


class _All(Set[str]):
    """The set that holds every number."""

    def __contains__(self, number: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def members_of(tariffs: Iterable[Tariff], world: World) -> Members:
    """Return the numbers that tariffs ask for by group or as on-net."""
    asked = groups_asked(tariffs)
    belongs: dict[str, set[str]] = {}
    for name in sorted(asked):
        for number in listed(name, world):
            belongs.setdefault(number, set()).add(name)
    sets = [frozenset[str](), *sorted({frozenset(one) for one in belongs.values()}, key=sorted)]
    numbers = {key: sets.index(frozenset(names)) for one, names in belongs.items() if (key := as_integer(one))}
    ordered = sorted(numbers)
    columns = {"number": ordered, "member": [numbers[one] for one in ordered]}
    return Members(tuple(sets), Table("member", columns, {"number": "long", "member": "small"}))


def groups_asked(tariffs: Iterable[Tariff]) -> set[str]:
    """Return the groups of numbers that tariffs ask for, `on_net` among them."""
    asked: set[str] = set()
    for tariff in tariffs:
        asked |= {one.group for one in tariff.services} | tariff.bucket_groups
        asked |= {ON_NET for bucket in tariff.buckets if ON_NET in bucket.to and not bucket.groups}
    return asked


def listed(name: str, world: World) -> Iterable[str]:
    """Return the numbers of a group; raise `TypeError` when it does not tell them."""
    numbers = world.on_net if name == ON_NET else world.groups.get(name, frozenset())
    if not isinstance(numbers, Iterable):
        raise TypeError(f"the numbers of {name} cannot be listed")
    return (str(one) for one in numbers)


def as_integer(number: str) -> int:
    """Return a number as the integer that stands for it in files, 0 for one that nobody can dial.

    >>> as_integer("+33612345678"), as_integer("3639"), as_integer("+33 6")
    (33612345678, -13639, 0)
    """
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > DIGITS or number.startswith("+0"):
        return 0
    return int(digits) if number.startswith("+") else short_code(number)


def known_prefixes(tariffs: Iterable[Tariff], world: World) -> Iterator[str]:
    """Yield the prefixes of all rate decks, and the short codes of number groups."""
    decks: list[RateDeck] = [one.deck for one in tariffs] + [one.deck for one in world.agreements]
    yield from (row.prefix for deck in decks for row in deck.rows)
    for name in groups_asked(tariffs):
        yield from (one for one in listed(name, world) if not one.startswith("+"))


def labels_of(tariffs: Iterable[Tariff]) -> Mapping[str, int]:
    """Return the use labels that tariffs know, numbered from 1; 0 is any other."""
    known = {label for one in tariffs for bucket in one.buckets for label in bucket.labels}
    known |= {limit.of for one in tariffs for bucket in one.buckets for limit in bucket.limits}
    return {label: place for place, label in enumerate(sorted(known), start=1)}
