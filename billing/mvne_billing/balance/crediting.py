"""Putting money into a balance: one lot, one posting, wherever it comes from.

Value added tax on what is paid in (whether a top-up or a voucher is taxed when it is sold, as a single-purpose voucher,
or when it is used, as a multi-purpose one: Directive 2006/112/EC, articles 30a and 30b) belongs in `credited`, the one
door that every such payment comes through. No tax is posted there yet: what is bought from a balance is taxed by its
invoice, and live use is posted as it is priced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from mvne_billing.balance.holding import Held
from mvne_billing.balance.lots import CreditKind, Lot, extended
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer
from mvne_plans.canonical import dumps
from mvne_plans.money import Money
from mvne_plans.period import Every
from mvne_plans.prepaid import PrepaidRules, good_until


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a lot came from, kept with it: who did it and why, or the batch, the line or the top-up it came with."""

    source: str
    actor: str = ""
    reason: str = ""


def posting(
    name: str, subscription: str, source: str, micro: int, currency: str, code: str, at: datetime, reference: str
) -> Transfer:
    """Return the transfer that moves money from an account into a line's wallet: debit the account, owe the line."""
    like = Entry(currency, code, at, reference, subscription)
    return Transfer(name, source, accounts.wallet(subscription), micro, *like)


def credited(held: Held, kind: CreditKind, paid: Transfer, until: datetime | None, origin: Origin) -> Held:
    """Return a balance with the money of a posting in it as one lot, good until `until`."""
    lot = Lot(paid.id, held.balance.subscription, kind, paid.micro, paid.micro, paid.at, until, dumps(origin))
    return held.credited(paid, lot)


def paid_in(
    held: Held, kind: CreditKind, paid: Transfer, rules: PrepaidRules, lasts: Every | None, origin: Origin
) -> Held:
    """Return a balance with a payment in it, by the rules: how long it lasts, and whether it renews what was there.

    `lasts` (a voucher's own) goes before the rules'.
    """
    until = good_until(paid.at, lasts or rules.lasts, held.timezone)
    after = credited(held, kind, paid, until, origin)
    return replace(after, lots=extended(after.lots, until, paid.at)) if rules.extends else after


def with_bonus(held: Held, paid: Transfer, amount: Money, rules: PrepaidRules) -> Held:
    """Return a balance with the money that comes on top of a top-up, if any does."""
    bonus = rules.bonus(amount)
    extra = bonus.money(amount) if bonus else Money.zero(amount.currency)
    if bonus is None or not extra:
        return held
    wallet = held.balance.subscription
    given = posting(f"{paid.id}:bonus", wallet, accounts.BONUS, extra.micro, extra.currency, "bonus", paid.at, paid.id)
    until = good_until(paid.at, bonus.lasts or rules.lasts, held.timezone)
    return credited(held, CreditKind.BONUS, given, until, Origin(paid.id))
