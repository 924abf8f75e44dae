"""Commands about vouchers."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from mvne.cli import output
from mvne.cli.options import Moment, at_option, brand_option, json_option, moment, opened, store_option, which_brand
from mvne.cli.wallet import balance_of, id_option, line_of, money_of, told


@click.group("voucher")
def group() -> None:
    """Make, redeem and void vouchers."""


@group.command()
@click.argument("batch", metavar="BATCH")
@click.argument("amount", metavar="AMOUNT")
@click.option("--count", type=click.IntRange(1, 100_000), required=True, help="How many vouchers.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the codes to this CSV file, for your eyes only.")
@click.option("--expires", type=Moment(), help="Moment after which a code cannot be redeemed (default: never).")
@click.option("--lasts", help="How long the money is good once redeemed, such as 30 days (default: the brand's rule).")
@click.option("--actor", required=True, help="Who has them made, for the record.")
@store_option
@brand_option
@at_option
@json_option
def make(  # one parameter an option
    batch: str,
    amount: str,
    count: int,
    out: Path | None,
    expires: datetime | None,
    lasts: str | None,
    actor: str,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Make a batch of vouchers and give out its codes: once. The store keeps hashes; nobody can show a code again."""
    from mvne import vouchers
    from mvne_billing.balance.voucher import Batch
    from mvne_plans.period import Every
    from mvne_provisioning.smdp.tokens import unguessable_token

    codes: list[str] = []

    def keep(made: Sequence[str]) -> None:
        codes.extend(made)
        if out is not None:
            _write(out, batch, amount, made)

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        good_for = Every.parse(lasts) if lasts else None
        wanted = Batch(batch, count, money_of(platform, brand_id, amount), actor, moment(at), expires, good_for)
        vouchers.make(platform, brand_id, wanted, unguessable_token, keep)
    shown: dict[str, object] = {"batch": batch, "count": count, "amount": str(wanted.amount)}
    if as_json:
        output.as_json({**shown, "file": str(out)} if out else {**shown, "codes": codes})
    elif out:
        click.echo(f"{count} vouchers of {wanted.amount}: wrote {out}. These codes cannot be shown again")
    else:
        click.echo("\n".join(codes))


@group.command()
@click.argument("line", metavar="LINE")
@click.argument("code", metavar="CODE")
@id_option
@store_option
@brand_option
@at_option
@json_option
def redeem(
    line: str,
    code: str,
    name: str | None,
    store: str | None,
    brand: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Put a voucher's money into a balance. After several wrong codes the line has to wait."""
    from mvne import vouchers
    from mvne_billing.balance.codes import code_hash
    from mvne_plans.money import micro_text

    with opened(store) as platform:
        brand_id, id_ = line_of(platform, brand, line)
        # The same code said again by the same line is the same redemption.
        redemption_id = name or f"{id_[:80]}:voucher:{code_hash(brand_id, code)[:16]}"
        change = vouchers.redeem(platform, brand_id, redemption_id, id_, code, moment(at))
        left = balance_of(platform, brand_id, id_)
    came = change.after.free_micro - change.before.free_micro
    words = f"redeemed, {micro_text(came, left.currency)}" if change.is_new else "redeemed before"
    told(as_json, words, left, {"redemption": redemption_id, "new": change.is_new})


@group.command()
@click.argument("batch", metavar="BATCH")
@click.option("--actor", required=True, help="Who does this, for the record.")
@store_option
@brand_option
@at_option
@json_option
def void(batch: str, actor: str, store: str | None, brand: str | None, at: datetime | None, as_json: bool) -> None:
    """Let nobody redeem what is left of a batch: its codes were lost or stolen."""
    from mvne import vouchers

    with opened(store) as platform:
        left = vouchers.void(platform, which_brand(platform, brand), batch, actor, moment(at))
    if as_json:
        output.as_json({"batch": batch, "voided": left})
    else:
        click.echo(f"{left} vouchers of batch {batch} cannot be redeemed any more")


def _write(file: Path, batch: str, amount: str, codes: Sequence[str]) -> None:
    """Write codes to a file that only its owner can read, down to the disk, before the batch exists."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("batch", "amount", "code"))
        rows.writerows((batch, amount, code) for code in codes)
        stream.flush()
        os.fsync(stream.fileno())
