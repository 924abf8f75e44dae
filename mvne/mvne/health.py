"""Examining an installation: each check says what it found and, if that is a fault, what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from mvne.errors import MvneError
from mvne.platform import Platform
from mvne.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, whether it is well, what was found, and the remedy if it is not."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def examine(store: str | None) -> list[Check]:
    """Examine Python, settings and the store with all its brands; `store` overrides the store's URL."""
    from mvne.bootstrap import bootstrap
    from mvne.settings import read_settings

    checks = [_python()]
    try:
        settings = read_settings(store)
        checks.append(_money(settings))
        with bootstrap(settings) as platform:
            checks += [*_store(platform), *(one for brand in _brands(platform) for one in _brand(platform, brand))]
    except MvneError as error:
        checks.append(Check("store", False, str(error), "set MVNE_STORE or --store, or mend mvne.toml"))
    return [*checks, _pdf()]


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", sys.version_info >= (3, 11), found, "install Python 3.11 or newer")


def _money(settings: Settings) -> Check:
    if settings.stripe_key is None:
        return Check("payments", True, "Stripe is simulated; no key is set")
    live = "_live_" in settings.stripe_key.get_secret_value()
    found = "a live Stripe key" if live else "a Stripe test key"
    return Check("payments", not live or settings.live, found, "set live = true only when money may really move")


def _pdf() -> Check:
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        found = f"not available: {str(error).splitlines()[0]}"
        return Check("PDF bills (optional)", True, found, 'pip install "mvne[pdf]"')
    return Check("PDF bills (optional)", True, f"WeasyPrint {weasyprint.__version__}")


def _store(platform: Platform) -> Iterator[Check]:
    where = platform.store.engine.url.render_as_string()
    yield Check("store", platform.store.is_ready(), where, "open it once with this version of mvne")


def _brands(platform: Platform) -> list[str]:
    from mvne.selling import brands

    with platform.store.read() as conn:
        return brands(conn)


def _brand(platform: Platform, brand: str) -> Iterator[Check]:
    from mvne import jobs
    from mvne.doctor import orphans
    from mvne_billing.balance import topup
    from mvne_billing.ledger.verifying import verify
    from mvne_billing.mediation.suspense import count_waiting
    from mvne_billing.payments.attempts import unfinished
    from mvne_provisioning.order.placing import open_orders

    with platform.store.read() as conn:
        yield _none(f"{brand}: books", verify(conn, brand).faults, "restore the store from a copy and compare")
        yield _none(f"{brand}: references", orphans(conn, brand), "restore the store from a copy and compare")
        yield _none(f"{brand}: orders under way", open_orders(conn, brand), f"mvne bill run --brand {brand}")
        pending = [one.id for one in unfinished(conn, brand)] + [one.id for one in topup.unfinished(conn, brand)]
        yield _none(f"{brand}: payments under way", pending, f"mvne bill run --brand {brand}")
        held = count_waiting(conn, brand)
        yield Check(f"{brand}: suspense", not held, f"{held} records", f"mvne usage suspense --brand {brand}")
        refused = [f"{id_}: {message}" for id_, message in jobs.refused(conn, brand)]
        yield _none(f"{brand}: refused jobs", refused, "look at each line with mvne subscriber show")


def _none(name: str, faults: object, remedy: str) -> Check:
    listed = list(faults) if isinstance(faults, list | tuple) else []
    return Check(name, not listed, "; ".join(map(str, listed[:5])) if listed else "nothing to do", remedy)
