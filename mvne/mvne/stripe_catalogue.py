"""The catalogue as the payment gateway shows it: a product per plan, a price per way to pay for it.

It serves checkout and the gateway's own pages; what a subscriber owes is never read back from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

from mvne_billing.payments.gateway import PaymentGateway, PriceSpec, ProductSpec
from mvne_plans.canonical import content_hash
from mvne_plans.catalogue import Plan
from mvne_plans.money import Money


def sync(gateway: PaymentGateway, brand: str, plan: Plan, version: int, before: Sequence[Plan] = ()) -> str:
    """Make the gateway's product and prices of a plan equal to its version; return in words what was done.

    A way to pay that only the versions `before` had is taken off the shelf.
    """
    name = f"{brand}:{plan.id}"
    key = f"{name}:{version}"
    product = gateway.sync_product(f"{key}:product", ProductSpec(name, plan.name))
    done = [f"product {product.action}"]
    for periods, amount in _prices(plan):
        metadata = {"mvne_version": str(version), "mvne_hash": content_hash(plan)}
        spec = PriceSpec(f"{name}:{periods}", product.reference, amount, metadata)
        price = gateway.sync_price(f"{key}:price:{periods}", spec)
        done.append(f"price {amount} for {periods} × {plan.every} {price.action}")
    return ", ".join(done + _archive(gateway, name, _periods(before) - _periods([plan])))


def archive(gateway: PaymentGateway, brand: str, plan_id: str, versions: Sequence[Plan]) -> str:
    """Take a plan's prices off the gateway's shelf; old payments still refer to them."""
    return ", ".join(_archive(gateway, f"{brand}:{plan_id}", _periods(versions))) or "there were no prices"


def _archive(gateway: PaymentGateway, name: str, periods: Set[int]) -> list[str]:
    # A launch that was given up before it came here has left no price.
    known = gateway.find_prices([f"{name}:{count}" for count in sorted(periods)]) if periods else ()
    return [f"price {price.amount} {gateway.archive_price(price.lookup_key).action}" for price in known]


def _periods(plans: Iterable[Plan]) -> set[int]:
    return {periods for plan in plans for periods, _ in _prices(plan)}


def _prices(plan: Plan) -> Iterator[tuple[int, Money]]:
    """Yield how many periods are paid at once, and for how much."""
    if plan.price is not None:
        yield 1, plan.price
    for term in plan.terms:
        yield term.periods, term.price
