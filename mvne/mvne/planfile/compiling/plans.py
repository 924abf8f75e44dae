"""Plans: what each costs, includes and charges beyond, with what the file says for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from mvne.planfile.compiling.allowances import Allowances, check_fair_use, is_auto
from mvne.planfile.compiling.beyond import BeyondReader, NextAt
from mvne.planfile.compiling.common import Common
from mvne.planfile.compiling.decks import Decks
from mvne.planfile.compiling.fair_use import FairUseReader, Paid
from mvne.planfile.compiling.guards import GuardReader, check_eu_limit
from mvne.planfile.compiling.roaming import RoamingRules, read_roaming
from mvne.planfile.compiling.rounding import read_rounding
from mvne.planfile.compiling.values import every, price
from mvne.planfile.findings import DataPath, did_you_mean
from mvne.planfile.models.allowances import Allowance, Includes
from mvne.planfile.models.file import PlanFile
from mvne.planfile.models.plans import PlanSection, TermSection
from mvne.planfile.sheet import Sheet
from mvne.tariff_view import rates, uses_bands
from mvne_plans.catalogue import Pay, Plan, Term
from mvne_plans.money import Money, Rounding
from mvne_plans.quantity import Kind
from mvne_plans.rate import Scheme
from mvne_plans.tariff import ROAMING, Bucket, Guard, RateDeck, RatingService, Tariff


@dataclass(frozen=True)
class Shared:
    """What the file says for all plans; `euro` is what a euro is worth, None when nobody said."""

    file: PlanFile
    common: Common
    decks: Decks
    segment: str
    services: Mapping[str, RatingService]
    roaming: RoamingRules
    fees: tuple[tuple[str, Decimal], ...]
    guards: Mapping[str, Guard]
    rounding: Rounding
    euro: Decimal | None
    next_at: NextAt = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """The currency of every price."""
        return self.common.zones.market.currency


def read_plan(sheet: Sheet, shared: Shared, position: int, section: PlanSection) -> Plan:
    """Return plan number `position` of the file."""
    path: DataPath = ("plans", position)
    length = every(sheet, (*path, "every"), section.every)
    if section.every is None:
        sheet.default(f"plans.{section.id}.every", length, "default of the language")
    name = section.name or section.id.replace("-", " ").replace("_", " ").capitalize()
    if section.name is None:
        sheet.default(f"plans.{section.id}.name", name, "written like its id")
    amount = _price(sheet, (*path, "price"), section.price, shared.currency)
    terms = _terms(sheet, path, section, shared.currency)
    paid = Paid(shared.common.zones.market, length, amount, terms, shared.euro)
    plan = Plan(
        id=section.id,
        name=name,
        pay=Pay(section.pay),
        every=length,
        price=amount,
        terms=terms,
        tariff=_PlanReader(sheet, shared, path, section, paid).tariff(),
        fees=shared.fees,
    )
    if section.price is None and not section.terms and (*path, "terms") not in sheet.left_out:
        sheet.absent((*path, "price"), "no_price", "the plan has neither a price nor terms", "write one", key=False)
    if plan.pay is Pay.PREPAID:
        _check_prepaid(sheet, path, plan)
    return plan


def _price(sheet: Sheet, path: DataPath, text: str | None, currency: str) -> Money | None:
    return price(sheet, path, text, currency) if text is not None else None


def _terms(sheet: Sheet, path: DataPath, section: PlanSection, currency: str) -> tuple[Term, ...]:
    terms: dict[int, Term] = {}
    for position, one in enumerate(section.terms or ()):
        place = (*path, "terms", position)
        if one.periods in terms or (one.periods == 1 and section.price is not None):
            sheet.note((*place, "periods"), "duplicate_term", f"{one.periods} periods have a price already; keep one")
        if term := _term(sheet, place, one, currency):
            terms.setdefault(one.periods, term)
    return tuple(terms.values())


def _term(sheet: Sheet, path: DataPath, section: TermSection, currency: str) -> Term | None:
    full = price(sheet, (*path, "price"), section.price, currency)
    first = _price(sheet, (*path, "first"), section.first, currency)
    if full is not None and first is not None and full < first:
        message = f"the first term costs {first.decimal()}, more than the later {full.decimal()}"
        sheet.note((*path, "first"), "first_dearer", message, "first is for a cheaper beginning")
    return Term(section.periods, full, first) if full is not None else None


@dataclass(frozen=True)
class _PlanReader:
    """Reads the tariff of one plan."""

    sheet: Sheet
    shared: Shared
    path: DataPath
    section: PlanSection
    paid: Paid

    def tariff(self) -> Tariff:
        section, shared = self.section, self.shared
        rules = self._roaming()
        buckets = self._buckets(rules)
        check_fair_use(self.sheet, self.path, section.fair_use, buckets)
        if section.fair_use is not None and section.fair_use.then is None:
            self._default("fair_use.then", "review", "default of the language: a person looks")
        reader = BeyondReader(self.sheet, shared.common, self.path, section.id, self.paid.every, shared.next_at)
        market = shared.common.zones.market
        found = Tariff(
            currency=market.currency,
            home=market.code,
            zones=shared.common.zones.named,
            buckets=buckets,
            beyond=reader.read(section.then, buckets),
            deck=self._deck(),
            roaming=rules.rules,
            services=_services(self.sheet, shared, self.path, section),
            rounding=self._rounding(),
            guards=self._guards(rules),
        )
        if not uses_bands(found):
            return found
        splits = shared.file.calls_split_at_bands
        if splits is None:
            self._default("calls_split_at_bands", "yes", "default of the language")
        return replace(found, calendar=shared.common.calendar, splits_calls=splits is not False)

    def _default(self, key: str, value: object, reason: str) -> None:
        self.sheet.default(f"plans.{self.section.id}.{key}", value, reason)

    def _buckets(self, rules: RoamingRules) -> tuple[Bucket, ...]:
        reader = Allowances(self.sheet, self.shared.common, self.path, self.paid.every)
        buckets = reader.buckets(self.section.includes, self.section.fair_use)
        fair_use = FairUseReader(self.sheet, self.shared.common.zones, self.section.id, self.paid)
        return fair_use.limited(buckets, list(_autos(reader, self.section.includes)), rules)

    def _deck(self) -> RateDeck:
        if self.section.rates is not None:
            return self.shared.decks.read((*self.path, "rates"), self.section.rates)
        if self.section.pay == "postpaid" and self.shared.file.rates is not None:
            self._default("rates", self.shared.file.rates, "rates of the file")
            return self.shared.decks.read(("rates",), self.shared.file.rates)
        self._default("rates", "none", "calls abroad that no allowance includes are barred")
        return RateDeck()

    def _roaming(self) -> RoamingRules:
        if self.section.roaming is not None:
            return read_roaming(self.sheet, self.shared.common, (*self.path, "roaming"), self.section.roaming)
        self._default("roaming", "roaming of the file", "the plan says nothing of its own")
        return self.shared.roaming

    def _rounding(self) -> Rounding:
        if self.section.rounding is None:
            return self.shared.rounding
        return read_rounding(self.sheet, (*self.path, "rounding"), self.section.rounding, self.shared.currency)

    def _guards(self, rules: RoamingRules) -> tuple[Guard, ...]:
        reader = GuardReader(self.sheet, self.shared.common.zones, self.shared.euro)
        path = (*self.path, "guards")
        own = reader.read(path, self.section.guards)
        check_eu_limit(self.sheet, path, own, reader.eu_limit)
        found = {**self.shared.guards, **own}
        return (*found.values(), *reader.of_law(self.section.id, rules.rules, found))


def _autos(reader: Allowances, includes: Includes | None) -> Iterator[tuple[str, DataPath, str]]:
    """Yield the data allowances whose limit abroad is to be worked out."""
    for id, path, one in reader.written(includes, Kind.DATA):
        text = one.limits.get(ROAMING) if isinstance(one, Allowance) and one.limits else None
        if text is not None and is_auto(text):
            yield id, (*path, "limits", ROAMING), text


def _services(sheet: Sheet, shared: Shared, path: DataPath, section: PlanSection) -> tuple[RatingService, ...]:
    found: dict[str, RatingService] = {}
    for position, name in enumerate(section.services or ()):
        place = (*path, "services", position)
        if name in found:
            sheet.note(place, "duplicate_id", f"the service {name!r} is in the list already")
        elif name in shared.services:
            found[name] = shared.services[name]
        elif name not in (shared.file.services or {}) and not any(one[:1] == ("services",) for one in sheet.left_out):
            known = list(shared.file.services or {})
            hint = did_you_mean(name, known) or "write it under services"
            sheet.note(place, "unknown_service", f"unknown service {name!r}", hint)
    return tuple(found.values())


def _check_prepaid(sheet: Sheet, path: DataPath, plan: Plan) -> None:
    """Note prices that a wallet cannot pay: those that make earlier use cheaper."""
    for where, rate in rates(plan.tariff):
        if rate.tiers and rate.scheme is Scheme.VOLUME:
            message = f"a volume price ({where}) makes earlier use cheaper, and prepaid money is spent as one goes"
            sheet.note((*path, "pay"), "volume_prepaid", message, "write tiers_are: graduated")
            return
