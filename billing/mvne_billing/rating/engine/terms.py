"""On which terms a line uses the network: its plan, the pool that serves it, and the buckets of both in burn order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from mvne_billing.rating.route import Route
from mvne_plans.tariff import MEMBER, Bucket, Limit, Tariff

#: Begins the name of a bucket that belongs to the pool's owner, as a member's record shows it.
POOL = "pool:"


class Terms(NamedTuple):
    """The plan of a line, the plan of its pool's owner (empty for none), its time zone, and whether it owns a pool."""

    plan: str
    owner_plan: str
    timezone: str
    is_owner: bool


@dataclass(frozen=True)
class Use:
    """A bucket as a line may use it: under `name`, counted by the line itself or, `pooled`, by the pool's owner.

    `node` is equal for uses of one counter; `limits` are those that count a given use.
    """

    bucket: Bucket
    name: str
    pooled: bool
    node: tuple[str, ...]
    limits: tuple[Limit, ...] = ()

    @property
    def is_endless(self) -> bool:
        """Whether it covers whatever comes."""
        return self.bucket.amount is None and not self.limits


def uses_of(terms: Terms, tariffs: Mapping[str, Tariff]) -> tuple[Use, ...]:
    """Return the buckets that lines on these terms may use, in burn order; own ones come first at one priority."""
    own = [_own(bucket, terms) for bucket in tariffs[terms.plan].buckets]
    shared = tariffs[terms.owner_plan].buckets if terms.owner_plan else ()
    pooled = [Use(one, POOL + one.id, True, ("pool", terms.owner_plan, one.id)) for one in shared if one.shared]
    return tuple(sorted((*own, *pooled), key=lambda use: use.bucket.priority))


def _own(bucket: Bucket, terms: Terms) -> Use:
    scope = "pool" if bucket.shared and terms.is_owner else "own"
    return Use(bucket, bucket.id, False, (scope, terms.plan, bucket.id))


def ties(terms: Terms, tariffs: Mapping[str, Tariff]) -> bool:
    """Say whether expiry decides between an own bucket and a pooled one: they have one priority and one kind."""
    uses = uses_of(terms, tariffs)
    own = {(use.bucket.kind, use.bucket.priority) for use in uses if not use.pooled}
    return any(use.pooled and (use.bucket.kind, use.bucket.priority) in own for use in uses)


def fitting(uses: tuple[Use, ...], found: Route) -> tuple[Use, ...]:
    """Return the uses that may pay for what a route describes, each with the limits that count it."""
    fit = (use for use in uses if found.fits(use.bucket))
    return tuple(
        replace(use, limits=tuple(limit for limit in use.bucket.limits if found.limited_by(limit.of))) for use in fit
    )


def in_band(uses: tuple[Use, ...], band: str) -> tuple[bool, ...]:
    """Return for each use whether units in a time band ever come to it: a blocker or an endless bucket is the last."""
    reached = []
    is_open = True
    for use in uses:
        here = is_open and (not use.bucket.bands or band in use.bucket.bands)
        reached.append(here)
        is_open = is_open and not (here and (use.bucket.blocks or use.is_endless))
    return tuple(reached)


def limit_counter(use: Use, limit: Limit) -> str:
    """Return the name under which a limit of a bucket is counted, within the account that counts it."""
    return f"{use.bucket.id}/{limit.of}" if not (use.pooled and limit.of == MEMBER) else f"{POOL}{use.bucket.id}"


class Scope(IntEnum):
    """Whose account a counter is kept in."""

    OWN = 0
    HOLDER = 1  #: the pool's owner
    GUEST = 2  #: the member's own, in the period of the pool


def limit_scope(use: Use, limit: Limit) -> Scope:
    """Return whose account keeps the counter of a limit."""
    if not use.pooled:
        return Scope.OWN
    return Scope.GUEST if limit.of == MEMBER else Scope.HOLDER
