"""The rating loop that everybody writes first: one record after the other, Decimal, dictionaries. Frozen: a yardstick.

It rates the two tariffs of the benchmark to the micro-unit, with no more care for speed than for its looks. It knows
the prices by reading them off the tariffs once; all else (prefix, allowances, bands, rounding) is its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from mvne_billing.rating.engine.lines import LineSpan
from mvne_billing.rating.result import World
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import Priced, Tariff

PARIS = ZoneInfo("Europe/Paris")
MICRO = Decimal(1_000_000)


class Naive:
    """Rates records given in the order of time; keeps what was used in a dictionary."""

    def __init__(self, tariffs: dict[str, Tariff], world: World, spans: list[LineSpan]) -> None:
        self.tariffs = tariffs
        self.lines: dict[str, list[LineSpan]] = {}
        for span in spans:
            self.lines.setdefault(span.msisdn, []).append(span)
        self.numbers = {one.prefix: one for one in world.numbering.destinations}
        self.agreement = world.agreements[0]
        self.decks = {name: {row.prefix: row for row in one.deck.rows} for name, one in tariffs.items()}
        self.host = {row.prefix: row for row in self.agreement.deck.rows}
        self.used: dict[tuple[str, datetime, str], int] = {}
        self.seen: set[int] = set()

    def rate(self, row: dict[str, Any]) -> tuple[Decimal, Decimal] | None:
        """Return what a record is charged and what it costs, in micro-units; None for a duplicate or a stranger."""
        if row["id"] in self.seen:
            return None
        self.seen.add(row["id"])
        span = self.line(f"+{row['msisdn']}", row["start"])
        if span is None:
            return None
        tariff, kind = self.tariffs[span.plan], Kind(row["kind"])
        to = row["to"]
        number = "" if to is None else f"+{to}" if to > 0 else str(-to)[1:]
        if number == "112":
            return Decimal(0), Decimal(0)
        country = row["country"]
        near = country in tariff.zones["near"]
        at_home = country == "FR" or (near and bool(tariff.roaming))
        target = self.longest(number, self.numbers) if number else None
        domestic = kind is Kind.DATA or (target is not None and target.country == "FR")
        domestic = domestic or (target is not None and near and target.country in tariff.zones["near"])
        charge = Decimal(0)
        pieces = self.pieces(span, tariff, kind, row, number, at_home, domestic, target)
        for place, (units, price) in enumerate(pieces):
            billable = units
            if price is not FREE and place == len(pieces) - 1:
                billable += self.raised(row["amount"], price) - row["amount"]
            if price.tiers:
                key = (span.subscription, span.opened, "tiered")
                before = self.used.get(key, 0)
                charge += self.tiered(price, before + billable) - self.tiered(price, before)
                self.used[key] = before + billable
            elif price is not FREE:
                charge += price.amount * billable / Decimal(price.per)
        return whole(charge * MICRO), self.cost(tariff, kind, number, country, target, row["amount"])

    def pieces(
        self,
        span: LineSpan,
        tariff: Tariff,
        kind: Kind,
        row: dict[str, Any],
        number: str,
        at_home: bool,
        domestic: bool,
        target: Any,
    ) -> list[tuple[int, Rate]]:
        """Return the units of a record in their order, each stretch with its price; count what allowances cover."""
        found: list[tuple[int, Rate]] = []
        for units, band in self.bands(tariff, kind, row["start"], row["amount"]):
            left = units
            for name, amount, holder, opened in self.allowances(span, tariff, kind, band, domestic, target):
                gone = self.used.get((holder, opened, name), 0)
                taken = max(min(left, amount - gone), 0) if at_home else 0
                self.used[holder, opened, name] = gone + taken
                left -= taken
                if taken:
                    found.append((taken, FREE))
            if left:
                price = self.price(span.plan, tariff, kind, number, row["country"], at_home, domestic)
                found.append((left, price.in_band(band)))
        return found

    def line(self, msisdn: str, at: datetime) -> LineSpan | None:
        for span in self.lines.get(msisdn, []):
            if span.since <= at < span.until:
                return span
        return None

    def longest(self, number: str, table: dict[str, Any]) -> Any:
        for length in range(len(number), 1, -1):
            if number[:length] in table:
                return table[number[:length]]
        return None

    def bands(self, tariff: Tariff, kind: Kind, start: datetime, units: int) -> Iterator[tuple[int, str]]:
        if not tariff.calendar.bands:
            yield units, ""
            return
        band, at = self.band(start), start
        if kind is not Kind.VOICE:
            yield units, band
            return
        while units > 0:
            local = at.astimezone(PARIS)
            if band == "off-peak" and local.weekday() < 5 and local.hour < 8:
                change = local.replace(hour=8, minute=0, second=0, microsecond=0)
            elif band == "off-peak":
                change = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            else:
                change = local.replace(hour=19, minute=0, second=0, microsecond=0)
            part = 0
            while part < units and at + timedelta(seconds=part) < change:
                part += max(min(units - part, int((change - at).total_seconds()) - part), 1)
            yield part, band
            units, at = units - part, at + timedelta(seconds=part)
            band = self.band(at)

    def band(self, at: datetime) -> str:
        local = at.astimezone(PARIS)
        return "" if local.weekday() < 5 and 8 <= local.hour < 19 else "off-peak"

    def allowances(
        self, span: LineSpan, tariff: Tariff, kind: Kind, band: str, domestic: bool, target: Any
    ) -> Iterator[tuple[str, int, str, datetime]]:
        for bucket in sorted(tariff.buckets, key=lambda one: one.priority):
            fits = (
                kind is Kind.DATA
                or domestic
                or ("near" in bucket.to and target and target.country in tariff.zones["near"])
            )
            if bucket.kind is kind and fits and (not bucket.bands or band in bucket.bands):
                yield bucket.id, bucket.amount or 0, span.subscription, span.opened
        if span.owner and span.owner_opened:
            for bucket in self.tariffs[span.owner_plan].buckets:
                near = target is not None and target.country in tariff.zones["near"]
                if bucket.shared and bucket.kind is kind and (domestic or near):
                    yield bucket.id, bucket.amount or 0, span.owner, span.owner_opened

    def price(
        self, plan: str, tariff: Tariff, kind: Kind, number: str, country: str, at_home: bool, domestic: bool
    ) -> Rate:
        if not at_home:
            return next(one for one in tariff.roaming if one.zone == "other").prices[kind]
        if not domestic:
            row = self.longest(number, self.decks[plan])
            price: Rate = row.voice if kind is Kind.VOICE else row.sms
            return price
        beyond = tariff.beyond[kind]
        assert isinstance(beyond, Priced)
        return beyond.rate

    def tiered(self, price: Rate, units: int) -> Decimal:
        total, low = Decimal(0), 0
        for tier in price.tiers:
            if units > low:
                high = units if tier.up_to is None else min(units, tier.up_to)
                total += tier.flat + tier.amount * (high - low) / Decimal(tier.per)
                low = high
        return total

    def raised(self, units: int, price: Rate) -> int:
        counted = price.increments.first if units else 0
        if units > counted:
            counted += -(-(units - counted) // price.increments.next) * price.increments.next
        return counted

    def cost(self, tariff: Tariff, kind: Kind, number: str, country: str, target: Any, units: int) -> Decimal:
        rates = self.agreement.rates[kind]
        if country != "FR":
            price = rates["near"] if country in tariff.zones["near"] else rates["other"]
        elif kind is Kind.DATA or target.country == "FR":
            price = rates["domestic"]
        else:
            row = self.longest(number, self.host)
            price = row.voice if kind is Kind.VOICE else row.sms
        return whole(price.amount * MICRO * self.raised(units, price) / Decimal(price.per))


FREE = Rate(Decimal(0), 1)


def whole(micro: Decimal) -> Decimal:
    return micro.quantize(Decimal(1), ROUND_HALF_UP)
