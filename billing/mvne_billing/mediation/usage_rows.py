"""Rows of usage as they are inserted and changed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, update

from mvne_billing.mediation.counters import taken_text
from mvne_billing.mediation.priced import LONGEST_RULE, Change, Priced
from mvne_billing.rating.result import parts_text
from mvne_billing.tables import usage

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
#: A record in the books gets another price.
REPRICE = update(usage).where(*_KEY).values({name: bindparam(f"new_{name}") for name in _PRICE})
#: A record whose file was unloaded is written anew.
AGAIN = (
    update(usage)
    .where(*_KEY)
    .values(
        {column.name: bindparam(f"new_{column.name}") for column in usage.columns if column.name not in ("brand", "id")}
    )
)


def by_key(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row as `AGAIN` and `REPRICE` take it."""
    values = {f"new_{name}": value for name, value in row.items() if name not in ("brand", "id")}
    return {"its_brand": row["brand"], "its_id": row["id"], **values}


def new_price(brand: str, one: Change) -> dict[str, object]:
    """Return what `REPRICE` takes for a change."""
    old, metered = one.old, one.metered
    rated, (plan, version) = one.rated, one.plan
    return by_key(
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
            "cost_rule": rated.cost_rule[:LONGEST_RULE],
            "place": one.place,
            "rating": old.rating + 1,
        }
    )


def new_row(brand: str, priced: Priced, entry: str) -> dict[str, object]:
    """Return the row of a record that is priced now; `entry` names the transfers that book it."""
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
        "cost_rule": rated.cost_rule[:LONGEST_RULE],
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
