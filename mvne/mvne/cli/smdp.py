"""Commands about an own SM-DP+: make its test certificates, and serve eSIM profiles to phones."""

from __future__ import annotations

from pathlib import Path

import click

from mvne.cli import output
from mvne.cli.options import json_option

_TEST_ADDRESS = "testsmdpplus1.example.com"
_CURVES = {"nist": ("NIST",), "brainpool": ("BRAINPOOL",), "both": ("NIST", "BRAINPOOL")}
_NOTICE = (
    "This SM-DP+ has test certificates and no certification by the GSMA: commercial phones refuse it.\n"
    "It is for test eUICCs, software phones and laboratories."
)


@click.group("smdp")
def group() -> None:
    """Run an SM-DP+ of your own: the server that phones download eSIM profiles from."""


@group.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--address", default=_TEST_ADDRESS, show_default=True, help="Host name that phones reach the server by.")
@click.option(
    "--curve",
    type=click.Choice(sorted(_CURVES)),
    default="nist",
    show_default=True,
    help="Curve of the keys; TLS has always NIST.",
)
@click.option("--oid", default="2.999.10", show_default=True, help="Registered id of the server.")
@json_option
def pki(folder: Path, address: str, curve: str, oid: str, as_json: bool) -> None:
    """Make test certificates in DIR, with the file names of SGP.26: issuer, card maker, a card, and the server's."""
    from mvne.clock import now
    from mvne_provisioning.pki.minting import mint
    from mvne_provisioning.pki.roles import Curve

    made = mint(folder, now(), address, oid, [Curve[name] for name in _CURVES[curve]])
    if as_json:
        output.as_json({"folder": str(folder), "address": address, "files": [str(path) for path in made]})
        return
    click.echo(f"{len(made)} files in {folder}; test certificates, which commercial phones refuse")
    output.next_command(f"mvne smdp serve --certs {folder} --address {address} --profile-type consumer --profiles 10")


@group.command()
@click.option(
    "--certs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Certificates with the file names of SGP.26; make some by: mvne smdp pki DIR",
)
@click.option("--address", required=True, metavar="FQDN", help="Host name that phones and activation codes name.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--es9-port", default=9443, show_default=True, type=click.IntRange(1, 65535), help="Port for phones (ES9+)."
)
@click.option(
    "--es2-port", default=9444, show_default=True, type=click.IntRange(1, 65535), help="Port for operators (ES2+)."
)
@click.option("--profile-type", metavar="NAME", help="Type of the test profiles to load.")
@click.option(
    "--profiles",
    default=0,
    show_default=True,
    type=click.IntRange(0, 1_000_000),
    help="How many of it there are to be.",
)
@click.option("--notify-url", metavar="URL", help="The operator's base URL, told how downloads go (default: nobody).")
@click.option("--store", metavar="URL", help="Database URL (default: smdp.sqlite in your data folder).")
@click.option(
    "--es2-tls",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="CA",
    help="Serve operators over TLS, with client certificates from this issuer (PEM); without it plain HTTP.",
)
@click.option("--caller", multiple=True, metavar="NAME", help="Operator that may call; again for more (default: any).")
@click.option(
    "--keys",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the keys that seal what is stored, NAME:BASE64 (default: vault.keys in DIR, made when missing).",
)
@click.option(
    "--no-tls", is_flag=True, help="Serve phones over plain HTTP: behind a proxy that speaks TLS, or in a test."
)
@json_option
def serve(
    certs: Path,
    address: str,
    host: str,
    es9_port: int,
    es2_port: int,
    profile_type: str | None,
    profiles: int,
    notify_url: str | None,
    store: str | None,
    es2_tls: Path | None,
    caller: tuple[str, ...],
    keys: Path | None,
    no_tls: bool,
    as_json: bool,
) -> None:
    """Serve eSIM profiles to phones (ES9+) and orders of operators (ES2+), until told to stop."""
    import logging

    from mvne.smdp_server import KEYS_FILE, Wanted, default_store, run_server
    from mvne_provisioning.smdp.server.settings import Settings

    if profiles and not profile_type:
        raise click.UsageError("say --profile-type too: what kind of profiles these are")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    es9 = f"{'http' if no_tls else 'https'}://{host}:{es9_port}"
    es2 = f"{'https' if es2_tls else 'http'}://{host}:{es2_port}"

    def ready(stock: dict[str, dict[str, int]]) -> None:
        if as_json:
            output.as_json({"es9": es9, "es2": es2, "address": address, "profiles": stock})
            return
        click.echo(_NOTICE)
        click.echo(f"phones (ES9+) at {es9} for {address}, operators (ES2+) at {es2}")
        for name, states in stock.items():
            click.echo(f"profiles {name}: " + ", ".join(f"{count} {state}" for state, count in states.items()))

    settings = Settings(address, callers=frozenset(caller))
    wanted = Wanted(
        certificates=certs,
        settings=settings,
        host=host,
        es9_port=es9_port,
        es2_port=es2_port,
        store=store or default_store(),
        keys=keys or certs / KEYS_FILE,
        profile_type=profile_type,
        profiles=profiles,
        notify_url=notify_url,
        operators_ca=es2_tls,
        has_tls=not no_tls,
    )
    run_server(wanted, ready)
    click.echo("stopped; everything that was answered is on disk", err=True)
