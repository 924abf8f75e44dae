"""What a plan keeps a line from, and how a line is held when an allowance is used up."""

from __future__ import annotations

from mvne_plans.catalogue import Plan
from mvne_plans.numbering import NumberingPlan, NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.tariff import DOMESTIC, ON_NET, Guard
from mvne_provisioning.network.port import Barring

_KIND_BARS = {Kind.VOICE: Barring.OUTGOING_VOICE, Kind.SMS: Barring.SMS, Kind.DATA: Barring.DATA}


def base_barrings(plan: Plan, numbering: NumberingPlan) -> frozenset[Barring]:
    """Return what the plan sells no use of: the network refuses it, rather than rating being left without a price."""
    tariff = plan.tariff
    prefixes = [row.prefix for row in tariff.deck.rows]
    allowed_abroad = any(zone not in (DOMESTIC, ON_NET) for bucket in tariff.buckets for zone in bucket.to)
    barred = set()
    if not prefixes and not allowed_abroad:
        barred.add(Barring.INTERNATIONAL)
    if not any(_is_premium(prefix, numbering) for prefix in prefixes):
        barred.add(Barring.PREMIUM)
    if all(rule.treatment == "refuse" for rule in tariff.roaming):
        barred.add(Barring.ROAMING)
    sold = {bucket.kind for bucket in tariff.buckets} | set(tariff.beyond)
    return frozenset(barred | {_KIND_BARS[kind] for kind in Kind if kind not in sold})


def stopped(kind: Kind) -> Barring:
    """Return the barring that stops a kind of use once its allowance is used up."""
    return _KIND_BARS[kind]


def guarded(guard: Guard) -> frozenset[Barring]:
    """Return the barrings by which a guard stops a line; what the network cannot tell apart is stopped as a whole."""
    if guard.to == (NumberKind.PREMIUM,):
        return frozenset({Barring.PREMIUM})
    if guard.within and DOMESTIC not in guard.within and not guard.kinds:
        return frozenset({Barring.ROAMING})
    return frozenset(_KIND_BARS[kind] for kind in guard.kinds or Kind)


def _is_premium(prefix: str, numbering: NumberingPlan) -> bool:
    found = numbering.classify(prefix)
    return found is not None and found.kind is NumberKind.PREMIUM
