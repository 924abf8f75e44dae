"""How full the pools of a brand are."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from mvne_provisioning.inventory import pool
from mvne_provisioning.inventory.numbers import NUMBERS
from mvne_provisioning.inventory.profiles import PROFILES
from mvne_provisioning.states import PoolState


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """How many profiles and numbers are in each state, zeros included."""

    profiles: dict[PoolState, int]
    numbers: dict[PoolState, int]


def count_by_state(conn: Connection, brand: str) -> PoolCounts:
    """Return how many items of each pool of `brand` are in each state."""
    return PoolCounts(pool.count(conn, PROFILES, brand), pool.count(conn, NUMBERS, brand))
