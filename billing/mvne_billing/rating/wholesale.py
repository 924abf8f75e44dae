"""What the host network charges the brand for a record."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from mvne_billing.rating.result import Reason, Unrateable, World
from mvne_billing.usage.record import UsageRecord
from mvne_plans.agreement import in_force
from mvne_plans.money import round_record
from mvne_plans.numbering import Destination, NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import DOMESTIC, INTERNATIONAL, OTHER, Tariff


def cost(
    record: UsageRecord, number: str, destination: Destination | None, tariff: Tariff, world: World
) -> tuple[int, str]:
    """Return the wholesale price in micro-units and the rule that made it; raise `Unrateable` if none is agreed.

    Emergency calls cost nothing (they are the host's duty, EECC art. 109). Abroad the visited zone prices, at home the
    called number does.
    """
    if destination and destination.kind is NumberKind.EMERGENCY:
        return 0, "emergency"
    agreement = in_force(world.agreements, record.start.astimezone(ZoneInfo(world.timezone)).date())
    if agreement is None:
        raise Unrateable(Reason.NO_WHOLESALE_PRICE, "no wholesale agreement is in force on that day")
    if agreement.currency != tariff.currency:
        message = f"the agreement is in {agreement.currency}, the plan in {tariff.currency}; they do not add"
        raise Unrateable(Reason.NO_WHOLESALE_PRICE, message)
    rates = agreement.rates.get(record.kind, {})
    rate: Rate | None
    if record.country != tariff.home:
        zones = [
            zone for zone in rates if zone not in (DOMESTIC, INTERNATIONAL) and tariff.in_zone(record.country, zone)
        ]
        zone = min(zones, key=lambda name: (name == OTHER, name != record.country), default=record.country)
        rate, rule = rates.get(zone), f"in {zone}"
    elif record.kind is Kind.DATA or _as_domestic(destination, tariff):
        rate, rule = rates.get(DOMESTIC), DOMESTIC
    else:
        row = agreement.deck.row_to(number, destination, record.kind)
        ordinary = destination is not None and destination.kind is NumberKind.ORDINARY
        rate = row.rate(record.kind) if row else rates.get(INTERNATIONAL) if ordinary else None
        rule = f"to {row.prefix}" if row else INTERNATIONAL
    if rate is None:
        raise Unrateable(Reason.NO_WHOLESALE_PRICE, f"the agreement has no {record.kind} price for {rule}")
    return round_record(rate.charge(rate.increments.raise_to(record.amount))), f"{rule} {rate.text(record.kind)}"


def _as_domestic(destination: Destination | None, tariff: Tariff) -> bool:
    if destination is None:
        return False
    freephone = destination.kind is NumberKind.FREEPHONE and destination.country == tariff.home
    return freephone or tariff.reaches(destination, DOMESTIC)
