"""Fair use of included data abroad: an amount, or the volume that the EU asks for, worked out from the plan's price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from mvne.markets.market import Market
from mvne.planfile.compiling.allowances import is_auto
from mvne.planfile.compiling.roaming import RoamingRules
from mvne.planfile.compiling.values import day, quantity
from mvne.planfile.compiling.zones import Zones
from mvne.planfile.findings import DataPath
from mvne.planfile.sheet import Sheet
from mvne_plans.catalogue import Term
from mvne_plans.fair_use import CAPS, Caps, NoCap, caps_on, roaming_volume
from mvne_plans.money import MICRO, Money, micro_per_minor
from mvne_plans.period import Every
from mvne_plans.quantity import Kind, format_amount
from mvne_plans.tariff import DOMESTIC, ROAMING, Bucket, Limit


@dataclass(frozen=True)
class Paid:
    """What a plan costs per period, and what a euro is worth there (None: nobody said)."""

    market: Market
    every: Every
    price: Money | None
    terms: tuple[Term, ...]
    euro: Decimal | None

    @property
    def euros(self) -> Fraction | None:
        """The usual price of a period in euros before tax, None when it is not known."""
        prices = [Fraction(self.price.minor)] if self.price is not None else []
        prices = prices or [Fraction(term.price.minor, term.periods) for term in self.terms]
        if not prices or self.euro is None:
            return None
        micro = max(prices) * micro_per_minor(self.market.currency)
        return self.market.before_tax(micro) / MICRO / Fraction(self.euro)


@dataclass(frozen=True)
class FairUseReader:
    """Gives a plan's data allowances their limit abroad."""

    sheet: Sheet
    zones: Zones
    plan: str
    paid: Paid

    def limited(
        self, buckets: tuple[Bucket, ...], autos: Sequence[tuple[str, DataPath, str]], rules: RoamingRules
    ) -> tuple[Bucket, ...]:
        """Return the buckets with the limits that a zone's fair use, or `auto` at an allowance (`autos`), means."""
        limits = {id: limit for id, path, text in autos if (limit := self._auto(buckets, id, path, text))}
        limited = {id for id, *_ in autos} | {one.id for one in buckets if any(of.of == ROAMING for of in one.limits)}
        free = [one for one in _roaming(buckets) if one.id not in limited]
        for path, text in list(rules.fair_use.values())[:1]:
            limits |= self._of_zone(buckets, free, path, text)
        return tuple(replace(one, limits=(*one.limits, limits[one.id])) if one.id in limits else one for one in buckets)

    def _of_zone(
        self, buckets: tuple[Bucket, ...], free: Sequence[Bucket], path: DataPath, text: str
    ) -> dict[str, Limit]:
        if len(free) > 1:
            message = f"plan {self.plan!r} has several data allowances that work abroad; which has the fair use?"
            hint = "write limits: {roaming: …} at each of them"
            self.sheet.note(path, "which_allowance", message, hint)
            return {}
        for one in free:
            limit = self._auto(buckets, one.id, path, text) if is_auto(text) else self._amount(one, path, text)
            return {one.id: limit} if limit else {}
        return {}

    def _amount(self, bucket: Bucket, path: DataPath, text: str) -> Limit | None:
        found = quantity(self.sheet, path, text, Kind.DATA, self.paid.every)
        if found is None or (bucket.amount is not None and found >= bucket.amount):
            return None  # All of it works abroad; another plan of the file may have more.
        return Limit(ROAMING, found)

    def _auto(self, buckets: tuple[Bucket, ...], id: str, path: DataPath, text: str) -> Limit | None:
        caps = self._caps(path, text)
        euros = self.paid.euros
        if caps is None:
            return None
        if euros is None:
            if self.paid.euro is None and self.zones.is_eu:
                message = (
                    f"the volume comes from the price in euros, and nobody says what a euro is in {self._currency}"
                )
                self.sheet.note(path, "no_euro_rate", message, "write euro_rate under brand, or an amount here")
            return None
        bucket = next(one for one in buckets if one.id == id)
        volume = roaming_volume(euros, bucket.amount, caps.data)
        when = f"the cap from {caps.starts}" + ("" if text.split()[1:] else ", the lowest known: enough on every day")
        reason = f"EU fair use: twice the price before tax over {caps.data} EUR per GB, {when}"
        shown = "all of it" if volume is None else format_amount(volume, Kind.DATA)
        self.sheet.default(f"plans.{self.plan}.includes.{id}.limits.roaming", shown, reason)
        return None if volume is None else Limit(ROAMING, volume)

    @property
    def _currency(self) -> str:
        return self.paid.market.currency

    def _caps(self, path: DataPath, text: str) -> Caps | None:
        if not self.zones.is_eu:
            message = f"auto is the EU's volume, and {self.paid.market.name} is outside its law"
            self.sheet.note(path, "not_eu", message, "write an amount")
            return None
        words = text.split()
        if len(words) == 1:
            return min(CAPS, key=lambda one: one.data)
        known = day(self.sheet, path, " ".join(words[1:]))
        try:
            return caps_on(known) if known is not None else None
        except NoCap as error:
            self.sheet.note(path, "bad_date", str(error))
            return None


def _roaming(buckets: tuple[Bucket, ...]) -> Iterator[Bucket]:
    """Yield the data allowances that work abroad as they do at home."""
    for one in buckets:
        if one.kind is Kind.DATA and DOMESTIC in one.within:
            yield one
