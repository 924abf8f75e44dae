"""Guards: limits on spending and use, those of the file, of a plan, and the one that EU law wants by default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from mvne.planfile.compiling.values import number, quantity
from mvne.planfile.compiling.zones import Zones
from mvne.planfile.findings import DataPath, Severity
from mvne.planfile.models.rules import GuardSection
from mvne.planfile.sheet import Sheet
from mvne_plans.money import MICRO, half_up, micro_text
from mvne_plans.numbering import NumberKind
from mvne_plans.period import MONTH
from mvne_plans.quantity import Kind
from mvne_plans.tariff import DOMESTIC, INTERNATIONAL, Guard, Roaming

#: Data abroad stops at this many euros before tax in a period unless the subscriber wants otherwise, and a notice goes
#: out at 80 percent of it: Regulation (EU) 2022/612, art. 14.
EU_LIMIT, EU_NOTICE_PERCENT = 50, 80
LIMIT_ID, NOTICE_ID = "eu_roaming_limit", "eu_roaming_notice"
_LAW = "Regulation (EU) 2022/612, art. 14"


@dataclass(frozen=True)
class GuardReader:
    """Reads guards; `euro` is what a euro is worth in the brand's currency, None when nobody said."""

    sheet: Sheet
    zones: Zones
    euro: Decimal | None

    def read(self, path: DataPath, written: Mapping[str, GuardSection] | None) -> dict[str, Guard]:
        """Return guards by id, in file order."""
        found = {id: self._guard((*path, id), id, one) for id, one in (written or {}).items()}
        return {id: guard for id, guard in found.items() if guard is not None}

    def of_law(self, plan: str, rules: tuple[Roaming, ...], own: Mapping[str, Guard]) -> Iterator[Guard]:
        """Yield the guards that a plan of an EU market has by default, where it charges for data abroad."""
        charged = any(Kind.DATA in rule.prices and not rule.prices[Kind.DATA].is_free for rule in rules)
        if not (self.zones.is_eu and charged):
            return
        amount = self.eu_limit
        setting = f"plans.{plan}.guards.{LIMIT_ID}.spend"
        if amount is None:
            if LIMIT_ID not in own:
                self.sheet.default(setting, "none", f"{_LAW} says {EU_LIMIT} EUR, and brand.euro_rate is not written")
            return
        notice = amount * EU_NOTICE_PERCENT // 100
        kinds, within = (Kind.DATA,), (INTERNATIONAL,)
        for id, micro, then in ((NOTICE_ID, notice, "alert"), (LIMIT_ID, amount, "stop")):
            if id not in own:
                reason = f"{_LAW}: {EU_LIMIT} EUR before tax for data abroad"
                reason += f", notice at {EU_NOTICE_PERCENT} percent" if id == NOTICE_ID else ", then it stops"
                shown = micro_text(micro, self.zones.market.currency)
                self.sheet.default(f"plans.{plan}.guards.{id}.spend", shown, reason)
                yield Guard(id, "spend", micro, kinds=kinds, within=within, then="alert" if then == "alert" else "stop")

    @property
    def eu_limit(self) -> int | None:
        """The limit of EU law in micro-units of the brand's prices, which may include tax; None without a rate."""
        if self.euro is None:
            return None
        return half_up(EU_LIMIT * Fraction(self.euro) * MICRO * (1 + self.zones.market.tax_included))

    def _guard(self, path: DataPath, id: str, one: GuardSection) -> Guard | None:
        kinds = tuple(map(Kind, dict.fromkeys([one.kind] if isinstance(one.kind, str) else one.kind or ())))
        measures = {"spend": one.spend, "count": one.count, "use": one.use}
        named = [key for key, value in measures.items() if value is not None]
        if len(named) != 1:
            if not any(place[:-1] == path for place in self.sheet.left_out):
                message = "a guard limits one thing"
                self.sheet.note(path, "bad_guard", message, "write one of spend, count and use", key=True)
            return None
        if one.use is not None and len(kinds) != 1:
            message = "a quantity is one kind's; say which with kind"
            self.sheet.note((*path, "use"), "bad_guard", message, "write kind: voice, sms or data")
            return None
        amount = self._amount(path, one, kinds)
        sorts = [one.to] if isinstance(one.to, str) else one.to or []
        if sorts and kinds == (Kind.DATA,):
            self.sheet.note((*path, "to"), "no_destination", "data calls nobody; leave to out", key=True)
        abroad = [DOMESTIC, INTERNATIONAL, *self.zones.abroad]
        within = self.zones.read(self.sheet, (*path, "in"), one.within, abroad)
        if amount is None:
            return None
        return Guard(
            id=id,
            measure="units" if named == ["use"] else "count" if named == ["count"] else "spend",
            amount=amount,
            window=one.per or "period",
            kinds=kinds,
            within=within,
            to=tuple(map(NumberKind, dict.fromkeys(sorts))),
            then=one.then or "stop",
        )

    def _amount(self, path: DataPath, one: GuardSection, kinds: tuple[Kind, ...]) -> int | None:
        if one.count is not None:
            return one.count
        if one.use is not None:
            found = quantity(self.sheet, (*path, "use"), one.use, kinds[0], MONTH)
            if found is None:
                self.sheet.note((*path, "use"), "bad_quantity", "a guard is an amount, not unlimited")
            return found
        spend = number(self.sheet, (*path, "spend"), one.spend or "")
        if spend is None:
            return None
        micro = spend * MICRO
        if micro != int(micro) or not micro:
            message = f"{one.spend!r} is not an amount above 0 of at most 6 decimals"
            self.sheet.note((*path, "spend"), "bad_price", message)
            return None
        return int(micro)


def check_eu_limit(sheet: Sheet, path: DataPath, guards: Mapping[str, Guard], most: int | None) -> None:
    """Warn when a file's own roaming limit is above that of EU law."""
    own = guards.get(LIMIT_ID)
    if own is not None and most is not None and own.amount > most:
        message = f"the limit is above {EU_LIMIT} EUR before tax, the most that applies without the subscriber's wish"
        sheet.note((*path, LIMIT_ID), "guard_above_law", message, _LAW, severity=Severity.WARNING, key=True)
