"""The names of the accounts. A name says whose side it is on; balances are debits minus credits, in micro-units.

Assets and costs are debit balances (receivable, unbilled, cash, cost); revenue, tax, what is owed to the host and what
is owed to prepaid subscribers (wallet, reserved) are credit balances.
"""

from __future__ import annotations

from mvne_plans.quantity import Kind

CASH = "cash:stripe"
HOST = "host:accrued"
ROUNDING = "rounding"
TAX_INCLUDED = "revenue:tax_included"  #: takes the tax out of revenue where prices include it
LINE_COST = "cost:line"
MINIMUM_COST = "cost:minimum"
CAPACITY_COST = "cost:capacity"  #: what the host charges for use bought as a whole
OVERRUN = "cost:overrun"  #: use past the end of prepaid money: the network let it through, and nobody pays for it
BREAKAGE = "revenue:breakage"  #: prepaid money that expired unused
BONUS = "revenue:bonus"  #: takes prepaid money given away out of revenue
ADJUSTMENT = "revenue:adjustment"  #: prepaid money given or taken back by a person, with a reason

#: The method of a payment out of the line's own wallet: no gateway has a part in it, and no cash moves.
FROM_BALANCE = "balance"


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


def wallet(subscription: str) -> str:
    """What a prepaid subscriber has paid in and may still spend: we owe it."""
    return f"wallet:{subscription}"


def reserved(subscription: str) -> str:
    """What open charging sessions hold of a subscriber's prepaid money: we owe it until it is used."""
    return f"reserved:{subscription}"


def cash(source: str) -> str:
    """Money taken outside the gateway: over the counter, in a shop, by bank transfer."""
    return f"cash:{source}"


def vouchers(batch: str) -> str:
    """What vouchers of a batch were redeemed for: whoever sold them owes it, or has paid it."""
    return f"vouchers:{batch}"
