"""The names of the accounts. A name says whose side it is on; balances are debits minus credits, in micro-units.

Assets and costs are debit balances (receivable, unbilled, cash, cost); revenue, tax and what is owed to the host are
credit balances.
"""

from __future__ import annotations

from mvne_plans.quantity import Kind

CASH = "cash:stripe"
HOST = "host:accrued"
ROUNDING = "rounding"
TAX_INCLUDED = "revenue:tax_included"  #: takes the tax out of revenue where prices include it
LINE_COST = "cost:line"
MINIMUM_COST = "cost:minimum"


def receivable(subscription: str) -> str:
    """What a subscriber owes by invoice."""
    return f"receivable:{subscription}"


def unbilled(subscription: str) -> str:
    """What a subscriber used and was not yet billed for."""
    return f"unbilled:{subscription}"


def usage_revenue(kind: Kind) -> str:
    """What priced use earned."""
    return f"revenue:usage:{kind}"


def revenue(kind: str) -> str:
    """What a kind of invoice line earned: recurring, addon, promotion, fee."""
    return f"revenue:{kind}"


def cost(kind: Kind) -> str:
    """What the host charges for use."""
    return f"cost:{kind}"


def tax(name: str) -> str:
    """Tax owed to the state, by its name."""
    return f"tax:{name}"
