"""Usage of one subscriber, made up and the same at every run, for benchmarks that rate or load record by record."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind


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
