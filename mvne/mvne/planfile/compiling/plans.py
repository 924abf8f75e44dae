"""Plans: what each costs, includes and charges beyond, with what the file says for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from mvne.brand import Expected
from mvne.planfile.compiling.allowances import Allowances, check_fair_use, read_beyond
from mvne.planfile.compiling.decks import Decks
from mvne.planfile.compiling.roaming import read_roaming
from mvne.planfile.compiling.segments import SEGMENTS
from mvne.planfile.compiling.values import every, price, quantity
from mvne.planfile.compiling.zones import Zones
from mvne.planfile.findings import DataPath, did_you_mean
from mvne.planfile.models import PlanFile, PlanSection, TermSection
from mvne.planfile.sheet import Sheet
from mvne_plans.catalogue import Pay, Plan, Term
from mvne_plans.money import Money
from mvne_plans.period import Every, Unit
from mvne_plans.quantity import Kind, format_amount
from mvne_plans.tariff import Priced, RateDeck, RatingService, Roaming, Tariff

#: Why a prepaid plan prices no use yet, and what to write.
WALLET = "priced use on a prepaid plan needs the live wallet, which comes with session charging"


@dataclass(frozen=True)
class Shared:
    """What the file says for all plans."""

    file: PlanFile
    zones: Zones
    decks: Decks
    segment: str
    services: Mapping[str, RatingService]
    roaming: tuple[Roaming, ...]
    fees: tuple[tuple[str, Decimal], ...]


def read_plan(sheet: Sheet, shared: Shared, position: int, section: PlanSection) -> Plan:
    """Return plan number `position` of the file."""
    path: DataPath = ("plans", position)
    length = every(sheet, (*path, "every"), section.every)
    if section.every is None:
        sheet.default(f"plans.{section.id}.every", length, "default of the language")
    name = section.name or section.id.replace("-", " ").replace("_", " ").capitalize()
    if section.name is None:
        sheet.default(f"plans.{section.id}.name", name, "written like its id")
    plan = Plan(
        id=section.id,
        name=name,
        pay=Pay(section.pay),
        every=length,
        price=_price(sheet, (*path, "price"), section.price, shared.zones.market.currency),
        terms=_terms(sheet, path, section, shared.zones.market.currency),
        tariff=_tariff(sheet, shared, path, section, length),
        fees=shared.fees,
    )
    if section.price is None and not section.terms and (*path, "terms") not in sheet.left_out:
        sheet.absent((*path, "price"), "no_price", "the plan has neither a price nor terms", "write one", key=False)
    if plan.pay is Pay.PREPAID:
        _prepaid(sheet, shared, path, section, plan)
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


def _tariff(sheet: Sheet, shared: Shared, path: DataPath, section: PlanSection, length: Every) -> Tariff:
    market = shared.zones.market
    buckets = Allowances(sheet, shared.zones, path, length).buckets(section.includes, section.fair_use)
    check_fair_use(sheet, path, section.fair_use, buckets)
    if section.fair_use is not None and section.fair_use.then is None:
        sheet.default(f"plans.{section.id}.fair_use.then", "review", "default of the language: a person looks")
    return Tariff(
        currency=market.currency,
        home=market.code,
        zones={name: tuple(countries) for name, countries in market.zones.items()},
        buckets=buckets,
        beyond=read_beyond(sheet, path, section.id, section.then, buckets),
        deck=_deck(sheet, shared, path, section),
        roaming=_roaming(sheet, shared, path, section),
        services=_services(sheet, shared, path, section),
    )


def _deck(sheet: Sheet, shared: Shared, path: DataPath, section: PlanSection) -> RateDeck:
    if section.rates is not None:
        return shared.decks.read((*path, "rates"), section.rates)
    setting = f"plans.{section.id}.rates"
    if section.pay == "postpaid" and shared.file.rates is not None:
        sheet.default(setting, shared.file.rates, "rates of the file")
        return shared.decks.read(("rates",), shared.file.rates)
    sheet.default(setting, "none", "calls abroad that no allowance includes are barred")
    return RateDeck()


def _roaming(sheet: Sheet, shared: Shared, path: DataPath, section: PlanSection) -> tuple[Roaming, ...]:
    if section.roaming is not None:
        return read_roaming(sheet, shared.zones, (*path, "roaming"), section.roaming)
    sheet.default(f"plans.{section.id}.roaming", "roaming of the file", "the plan says nothing of its own")
    return shared.roaming


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


def _prepaid(sheet: Sheet, shared: Shared, path: DataPath, section: PlanSection, plan: Plan) -> None:
    """Note everything that would price use, which a prepaid plan cannot yet."""
    for kind, beyond in plan.tariff.beyond.items():
        if isinstance(beyond, Priced):
            instead = "use stop or slow" if kind is Kind.DATA else "use stop"
            sheet.note((*path, "then", str(kind)), "not_yet", f"{WALLET}; {instead}")
    if section.rates is not None:
        sheet.note((*path, "rates"), "not_yet", f"{WALLET}; leave it out, and calls abroad are barred")
    for rule in plan.tariff.roaming:
        if rule.treatment == "price":
            _priced_roaming(sheet, path, section, plan.id, rule.zone)
    for service in plan.tariff.services:
        if service.rate.amount:
            place = (*path, "services", (section.services or []).index(service.id))
            sheet.note(place, "not_yet", f"{WALLET}; the service {service.id!r} has a price, leave it out")


def _priced_roaming(sheet: Sheet, path: DataPath, section: PlanSection, plan: str, zone: str) -> None:
    if section.roaming is not None:
        sheet.note((*path, "roaming", zone), "not_yet", f"{WALLET}; use refuse or domestic", key=True)
        return
    message = f"plan {plan!r} would inherit the file's roaming prices in {zone!r}; {WALLET}"
    sheet.note((*path, "id"), "not_yet", message, f"give the plan its own roaming, such as roaming: {{{zone}: refuse}}")


def read_expected_use(
    sheet: Sheet, segment: str, position: int, section: PlanSection, length: Every
) -> dict[Kind, Expected]:
    """Return the use a plan is expected to see per period; what the file does not say comes from the segment."""
    found: dict[Kind, Expected] = {}
    for kind in Kind:
        written = getattr(section.expected_use, kind, None)
        if written is None:
            found[kind] = use = _per_period(SEGMENTS[segment][kind], length)
            value = f"mean {format_amount(use.mean, kind)}, p95 {format_amount(use.p95, kind)}"
            reason = f"assumption for the segment {segment}"
            sheet.default(f"plans.{section.id}.expected_use.{kind}", value, reason)
            continue
        path = ("plans", position, "expected_use", str(kind))
        mean = quantity(sheet, (*path, "mean"), written.mean, kind, length)
        p95 = quantity(sheet, (*path, "p95"), written.p95, kind, length)
        if mean is None or p95 is None:
            sheet.note((*path, "mean"), "bad_quantity", "expected use is an amount; nobody uses unlimited", key=True)
            continue
        if p95 < mean:
            sheet.note((*path, "p95"), "bad_quantity", "the 95th percentile is not below the mean")
        found[kind] = Expected(mean, p95)
    return found


def _per_period(monthly: Expected, length: Every) -> Expected:
    """Stretch a month's use to a period; 30 days count as a month."""
    days = length.count * (30 if length.unit is Unit.MONTH else 1)
    return Expected(max(1, monthly.mean * days // 30), max(1, monthly.p95 * days // 30))
