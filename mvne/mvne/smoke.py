"""The smoke journey: a test subscriber buys, is provisioned, calls, is billed, pays, is refunded, and is removed.

It runs over the very use cases that real subscribers run over. Each part can be repeated without a second effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from mvne import lines, phone, service, signup, usage, workers
from mvne.collecting import collect
from mvne.errors import MvneError
from mvne.lines import LineEnded
from mvne.people import Subscriber
from mvne.platform import Platform
from mvne.selling import Selling, selling
from mvne.signup import SignUp
from mvne.states import LineState
from mvne.tables import line as line_table
from mvne.tables import subscriber as subscriber_table
from mvne_billing.invoice import issuing
from mvne_billing.ledger.verifying import verify
from mvne_billing.payments import attempts
from mvne_billing.payments.refunding import refund
from mvne_billing.states import PaymentState, RefundState
from mvne_billing.tables import usage as usage_table
from mvne_plans.money import micro_text
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.network.port import UsageKind
from mvne_provisioning.network.simulated_use import Use
from mvne_provisioning.tables import provisioning_number

#: The gateway's name of a test card that pays.
CARD = "pm_card_visa"


class SmokeFailed(MvneError):
    """The brand does not work end to end."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One journey: of which launch, and when."""

    platform: Platform
    brand: str
    number: int
    at: datetime

    @property
    def line(self) -> str:
        """The id of the test subscriber and of its line."""
        return f"smoke-{self.number}"


def _buy(trial: Trial) -> str:
    """Sign up and pay the first bill."""
    with trial.platform.store.read() as conn:
        sold = selling(conn, trial.brand)
    wanted = _wish(trial, sold)
    signup.buy(trial.platform, trial.brand, wanted, trial.at)
    with trial.platform.store.read() as conn:
        paid = [one.total for one in issuing.of_subscription(conn, trial.brand, trial.line)]
    return f"plan {wanted.plan}, first bill {', '.join(map(str, paid)) or 'none'} paid"


def _provision(trial: Trial) -> str:
    """Get a number and an eSIM, and let a simulated phone install it."""
    signup.provision(trial.platform, trial.brand, trial.line, trial.at)
    with trial.platform.store.read() as conn:
        known = lines.get(conn, trial.brand, trial.line)
    if known.state is LineState.READY:
        known = phone.install(trial.platform, trial.brand, trial.line, trial.at)
    _expect(known.state is LineState.ACTIVE, f"the line is {known.state}, not active")
    return f"number …{str(known.msisdn)[-4:]}, eSIM …{str(known.iccid)[-4:]} installed by a simulated phone"


def _call(trial: Trial) -> str:
    """Call, write and surf on the simulated network, and price it."""
    with trial.platform.store.read() as conn:
        known = lines.get(conn, trial.brand, trial.line)
        sold = selling(conn, trial.brand)
        _, plan = sold.plan(_plan_id(sold))
        to = _somebody_else(conn, trial.brand, str(known.msisdn))
    kinds = sorted({bucket.kind.value for bucket in plan.tariff.buckets} | {kind.value for kind in plan.tariff.beyond})
    amounts = {"voice": 65, "sms": 1, "data": 1_000_000}
    moments = {kind: trial.at + timedelta(minutes=1 + place) for place, kind in enumerate(kinds)}
    uses = [
        Use(Imsi(known.imsi or ""), UsageKind(kind), moments[kind], amounts[kind], None if kind == "data" else to)
        for kind in kinds
    ]
    phone.use(trial.platform, sold.market.code, uses)
    usage.collect_feed(trial.platform, trial.brand, trial.at + timedelta(minutes=10))
    with trial.platform.store.read() as conn:
        query = select(usage_table).where(usage_table.c.brand == trial.brand, usage_table.c.subscription == trial.line)
        rated = conn.execute(query).all()
    _expect(len(rated) == len(uses), f"{len(uses)} uses of the network, {len(rated)} of them priced")
    price, cost = (micro_text(sum(column), sold.settings.currency) for column in zip(*_money(rated), strict=True))
    return f"{', '.join(kinds)} priced at {price}, host cost {cost}"


def _bill(trial: Trial) -> str:
    """End the contract at once: what was used is billed."""
    with trial.platform.store.read() as conn:
        before = len(issuing.of_subscription(conn, trial.brand, trial.line))
    _end(trial, trial.line, trial.at + timedelta(hours=1))
    with trial.platform.store.read() as conn:
        documents = issuing.of_subscription(conn, trial.brand, trial.line)
    last = f"{documents[-1].number} over {documents[-1].total}" if len(documents) > before else "nothing more was due"
    return f"contract ended, final bill: {last}"


def _pay(trial: Trial) -> str:
    """Pay what is still open."""
    amounts = []
    for invoice in _invoices(trial):
        with trial.platform.store.read() as conn:
            open_amount = attempts.due(conn, trial.brand, invoice)
        if open_amount.minor > 0:
            payment = collect(trial.platform, trial.brand, invoice, trial.at + timedelta(hours=2))
            _expect(payment.state is PaymentState.SUCCEEDED, f"payment {payment.id} is {payment.state}: {payment.code}")
            amounts.append(str(open_amount))
    return f"paid {', '.join(amounts)}" if amounts else "nothing was open"


def _refund(trial: Trial) -> str:
    """Credit every bill and give the money back; then the books must agree."""
    given, at = [], trial.at + timedelta(hours=3)
    for invoice in _invoices(trial):
        with trial.platform.store.transact() as conn:
            note = issuing.credit_of(conn, trial.brand, invoice)
            note = note or issuing.credit(conn, trial.brand, f"credit:{invoice}", invoice, at)
            paid = [
                one for one in attempts.of_invoice(conn, trial.brand, invoice) if one.state is PaymentState.SUCCEEDED
            ]
        for payment in paid:
            back = refund(
                trial.platform.store.transact,
                trial.brand,
                f"refund:{payment.id}",
                payment.id,
                note.id,
                trial.platform.gateway,
                at,
            )
            _expect(back.state is RefundState.SUCCEEDED, f"refund {back.id} is {back.state}: {back.code}")
            given.append(str(back.amount))
    with trial.platform.store.read() as conn:
        faults = verify(conn, trial.brand).faults
    _expect(not faults, f"the books do not agree: {'; '.join(faults)}")
    return f"credited and refunded {', '.join(given)}; the books agree" if given else "the books agree"


def _remove(trial: Trial) -> str:
    """End every test line at the network, this one and any that an interrupted launch left behind."""
    at = trial.at + timedelta(hours=4)
    for line in _test_lines(trial):
        _end(trial, line, at)
    workers.work(trial.platform, trial.brand, at)
    _expect(not _test_lines(trial), "a test line is still in service")
    return "line ended, its number rests"


JOURNEY: Mapping[str, Callable[[Trial], str]] = {
    "buy": _buy,
    "provision": _provision,
    "call": _call,
    "bill": _bill,
    "pay": _pay,
    "refund": _refund,
    "remove": _remove,
}


def _end(trial: Trial, line: str, at: datetime) -> None:
    with suppress(LineEnded):  # by a run that was interrupted before it could say so
        service.cancel(trial.platform, trial.brand, line, at, now=True)


def _wish(trial: Trial, sold: Selling) -> SignUp:
    _, plan = sold.plan(_plan_id(sold))
    region = sold.settings.tax_table[0].region if sold.settings.tax_table else None
    tester = Subscriber(
        id=trial.line,
        name="Test journey",
        email="test@mvne.example",
        language=sold.settings.languages[0],
        region=region,
        test=True,
    )
    periods = 1 if plan.price is not None else min(term.periods for term in plan.terms)
    return SignUp(tester, trial.line, plan.id, CARD, periods)


def _plan_id(sold: Selling) -> str:
    return min(plan.id for plan in sold.plans())


def _money(rows: Sequence[Row[Any]]) -> list[tuple[int, int]]:
    return [(row.charge_micro, row.cost_micro) for row in rows] or [(0, 0)]


def _invoices(trial: Trial) -> list[str]:
    with trial.platform.store.read() as conn:
        documents = issuing.of_subscription(conn, trial.brand, trial.line)
    return [one.id for one in documents if one.kind == "invoice" and one.total.minor > 0]


def _somebody_else(conn: Connection, brand: str, mine: str) -> str:
    """Return a number to call: another one of the brand's own."""
    numbers = provisioning_number.c
    query = select(numbers.msisdn).where(numbers.brand == brand, numbers.msisdn != mine).order_by(numbers.msisdn)
    found = conn.execute(query.limit(1)).scalar()
    _expect(found is not None, "there is no second number to call; a brand needs two at least")
    return str(found)


def _test_lines(trial: Trial) -> list[str]:
    query = (
        select(line_table.c.id)
        .join(
            subscriber_table,
            (subscriber_table.c.brand == line_table.c.brand) & (subscriber_table.c.id == line_table.c.subscriber),
        )
        .where(line_table.c.brand == trial.brand, subscriber_table.c.test, line_table.c.state != LineState.ENDED)
    )
    with trial.platform.store.read() as conn:
        return list(conn.execute(query.order_by(line_table.c.id)).scalars())


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise SmokeFailed(f"the smoke journey found that {otherwise}")
