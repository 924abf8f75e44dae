"""Launching a brand: the difference between its file and the store, made good in recorded steps.

The steps of a launch are written down before the first is taken. Each can be repeated without a second effect, so after
a crash anywhere the next launch of the same file goes on with the first step that is not done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from mvne import outbox, smoke, stripe_catalogue, versions
from mvne.brand import Brand
from mvne.diffing import Action, Diff, RemovalRefused, compare
from mvne.errors import MvneError
from mvne.phone import simulated
from mvne.platform import Platform
from mvne.pools import fill_numbers, fill_profiles, profile_batch
from mvne.selling import selling
from mvne.states import LAUNCH_MOVES, LaunchState
from mvne.tables import brand as brand_table
from mvne.tables import launch as table
from mvne.tables import launch_step as step_table
from mvne_plans.canonical import content_hash

#: Stands for all brands of a store where launches of different ones must not meet. No brand has such an id.
EVERY_BRAND = "*"
_LAUNCH = "launch"


class LaunchSuperseded(MvneError):
    """Somebody launched another version of the plan file meanwhile."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a launch: `action` on a thing. `result` says what it did, once it is done."""

    place: int
    action: str
    kind: str
    id: str
    result: str | None = None

    @property
    def name(self) -> str:
        """The step in words."""
        return f"{self.action} {self.kind} {self.id}"


@dataclass(frozen=True)
class Launched:
    """What a launch did: its difference to the store, the number of the launch (None: nothing to do) and its steps.

    `resumed` counts the steps that an earlier, interrupted run had already done.
    """

    brand: str
    diff: Diff
    number: int | None
    steps: tuple[Step, ...]
    resumed: int = 0


@dataclass(frozen=True)
class Watcher:
    """Who watches a launch: told when it begins (with the steps done by an earlier run) and after each step."""

    begun: Callable[[Diff, int], None] = lambda found, resumed: None
    stepped: Callable[[Step], None] = lambda step: None


def launch(
    brand: Brand,
    platform: Platform,
    at: datetime,
    retire: frozenset[str] = frozenset(),
    watcher: Watcher = Watcher(),  # frozen
) -> Launched:
    """Make the store and the outside equal to a plan file, try the brand out on a test subscriber, and report.

    Launching the same file again changes nothing. Raises `RemovalRefused` when something that live subscribers need is
    gone from the file, `NumbersTaken`, `smoke.SmokeFailed`, or what the outside answers; then run it again.
    """
    with platform.store.transact() as conn:
        begun, found = _begin(conn, brand, at, retire)
        steps = _steps(conn, brand.id, begun.number) if begun else []
    if begun is None:
        return Launched(brand.id, found, None, ())
    done = [step for step in steps if step.result is not None]
    resumed = len(done)
    watcher.begun(found, resumed)
    for step in steps[resumed:]:
        done.append(_take(platform, brand, begun.number, begun.at, step))
        watcher.stepped(done[-1])
    with platform.store.transact() as conn:
        _move(conn, brand.id, begun.number, LaunchState.DONE)
    return Launched(brand.id, found, begun.number, tuple(done), resumed)


def launches(conn: Connection, brand: str) -> list[tuple[int, LaunchState, datetime]]:
    """Return the launches of a brand, in order: number, state and moment."""
    query = select(table).where(table.c.brand == brand).order_by(table.c.number)
    return [(row.number, LaunchState(row.state), row.at) for row in conn.execute(query)]


class _Begun(NamedTuple):
    """A launch under way: its moment stays the one it was begun at, also when it is taken up again."""

    number: int
    at: datetime


def _begin(conn: Connection, brand: Brand, at: datetime, retire: frozenset[str]) -> tuple[_Begun | None, Diff]:
    """Take up the launch that was interrupted, or write down a new one; None when there is nothing to do."""
    outbox.hold(conn, brand.id, _LAUNCH)
    wanted = _wanted_hash(brand)
    running = conn.execute(
        select(table).where(table.c.brand == brand.id, table.c.state == LaunchState.RUNNING).with_for_update()
    ).one_or_none()
    found = compare(conn, brand, retire)
    if running is not None and running.wanted == wanted:
        return _Begun(running.number, running.at), found
    if found.refusals:
        raise RemovalRefused(found.refusals)
    if running is not None:
        _move(conn, brand.id, running.number, LaunchState.SUPERSEDED)
    elif not found:
        return None, found
    number = 1 + (conn.execute(select(func.max(table.c.number)).where(table.c.brand == brand.id)).scalar() or 0)
    row = {"brand": brand.id, "number": number, "wanted": wanted, "state": LaunchState.RUNNING, "at": at}
    conn.execute(insert(table).values(row))
    planned = list(_planned(brand, found, _not_archived(conn, brand)))
    rows = [
        {"brand": brand.id, "launch": number, "place": place, "action": action, "kind": kind, "id": id_}
        for place, (action, kind, id_) in enumerate(planned)
    ]
    conn.execute(insert(step_table), rows)
    return _Begun(number, at), found


def _planned(brand: Brand, found: Diff, not_archived: Collection[str]) -> Iterator[tuple[str, str, str]]:
    yield "register", "brand", brand.id
    for change in found.changes:
        yield ("retire" if change.action is Action.RETIRE else "write"), change.kind, change.id
    for plan in brand.catalogue.plans:
        yield "sync", "stripe", plan.id
    retired = {one.id for one in found.changes if one.kind == "plan" and one.action is Action.RETIRE}
    for plan_id in sorted(retired.union(not_archived)):
        yield "archive", "stripe", plan_id
    for part in smoke.JOURNEY:
        yield "try", "journey", part


def _not_archived(conn: Connection, brand: Brand) -> set[str]:
    """Return the plans off sale whose prices an earlier launch, given up half way, left on the gateway's shelf."""
    left = (step_table.c.action == "archive", step_table.c.result.is_(None))
    ids = conn.execute(select(step_table.c.id).where(step_table.c.brand == brand.id, *left)).scalars()
    return set(ids) - {plan.id for plan in brand.catalogue.plans}


def _take(platform: Platform, brand: Brand, number: int, at: datetime, step: Step) -> Step:
    """Take a step, unless somebody else did meanwhile, and write down that it is done; twice, it has one effect."""
    this = (step_table.c.brand == brand.id, step_table.c.launch == number, step_table.c.place == step.place)
    with platform.store.read() as conn:
        query = select(table.c.state).where(table.c.brand == brand.id, table.c.number == number)
        if conn.execute(query).scalar_one() == LaunchState.SUPERSEDED:
            raise LaunchSuperseded(f"another launch of {brand.id}, of another plan file, took over; run this one again")
        result: str | None = conn.execute(select(step_table.c.result).where(*this)).scalar_one()
    if result is None:
        result = _TAKERS[step.action, step.kind](platform, brand, number, at, step)
        with platform.store.transact() as conn:
            conn.execute(update(step_table).where(*this).values(result=result))
    return replace(step, result=result)


@contextmanager
def _alone(platform: Platform, brand: str) -> Iterator[Connection]:
    """Open a transaction that one launch at a time can have."""
    with platform.store.transact() as conn:
        outbox.hold(conn, brand, _LAUNCH)
        yield conn


def _register(platform: Platform, brand: Brand, number: int, at: datetime, step: Step) -> str:
    with _alone(platform, EVERY_BRAND) as conn:
        known = conn.execute(select(brand_table).where(brand_table.c.brand == brand.id)).one_or_none()
        if known is None:
            # Counted over all brands: each has a range of simulated profiles of its own by it.
            last = conn.execute(select(func.max(brand_table.c.ordinal))).scalar() or 0
            row = {"brand": brand.id, "ordinal": last + 1, "market": brand.market.code, "currency": brand.currency}
            conn.execute(insert(brand_table).values(**row, at=at))
    return "known" if known else "new in this store"


def _write(platform: Platform, brand: Brand, number: int, at: datetime, step: Step) -> str:
    name = (step.kind, step.id)
    with _alone(platform, brand.id) as conn:
        version = versions.add(conn, brand.id, name, versions.wanted(brand)[name], at)
    return f"version {version}"


def _retire(platform: Platform, brand: Brand, number: int, at: datetime, step: Step) -> str:
    with _alone(platform, brand.id) as conn:
        versions.retire(conn, brand.id, (step.kind, step.id), at)
    return "no longer sold or in force"


def _numbers(platform: Platform, brand: Brand, number: int, at: datetime, step: Step) -> str:
    # Two brands that start at once must not choose the same free block.
    with _alone(platform, EVERY_BRAND) as conn:
        return f"{fill_numbers(conn, brand, at)} numbers added"


def _profiles(platform: Platform, brand: Brand, number: int, at: datetime, step: Step) -> str:
    with platform.store.read() as conn:
        batch = profile_batch(conn, brand)
    simulated(platform).smdp.load(batch)
    with platform.store.transact() as conn:
        return f"{fill_profiles(conn, brand.id, batch, at)} eSIM profiles delivered"


def _sync(platform: Platform, brand: Brand, number: int, at: datetime, step: Step) -> str:
    with platform.store.read() as conn:
        version, plan = selling(conn, brand.id).plan(step.id)
        before = versions.history(conn, brand.id, ("plan", step.id))
    return stripe_catalogue.sync(platform.gateway, brand.id, plan, version, before)


def _archive(platform: Platform, brand: Brand, number: int, at: datetime, step: Step) -> str:
    with platform.store.read() as conn:
        before = versions.history(conn, brand.id, ("plan", step.id))
    return stripe_catalogue.archive(platform.gateway, brand.id, step.id, before)


def _try(platform: Platform, brand: Brand, number: int, at: datetime, step: Step) -> str:
    return smoke.JOURNEY[step.id](smoke.Trial(platform, brand.id, number, at))


_Taker = Callable[[Platform, Brand, int, datetime, Step], str]

_TAKERS: Mapping[tuple[str, str], _Taker] = {
    ("register", "brand"): _register,
    **{("write", kind): _write for kind in versions.KINDS},
    **{("retire", kind): _retire for kind in versions.KINDS},
    ("write", "numbers"): _numbers,
    ("retire", "numbers"): _numbers,
    ("write", "profiles"): _profiles,
    ("sync", "stripe"): _sync,
    ("archive", "stripe"): _archive,
    ("try", "journey"): _try,
}


def _steps(conn: Connection, brand: str, number: int) -> list[Step]:
    query = select(step_table).where(step_table.c.brand == brand, step_table.c.launch == number)
    rows = conn.execute(query.order_by(step_table.c.place))
    return [Step(row.place, row.action, row.kind, row.id, row.result) for row in rows]


def _move(conn: Connection, brand: str, number: int, to: LaunchState) -> None:
    where = (table.c.brand == brand, table.c.number == number)
    state = LaunchState(conn.execute(select(table.c.state).where(*where).with_for_update()).scalar_one())
    if to in LAUNCH_MOVES[state]:
        conn.execute(update(table).where(*where).values(state=to))


def _wanted_hash(brand: Brand) -> str:
    """Return a hash of everything the file asks for: the same file, the same launch."""
    asked = [(kind, id_, content_hash(content)) for (kind, id_), content in versions.wanted(brand).items()]
    return content_hash((tuple(asked), brand.host.numbers, brand.host.profiles, brand.host.profile_type))
