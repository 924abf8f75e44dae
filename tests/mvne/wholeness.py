"""The whole house is in order: books, references, pools, lines, host network and Stripe all tell the same story."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from mvne import jobs
from mvne.doctor import orphans
from mvne.platform import Platform
from mvne.states import LineState
from mvne.tables import event, number_use
from mvne.tables import line as line_table
from mvne_billing.ledger import accounts
from mvne_billing.ledger.books import balances
from mvne_billing.ledger.verifying import verify
from mvne_billing.payments import attempts
from mvne_billing.payments.stripe_simulator.tables import OBJECT
from mvne_billing.states import PaymentState, RefundState, SubscriptionState
from mvne_billing.tables import payment, refund, subscription, topup
from mvne_plans.money import micro_per_minor
from mvne_provisioning.network.port import HostState
from mvne_provisioning.network.simulator_tables import lines as host_line
from mvne_provisioning.order.placing import open_orders
from mvne_provisioning.states import PoolState
from mvne_provisioning.tables import provisioning_number, provisioning_profile

#: How a line stands at the host network, by how it stands with us.
AT_HOST = {
    LineState.READY: HostState.ACTIVE,
    LineState.ACTIVE: HostState.ACTIVE,
    LineState.SUSPENDED: HostState.SUSPENDED,
}

#: How its subscription stands.
BILLED_AS = {
    LineState.ORDERED: {SubscriptionState.PENDING, SubscriptionState.ENDED},
    LineState.READY: {SubscriptionState.PENDING, SubscriptionState.ENDED},
    LineState.ACTIVE: {SubscriptionState.ACTIVE, SubscriptionState.ENDED},
    LineState.SUSPENDED: {SubscriptionState.SUSPENDED, SubscriptionState.ENDED},
    LineState.ENDED: {SubscriptionState.ENDED},
}


def faults(platform: Platform, brand: str) -> list[str]:
    """Return what is not in order in a brand, everything outside included; there is nothing to do for it."""
    found = unrest(platform, brand)
    with platform.store.read() as conn:
        found += [f"open order {one}" for one in open_orders(conn, brand)]
        found += [f"refused job {id_}: {why}" for id_, why in jobs.refused(conn, brand)]
    return found


def unrest(platform: Platform, brand: str) -> list[str]:
    """Return what is not in order in a brand, apart from orders and jobs that wait to be done."""
    with platform.store.read() as conn:
        found = [*verify(conn, brand).faults, *orphans(conn, brand)]
        found += [*_lines(conn, platform, brand), *_events(conn, brand), *_receivable(conn, brand)]
        return found + list(_stripe(conn, platform, brand))


def _lines(conn: Connection, platform: Platform, brand: str) -> Iterator[str]:
    at_host = _host_lines(platform)
    numbers = _held(conn, brand, "number")
    profiles = _held(conn, brand, "profile")
    uses = Counter(
        conn.execute(
            select(number_use.c.line).where(number_use.c.brand == brand, number_use.c.until.is_(None))
        ).scalars()
    )
    rows = conn.execute(select(line_table).where(line_table.c.brand == brand)).all()
    query = select(subscription.c.id, subscription.c.state).where(subscription.c.brand == brand)
    states = {row.id: row.state for row in conn.execute(query)}
    for row in rows:
        state = LineState(row.state)
        if states[row.id] not in BILLED_AS[state]:
            yield f"{row.id} is {state}, its subscription {states[row.id]}"
        if state in (LineState.ORDERED, LineState.ENDED):
            if row.id in numbers or row.id in profiles or uses[row.id]:
                yield f"{row.id} is {state} and holds {numbers.get(row.id)} {profiles.get(row.id)}, uses {uses[row.id]}"
            continue
        host = at_host.get(row.imsi)
        ours = (row.msisdn, row.iccid, row.barrings, row.bits_per_second, AT_HOST[state])
        if host != ours:
            yield f"{row.id} is {ours} with us and {host} at the host"
        if (numbers.get(row.id), profiles.get(row.id)) != (row.msisdn, row.iccid) or uses[row.id] != 1:
            yield f"{row.id} has {row.msisdn} {row.iccid}; the pools say {numbers.get(row.id)} {profiles.get(row.id)}"
    living = {row.imsi for row in rows if LineState(row.state) in AT_HOST}
    own = set(conn.execute(select(provisioning_profile.c.imsi).where(provisioning_profile.c.brand == brand)).scalars())
    for imsi in {imsi for imsi, host in at_host.items() if host[4] != HostState.TERMINATED} & own ^ living:
        yield f"the host and the lines disagree on whether {imsi} lives"
    held = [*numbers, *profiles]
    for holder in {holder for holder in held if holder.startswith("order:")}:
        yield f"{holder} still reserves something"


def _host_lines(platform: Platform) -> Mapping[str, tuple[Any, ...]]:
    assert platform.world is not None
    with platform.world.host("FR")._engine.begin() as conn:
        return {
            row.imsi: (row.msisdn, row.iccid, row.barrings, row.bits_per_second, row.state)
            for row in conn.execute(select(host_line))
        }


def _held(conn: Connection, brand: str, kind: str) -> Mapping[str, str]:
    table, key = (provisioning_number, "msisdn") if kind == "number" else (provisioning_profile, "iccid")
    held = table.c.state.in_((PoolState.RESERVED, PoolState.ASSIGNED))
    query = select(table.c.holder, table.c[key]).where(table.c.brand == brand, held)
    return {holder: item for holder, item in conn.execute(query)}


def _events(conn: Connection, brand: str) -> Iterator[str]:
    numbers = (
        conn.execute(select(event.c.number).where(event.c.brand == brand).order_by(event.c.number)).scalars().all()
    )
    if list(numbers) != list(range(1, len(numbers) + 1)):
        yield f"the events are numbered {numbers}"


def _receivable(conn: Connection, brand: str) -> Iterator[str]:
    """What the books say is owed is what the open invoices ask for, less refunds that are still to be made."""
    asked = Counter[str]()
    for invoice in attempts.open_invoices(conn, brand):
        due = attempts.due(conn, brand, invoice)
        asked[due.currency] += due.minor * micro_per_minor(due.currency)
    owed = Counter[str]()
    for currency, held in balances(conn, brand).items():
        owed[currency] = sum(micro for account, micro in held.items() if account.startswith(accounts.receivable("")))
    for currency in asked.keys() | owed.keys():
        if asked[currency] != owed[currency]:
            yield f"{owed[currency]} micro-{currency} are receivable; open invoices ask for {asked[currency]}"


def _stripe(conn: Connection, platform: Platform, brand: str) -> Iterator[str]:
    """Every payment and refund that succeeded with us was made once at Stripe, and nothing else was."""
    own = {one["id"] for one in stripe_objects(platform, "customer") if _ours(one, brand)}
    intents = [one for one in stripe_objects(platform, "payment_intent") if one["customer"] in own]
    charged = {one["id"] for one in intents}
    refunds = [one for one in stripe_objects(platform, "refund") if one["payment_intent"] in charged]
    charged_for = select(payment.c.id).where(payment.c.brand == brand, payment.c.method != accounts.FROM_BALANCE)
    for table, done, name, made in (
        (payment, PaymentState.SUCCEEDED, "mvne_payment", intents),
        (refund, RefundState.SUCCEEDED, "mvne_refund", refunds),
    ):
        through_stripe = table.c.id.in_(charged_for) if table is payment else table.c.payment.in_(charged_for)
        query = select(table.c.id).where(table.c.brand == brand, table.c.state == done, through_stripe)
        ours = Counter(conn.execute(query).scalars())
        if table is payment:
            ours += Counter(f"topup:{one}" for one in _card_topups(conn, brand))
        theirs = Counter(one["metadata"][name] for one in made if one["status"] == "succeeded")
        if ours != theirs:
            yield f"{table.name}: {dict(ours - theirs)} only with us, {dict(theirs - ours)} only at Stripe"


def _card_topups(conn: Connection, brand: str) -> list[str]:
    paid = (topup.c.source == "card", topup.c.state == PaymentState.SUCCEEDED)
    return list(conn.execute(select(topup.c.id).where(topup.c.brand == brand, *paid)).scalars())


def _ours(customer: Mapping[str, Any], brand: str) -> bool:
    return str(customer["metadata"]["mvne_customer"]).startswith(f"{brand}:")


def stripe_objects(platform: Platform, kind: str) -> list[dict[str, Any]]:
    """Return what the simulated Stripe has of a kind of thing, of all brands."""
    assert platform.world is not None
    with platform.world.stripe._engine.begin() as conn:
        return [json.loads(body) for body in conn.execute(select(OBJECT.c.body).where(OBJECT.c.kind == kind)).scalars()]
