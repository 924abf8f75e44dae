"""Writing prices down: rows of usage, and the transfers that book them; a price that changes books the difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, insert, select, update

from mvne_billing.balance.holding import Change as Balanced
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer, move, post
from mvne_billing.mediation.counters import taken_text
from mvne_billing.mediation.meter import Meter, Metered
from mvne_billing.mediation.paying import PAID, Due, pay
from mvne_billing.mediation.settled import Cause
from mvne_billing.mediation.stored import Stored, row_text
from mvne_billing.rating.result import Rated, parts_text
from mvne_billing.states import Came, UsageState
from mvne_billing.tables import transfer, usage, usage_correction, usage_past
from mvne_plans.catalogue import Pay
from mvne_plans.quantity import Kind

_TRANSFERS = select(transfer.c.id).where(
    transfer.c.brand == bindparam("brand"), transfer.c.id.in_(bindparam("ids", expanding=True))
)
_KEY = (usage.c.brand == bindparam("its_brand"), usage.c.id == bindparam("its_id"))
_PRICE = (
    "state",
    "plan",
    "version",
    "destination",
    "parts",
    "taken",
    "charge_micro",
    "cost_micro",
    "cost_rule",
    "place",
    "rating",
)
_REPRICE = update(usage).where(*_KEY).values({name: bindparam(f"new_{name}") for name in _PRICE})
_AGAIN = (
    update(usage)
    .where(*_KEY)
    .values(
        {column.name: bindparam(f"new_{column.name}") for column in usage.columns if column.name not in ("brand", "id")}
    )
)
_CHUNK = 500

#: As much of a wholesale rule as is kept with a record.
_LONGEST_RULE = 120

#: The price of what costs nothing because something else did.
NO_PRICE = Rated((), 0, 0, "", "", {})


@dataclass(frozen=True, slots=True)
class Priced:
    """A record that is priced for the first time, or again after its file was unloaded (`before`).

    `place` counts the earlier reports of its session. `invoice` is the bill that a record which it corrects was on, or
    what stood in place of one.
    """

    metered: Metered
    meter: Meter
    batch: str
    hash: str
    came: Came = Came.IN_ORDER
    place: int = 0
    state: UsageState = UsageState.RATED
    before: Stored | None = None
    invoice: str | None = None

    @property
    def rating(self) -> int:
        """How often it has been priced, this time included."""
        return self.before.rating + 1 if self.before else 1

    @property
    def bill(self) -> str | None:
        """The bill that it is on already; `PAID` where the line's wallet pays."""
        if self.invoice not in (None, PAID):
            return self.invoice
        return PAID if self.meter.plan.pay is Pay.PREPAID else None

    @property
    def entry(self) -> str:
        """What its transfers are called when it is the first of them."""
        return f"usage:{self.metered.record.id}" + (f":{self.rating}" if self.before else "")


@dataclass(frozen=True, slots=True)
class Change:
    """A record that is in the books and gets another price, `metered`, by a `plan` version; None for none any more."""

    old: Stored
    metered: Metered | None
    plan: tuple[str, int]
    state: UsageState = UsageState.RATED
    place: int = 0

    @property
    def rated(self) -> Rated:
        """The price that it gets."""
        return self.metered.rated if self.metered else NO_PRICE

    @property
    def is_none(self) -> bool:
        """Whether it is the very price that it has."""
        old, rated = self.old, self.rated
        money = (rated.charge_micro, rated.cost_micro, rated.cost_rule[:_LONGEST_RULE])
        return (money, rated.parts, self.metered.taken if self.metered else (), self.plan, self.state, self.place) == (
            (old.charge_micro, old.cost_micro, old.cost_rule),
            old.parts,
            old.taken,
            (old.plan, old.version),
            old.state,
            old.place,
        )

    @property
    def is_billed(self) -> bool:
        """Whether its price is on a bill, which only the next bill can correct."""
        return _is_bill(self.old.invoice)

    @property
    def charge_micro(self) -> int:
        """By how much the price changes."""
        return self.rated.charge_micro - self.old.charge_micro

    @property
    def cost_micro(self) -> int:
        """By how much the cost changes."""
        return self.rated.cost_micro - self.old.cost_micro


def book(conn: Connection, brand: str, cause: Cause, priced: Sequence[Priced], zone: ZoneInfo) -> list[Balanced]:
    """Write records down that are priced now, and book them: one entry per line, kind of use and day.

    Returns what became of the balances that paid for them.

    Each entry is named after the first record in it: a record is priced once, so no other entry bears that name, also
    when the same batch comes again with records that had no price the first time.
    """
    entries = _entries(priced, zone)
    named = {id(one): name for name, together in entries.items() for one in together}
    fresh = [_row(brand, one, named[id(one)]) for one in priced if one.before is None]
    if fresh:
        conn.execute(insert(usage), fresh)
    again = [one for one in priced if one.before is not None]
    _keep(conn, brand, cause, [one.before for one in again if one.before])
    if again:
        conn.execute(_AGAIN, [_by_key(_row(brand, one, named[id(one)])) for one in again])
    post(conn, brand, [one for name, together in entries.items() for one in _transfers(name, together, cause)])
    correct_bills(conn, brand, cause, [_correction(brand, one, cause) for one in priced if _is_bill(one.bill)])
    return pay(conn, brand, cause, [_due(name, together) for name, together in entries.items()])


def change(conn: Connection, brand: str, cause: Cause, changes: Sequence[Change]) -> list[Balanced]:
    """Give records in the books other prices: what stood before is kept, and only the differences are booked.

    Each transfer names the one that it corrects. What changes on a bill is for the next bill; what a wallet paid, it
    pays or gets back: what became of its balance is returned.
    """
    if not changes:
        return []
    _keep(conn, brand, cause, [one.old for one in changes])
    conn.execute(_REPRICE, [_new_price(brand, one) for one in changes])
    post(conn, brand, list(_differences(conn, brand, cause, changes)))
    correct_bills(conn, brand, cause, [_correction(brand, one, cause) for one in changes if one.is_billed])
    return pay(conn, brand, cause, [_due_again(one) for one in changes if one.old.invoice == PAID])


def correct_bills(conn: Connection, brand: str, cause: Cause, rows: Iterable[Mapping[str, object]]) -> None:
    """Note what the next bill has to correct; nothing where nothing differs."""
    wanted = [row for row in rows if row["micro"]]
    if wanted:
        conn.execute(insert(usage_correction), wanted)


def _keep(conn: Connection, brand: str, cause: Cause, replaced: Sequence[Stored]) -> None:
    """Keep ratings that stand no more, as they were."""
    rows = [
        {
            "brand": brand,
            "id": one.record.id,
            "rating": one.rating,
            "cause": cause.name,
            "state": one.state,
            "charge_micro": one.charge_micro,
            "cost_micro": one.cost_micro,
            "content": row_text(one.row),
            "at": cause.at,
        }
        for one in replaced
    ]
    if rows:
        conn.execute(insert(usage_past), rows)


def _entries(priced: Sequence[Priced], zone: ZoneInfo) -> dict[str, list[Priced]]:
    """Return records by the entry that books them."""
    days: dict[tuple[str, str, Kind, date], list[Priced]] = defaultdict(list)
    for one in priced:
        record, meter = one.metered.record, one.meter
        day = record.start.astimezone(zone).date()
        days[meter.plan.tariff.currency, meter.subscription.id, record.kind, day].append(one)
    return {together[0].entry: together for _, together in sorted(days.items(), key=lambda item: item[0])}


def _transfers(name: str, together: Sequence[Priced], cause: Cause) -> Iterator[Transfer]:
    first = together[0]
    line, kind = first.meter.subscription.id, first.metered.record.kind
    charge = sum(one.metered.rated.charge_micro for one in together)
    cost = sum(one.metered.rated.cost_micro for one in together)
    like = Entry(first.meter.plan.tariff.currency, "usage", cause.at, cause.name, line)
    yield from move(f"{name}:price", accounts.unbilled(line), accounts.usage_revenue(kind), charge, like)
    yield from move(f"{name}:cost", accounts.cost(kind), accounts.HOST, cost, like)


def _due(name: str, together: Sequence[Priced]) -> Due:
    first = together[0].meter
    micro = sum(one.metered.rated.charge_micro for one in together if one.bill == PAID)
    return Due(name, first.subscription.id, first.plan.tariff.currency, micro)


def _due_again(one: Change) -> Due:
    return Due(
        f"usage:{one.old.record.id}:{one.old.rating + 1}", one.old.subscription, one.old.currency, one.charge_micro
    )


def _is_bill(invoice: str | None) -> bool:
    return invoice not in (None, PAID)


def _differences(conn: Connection, brand: str, cause: Cause, changes: Sequence[Change]) -> Iterator[Transfer]:
    """Yield what changes of each entry, naming the entry; a change is named after its first record and rating."""
    entries: dict[str, list[Change]] = defaultdict(list)
    for one in changes:
        entries[one.old.entry].append(one)
    known = _there(conn, brand, [f"{entry}:{side}" for entry in entries for side in ("price", "cost")])
    for entry, together in sorted(entries.items()):
        old = together[0].old
        name, kind = f"usage:{old.record.id}:{old.rating + 1}", old.record.kind
        like = Entry(old.currency, "rerating", cause.at, cause.name, old.subscription)
        charge, cost = sum(one.charge_micro for one in together), sum(one.cost_micro for one in together)
        unbilled, earned = accounts.unbilled(old.subscription), accounts.usage_revenue(kind)
        moved = [
            ("price", move(f"{name}:price", unbilled, earned, charge, like)),
            ("cost", move(f"{name}:cost", accounts.cost(kind), accounts.HOST, cost, like)),
        ]
        for side, transfers in moved:
            first = f"{entry}:{side}"
            yield from (replace(one, corrects=first if first in known else None) for one in transfers)


def _there(conn: Connection, brand: str, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(ids), _CHUNK):
        found.update(conn.execute(_TRANSFERS, {"brand": brand, "ids": ids[start : start + _CHUNK]}).scalars())
    return found


def _correction(brand: str, one: Priced | Change, cause: Cause) -> dict[str, object]:
    if isinstance(one, Change):
        record, line, currency, billed = one.old.record, one.old.subscription, one.old.currency, one.old.invoice
        micro, rating = one.charge_micro, one.old.rating + 1
    else:
        record, line, currency = one.metered.record, one.meter.subscription.id, one.meter.plan.tariff.currency
        micro, rating, billed = one.metered.rated.charge_micro, one.rating, one.bill
    return {
        "brand": brand,
        "id": f"{record.id}:{rating}",
        "record": record.id,
        "subscription": line,
        "kind": record.kind,
        "micro": micro,
        "currency": currency,
        "billed_on": billed,
        "cause": cause.name,
        "at": cause.at,
        "invoice": None,
    }


def _by_key(row: Mapping[str, object]) -> dict[str, object]:
    values = {f"new_{name}": value for name, value in row.items() if name not in ("brand", "id")}
    return {"its_brand": row["brand"], "its_id": row["id"], **values}


def _new_price(brand: str, one: Change) -> dict[str, object]:
    old, metered = one.old, one.metered
    rated, (plan, version) = one.rated, one.plan
    return _by_key(
        {
            "brand": brand,
            "id": old.record.id,
            "state": one.state,
            "plan": plan,
            "version": version,
            "destination": rated.destination if metered else old.destination,
            "parts": parts_text(rated.parts),
            "taken": taken_text(old.subscription, metered.taken if metered else ()),
            "charge_micro": rated.charge_micro,
            "cost_micro": rated.cost_micro,
            "cost_rule": rated.cost_rule[:_LONGEST_RULE],
            "place": one.place,
            "rating": old.rating + 1,
        }
    )


def _row(brand: str, priced: Priced, entry: str) -> dict[str, object]:
    record, rated, meter = priced.metered.record, priced.metered.rated, priced.meter
    return {
        "brand": brand,
        "id": record.id,
        "hash": priced.hash,
        "batch": priced.batch,
        "subscription": meter.subscription.id,
        "plan": meter.plan.id,
        "version": meter.subscription.version,
        "kind": record.kind,
        "start": record.start,
        "amount": record.amount,
        "msisdn": record.msisdn,
        "to": record.to,
        "country": record.country,
        "destination": rated.destination,
        "parts": parts_text(rated.parts),
        "charge_micro": rated.charge_micro,
        "cost_micro": rated.cost_micro,
        "cost_rule": rated.cost_rule[:_LONGEST_RULE],
        "currency": meter.plan.tariff.currency,
        "invoice": priced.bill,
        "session": record.session,
        "label": record.label,
        "state": priced.state,
        "came": priced.came,
        "corrects": record.corrects,
        "place": priced.place,
        "rating": priced.rating,
        "taken": taken_text(meter.subscription.id, priced.metered.taken),
        "entry": entry,
    }
