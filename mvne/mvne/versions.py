"""What a brand sells, in versions: a version that was written never changes, a change is a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from mvne.brand import Brand, Support, TaxRow, Theme
from mvne.errors import MvneError
from mvne.tables import item as table
from mvne_billing.sql import row_of
from mvne_plans.agreement import Agreement
from mvne_plans.canonical import content_hash, dumps, loads
from mvne_plans.catalogue import Addon, NumberGroup, Plan, Promotion
from mvne_plans.prepaid import PrepaidRules


class NotSold(MvneError):
    """The brand does not sell this."""


@dataclass(frozen=True)
class BrandSettings:
    """What a brand is, apart from what it sells."""

    name: str
    market: str
    currency: str
    languages: tuple[str, ...]
    timezone: str
    support: Support
    theme: Theme
    minimum_age: int | None
    network: str
    tax_table: tuple[TaxRow, ...]


#: The kinds of things that have versions, in the order in which a launch writes them.
KINDS: dict[str, type[Any]] = {
    "brand": BrandSettings,
    "agreement": Agreement,
    "group": NumberGroup,
    "plan": Plan,
    "addon": Addon,
    "promotion": Promotion,
    "prepaid": PrepaidRules,
}

_CURRENT = (
    select(table).where(table.c.brand == bindparam("brand"), table.c.until.is_(None)).order_by(table.c.kind, table.c.id)
)

#: Names a thing: its kind and its id.
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Stored:
    """A version in the store; `content` is its canonical JSON."""

    kind: str
    id: str
    version: int
    hash: str
    content: str
    since: datetime

    def load(self) -> Any:
        """Return the dataclass."""
        return parse(self.kind, self.content)

    def says(self, content: object) -> bool:
        """Say whether it is `content`: as written, or as read by a version of the code that has more to say of it."""
        return self.hash == content_hash(content) or bool(self.load() == content)


@lru_cache(maxsize=4096)
def parse(kind: str, content: str) -> Any:
    """Return the dataclass of a stored content; versions never change, so what was read once is kept."""
    return loads(KINDS[kind], content)


def wanted(brand: Brand) -> Mapping[Name, object]:
    """Return everything a plan file sets, by name, in the order in which a launch writes it."""
    settings = BrandSettings(
        name=brand.name,
        market=brand.market.code,
        currency=brand.currency,
        languages=brand.languages,
        timezone=brand.timezone,
        support=brand.support,
        theme=brand.theme,
        minimum_age=brand.minimum_age,
        network=brand.host.network,
        tax_table=brand.tax_table,
    )
    catalogue = brand.catalogue
    things: dict[Name, object] = {("brand", brand.id): settings}
    things |= {("agreement", one.starts.isoformat()): one for one in catalogue.agreements}
    things |= {("group", one.id): one for one in catalogue.groups}
    things |= {("plan", one.id): one for one in catalogue.plans}
    things |= {("addon", one.id): one for one in catalogue.addons}
    things |= {("promotion", one.id): one for one in catalogue.promotions}
    return things | ({} if brand.prepaid is None else {("prepaid", brand.id): brand.prepaid})


def current(conn: Connection, brand: str) -> dict[Name, Stored]:
    """Return what is sold and in force now, by name."""
    return {(row.kind, row.id): _stored(row) for row in conn.execute(_CURRENT, {"brand": brand})}


def add(conn: Connection, brand: str, name: Name, content: object, at: datetime) -> int:
    """Write the next version of a thing, close the one before, return its number; the same content is left alone."""
    kind, id_ = name
    known = current(conn, brand).get(name)
    if known is not None and known.says(content):
        return known.version
    query = select(table.c.version).where(table.c.brand == brand, table.c.kind == kind, table.c.id == id_)
    version = max(conn.execute(query).scalars(), default=0) + 1
    retire(conn, brand, name, at)
    row = {"brand": brand, "kind": kind, "id": id_, "version": version, "hash": content_hash(content), "since": at}
    conn.execute(insert(table).values(row | {"content": dumps(content)}))
    return version


def retire(conn: Connection, brand: str, name: Name, at: datetime) -> None:
    """Close the current version of a thing: it is no longer sold, whoever has it keeps it."""
    where = (table.c.brand == brand, table.c.kind == name[0], table.c.id == name[1], table.c.until.is_(None))
    conn.execute(update(table).where(*where).values(until=at))


def history(conn: Connection, brand: str, name: Name) -> list[Any]:
    """Return every version of a thing that there ever was, oldest first."""
    query = select(table.c.content).where(table.c.brand == brand, table.c.kind == name[0], table.c.id == name[1])
    return [parse(name[0], content) for content in conn.execute(query.order_by(table.c.version)).scalars()]


def plan_version(conn: Connection, brand: str, plan: str, version: int) -> Plan:
    """Return a version of a plan, sold or not; raise `NotSold` if it never was."""
    row = row_of(conn, table, brand, "plan", plan, version)
    if row is None:
        raise NotSold(f"brand {brand} has no version {version} of plan {plan}")
    found: Plan = parse("plan", row.content)
    return found


def _stored(row: Row[Any]) -> Stored:
    return Stored(row.kind, row.id, row.version, row.hash, row.content, row.since)
