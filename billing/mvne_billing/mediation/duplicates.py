"""Telling records apart: which of them are here already, which say something else under a name that is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from mvne_billing.errors import BillingError
from mvne_billing.states import UsageState
from mvne_billing.tables import usage
from mvne_billing.usage.record import UsageRecord

#: What a record can be known by.
FIELDS = ("id", "msisdn", "kind", "start", "amount", "country", "to", "session", "label")

#: What a record says, whatever it is called.
_CONTENT = ("msisdn", "kind", "start", "amount", "country", "to", "label")

_NAMED = (usage.c.id, usage.c.hash, usage.c.state, usage.c.start)
_COLUMNS = (usage.c.state, *(usage.c[name] for name in FIELDS))
_STORED = select(*_NAMED).where(usage.c.brand == bindparam("brand"), usage.c.id.in_(bindparam("ids", expanding=True)))
_OTHERS = select(*_NAMED).where(
    usage.c.brand == bindparam("brand"), usage.c.id.between(bindparam("first"), bindparam("last"))
)
_NEAR = select(*_COLUMNS).where(
    usage.c.brand == bindparam("brand"),
    usage.c.subscription.in_(bindparam("lines", expanding=True)),
    usage.c.start.between(bindparam("first"), bindparam("last")),
)

_LONGEST_ID = 120


class InvalidKey(BillingError):
    """Records cannot be told apart by this."""


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What makes two records one: equal in `key`, and within `days` of each other (None: whenever).

    The key is the id, which the network makes; where a network's ids are worth nothing, a few fields that together
    name a use, `msisdn` among them. With `days` an id may be used again by another record later.

    >>> Duplicates.parse("msisdn,start,to,amount").key
    ('msisdn', 'start', 'to', 'amount')
    """

    key: tuple[str, ...] = ("id",)
    days: int | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.key if name not in FIELDS]
        if unknown or not self.key:
            raise InvalidKey(f"{', '.join(unknown) or 'nothing'} is no key of records; it is of {', '.join(FIELDS)}")
        if self.days is not None and self.days < 1:
            raise InvalidKey(f"a window is at least 1 day, not {self.days}")
        if not self.by_id and ("msisdn" not in self.key or ("start" not in self.key and self.days is None)):
            raise InvalidKey("a key without the id has the msisdn, and the start or a window of days")

    @classmethod
    def parse(cls, key: str, days: int | None = None) -> Duplicates:
        """Read a key written as names with commas between; raise `InvalidKey`."""
        return cls(tuple(name.strip() for name in key.split(",")), days)

    @property
    def by_id(self) -> bool:
        """Whether the id alone is the key."""
        return self.key == ("id",)

    def near(self, one: datetime, other: datetime) -> bool:
        """Say whether two moments are near enough for records of one key to be one record."""
        return self.days is None or abs(one - other) <= timedelta(days=self.days)


#: The network's ids are unique for good.
BY_ID = Duplicates()


@dataclass
class Sorted:
    """Records told apart: `fresh` ones, those `again` that an unloaded file left, ids of `duplicates`, conflicts.

    `came_as` says by id what a record came as, and its hash: one whose id was taken is stored under another.
    """

    fresh: list[UsageRecord] = field(default_factory=list)
    again: list[UsageRecord] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    conflicts: list[tuple[UsageRecord, str]] = field(default_factory=list)
    came_as: dict[str, tuple[UsageRecord, str]] = field(default_factory=dict)


class _Known(NamedTuple):
    """A record that is there: in the store, or earlier in the same slice."""

    id: str
    hash: str
    start: datetime
    is_void: bool


def sort_out(
    conn: Connection, brand: str, rule: Duplicates, records: Sequence[UsageRecord], owned: Mapping[str, str]
) -> Sorted:
    """Tell `records` apart from those that are stored, and from each other; `owned` names their lines by id.

    A key that is taken by other content is a conflict. Where an id is no key, or its window is over, a record whose id
    is taken is stored under another: its own with the beginning of its hash.
    """
    found = Sorted()
    known = _known(conn, brand, rule, records)
    twins = {} if rule.by_id else _twins(conn, brand, rule, records, owned)
    for record in records:
        named, digest = known.setdefault(record.id, []), record.content_hash()
        same = next((one for one in named if one.hash == digest), None) if named else None
        other = None if same or (rule.by_id and not named) else _in_the_way(rule, record, named, twins)
        if (same and not same.is_void) or (other and not rule.by_id and _content(other) == _content(record)):
            found.duplicates.append(record.id)
        elif other:
            found.conflicts.append((record, _conflict(rule, other)))
        else:
            _keep(found, record, digest, named, same)
            if not rule.by_id:
                twins.setdefault(_key(rule, record), []).append(record)
    return found


def _in_the_way(
    rule: Duplicates, record: UsageRecord, named: Sequence[_Known], twins: Mapping[tuple[object, ...], list[Any]]
) -> Any:
    """Return what has the key of a record already, None when nothing does."""
    there = [one for one in named if not one.is_void] if rule.by_id else twins.get(_key(rule, record), [])
    return next((one for one in there if rule.near(one.start, record.start)), None)


def _conflict(rule: Duplicates, other: Any) -> str:
    if rule.by_id:
        return "this id was loaded before with other content; the first one stands"
    return f"record {other.id} has the same {', '.join(rule.key)} and other content; it stands"


def _keep(found: Sorted, record: UsageRecord, digest: str, named: list[_Known], same: _Known | None) -> None:
    """Note a record to be priced, under the id that it has or gets in the store."""
    taken = next((one for one in named if one.id == record.id), None)
    before = same or (taken if taken and taken.is_void else None)
    id_ = before.id if before else record.id if taken is None else _other_id(record.id, digest)
    kept = record if id_ == record.id else replace(record, id=id_)
    (found.again if before else found.fresh).append(kept)
    found.came_as[id_] = record, digest
    named[:] = [one for one in named if one is not before] + [_Known(id_, digest, record.start, False)]


def _other_id(id_: str, digest: str) -> str:
    return f"{id_[: _LONGEST_ID - 13]}~{digest[:12]}"


def _known(conn: Connection, brand: str, rule: Duplicates, records: Sequence[UsageRecord]) -> dict[str, list[_Known]]:
    """Return what is stored under the ids of `records`, by the id it came with."""
    found: dict[str, list[_Known]] = {}
    for row in conn.execute(_STORED, {"brand": brand, "ids": [one.id for one in records]}):
        found[row.id] = [_from_row(row)]
    if not rule.by_id or rule.days is not None:
        for id_, named in found.items():
            # Other ids made of this one end in hexadecimal digits, which lie between these two.
            between = {"first": f"{_other_id(id_, '')}", "last": f"{_other_id(id_, 'g')}"}
            named.extend(_from_row(row) for row in conn.execute(_OTHERS, {"brand": brand, **between}))
    return found


def _from_row(row: Any) -> _Known:
    return _Known(row.id, row.hash, row.start, row.state == UsageState.VOID)


def _twins(
    conn: Connection, brand: str, rule: Duplicates, records: Sequence[UsageRecord], owned: Mapping[str, str]
) -> dict[tuple[object, ...], list[Any]]:
    """Return what is stored of the lines and the time of `records`, by the key that is not the id."""
    found: dict[tuple[object, ...], list[Any]] = {}
    if not owned:
        return found
    apart = timedelta(days=rule.days or 0)
    starts = [one.start for one in records]
    near = {"lines": sorted(set(owned.values())), "first": min(starts) - apart, "last": max(starts) + apart}
    for row in conn.execute(_NEAR, {"brand": brand, **near}):
        if row.state != UsageState.VOID:
            found.setdefault(_key(rule, row), []).append(row)
    return found


def _key(rule: Duplicates, one: Any) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in rule.key)


def _content(one: Any) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in _CONTENT)
