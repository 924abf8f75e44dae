"""What lines share, and what they keep alone: pools of allowances, and number lists such as friends and family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection

from mvne import lines, outbox, versions
from mvne.errors import MvneError
from mvne.lines import LineEnded
from mvne.platform import Platform
from mvne.selling import Selling, selling
from mvne.states import LineState
from mvne_billing.mediation.desk import announce
from mvne_billing.subscription import own_numbers, pools, subscription
from mvne_billing.subscription.own_numbers import OwnNumber
from mvne_billing.subscription.pools import Membership
from mvne_billing.subscription.subscription import Subscription
from mvne_plans.catalogue import NumberGroup, OwnList
from mvne_plans.quantity import format_amount, parse_units
from mvne_plans.tariff import Bucket

#: One row of a table for people or machines.
Cells = dict[str, object]


class NotShared(MvneError):
    """The owner of the pool has no such allowance to share."""


class NoSuchList(MvneError):
    """The brand has no number list of that name that subscribers keep."""


class NotANumber(MvneError):
    """That is no telephone number."""


def join_pool(
    platform: Platform, brand: str, line: str, owner: str, caps: Mapping[str, str], at: datetime
) -> Membership:
    """Let a line share what the owner's plan shares, from `at` on; `caps` are the line's own limits, as quantities.

    Raises `NotShared`, `LineEnded`, and `PoolError` of `pools.join`.
    """
    with platform.store.transact() as conn:
        for one in (line, owner):
            _living(conn, brand, one)
        limits = _caps(conn, brand, owner, caps)
        joined = pools.join(conn, brand, Membership(line, owner, at, caps=limits))
        _told(conn, brand, line, "pool.joined", {"owner": owner, "caps": dict(limits)}, at)
        return joined


def leave_pool(platform: Platform, brand: str, line: str, at: datetime) -> Membership:
    """Let a line share no more from `at` on; what it took stays taken."""
    with platform.store.transact() as conn:
        left = pools.leave(conn, brand, line, at)
        _told(conn, brand, line, "pool.left", {"owner": left.owner}, at)
        return left


def pool(platform: Platform, brand: str, line: str, at: datetime) -> list[Cells]:
    """Return the pool that a line owns or is in, member by member, with each member's limits."""
    with platform.store.read() as conn:
        inside = [one.owner for one in pools.of_lines(conn, brand, [line]) if one.holds(at)]
        owner = inside[0] if inside else line
        shared = {bucket.id: bucket for bucket in _shared(conn, brand, owner)}
        return [
            {
                "line": one.subscription,
                "number": lines.get(conn, brand, one.subscription).msisdn,
                "owner": one.owner,
                "since": one.since.isoformat(timespec="minutes"),
                "limits": ", ".join(_limits(one.caps, shared)) or "those of the pool",
            }
            for one in pools.members(conn, brand, [owner])
            if one.holds(at)
        ]


def add_friend(platform: Platform, brand: str, line: str, list_id: str, number: str, at: datetime) -> OwnNumber:
    """Put a number into a line's own list, from `at` on. Raises `NoSuchList`, `NotANumber`, `ListIsFull`."""
    with platform.store.transact() as conn:
        sold, owner = selling(conn, brand), _living(conn, brand, line)
        msisdn = _number(sold, number)
        added = own_numbers.add(conn, brand, owner, list_id, msisdn, _terms(sold, list_id), at)
        _told(conn, brand, line, "list.added", {"list": list_id, "number": msisdn}, at)
        return added


def remove_friend(platform: Platform, brand: str, line: str, list_id: str, number: str, at: datetime) -> None:
    """Take a number out of a line's own list, from `at` on. Raises `NoSuchList`, `NotANumber`, `NoMoreChanges`."""
    with platform.store.transact() as conn:
        sold, owner = selling(conn, brand), _living(conn, brand, line)
        msisdn = _number(sold, number)
        own_numbers.remove(conn, brand, owner, list_id, msisdn, _terms(sold, list_id), at)
        _told(conn, brand, line, "list.removed", {"list": list_id, "number": msisdn}, at)


def friends(platform: Platform, brand: str, line: str, at: datetime) -> list[Cells]:
    """Return the numbers in a line's own lists, and what places there are."""
    with platform.store.read() as conn:
        sold = selling(conn, brand)
        inside = [one for one in own_numbers.of_lines(conn, brand, [line]) if one.holds(at)]
        return [row for group in _own(sold) for row in _places(group, inside)]


def _places(group: NumberGroup, inside: list[OwnNumber]) -> Iterator[Cells]:
    held = [one for one in inside if one.list == group.id]
    for one in held:
        yield {"list": group.id, "number": one.number, "since": one.since.isoformat(timespec="minutes")}
    for _ in range(len(held), group.own.size if group.own else 0):
        yield {"list": group.id, "number": "free", "since": ""}


def _own(sold: Selling) -> list[NumberGroup]:
    groups = (one.load() for (kind, _), one in sold.stored.items() if kind == "group")
    return [group for group in groups if group.own is not None]


def _terms(sold: Selling, list_id: str) -> OwnList:
    for group in _own(sold):
        if group.id == list_id and group.own is not None:
            return group.own
    known = ", ".join(group.id for group in _own(sold)) or "none"
    raise NoSuchList(f"{sold.brand} has no list {list_id!r} that subscribers keep; it has: {known}")


def _number(sold: Selling, dialled: str) -> str:
    """Return a number in international form; raise `NotANumber`."""
    msisdn = sold.market.numbering.normalise(dialled)
    if not (msisdn.startswith("+") and msisdn[1:].isdigit() and 5 <= len(msisdn) <= 16):
        raise NotANumber(f"{dialled!r} is no telephone number; write it like +33199001234")
    return msisdn


def _living(conn: Connection, brand: str, line: str) -> Subscription:
    if lines.get(conn, brand, line).state is LineState.ENDED:
        raise LineEnded(f"line {line} has ended; it shares nothing and keeps no list")
    return subscription.get(conn, brand, line)


def _shared(conn: Connection, brand: str, owner: str) -> list[Bucket]:
    held = subscription.get(conn, brand, owner)
    plan = versions.plan_version(conn, brand, held.plan, held.version)
    return [bucket for bucket in plan.tariff.buckets if bucket.shared]


def _caps(conn: Connection, brand: str, owner: str, caps: Mapping[str, str]) -> dict[str, int]:
    shared = {bucket.id: bucket for bucket in _shared(conn, brand, owner)}
    if not shared or set(caps) - set(shared):
        asked = ", ".join(sorted(set(caps) - set(shared))) or "an allowance"
        raise NotShared(f"{owner} shares no {asked}; its plan shares: {', '.join(shared) or 'nothing'}")
    return {name: parse_units(text, shared[name].kind) for name, text in sorted(caps.items())}


def _limits(caps: Mapping[str, int], shared: Mapping[str, Bucket]) -> Iterator[str]:
    for name, units in caps.items():
        shown = format_amount(units, shared[name].kind) if name in shared else str(units)
        yield f"{name}: {shown}"


def _told(conn: Connection, brand: str, line: str, event: str, content: Mapping[str, object], at: datetime) -> None:
    """Say what happened, and let a charging process that keeps a copy of the line know."""
    announce(conn, brand, [line])
    outbox.emit(conn, brand, event, line, content, at)
