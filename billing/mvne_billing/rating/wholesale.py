"""What the host network charges the brand for a use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mvne_billing.rating.result import Reason, Unrateable, World
from mvne_billing.rating.route import Route
from mvne_plans.agreement import Agreement, in_force
from mvne_plans.money import round_record
from mvne_plans.numbering import NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import DOMESTIC, INTERNATIONAL, OTHER

#: Begins the counters of the brand's own use under a tiered wholesale rate, see `Rated.taken`.
WHOLESALE = "wholesale:"


class Cost(NamedTuple):
    """The host's charge in micro-units, the rule that made it, and what it adds to the brand's counters."""

    micro: int
    rule: str
    taken: Mapping[str, int]


def cost(found: Route, units: int, start: datetime, world: World, retail_micro: int, spent: Mapping[str, int]) -> Cost:
    """Return what `units` of a use cost under the agreement in force at `start`; raise `Unrateable` if none says.

    Emergency calls cost nothing (they are the host's duty, EECC art. 109). Abroad the visited zone prices, at home the
    called number does. `spent` holds the brand's counters of the month for rates with tiers.
    """
    if found.is_emergency:
        return Cost(0, "emergency", {})
    agreement = in_force(world.agreements, start.astimezone(ZoneInfo(world.timezone)).date())
    if agreement is None:
        raise Unrateable(Reason.NO_WHOLESALE_PRICE, "no wholesale agreement is in force on that day")
    if agreement.currency != found.tariff.currency:
        message = f"the agreement is in {agreement.currency}, the plan in {found.tariff.currency}; they do not add"
        raise Unrateable(Reason.NO_WHOLESALE_PRICE, message)
    if agreement.retail_share is not None:
        charge = round_record(retail_micro * agreement.retail_share)
        return Cost(charge, f"retail less {agreement.retail_minus:f} percent", {})
    if found.kind in agreement.capacity:
        return Cost(0, "capacity", {})
    rate, rule = agreed_rate(found, agreement)
    if rate is None:
        raise Unrateable(Reason.NO_WHOLESALE_PRICE, f"the agreement has no {found.kind} price for {rule}")
    text = f"{rule} {rate.text(found.kind)}"
    billable = rate.increments.raise_to(units)
    if rate.by_unit_alone:
        return Cost(round_record(rate.charge(billable)), text, {})
    counter = f"{WHOLESALE}{found.kind}:{rule}" if rate.tiers else ""
    exact = rate.session(rate.charge(billable, spent.get(counter, 0))) if billable else Fraction(0)
    return Cost(round_record(exact), text, {counter: billable} if counter else {})


def agreed_rate(found: Route, agreement: Agreement) -> tuple[Rate | None, str]:
    """Return the agreement's rate for a use, None if it has none, and the name of the rule that says so."""
    rates, tariff = agreement.rates.get(found.kind, {}), found.tariff
    if found.country != tariff.home:
        abroad = [zone for zone in rates if zone not in (DOMESTIC, INTERNATIONAL)]
        zones = [zone for zone in abroad if tariff.in_zone(found.country, zone)]
        zone = min(zones, key=lambda name: (name == OTHER, name != found.country), default=found.country)
        return rates.get(zone), f"in {zone}"
    if found.kind is Kind.DATA or _is_as_domestic(found):
        return rates.get(DOMESTIC), DOMESTIC
    row = agreement.deck.row_to(found.number, found.destination, found.kind)
    if row is not None:
        return row.rate(found.kind), f"to {row.prefix}"
    ordinary = found.destination is not None and found.destination.kind is NumberKind.ORDINARY
    return rates.get(INTERNATIONAL) if ordinary else None, INTERNATIONAL


def _is_as_domestic(found: Route) -> bool:
    if found.destination is None:
        return False
    freephone = found.destination.kind is NumberKind.FREEPHONE and found.destination.country == found.tariff.home
    return freephone or found.tariff.reaches(found.destination, DOMESTIC)
