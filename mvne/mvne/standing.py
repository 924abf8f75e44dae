"""How a brand stands, in one look."""

from __future__ import annotations

from typing import Any

from mvne import jobs, lines
from mvne.launching import launches
from mvne.platform import Platform
from mvne.selling import selling
from mvne_billing.ledger.books import balances
from mvne_billing.mediation.suspense import count_waiting
from mvne_billing.payments import attempts
from mvne_plans.money import micro_text
from mvne_provisioning.inventory.counting import count_by_state


def status(platform: Platform, brand: str) -> dict[str, Any]:
    """Return how a brand stands: what it sells, its lines, pools, money, and what waits for a person."""
    with platform.store.read() as conn:
        sold = selling(conn, brand)
        pools = count_by_state(conn, brand)
        number, state, at = launches(conn, brand)[-1]
        money: dict[str, int] = {}
        for account, micro in balances(conn, brand).get(sold.settings.currency, {}).items():
            name = account.partition(":")[0]
            money[name] = money.get(name, 0) + micro
        return {
            "brand": f"{sold.settings.name} ({brand}), {sold.settings.market}, {sold.settings.currency}",
            "launch": f"number {number}, {state}, {at.isoformat(timespec='minutes')}",
            "plans": {plan.id: f"version {sold.plan(plan.id)[0]}" for plan in sold.plans()},
            "lines": {state: count for state, count in lines.count(conn, brand).items() if count},
            "numbers": {state: count for state, count in pools.numbers.items() if count},
            "profiles": {state: count for state, count in pools.profiles.items() if count},
            "books": {name: micro_text(micro, sold.settings.currency) for name, micro in money.items()},
            "open bills": len(attempts.open_invoices(conn, brand)),
            "usage in suspense": count_waiting(conn, brand),
            "jobs for a person": len(jobs.refused(conn, brand)),
            "outside": "simulated: host network, SM-DP+, Stripe",
        }
