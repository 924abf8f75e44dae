"""What a launch would change: the plan file against the store. Nothing is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, func, select

from mvne import versions
from mvne.brand import Brand
from mvne.errors import MvneError
from mvne.platform import Platform
from mvne.pools import number_need, profile_need
from mvne.tables import subscriber
from mvne.versions import Name, Stored
from mvne.wording import described, differences
from mvne_billing.states import SubscriptionState
from mvne_billing.tables import subscription
from mvne_plans.catalogue import Plan


class RemovalRefused(MvneError):
    """Something that live subscribers need is gone from the plan file."""

    def __init__(self, refusals: tuple[str, ...]) -> None:
        super().__init__("; ".join(refusals))
        self.refusals = refusals


class Action(StrEnum):
    """What happens to a thing."""

    ADD = "add"
    CHANGE = "change"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: what happens to which thing, and in words what that means."""

    action: Action
    kind: str
    id: str
    words: str

    @property
    def name(self) -> Name:
        """The thing's name."""
        return self.kind, self.id


@dataclass(frozen=True)
class Diff:
    """All changes, in the order in which a launch makes them; `refusals` say why it would not start."""

    brand: str
    changes: tuple[Change, ...]
    unchanged: int
    refusals: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes or self.refusals)

    def count(self, action: Action) -> int:
        """Return how many changes are of this sort."""
        return sum(change.action is action for change in self.changes)


def diff(brand: Brand, platform: Platform, retire: frozenset[str] = frozenset()) -> Diff:
    """Compare a plan file with the store. `retire` names plans to take off sale though people are on them."""
    with platform.store.read() as conn:
        return compare(conn, brand, retire)


def compare(conn: Connection, brand: Brand, retire: frozenset[str] = frozenset()) -> Diff:
    """Return what would change; see `diff`."""
    wanted, stored = versions.wanted(brand), versions.current(conn, brand.id)
    live = _live(conn, brand.id)
    changes = list(_changes(wanted, stored, live))
    gone = [one for name, one in stored.items() if name not in wanted]
    changes += [Change(Action.RETIRE, one.kind, one.id, _retired(one, live)) for one in gone]
    refusals = [words for one in gone if (words := _refusal(conn, brand.id, one, live, retire))]
    need, profiles = number_need(conn, brand), profile_need(conn, brand)
    if need.missing:
        words = f"{len(need.missing)} numbers from {need.missing[0]} to {need.missing[-1]}"
        changes.append(Change(Action.ADD, "numbers", "pool", words))
    if need.surplus:
        changes.append(Change(Action.RETIRE, "numbers", "pool", f"{len(need.surplus)} numbers"))
    if need.in_use:
        refusals.append(
            f"{len(need.in_use)} of the numbers that the file leaves out, the first {need.in_use[0]}, are in use; "
            "keep them in the range until their lines have ended"
        )
    if profiles:
        changes.append(Change(Action.ADD, "profiles", "pool", f"{profiles} eSIM profiles ({brand.host.profile_type})"))
    known = sum(name in stored and stored[name].says(content) for name, content in wanted.items())
    return Diff(brand.id, tuple(changes), known, tuple(refusals))


def _changes(
    wanted: Mapping[Name, object], stored: Mapping[Name, Stored], live: Mapping[tuple[str, int], int]
) -> Iterator[Change]:
    for (kind, id_), content in wanted.items():
        known = stored.get((kind, id_))
        if known is None:
            yield Change(Action.ADD, kind, id_, described(content))
        elif not known.says(content):
            words = "; ".join(differences(known.load(), content)) or "changed"
            if kind == "plan":
                words += f". {_stay(known, live)}"
            yield Change(Action.CHANGE, kind, id_, words)


def _stay(known: Stored, live: Mapping[tuple[str, int], int]) -> str:
    """Say who stays on the old version of a plan."""
    count = live.get((known.id, known.version), 0)
    if not count:
        return f"New version {known.version + 1}; nobody is on version {known.version}"
    who = "1 subscriber stays" if count == 1 else f"{count} subscribers stay"
    return f"New version {known.version + 1}, sold from now on; {who} on version {known.version} until moved"


def _retired(gone: Stored, live: Mapping[tuple[str, int], int]) -> str:
    if gone.kind != "plan":
        return "no longer sold or in force"
    count = sum(number for (plan, _), number in live.items() if plan == gone.id)
    return f"no longer sold; {_people(count)} keep it" if count else "no longer sold; nobody has it"


def _refusal(
    conn: Connection, brand: str, gone: Stored, live: Mapping[tuple[str, int], int], retire: frozenset[str]
) -> str | None:
    """Say why a removal would hurt people who are customers now, and the way out; None when it would not."""
    if gone.kind == "plan":
        count = sum(number for (plan, _), number in live.items() if plan == gone.id)
        if count and gone.id not in retire:
            return (
                f"plan {gone.id} has {_people(count)} and is gone from the file: put it back, or take it off "
                f"sale and let them keep it with --retire {gone.id}"
            )
    if gone.kind == "group":
        users = [
            f"{plan} version {version}"
            for plan, version in live
            if _calls(versions.plan_version(conn, brand, plan, version), gone.id)
        ]
        if users:
            return (
                f"number group {gone.id} is gone from the file, but people are on plans that price calls to it "
                f"({', '.join(sorted(users))}): put it back until nobody is"
            )
    return None


def _calls(plan: Plan, group: str) -> bool:
    """Say whether a plan prices or includes calls to a number group."""
    return group in plan.tariff.bucket_groups or any(one.group == group for one in plan.tariff.services)


def _people(count: int) -> str:
    return f"{count} live subscriber{'s' if count != 1 else ''}"


def _live(conn: Connection, brand: str) -> dict[tuple[str, int], int]:
    """Return how many people's subscriptions that have not ended are on each version of each plan.

    Test journeys hurt nobody: one that was interrupted is removed by the next launch.
    """
    tests = select(subscriber.c.id).where(subscriber.c.brand == brand, subscriber.c.test)
    query = (
        select(subscription.c.plan, subscription.c.version, func.count())
        .where(subscription.c.brand == brand, subscription.c.state != SubscriptionState.ENDED)
        .where(subscription.c.customer.not_in(tests))
        .group_by(subscription.c.plan, subscription.c.version)
    )
    return {(plan, version): int(number) for plan, version, number in conn.execute(query)}
