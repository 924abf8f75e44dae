"""What the gateway tells us: verified, stored once, and applied by asking the gateway again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from mvne_billing.balance import topup
from mvne_billing.balance.topup import TopUp
from mvne_billing.payments import attempts
from mvne_billing.payments.attempts import Noticed, Payment, unnoticed
from mvne_billing.payments.gateway import ChargeResult, PaymentGateway
from mvne_billing.sql import Transact
from mvne_billing.tables import gateway_event as table

#: Writes down what the gateway said about a top-up, in the transaction it is given: `topups.record` by a brand's rules.
PaidIn = Callable[[Connection, TopUp, ChargeResult], object]


def receive(
    transact: Transact,
    brand: str,
    gateway: PaymentGateway,
    payload: bytes,
    signature: str,
    at: datetime,
    noticed: Noticed = unnoticed,
    paid_in: PaidIn | None = None,
) -> Payment | None:
    """Take a notification; return the payment it concerned, None when it was known or concerns none.

    One that concerns a top-up goes to `paid_in`; without that, the top-up waits for the next bill run, which asks.
    Their order and number do not matter: a payment's state is fetched, never read from the message. Raises
    `BadSignature` when it is not the gateway's.
    """
    event = gateway.parse_event(payload, signature, at)
    where = (table.c.brand == brand, table.c.id == event.id)
    with transact() as conn:
        applied = conn.execute(select(table.c.applied_at).where(*where)).one_or_none()
        if applied is None:
            row = {"brand": brand, "id": event.id, "type": event.type, "object": event.reference, "at": at}
            conn.execute(insert(table).values(row))
        elif applied.applied_at is not None:
            return None
        payment = attempts.by_reference(conn, brand, event.charge) if event.charge else None
        begun = topup.by_reference(conn, brand, event.charge) if event.charge and paid_in else None
    found = payment or begun
    result = gateway.fetch_charge(found.reference) if found and found.reference else None
    with transact() as conn:
        if payment is not None and result is not None:
            payment = attempts.record(conn, brand, payment.id, result, at, noticed)
        elif begun is not None and result is not None and paid_in is not None:
            paid_in(conn, begun, result)
        conn.execute(update(table).where(*where).values(applied_at=at))
    return payment
