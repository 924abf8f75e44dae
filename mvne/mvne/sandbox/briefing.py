"""A simulated life in a few lines of text, for a terminal; in English, as the command line is."""

from __future__ import annotations

from mvne.sandbox.rendering import basis, key_numbers, made_with
from mvne.sandbox.simulation import Simulation
from mvne.sandbox.words import words


def summary(simulation: Simulation) -> str:
    """Return what a simulation came to as plain text; the report has the rest."""
    say = words("en", simulation.currency)
    key = key_numbers(simulation, say)
    plans = [
        (
            plan.name,
            f"{say.money(plan.result.profit)} {simulation.currency}",
            say.share(plan.result.profit, plan.result.revenue),
        )
        for plan in simulation.plans
    ]
    wide = max(len(name) for name, _ in key)
    name_wide, amount_wide = (max((len(row[column]) for row in plans), default=0) for column in (0, 1))
    happened, handled, under_way = (
        sum(getattr(one, name) for one in simulation.failures) for name in ("happened", "handled", "under_way")
    )
    kinds = sum(one.happened > 0 for one in simulation.failures)
    return "\n".join(
        [
            f"{simulation.name}, simulated: {basis(simulation, say)}",
            made_with(simulation, say),
            "",
            *(f"  {name.ljust(wide)}  {value}" for name, value in key),
            "",
            "Profit by plan, before the host's minimum:",
            *(f"  {name.ljust(name_wide)}  {amount.rjust(amount_wide)}  {share}" for name, amount, share in plans),
            "",
            f"Failures: {happened} of {kinds} kinds happened, {handled} were made good, {under_way} still under way.",
            f"Usage: {say.number(simulation.priced)} records priced, "
            f"{say.number(sum(simulation.refused.values()))} uses refused by the network, "
            f"{say.number(sum(simulation.suspense.values()))} records in suspense.",
            f"The books balance in {', '.join(simulation.books)}: {say.number(simulation.transfers)} transfers.",
        ]
    )
