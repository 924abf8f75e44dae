"""Commands about bills."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from mvne.cli import output
from mvne.cli.options import Moment, brand_option, json_option, moment, opened, store_option, which_brand


@click.group("bill")
def group() -> None:
    """Issue and show bills."""


@group.command()
@click.option("--as-of", type=Moment(), help="Moment up to which is billed and collected (default: now).")
@store_option
@brand_option
@json_option
def run(as_of: datetime | None, store: str | None, brand: str | None, as_json: bool) -> None:
    """Issue every bill that is due, collect what is open, end what is over. Run again, it changes nothing."""
    from mvne.billrun import run_bills

    with opened(store) as platform:
        done = run_bills(platform, which_brand(platform, brand), moment(as_of))
    if as_json:
        output.as_json(done.as_dict())
        return
    click.echo(f"{done.issued} bills over {done.billed}, {done.paid} paid, {done.failed} failed, {done.jobs} jobs done")
    if done.failed:
        click.echo("a failed payment is tried again 3 and then 7 days later; after that the line is suspended")
    output.next_command("mvne ledger verify")


@group.command()
@click.argument("number", metavar="NUMBER")
@click.option("--html", type=click.Path(path_type=Path), help="Write the bill as a page.")
@click.option("--pdf", type=click.Path(path_type=Path), help='Write it as PDF (needs: pip install "mvne[pdf]").')
@store_option
@brand_option
def show(number: str, html: Path | None, pdf: Path | None, store: str | None, brand: str | None) -> None:
    """Show a bill or credit note by its number."""
    from mvne.billrun import find_bill, paid_at
    from mvne.selling import selling
    from mvne_billing.invoice.rendering import Look, render_html, render_pdf, render_text

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        with platform.store.read() as conn:
            document = find_bill(conn, brand_id, number)
            paid = paid_at(conn, brand_id, document)
            settings = selling(conn, brand_id).settings
    look = Look(settings.market, settings.theme.primary)
    if html:
        html.write_text(render_html(document, look, paid), encoding="utf-8")
        click.echo(f"wrote {html}")
    if pdf:
        pdf.write_bytes(render_pdf(document, look, paid))
        click.echo(f"wrote {pdf}")
    if not html and not pdf:
        click.echo(render_text(document, look, paid))
