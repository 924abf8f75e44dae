"""Commands about the books."""

from __future__ import annotations

import sys

import click

from mvne.cli import output
from mvne.cli.failures import FAILURE
from mvne.cli.options import brand_option, json_option, opened, store_option, which_brand

#: Accounts that every line has: they are shown as one.
_OF_LINES = ("receivable:", "unbilled:", "wallet:", "reserved:")


@click.group("ledger")
def group() -> None:
    """Look into the books."""


@group.command()
@store_option
@brand_option
@json_option
def verify(store: str | None, brand: str | None, as_json: bool) -> None:
    """Prove the books: every entry intact, every account agreeing with usage, bills and payments."""
    from mvne_billing.ledger import verifying
    from mvne_plans.money import micro_text

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        with platform.store.read() as conn:
            found = verifying.verify(conn, brand_id)
    if as_json:
        output.as_json({"transfers": found.transfers, "balances": found.balances, "faults": list(found.faults)})
        sys.exit(FAILURE if found.faults else 0)
    for currency, accounts in found.balances.items():
        groups: dict[str, int] = {}
        for account, micro in accounts.items():
            name = account.partition(":")[0] if account.startswith(_OF_LINES) else account
            groups[name] = groups.get(name, 0) + micro
        groups["all"] = sum(groups.values())
        rows = [(name, micro_text(micro, currency)) for name, micro in groups.items()]
        output.table(("account", "debits less credits"), rows, numbers=(1,))
    for fault in found.faults:
        click.echo(f"FAULT: {fault}")
    verdict = f"{len(found.faults)} faults" if found.faults else "the books agree"
    click.echo(f"{found.transfers} transfers: {verdict}")
    sys.exit(FAILURE if found.faults else 0)
