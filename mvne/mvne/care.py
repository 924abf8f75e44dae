"""What a person who helps subscribers looks at: a line and all that hangs on it, a record and its price."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from mvne import lines, people, versions
from mvne.lines import LineNotFound
from mvne.platform import Platform
from mvne.tables import line as line_table
from mvne_billing.balance import account
from mvne_billing.invoice import issuing
from mvne_billing.payments import attempts
from mvne_billing.rating.result import parts_from
from mvne_billing.subscription import addons, subscription
from mvne_billing.subscription.subscription import Subscription
from mvne_billing.tables import allowance as allowance_table
from mvne_billing.tables import usage as usage_table
from mvne_plans.catalogue import Pay, Plan
from mvne_plans.money import micro_text
from mvne_plans.quantity import Kind, format_amount

#: One row of a table for people or machines.
Cells = dict[str, object]


def line_id(platform: Platform, brand: str, name: str) -> str:
    """Return the id of a line named by its id, its number or its subscriber; raise `LineNotFound`."""
    number = name if name.startswith("+") else None
    with platform.store.read() as conn:
        query = select(line_table.c.id).where(line_table.c.brand == brand)
        wanted = line_table.c.msisdn == number if number else line_table.c.id == name
        found = conn.execute(query.where(wanted).order_by(line_table.c.at.desc())).scalars().first()
        if found is None and number is None:
            own = conn.execute(query.where(line_table.c.subscriber == name)).scalars().all()
            found = own[0] if len(own) == 1 else None
    if found is None:
        raise LineNotFound(f"there is no line {name} in brand {brand}; name it by id or number")
    return str(found)


def show(platform: Platform, brand: str, name: str) -> dict[str, Any]:
    """Return everything about a line, titles first: single values, then tables as lists of rows."""
    id_ = line_id(platform, brand, name)
    with platform.store.read() as conn:
        line, owner = lines.get(conn, brand, id_), subscription.get(conn, brand, id_)
        person = people.get(conn, brand, line.subscriber)
        plan = versions.plan_version(conn, brand, owner.plan, owner.version)
        return {
            "line": line.id,
            "state": line.state if line.cause is None else f"{line.state} ({line.cause})",
            "subscriber": f"{person.name} <{person.email}>",
            "number": line.msisdn,
            "eSIM": line.iccid,
            "plan": f"{plan.name}, version {owner.version}, {owner.term_periods} × {plan.every}",
            "since": owner.anchor.isoformat(timespec="minutes"),
            "ends": owner.ends_at.isoformat(timespec="minutes") if owner.ends_at else None,
            "held to": ", ".join(line.barrings) or "nothing barred",
            **_balance(conn, brand, id_, plan),
            "allowances": list(_allowances(conn, brand, owner, plan)),
            "bills": list(_bills(conn, brand, id_)),
        }


def activation_code(platform: Platform, brand: str, name: str) -> str:
    """Return the activation code of a line's eSIM; raise `LineNotFound` when the line has none (any more)."""
    id_ = line_id(platform, brand, name)
    with platform.store.read() as conn:
        line = lines.get(conn, brand, id_)
    if line.activation_code is None:
        raise LineNotFound(f"line {id_} is {line.state} and has no activation code")
    return line.activation_code


def usage(platform: Platform, brand: str, name: str, limit: int) -> list[Cells]:
    """Return a line's newest records, newest first, each with its price and cost."""
    id_ = line_id(platform, brand, name)
    table = usage_table.c
    query = select(usage_table).where(table.brand == brand, table.subscription == id_)
    with platform.store.read() as conn:
        rows = conn.execute(query.order_by(table.start.desc(), table.id).limit(limit)).all()
    return [
        {
            "id": row.id,
            "when": row.start.isoformat(timespec="seconds"),
            "kind": row.kind,
            "amount": format_amount(row.amount, Kind(row.kind)),
            "to": row.to or "",
            "in": row.country,
            "price": micro_text(row.charge_micro, row.currency),
            "cost": micro_text(row.cost_micro, row.currency),
            "by": ", ".join(f"{part.rule} {part.name}" for part in parts_from(row.parts)) or row.state,
        }
        for row in rows
    ]


def _allowances(conn: Connection, brand: str, owner: Subscription, plan: Plan) -> Iterator[Cells]:
    """Yield the counters of the period that is billed next to last, that is, the one that runs."""
    table = allowance_table.c
    query = select(allowance_table).where(table.brand == brand, table.subscription == owner.id)
    used = {(row.bucket, row.period_start): row.used for row in conn.execute(query)}
    number = max(owner.next_period - 1, 0)
    opened = owner.starts_period(plan.every, number).astimezone(UTC)
    for bucket in plan.tariff.buckets:
        yield _counter(bucket.id, bucket.kind, used.get((bucket.id, opened), 0), bucket.amount, opened)
    for purchase in addons.purchases(conn, brand, [owner.id]).get(owner.id, []):
        for bucket in purchase.buckets:
            spent = used.get((bucket.id, purchase.valid.start), 0)
            yield _counter(purchase.addon.name, bucket.kind, spent, bucket.amount, purchase.valid.start)


def _counter(name: str, kind: Kind, used: int, amount: int | None, since: datetime) -> Cells:
    left = "unlimited" if amount is None else format_amount(max(amount - used, 0), kind)
    shown = {"allowance": name, "used": format_amount(used, kind), "of": format_amount(amount, kind), "left": left}
    return {**shown, "since": since.isoformat(timespec="minutes")}


def _balance(conn: Connection, brand: str, id_: str, plan: Plan) -> dict[str, str]:
    """Return what a prepaid line has to spend; nothing for any other, unless something is left of such a time."""
    known = account.find(conn, brand, id_)
    if known is None or (plan.pay is not Pay.PREPAID and not known.held_micro):
        return {}
    held = f", {micro_text(known.reserved_micro, known.currency)} held by sessions" if known.reserved_micro else ""
    return {"balance": f"{micro_text(known.free_micro, known.currency)} free{held}"}


def _bills(conn: Connection, brand: str, id_: str) -> Iterator[Cells]:
    for document in issuing.of_subscription(conn, brand, id_):
        tries = attempts.of_invoice(conn, brand, document.id)
        paid = ", ".join(f"{one.state}{f' ({one.code})' if one.code else ''}" for one in tries)
        yield {
            "number": document.number,
            "issued": document.issued_at.isoformat(timespec="minutes"),
            "total": str(document.total),
            "payment": paid or ("credit note" if document.kind == "credit_note" else "nothing to pay"),
        }
