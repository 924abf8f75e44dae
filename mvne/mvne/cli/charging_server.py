"""The command that serves charging to the network."""

from __future__ import annotations

from pathlib import Path

import click

from mvne.cli import output
from mvne.cli.options import brand_option, json_option, opened, store_option, which_brand


class _Labelled(click.ParamType[tuple[int, str]]):
    """A rating group with its label."""

    name = "group"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, str]:
        """Return the number and the label."""
        number, has_label, label = str(value).partition("=")
        if not (has_label and number.isascii() and number.isdigit()):
            self.fail(f"{value!r} is not a rating group with its label; write it like 20=hotspot", param, ctx)
        return int(number), label


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="Port of HTTP (Nchf_ConvergedCharging, TS 32.291).")
@click.option(
    "--certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Certificate (PEM): TLS alone."
)
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its private key (PEM).")
@click.option("--gy-port", type=int, help='Port of Diameter (Gy, RFC 8506); needs: pip install "mvne[diameter]".')
@click.option("--gy-host", default="ocs.mvne.example", show_default=True, help="Our Diameter identity.")
@click.option("--gy-realm", default="mvne.example", show_default=True, help="Our Diameter realm.")
@click.option("--gy-peer", multiple=True, help="Diameter identity that may connect; again for more (default: any).")
@click.option("--home", metavar="ISO", help="Country of use for which no serving network is named (default: refused).")
@click.option("--rating-group", type=_Labelled(), multiple=True, help="Label of a rating group, such as 20=hotspot.")
@click.option("--redirect-to", metavar="URL", help="Where data goes when the money is used up (default: it stops).")
@click.option("--sweep-every", default=30, show_default=True, help="Seconds between sweeps of lost sessions.")
@store_option
@brand_option
@json_option
def serve(
    host: str,
    port: int,
    certificate: Path | None,
    key: Path | None,
    gy_port: int | None,
    gy_host: str,
    gy_realm: str,
    gy_peer: tuple[str, ...],
    home: str | None,
    rating_group: tuple[tuple[int, str], ...],
    redirect_to: str | None,
    sweep_every: int,
    store: str | None,
    brand: str | None,
    as_json: bool,
) -> None:
    """Serve charging to the network: HTTP, and Diameter when asked, until told to stop; nothing answered is lost."""
    import logging

    from mvne.charging_server import run_server
    from mvne_billing.charging.serving import Doors, Peering
    from mvne_billing.charging.session import Final, FinalUnit, Policy
    from mvne_billing.usage.facts import Conventions
    from mvne_plans.quantity import Kind

    if (certificate is None) != (key is None):
        raise click.UsageError("TLS needs both --certificate and --key")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    peering = None
    if gy_port is not None:
        peering = Peering(gy_port, gy_host, gy_realm, frozenset(one.lower() for one in gy_peer))
    doors = Doors(host, port, certificate, key, peering)
    final = {Kind.DATA: FinalUnit(Final.REDIRECT, redirect_to)} if redirect_to else {}
    conventions = Conventions(home=home, labels=dict(rating_group))

    def ready(durability: str) -> None:
        scheme = "https" if certificate else "http"
        if as_json:
            output.as_json({"url": f"{scheme}://{host}:{port}", "gy_port": gy_port, "durability": durability})
            return
        diameter = f", Diameter on port {gy_port}" if gy_port is not None else ""
        click.echo(f"charging {brand_id} at {scheme}://{host}:{port}{diameter}; on disk by {durability}")

    with opened(store) as platform:
        brand_id = which_brand(platform, brand)
        run_server(platform, brand_id, doors, Policy(final=final), conventions, sweep_every, ready)
    click.echo("stopped; everything that was answered is on disk", err=True)
