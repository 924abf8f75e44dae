"""Signing up: a person buys a plan, pays the first bill, and gets a line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mvne import lines, outbox, people, versions
from mvne.bills import issue_for
from mvne.collecting import NothingDue, collect, use_method
from mvne.errors import MvneError
from mvne.lines import Line, LineEnded
from mvne.ordering import order
from mvne.people import Subscriber
from mvne.platform import Platform
from mvne.restrictions import base_barrings
from mvne.selling import Selling, selling
from mvne_billing.balance import account
from mvne_billing.invoice import issuing
from mvne_billing.payments import attempts
from mvne_billing.payments.gateway import GatewayRefused
from mvne_billing.states import PaymentState, SubscriptionState
from mvne_billing.subscription import subscription
from mvne_billing.subscription.subscription import Subscription
from mvne_plans.canonical import dumps
from mvne_plans.catalogue import Pay
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.numbers import NUMBERS, number_is_free
from mvne_provisioning.inventory.pool import has_available
from mvne_provisioning.inventory.profiles import PROFILES
from mvne_provisioning.order.requests import Bar, Request


class NotEligible(MvneError):
    """The brand's rules keep this person from signing up."""


class NotAvailable(MvneError):
    """There is no number or no eSIM profile to give."""


#: What to do about a first payment that is not money yet.
_WHAT_NOW = {
    PaymentState.FAILED: "Try another payment method.",
    PaymentState.PROCESSING: "Sign up again, with the same ids, when the bank has paid.",
    PaymentState.REQUIRES_ACTION: "Its holder has to authenticate; sign up again, with the same ids, after that.",
}


class PaymentDeclined(MvneError):
    """The first bill could not be collected; the line waits until it is paid."""


@dataclass(frozen=True, slots=True)
class SignUp:
    """What somebody wants: who, which plan, paid for how many periods at once, with which code, number and method.

    `line` is the id of the line to be; `method` is the payment gateway's name of a payment method.
    """

    subscriber: Subscriber
    line: str
    plan: str
    method: str
    periods: int = 1
    code: str | None = None
    number: str | None = None


def sign_up(platform: Platform, brand: str, wanted: SignUp, at: datetime) -> Line:
    """Sign somebody up at `at` and return the line, ready for its phone.

    Everything is recorded: called again with the same ids, perhaps with another payment method, it goes on where it
    stopped. Raises `NotEligible`, `NotSold`, `PaymentDeclined`, `OrderFailed`; `OrderInterrupted` or
    `GatewayUnavailable` when somebody outside gives no answer.
    """
    number = Msisdn.parse(wanted.number) if wanted.number else None
    buy(platform, brand, wanted, at)
    return provision(platform, brand, wanted.line, at, number)


def buy(platform: Platform, brand: str, wanted: SignUp, at: datetime) -> None:
    """Register a person and a plan, and collect the first bill."""
    with platform.store.transact() as conn:
        sold = selling(conn, brand)
        _register(conn, sold, wanted, at)
    try:
        use_method(platform, brand, wanted.subscriber.id, wanted.method)
    except GatewayRefused as refusal:
        raise PaymentDeclined(
            f"{wanted.method} cannot be used: {refusal.message} Try another payment method."
        ) from None
    issue_for(platform, sold, wanted.line, at)
    _pay(platform, brand, wanted.line, at)


def provision(platform: Platform, brand: str, line: str, at: datetime, number: Msisdn | None = None) -> Line:
    """Get a bought line its number (this one) and its eSIM, and keep it from what its plan does not sell."""
    order(platform, brand, f"{line}:activate", Request(line, wanted=number), at)
    with platform.store.read() as conn:
        sold = selling(conn, brand)
        owner = subscription.get(conn, brand, line)
        plan = versions.plan_version(conn, brand, owner.plan, owner.version)
    barrings = base_barrings(plan, sold.market.numbering)
    if barrings:
        order(platform, brand, f"{line}:bar", Bar(line, barrings), at)
    with platform.store.read() as conn:
        return lines.get(conn, brand, line)


def _register(conn: Connection, sold: Selling, wanted: SignUp, at: datetime) -> None:
    """Write down who wants what, once, after checking that the brand sells it to them."""
    brand = sold.brand
    # First of all: of two who sign the same person up at once, the second waits here and then finds the first one's.
    people.add(conn, brand, wanted.subscriber, at)
    known = subscription.find(conn, brand, wanted.line)
    if known is not None:
        if (known.plan, known.customer, known.term_periods) != (wanted.plan, wanted.subscriber.id, wanted.periods):
            raise subscription.SubscriptionConflict(f"line {wanted.line} exists with another plan or subscriber")
        if known.state is SubscriptionState.ENDED:
            raise LineEnded(f"line {wanted.line} has ended; a new one needs another id")
        return
    version, plan = sold.plan(wanted.plan)
    plan.term(wanted.periods)
    day = at.astimezone(ZoneInfo(sold.settings.timezone)).date()
    _check_age(sold, wanted.subscriber, day)
    sold.tax_policy().rules(wanted.subscriber.region)
    _check_pools(conn, brand, wanted.number)
    promotion = sold.promotion(wanted.code, plan.id, day) if wanted.code else None
    if promotion is not None and promotion.new_only and lines.of_subscriber(conn, brand, wanted.subscriber.id):
        raise NotEligible(f"the code {wanted.code} is for new subscribers")
    lines.open_line(conn, brand, wanted.line, wanted.subscriber.id, at)
    bought = Subscription(
        id=wanted.line,
        customer=wanted.subscriber.id,
        plan=plan.id,
        version=version,
        state=SubscriptionState.PENDING,
        anchor=at,
        timezone=sold.settings.timezone,
        term_periods=wanted.periods,
        promotion=dumps(promotion) if promotion else None,
        tax_region=wanted.subscriber.region,
    )
    subscription.subscribe(conn, brand, bought)
    if plan.pay is Pay.PREPAID:
        account.open_balance(conn, brand, bought.id, sold.settings.currency, at)
    content = {"plan": plan.id, "version": version, "periods": wanted.periods}
    outbox.emit(conn, brand, "subscriber.signed_up", wanted.line, content, at)


def _check_pools(conn: Connection, brand: str, number: str | None) -> None:
    """Refuse before anybody pays for what there is none of."""
    if not all(has_available(conn, pool, brand) for pool in (NUMBERS, PROFILES)):
        raise NotAvailable(f"{brand} has no number or no eSIM profile left; ask the host for more in the plan file")
    if number is not None and not number_is_free(conn, brand, Msisdn.parse(number)):
        raise NotAvailable(f"{number} is not a free number of {brand}; leave --number out to get one")


def _check_age(sold: Selling, person: Subscriber, day: date) -> None:
    least = sold.settings.minimum_age
    if least is None or person.test:
        return
    if person.born is None:
        raise NotEligible(f"{sold.settings.name} is for people of {least} and over: say when the subscriber was born")
    age = day.year - person.born.year - ((day.month, day.day) < (person.born.month, person.born.day))
    if age < least:
        raise NotEligible(f"{sold.settings.name} is for people of {least} and over; the subscriber is {age}")


def _pay(platform: Platform, brand: str, line: str, at: datetime) -> None:
    """Collect what the new line owes."""
    with platform.store.read() as conn:
        owed = [
            one.id
            for one in issuing.of_subscription(conn, brand, line)
            if one.kind == "invoice" and attempts.due(conn, brand, one.id).minor > 0
        ]
    for invoice in owed:
        try:
            payment = collect(platform, brand, invoice, at)
        except NothingDue:  # somebody else's run was faster
            continue
        if payment.state is not PaymentState.SUCCEEDED:
            reason = (payment.message or payment.code or payment.state).rstrip(".")
            raise PaymentDeclined(f"the first bill of {line} is not paid: {reason}. {_WHAT_NOW[payment.state]}")
