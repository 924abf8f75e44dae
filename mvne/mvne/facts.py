"""One plain view of a brand, keyed as the market packs' rules ask for it.

A rule names what it needs by path (`plans.*.price_includes_tax`, `sandbox.msisdn_pool`). What the plan file cannot say
yet is not here, and a rule that needs it has to answer "unknown".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from mvne.brand import Brand
from mvne.tariff_view import chain, included, is_general
from mvne_plans.catalogue import Plan
from mvne_plans.money import MICRO
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import ROAMING, Bucket, Guard, NextTier, Priced, Slow


def facts(brand: Brand) -> Mapping[str, object]:
    """Return the brand as nested maps and lists: amounts as decimal text, quantities in base units or None."""
    market = brand.market
    return {
        "brand": {
            "id": brand.id,
            "name": brand.name,
            "languages": list(brand.languages),
            "model": "light",  # a plan file of this version never has a core network of its own
            "contact": {"email": brand.support.email, "phone": brand.support.phone},
            "minimum_age": brand.minimum_age,
        },
        "market": market.code,
        "plans": [_plan(brand, plan) for plan in brand.catalogue.plans],
        "tax": {"rate": None if market.vat is None else f"{market.vat:f}", "by_address": market.vat is None},
        "billing": {"tax_by_province": _by_region(brand)},
        "sandbox": {"msisdn_pool": list(brand.host.numbers)} if brand.host.network == "simulated" else {},
        "emergency": {"numbers": list(market.emergency)},
        "numbering": {"groups": {group.id: list(group.numbers) for group in brand.catalogue.groups}},
        "documents": {"languages": list(brand.languages)},
    }


def _plan(brand: Brand, plan: Plan) -> dict[str, object]:
    return {
        "id": plan.id,
        "name": plan.name,
        "pay": str(plan.pay),
        "price": None if plan.price is None else plan.price.decimal(),
        "price_includes_tax": brand.market.prices_include_tax,
        "currency": brand.currency,
        "period": {"unit": str(plan.every.unit), "count": plan.every.count},
        "commitment_months": 0,  # a plan file of this version sells no commitment
        "terms": [
            {
                "periods": term.periods,
                "price": term.price.decimal(),
                "first": None if term.first is None else term.first.decimal(),
            }
            for term in plan.terms
        ],
        "fees": {name: f"{percent:f}" for name, percent in plan.fees},
        "allowances": _allowances(plan),
        "overage": dict(_overage(plan)),
        "throttle": [
            {"kind": str(kind), "bits_per_second": one.bits_per_second, "for": one.amount}
            for kind in plan.tariff.beyond
            for one in chain(plan.tariff, kind)
            if isinstance(one, Slow)
        ],
        "next_plans": {
            str(kind): {"plan": one.plan, "fee": f"{one.fee:f}", "amount": one.amount}
            for kind in plan.tariff.beyond
            for one in chain(plan.tariff, kind)
            if isinstance(one, NextTier)
        },
        "rates": {
            row.prefix: {"voice": _text(row.voice, Kind.VOICE), "sms": _text(row.sms, Kind.SMS)}
            for row in plan.tariff.deck.rows
        },
        "roaming": _roaming(brand, plan),
        "guards": [_guard(guard) for guard in plan.tariff.guards],
        "services": [service.id for service in plan.tariff.services],
    }


def _allowances(plan: Plan) -> dict[str, object]:
    return {
        "buckets": [_bucket(bucket) for bucket in plan.tariff.buckets],
        "data_gb": _gigabytes(included(plan.tariff, Kind.DATA)),
    }


def _gigabytes(amount: int | None) -> str | None:
    return None if amount is None else f"{Decimal(amount) / 10**9:f}"


def _overage(plan: Plan) -> Iterator[tuple[str, str | None]]:
    """Yield the first price beyond the allowances of each kind that has one."""
    for kind in plan.tariff.beyond:
        prices = (one.rate for one in chain(plan.tariff, kind) if isinstance(one, Priced))
        if (first := next(prices, None)) is not None:
            yield str(kind), _text(first, kind)


def _bucket(bucket: Bucket) -> dict[str, object]:
    return {
        "id": bucket.id,
        "kind": str(bucket.kind),
        "amount": bucket.amount,
        "to": list(bucket.to),
        "in": list(bucket.within),
        "fair_use": bucket.fair_use,
        "groups": list(bucket.groups),
        "bands": list(bucket.bands),
        "labels": list(bucket.labels),
        "shared": bucket.shared,
        "limits": {limit.of: limit.amount for limit in bucket.limits},
        "rollover_periods": bucket.rollover.periods if bucket.rollover else 0,
        "thresholds": list(bucket.thresholds),
    }


def _guard(guard: Guard) -> dict[str, object]:
    return {
        "id": guard.id,
        "measure": guard.measure,
        "amount": f"{Decimal(guard.amount) / MICRO:f}" if guard.measure == "spend" else guard.amount,
        "per": guard.window,
        "kinds": list(map(str, guard.kinds)),
        "in": list(guard.within),
        "to": list(map(str, guard.to)),
        "then": guard.then,
    }


def _roaming(brand: Brand, plan: Plan) -> dict[str, object]:
    zones: dict[str, object] = {
        rule.zone: {str(kind): _text(rate, kind) for kind, rate in rule.prices.items()} or rule.treatment
        if rule.treatment == "price"
        else rule.treatment
        for rule in plan.tariff.roaming
    }
    in_eu = [
        rule for rule in plan.tariff.roaming if rule.treatment == "domestic" and rule.zone in ("eea", "eu_roaming")
    ]
    view: dict[str, object] = {"zones": zones, "eu_included": bool(in_eu)}
    if in_eu:
        view["eu_data_gb"] = _abroad_gb(plan)
        surcharge = in_eu[0].prices.get(Kind.DATA)
        if surcharge is not None:
            per_gb = brand.market.before_tax(surcharge.charge(10**9)) / MICRO
            view["eu_surcharge_per_gb"] = f"{Decimal(per_gb.numerator) / per_gb.denominator:f}"
    return view | _cut_off(brand, plan)


def _abroad_gb(plan: Plan) -> str | None:
    """Return how much included data works abroad as at home, None for unlimited."""
    amounts = [
        next((limit.amount for limit in one.limits if limit.of == ROAMING), one.amount)
        for one in plan.tariff.buckets
        if one.kind is Kind.DATA and is_general(one)
    ]
    return None if None in amounts else _gigabytes(sum(amount for amount in amounts if amount is not None))


def _cut_off(brand: Brand, plan: Plan) -> dict[str, object]:
    """Return at what spend abroad data stops, as written and before tax, and the notice before it in percent."""
    watching = [
        one
        for one in plan.tariff.guards
        if one.measure == "spend" and one.window == "period" and one.kinds in ((), (Kind.DATA,)) and one.within
    ]
    stops = [one.amount for one in watching if one.then == "stop"]
    if not stops:
        return {}
    least = min(stops)
    before_tax = brand.market.before_tax(Fraction(least)) / MICRO
    notices = [one.amount * 100 // least for one in watching if one.then == "alert" and one.amount < least]
    return {
        "cap_per_month": f"{Decimal(least) / MICRO:f}",
        "cutoff_ex_vat": f"{Decimal(before_tax.numerator) / before_tax.denominator:f}",
        **({"alert_percent": max(notices)} if notices else {}),
    }


def _by_region(brand: Brand) -> dict[str, list[dict[str, object]]]:
    regions: dict[str, list[dict[str, object]]] = {}
    for row in brand.tax_table:
        per_line = None if row.per_line is None else row.per_line.decimal()
        entry: dict[str, object] = {"name": row.name, "percent": f"{row.percent:f}", "per_line": per_line}
        regions.setdefault(row.region, []).append(entry)
    return regions


def _text(rate: Rate | None, kind: Kind) -> str | None:
    return None if rate is None else rate.text(kind)
