"""Margins for people and for machines: a plain table, and plain data."""

from __future__ import annotations

from collections.abc import Iterable

from mvne.brand import Brand
from mvne.margin import Margin, Use, per_period
from mvne_plans.agreement import Agreement


def lines_for_minimum(brand: Brand, agreement: Agreement, found: Iterable[Margin]) -> dict[str, int]:
    """Return, by plan, how many lines of mean use it takes until the agreement's minimum costs nothing extra."""
    lines: dict[str, int] = {}
    every = {plan.id: plan.every for plan in brand.catalogue.plans}
    for margin in found:
        if margin.use is Use.MEAN and agreement.minimum_micro and margin.host:
            minimum = per_period(agreement.minimum_micro, agreement.minimum_every, every[margin.plan])
            lines[margin.plan] = -int(-minimum // margin.host.micro)
    return lines


def render_margins(found: Iterable[Margin], brand: Brand) -> str:
    """Write margins as a plain table: per line and period, before tax."""
    head = ("plan", "paid", "use", "revenue", "charges", "host", "left", "percent")
    listing = list(found)
    rows = [head, *(_row(margin) for margin in listing)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(map(_cell, row, widths, range(len(head)))) for row in rows]
    notes = dict.fromkeys(f"worst of {one.plan}: {', '.join(one.notes)}" for one in listing if one.notes)
    title = f"Margin per line and period, before tax, in {brand.currency}"
    return "\n".join([title, *(line.rstrip() for line in lines), *notes])


def _row(margin: Margin) -> tuple[str, ...]:
    amounts = (margin.revenue, margin.charges, margin.host, margin.contribution)
    share = "" if margin.percent is None else f"{margin.percent:.1f} %"
    return (margin.plan, margin.paid, margin.use, *(amount.decimal() for amount in amounts), share)


def _cell(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column < 3 else text.rjust(width)


def margins_as_json(found: Iterable[Margin]) -> list[dict[str, object]]:
    """Return margins for machines: amounts in minor units of `currency`."""
    return [
        {
            "plan": one.plan,
            "paid": one.paid,
            "use": str(one.use),
            "currency": one.revenue.currency,
            "revenue": one.revenue.minor,
            "charges": one.charges.minor,
            "host": one.host.minor,
            "contribution": one.contribution.minor,
            "percent": None if one.percent is None else str(one.percent),
            "unbounded": one.unbounded,
            "notes": list(one.notes),
        }
        for one in found
    ]
