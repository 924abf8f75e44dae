"""The reference rating, against a bare loop that multiplies decimals. Run: python -m benchmarks.rating [RECORDS]."""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from benchmarks.measuring import report, seconds
from mvne.planfile.reading import load
from mvne_billing.rating.buckets import opened
from mvne_billing.rating.reference import rate
from mvne_billing.rating.result import World
from mvne_billing.usage.record import UsageRecord
from mvne_plans.period import Period
from mvne_plans.quantity import Kind
from scripts.packages import ROOT

#: A period that holds all records.
LIFE = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def records(count: int) -> list[UsageRecord]:
    """Return a mix of calls, messages and data sessions of one subscriber, the same at every run."""
    dice, start = random.Random(7), datetime(2027, 1, 1, tzinfo=UTC)
    made = []
    for number in range(count):
        kind = dice.choices([Kind.VOICE, Kind.SMS, Kind.DATA], [5, 3, 2])[0]
        amount = {Kind.VOICE: dice.randint(1, 1800), Kind.SMS: 1, Kind.DATA: dice.randint(1, 10**8)}[kind]
        to = None if kind is Kind.DATA else dice.choice(["0639980001", "0199001111", "+442079460000", "+12125550100"])
        moment = start + timedelta(seconds=number)
        made.append(UsageRecord(str(number), "+33639980001", kind, moment, amount, "FR", to))
    return made


def main(count: int) -> None:
    """Measure and print."""
    brand = load(ROOT / "examples" / "tilleul" / "plan.yaml")
    catalogue = brand.catalogue
    groups = {group.id: frozenset(group.numbers) for group in catalogue.groups}
    world = World(brand.market.numbering, groups, catalogue.agreements, brand.timezone)
    tariff, made = catalogue.plans[0].tariff, records(count)

    def reference() -> None:
        used: dict[str, int] = {}
        for record in made:
            for bucket, units in rate(record, tariff, world, opened(tariff.buckets, used, LIFE), used).taken.items():
                used[bucket] = used.get(bucket, 0) + units

    def bare() -> None:
        price, total = Decimal("0.05") / 60, Decimal(0)
        for record in made:
            total += (price * record.amount).quantize(Decimal("0.000001"))

    report("reference rating", count, "records", seconds(reference), "a bare decimal multiplication", seconds(bare))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
