"""What the commands about balances and vouchers share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mvne.cli import output
from mvne.cli.options import which_brand

if TYPE_CHECKING:
    from mvne.platform import Platform
    from mvne_billing.balance.account import Balance
    from mvne_plans.money import Money

Command = TypeVar("Command", bound=Callable[..., Any])


def id_option(command: Command) -> Command:
    """Add `--id`."""
    words = "Id of this operation; the same again changes nothing (default: made from what is said and when)."
    return click.option("--id", "name", metavar="ID", help=words)(command)


def line_of(platform: Platform, brand: str | None, line: str) -> tuple[str, str]:
    """Return the ids of the brand and the line that are meant."""
    from mvne import care

    brand_id = which_brand(platform, brand)
    return brand_id, care.line_id(platform, brand_id, line)


def money_of(platform: Platform, brand: str, amount: str) -> Money:
    """Read an amount in the brand's currency."""
    from mvne.selling import selling
    from mvne_plans.money import Money

    with platform.store.read() as conn:
        return Money.parse(amount, selling(conn, brand).settings.currency)


def balance_of(platform: Platform, brand: str, line: str) -> Balance:
    """Return how the balance of a line stands now."""
    from mvne_billing.balance import account

    with platform.store.read() as conn:
        return account.get(conn, brand, line)


def name_of(line: str, when: datetime, *said: object) -> str:
    """Return the id of an operation that was given none: made of what is said, so that the same again is the same."""
    digest = hashlib.sha256("\x1f".join([line, when.isoformat(), *map(str, said)]).encode()).hexdigest()
    return f"{line[:50]}:{digest[:16]}"


def told(as_json: bool, words: str, left: Balance, content: dict[str, Any]) -> None:
    """Say what was done and what is free now."""
    from mvne_plans.money import micro_text

    free = micro_text(left.free_micro, left.currency)
    if as_json:
        output.as_json({"line": left.subscription, **content, "free": free})
    else:
        click.echo(f"line {left.subscription}: {words}; {free} free")
