"""Filling a brand's pools: the numbers and eSIM profiles that its plan file asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from sqlalchemy import Connection, func, select

from mvne.brand import Brand
from mvne.errors import MvneError
from mvne.markets.fictional import TooFewFictionalNumbers
from mvne.tables import brand as brand_table
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.numbers import add_numbers, retire_number
from mvne_provisioning.inventory.profiles import add_profiles
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.profile import Profile
from mvne_provisioning.states import PoolState
from mvne_provisioning.tables import provisioning_number as numbers
from mvne_provisioning.tables import provisioning_profile as profiles

#: Simulated profiles that one brand may have: each brand of a store has a range of serials of this size.
SERIALS = 1_000_000


class NumbersTaken(MvneError):
    """The numbers of a plan file belong to somebody else."""


@dataclass(frozen=True, slots=True)
class NumberNeed:
    """What a brand's number pool lacks and has too much of; `in_use` are those of the latter that lines have."""

    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    in_use: tuple[str, ...]


def number_need(conn: Connection, brand: Brand) -> NumberNeed:
    """Compare the number pool with the plan file; raise `NumbersTaken` when another brand of the store has some.

    Where the file names no numbers, a brand keeps those it has, or gets a block of fictional ones that nobody has.
    """
    query = select(numbers.c.msisdn, numbers.c.state).where(numbers.c.brand == brand.id)
    have = {row.msisdn: row.state for row in conn.execute(query)}
    wanted = set(brand.host.numbers)
    if any(one.path == "host.numbers" for one in brand.defaults):
        wanted = set(have) if have else set(_free_block(conn, brand))
    elif taken := _held_by_others(conn, brand.id, wanted):
        raise NumbersTaken(
            f"{len(taken)} of the numbers, the first {taken[0]}, belong to another brand of this store; "
            "give this brand others under host: numbers:"
        )
    surplus = sorted(number for number in set(have) - wanted if have[number] != PoolState.RETIRED)
    held = (PoolState.RESERVED, PoolState.ASSIGNED)
    in_use = tuple(number for number in surplus if have[number] in held)
    return NumberNeed(tuple(sorted(wanted - set(have))), tuple(surplus), in_use)


def fill_numbers(conn: Connection, brand: Brand, at: datetime) -> int:
    """Bring the number pool in line with the plan file; return how many numbers were added."""
    need = number_need(conn, brand)
    for number in set(need.surplus) - set(need.in_use):
        retire_number(conn, brand.id, Msisdn(number), at)
    return add_numbers(conn, brand.id, [Msisdn(number) for number in need.missing], at)


def profile_need(conn: Connection, brand: Brand) -> int:
    """Return how many eSIM profiles the pool lacks."""
    have = conn.execute(select(func.count()).where(profiles.c.brand == brand.id)).scalar_one()
    return max(brand.host.profiles - have, 0)


def profile_batch(conn: Connection, brand: Brand) -> list[Profile]:
    """Return the simulated profiles that the pool lacks, of the brand's own range of serials."""
    missing = profile_need(conn, brand)
    ordinal = conn.execute(select(brand_table.c.ordinal).where(brand_table.c.brand == brand.id)).scalar_one()
    first = ordinal * SERIALS + brand.host.profiles - missing
    return simulated_batch(first, missing, profile_type=brand.host.profile_type)


def fill_profiles(conn: Connection, brand: str, batch: Iterable[Profile], at: datetime) -> int:
    """Add delivered profiles to the pool; return how many were new."""
    return add_profiles(conn, brand, batch, at)


def _free_block(conn: Connection, brand: Brand) -> list[str]:
    """Return a block of fictional numbers, as large as the default, that no brand of the store and no group has."""
    size, fictional = len(brand.host.numbers), brand.market.fictional
    grouped = {number for group in brand.catalogue.groups for number in group.numbers}
    for block in count(1):
        try:
            candidates = fictional.first(block * size)[-size:]
        except TooFewFictionalNumbers:
            taken = f"every fictional number of {brand.market.name} belongs to a brand of this store"
            raise NumbersTaken(taken) from None
        if not grouped & set(candidates) and not _held_by_others(conn, brand.id, candidates):
            return candidates
    raise AssertionError("unreachable: the blocks are counted without end")


def _held_by_others(conn: Connection, brand: str, wanted: Iterable[str]) -> list[str]:
    """Return which numbers another brand has: the host gives a number once, so this is asked across brands."""
    wanted = sorted(wanted)
    taken: list[str] = []
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        query = select(numbers.c.msisdn).where(numbers.c.msisdn.in_(part), numbers.c.brand != brand)
        taken += conn.execute(query.order_by(numbers.c.msisdn)).scalars()
    return taken
