"""One plain view of a brand, keyed as the market packs' rules ask for it.

A rule names what it needs by path (`plans.*.price_includes_tax`, `sandbox.msisdn_pool`). What the plan file cannot say
yet is not here, and a rule that needs it has to answer "unknown".
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from mvne.brand import Brand
from mvne_plans.catalogue import Plan
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import Bucket, Priced, Slow


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
        "overage": {str(kind): _text(one.rate) for kind, one in plan.tariff.beyond.items() if isinstance(one, Priced)},
        "throttle": [
            {"kind": str(kind), "bits_per_second": one.bits_per_second}
            for kind, one in plan.tariff.beyond.items()
            if isinstance(one, Slow)
        ],
        "rates": {row.prefix: {"voice": _text(row.voice), "sms": _text(row.sms)} for row in plan.tariff.deck.rows},
        "roaming": _roaming(plan),
        "services": [service.id for service in plan.tariff.services],
    }


def _allowances(plan: Plan) -> dict[str, object]:
    data = [bucket.amount for bucket in plan.tariff.buckets if bucket.kind is Kind.DATA]
    gigabytes = None if None in data else f"{Decimal(sum(one for one in data if one)) / 10**9:f}"
    return {"buckets": [_bucket(bucket) for bucket in plan.tariff.buckets], "data_gb": gigabytes}


def _bucket(bucket: Bucket) -> dict[str, object]:
    return {
        "id": bucket.id,
        "kind": str(bucket.kind),
        "amount": bucket.amount,
        "to": list(bucket.to),
        "in": list(bucket.within),
        "fair_use": bucket.fair_use,
    }


def _roaming(plan: Plan) -> dict[str, object]:
    zones: dict[str, object] = {
        rule.zone: {str(kind): _text(rate) for kind, rate in rule.prices.items()} if rule.prices else rule.treatment
        for rule in plan.tariff.roaming
    }
    included = any(rule.treatment == "domestic" and rule.zone in ("eea", "eu_roaming") for rule in plan.tariff.roaming)
    return {"zones": zones, "eu_included": included}


def _by_region(brand: Brand) -> dict[str, list[dict[str, object]]]:
    regions: dict[str, list[dict[str, object]]] = {}
    for row in brand.tax_table:
        per_line = None if row.per_line is None else row.per_line.decimal()
        entry: dict[str, object] = {"name": row.name, "percent": f"{row.percent:f}", "per_line": per_line}
        regions.setdefault(row.region, []).append(entry)
    return regions


def _text(rate: Rate | None) -> str | None:
    return None if rate is None else str(rate)
