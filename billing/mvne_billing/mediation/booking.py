"""Writing prices down: rows of usage, and the transfers that book them; a price that changes books the difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, insert, select

from mvne_billing.balance.holding import Change as Balanced
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer, move, post
from mvne_billing.mediation.paying import PAID, Due, pay
from mvne_billing.mediation.priced import Change, Priced
from mvne_billing.mediation.settled import Cause
from mvne_billing.mediation.stored import Stored, row_text
from mvne_billing.mediation.usage_rows import AGAIN, REPRICE, by_key, new_price, new_row
from mvne_billing.tables import transfer, usage, usage_correction, usage_past
from mvne_plans.quantity import Kind

_TRANSFERS = select(transfer.c.id).where(
    transfer.c.brand == bindparam("brand"), transfer.c.id.in_(bindparam("ids", expanding=True))
)
_CHUNK = 500


def book(conn: Connection, brand: str, cause: Cause, priced: Sequence[Priced], zone: ZoneInfo) -> list[Balanced]:
    """Write records down that are priced now, and book them: one entry per line, kind of use and day.

    Each entry is named after the first record in it: a record is priced once, so no other entry bears that name, also
    when the same batch comes again with records that had no price the first time. Returns what became of the balances
    that paid.
    """
    entries = _entries(priced, zone)
    named = {id(one): name for name, together in entries.items() for one in together}
    fresh = [new_row(brand, one, named[id(one)]) for one in priced if one.before is None]
    if fresh:
        conn.execute(insert(usage), fresh)
    again = [one for one in priced if one.before is not None]
    _keep(conn, brand, cause, [one.before for one in again if one.before])
    if again:
        conn.execute(AGAIN, [by_key(new_row(brand, one, named[id(one)])) for one in again])
    post(conn, brand, [one for name, together in entries.items() for one in _transfers(name, together, cause)])
    correct_bills(conn, brand, cause, [_correction(brand, one, cause) for one in priced if one.is_billed])
    return pay(conn, brand, cause, [_due(name, together) for name, together in entries.items()])


def change(conn: Connection, brand: str, cause: Cause, changes: Sequence[Change]) -> list[Balanced]:
    """Give records in the books other prices: what stood before is kept, and only the differences are booked.

    Each transfer names the one that it corrects. What changes on a bill is for the next bill; what a wallet paid, it
    pays or gets back: what became of its balance is returned.
    """
    if not changes:
        return []
    _keep(conn, brand, cause, [one.old for one in changes])
    conn.execute(REPRICE, [new_price(brand, one) for one in changes])
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
    return Due(one.entry, one.old.subscription, one.old.currency, one.charge_micro)


def _differences(conn: Connection, brand: str, cause: Cause, changes: Sequence[Change]) -> Iterator[Transfer]:
    """Yield what changes of each entry, naming the entry; a change is named after its first record and rating."""
    entries: dict[str, list[Change]] = defaultdict(list)
    for one in changes:
        entries[one.old.entry].append(one)
    known = _there(conn, brand, [f"{entry}:{side}" for entry in entries for side in ("price", "cost")])
    for entry, together in sorted(entries.items()):
        old = together[0].old
        name, kind = together[0].entry, old.record.kind
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
