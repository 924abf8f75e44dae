"""Why a record costs what it costs: the rules, versions, allowances and roundings that made its price, one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from mvne import versions
from mvne.errors import MvneError
from mvne.platform import Platform
from mvne.tariff_words import bucket_words
from mvne.wording import worded
from mvne_billing.charging.recording import PAID_LIVE
from mvne_billing.ledger.billed import NOTHING_DUE
from mvne_billing.mediation import sessions
from mvne_billing.mediation.counters import Taken
from mvne_billing.mediation.desk import BRAND
from mvne_billing.mediation.paying import PAID
from mvne_billing.mediation.rerating import ReratingNotFound, get
from mvne_billing.mediation.shelves import POOL, ROLLED
from mvne_billing.mediation.stored import Stored, by_id
from mvne_billing.rating.guarding import GUARD
from mvne_billing.rating.price import BILLABLE
from mvne_billing.rating.result import Part, Rule
from mvne_billing.rating.route import chain
from mvne_billing.states import Came, UsageState
from mvne_billing.tables import usage as usage_table
from mvne_billing.tables import usage_correction, usage_past
from mvne_plans.catalogue import Plan
from mvne_plans.money import micro_text
from mvne_plans.quantity import Kind, format_amount
from mvne_plans.rate import Rate

#: One row of a table for people or machines.
Cells = dict[str, object]


class UsageNotFound(MvneError):
    """There is no such record among the priced ones; perhaps it waits in suspense."""


#: How a record stands, in words.
_STATES = {
    UsageState.RATED: "priced",
    UsageState.LIVE: "charged live, as it was used",
    UsageState.MATCHED: "charged live already; its record costs nothing again",
    UsageState.REPLACED: "another record corrects it",
    UsageState.VOID: "taken back: its file was unloaded",
}

#: What stands in place of a bill, in words.
_BILLED = {
    None: "not yet",
    NOTHING_DUE: "no bill: nothing was due",
    PAID: "no bill: paid from the balance",
    PAID_LIVE: "no bill: paid from the balance as it was used",
}

#: When it came in, in words.
_CAME = {
    Came.IN_ORDER: "in order",
    Came.OUT_OF_ORDER: "out of order: later use had the allowance first; mvne usage rerate puts it right",
    Came.LATE: "late: its time was billed already",
}


def explain_usage(platform: Platform, brand: str, record: str) -> dict[str, Any]:
    """Return how the price of a record came about, title by title, tables as lists of rows; raise `UsageNotFound`."""
    with platform.store.read() as conn:
        one = by_id(conn, brand, [record]).get(record)
        if one is None:
            raise UsageNotFound(f"there is no priced record {record} in brand {brand}; see: mvne usage suspense")
        plan = versions.plan_version(conn, brand, one.plan, one.version)
        return {
            **_what(one, plan),
            "parts": [_part(part, one, plan) for part in one.parts],
            "counted": [_counted(taken, one, plan) for taken in one.taken],
            "reports of the session": list(_reports(conn, brand, one)),
            "earlier prices": list(_past(conn, brand, one)),
            "corrections of bills": list(_corrections(conn, brand, one)),
        }


def _what(one: Stored, plan: Plan) -> dict[str, Any]:
    record, currency = one.record, one.currency
    called = f"to {record.to} ({one.destination})" if record.to else "data"
    labelled = f", as {record.label}" if record.label else ""
    margin = one.charge_micro - one.cost_micro
    return {
        "record": record.id,
        "what": f"{record.kind}, {_units(record.amount, one)}, in {record.country}, {called}{labelled}",
        "when": record.start.isoformat(),
        "stands": _STATES[one.state],
        "came": _CAME[Came(one.came)],
        "corrects": record.corrects,
        "batch": one.batch,
        "line": one.subscription,
        "plan": f"{one.plan} version {one.version}",
        "price": micro_text(one.charge_micro, currency),
        "cost": f"{micro_text(one.cost_micro, currency)} ({one.cost_rule or 'none'})",
        "margin": micro_text(margin, currency),
        "rounding": _rounding(one, plan),
        "session": _session(one),
        "billed on": _BILLED.get(one.invoice, one.invoice),
    }


def _rounding(one: Stored, plan: Plan) -> str:
    per = "the session's running total" if one.record.session else "the exact price"
    return f"{per}, once, {worded(plan.tariff.rounding)}"


def _session(one: Stored) -> str | None:
    if one.record.session is None:
        return None
    return f"{one.record.session}, report {one.place + 1}: what the session costs with it, less what it cost before"


def _part(part: Part, one: Stored, plan: Plan) -> Cells:
    return {
        "rule": f"{part.rule} {part.name}".strip(),
        "which is": _rule(part, one.record.kind, plan),
        "band": part.band or "any time",
        "used": _units(part.units, one),
        "charged for": _units(part.billable, one) if part.billable else "nothing",
        "at": part.rate or "no charge",
        "once per session": _once(part, one.record.kind, plan),
        "price": micro_text(part.charge_micro, one.currency),
    }


def _rule(part: Part, kind: Kind, plan: Plan) -> str:
    """Say what a rule of the tariff is."""
    if part.rule is Rule.BUCKET:
        name = part.name.removeprefix(POOL)
        plain, _, carried = name.rpartition(ROLLED)
        bucket = next((one for one in plan.tariff.buckets if one.id in (name, plain)), None)
        whose = "the pool's " if part.name.startswith(POOL) else "carried over, " if carried and plain else ""
        return f"{whose}{bucket_words(bucket)}" if bucket else f"{whose}an allowance that was bought or is shared"
    return {
        Rule.FREE: "emergency and freephone numbers cost nothing and count nowhere",
        Rule.SERVICE: "a service of the plan prices calls to its number group",
        Rule.PRICE: "the price beyond the allowance",
        Rule.SLOW: "beyond the allowance it goes on slower, free of charge",
        Rule.STOP: "beyond the allowance the network was to stop: the brand's loss",
        Rule.NEXT: "beyond the allowance the period goes on at the next plan, for its fee once",
        Rule.DECK: f"the longest prefix of the rates that fits, {part.name}",
        Rule.ROAMING: f"the price in the zone {part.name}",
    }[part.rule]


def _once(part: Part, kind: Kind, plan: Plan) -> str:
    """Say what of a rate counts once per session: set-up, bounds, percentage, increments."""
    rate = _rate(part, kind, plan)
    if rate is None or rate.is_free:
        return ""
    words = [f"counted {rate.in_band(part.band).increments}"]
    words += [f"{name} {getattr(rate, name):f}" for name in ("setup", "minimum") if getattr(rate, name)]
    if rate.maximum is not None:
        words.append(f"maximum {rate.maximum:f}, then {rate.at_maximum}")
    if rate.percent:
        words.append(f"{rate.percent:f} percent on top")
    if rate.tiers:
        words.append(f"{rate.scheme} over the period")
    return ", ".join(words)


def _rate(part: Part, kind: Kind, plan: Plan) -> Rate | None:
    return sessions.rate_of(part, kind, plan, {bucket.id: bucket for bucket in plan.tariff.buckets})


def _counted(taken: Taken, one: Stored, plan: Plan) -> Cells:
    """Say what a record added to a counter."""
    kind = one.record.kind
    name = taken.counter
    guard = next((guard for guard in plan.tariff.guards if name == GUARD + guard.id), None)
    is_unit = guard is None or guard.measure == "units"
    amount = _units(taken.units, one) if is_unit else str(taken.units)
    if guard is not None and guard.measure == "spend":
        amount = micro_text(taken.units, one.currency)
    whose = "the brand" if taken.holder == BRAND else taken.holder
    steps = {f"{step.rule}:{step.name}" for step in chain(plan.tariff, kind)}
    what = "charged for, by which tiers go" if name.endswith(BILLABLE) else "used"
    what = "step beyond the allowance" if name in steps else what
    place = None if taken.place is None else _units(taken.place, one)
    since = taken.start.isoformat(timespec="minutes")
    return {"counter": name, "of": whose, "since": since, "added": amount, "what": what, "after": place}


def _reports(conn: Connection, brand: str, one: Stored) -> Iterator[Cells]:
    """Yield the other reports of a record's session, in the order in which they were priced."""
    if one.record.session is None:
        return
    query = select(usage_table.c.id).where(
        usage_table.c.brand == brand,
        usage_table.c.session == one.record.session,
        usage_table.c.subscription == one.subscription,
    )
    ids = list(conn.execute(query.order_by(usage_table.c.place, usage_table.c.start)).scalars())
    for other in sorted(by_id(conn, brand, ids).values(), key=lambda each: (each.place, each.record.start)):
        yield {
            "report": other.place + 1,
            "record": other.record.id,
            "when": other.record.start.isoformat(),
            "amount": format_amount(other.record.amount, other.record.kind),
            "price": micro_text(other.charge_micro, other.currency),
            "stands": other.state.value,
        }


def _past(conn: Connection, brand: str, one: Stored) -> Iterator[Cells]:
    """Yield the prices that a record had before, oldest first, each with what replaced it and why."""
    query = select(usage_past).where(usage_past.c.brand == brand, usage_past.c.id == one.record.id)
    for row in conn.execute(query.order_by(usage_past.c.rating)):
        before = json.loads(row.content)
        yield {
            "rating": row.rating,
            "price": micro_text(row.charge_micro, one.currency),
            "cost": micro_text(row.cost_micro, one.currency),
            "plan": f"{before['plan']} version {before['version']}",
            "stood": row.state,
            "until": row.at.isoformat(timespec="minutes"),
            "replaced by": row.cause,
            "why": _why(conn, brand, row.cause),
        }


def _why(conn: Connection, brand: str, cause: str) -> str:
    try:
        wanted = get(conn, brand, cause)[0]
    except ReratingNotFound:
        return "a record of that batch corrects it, or it came again"
    return f"{wanted.reason} ({wanted.kind}, by {wanted.actor})"


def _corrections(conn: Connection, brand: str, one: Stored) -> Iterator[Cells]:
    """Yield what is corrected of a bill that the record was on."""
    query = select(usage_correction).where(
        usage_correction.c.brand == brand, usage_correction.c.record == one.record.id
    )
    for row in conn.execute(query.order_by(usage_correction.c.at, usage_correction.c.id)):
        yield {
            "bill": row.billed_on,
            "by": micro_text(row.micro, row.currency),
            "because of": row.cause,
            "on the bill": row.invoice or "the next one",
        }


def _units(units: int, one: Stored) -> str:
    return format_amount(units, one.record.kind) if units >= 0 else f"-{format_amount(-units, one.record.kind)}"
