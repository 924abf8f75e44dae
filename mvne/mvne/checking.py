"""Checking a plan file before anything is launched: every problem at once, and the margin of every plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mvne.brand import Brand
from mvne.margin import Margin, Use, agreement_on, margins
from mvne.planfile.findings import DataPath, Finding, Severity, errors, in_order
from mvne.planfile.nodes import Document
from mvne.planfile.reading import inspect
from mvne.tariff_checks import odd_tariffs
from mvne.tariff_view import chain
from mvne.wholesale import Sold, dearest, least_per_unit, per_unit, sold
from mvne_plans.agreement import Agreement, in_force
from mvne_plans.catalogue import Plan
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import DOMESTIC, INTERNATIONAL, DeckRow, Priced


@dataclass(frozen=True, slots=True)
class Report:
    """What checking came to: the brand if it can be launched, all findings, and the margins."""

    brand: Brand | None
    findings: tuple[Finding, ...]
    margins: tuple[Margin, ...]

    @property
    def ok(self) -> bool:
        """Whether the brand can be launched."""
        return not errors(self.findings)


def check(path: str | Path, *, on: date) -> Report:
    """Check the plan file at `path` with the wholesale agreement in force on the day `on`. Raises nothing."""
    examined = inspect(path)
    if examined.brand is None or examined.document is None:
        return Report(None, tuple(examined.findings), ())
    brand = examined.brand
    found = margins(brand, on)
    more = [*_economics(brand, examined.document, found, on), *odd_tariffs(brand, examined.document, on)]
    findings = in_order([*examined.findings, *more])
    return Report(None if errors(findings) else brand, tuple(findings), tuple(found))


def _economics(brand: Brand, document: Document, found: list[Margin], on: date) -> Iterator[Finding]:
    agreement = agreement_on(brand, on)
    if agreement is None:
        return
    if in_force(brand.catalogue.agreements, on) is None:
        path: DataPath = ("host", "agreement", "from")
        message = f"no agreement is in force on {on}; the margins are those of the first, from {agreement.starts}"
        hint = "use before that day could not be costed"
        yield _finding(document, path, "not_in_force", message, hint, Severity.WARNING)
    for position, plan in enumerate(brand.catalogue.plans):
        yield from _unpriced(brand, document, agreement, plan)
        yield from _below_cost(brand, document, agreement, position, plan)
    for margin in found:
        if margin.use is not Use.WORST and margin.contribution.minor < 0:
            yield _negative(brand, document, margin)


def _finding(
    document: Document, path: DataPath, code: str, message: str, hint: str = "", severity: Severity = Severity.ERROR
) -> Finding:
    return document.source.finding(document.place(path, key=True), path, code, message, hint, severity)


def _unpriced(brand: Brand, document: Document, agreement: Agreement, plan: Plan) -> Iterator[Finding]:
    for one in sold(plan):
        if dearest(agreement, plan, one) is None:
            message = f"no wholesale price of {one.kind} {_where(one)}, which the plan {plan.id!r} sells"
            hint = (
                f"write it under {one.kind} in host.agreement; without it the margin is unknown and a record uncosted"
            )
            yield _finding(document, ("host", "agreement", str(one.kind)), "no_wholesale_price", message, hint)


def _where(one: Sold) -> str:
    if one.abroad:
        return f"abroad (zone {one.zone})"
    return f"at home (zone {one.zone})" if one.zone == DOMESTIC else f"to other countries (zone {INTERNATIONAL})"


def _below_cost(brand: Brand, document: Document, agreement: Agreement, position: int, plan: Plan) -> Iterator[Finding]:
    """Yield what costs the host more per unit than the subscriber pays for it."""
    if agreement.retail_minus is not None:
        return
    for kind in plan.tariff.beyond:
        host = agreement.rates.get(kind, {}).get(DOMESTIC)
        prices = [one.rate for one in chain(plan.tariff, kind) if isinstance(one, Priced)]
        if host and any(_is_below(brand, price, host) for price in prices):
            message = f"{kind} beyond the allowance costs the host more ({host}) than it brings in before tax"
            path: DataPath = ("plans", position, "then", str(kind))
            yield _finding(document, path, "below_cost", message, "", Severity.WARNING)
    own = document.find(("plans", position, "roaming")) is not None
    for rule in plan.tariff.roaming if own or position == 0 else ():
        for kind, price in rule.prices.items() if rule.treatment == "price" else ():
            host = dearest(agreement, plan, Sold(kind, rule.zone, abroad=True))
            if host and _is_below(brand, price, host):
                path = (*(("plans", position) if own else ()), "roaming", rule.zone, str(kind))
                message = f"{kind} in {rule.zone} costs the host up to {host}, more than it brings in before tax"
                yield _finding(document, path, "below_cost", message, "", Severity.WARNING)
    kinds = (Kind.VOICE, Kind.SMS)
    dear = [row for row in plan.tariff.deck.rows if any(_loses(brand, agreement, row, kind) for kind in kinds)]
    if dear:
        path = ("plans", position, "rates") if document.find(("plans", position, "rates")) else ("rates",)
        message = f"{len(dear)} prices of the deck are below what the host charges, first that of {dear[0].prefix}"
        yield _finding(document, path, "below_cost", message, "compared before tax", Severity.WARNING)


def _is_below(brand: Brand, retail: Rate, host: Rate) -> bool:
    return brand.market.before_tax(least_per_unit(retail)) < per_unit(host)


def _loses(brand: Brand, agreement: Agreement, row: DeckRow, kind: Kind) -> bool:
    host = agreement.deck.find(row.prefix, kind)
    wholesale = host.rate(kind) if host else agreement.rates.get(kind, {}).get(INTERNATIONAL)
    retail = row.rate(kind)
    return bool(retail and wholesale and _is_below(brand, retail, wholesale))


def _negative(brand: Brand, document: Document, margin: Margin) -> Finding:
    position = [plan.id for plan in brand.catalogue.plans].index(margin.plan)
    key = "price" if margin.paid == "per period" else "terms"
    loss = -margin.contribution
    message = f"at {margin.use} use, paid {margin.paid}, each line loses {loss} per period"
    hint = "see the margin table; raise the price or lower what is included"
    return _finding(document, ("plans", position, key), "negative_margin", message, hint, Severity.WARNING)
