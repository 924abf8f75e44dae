"""What live charging asks of a brand, for the test that brands never see each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select

from mvne import charging
from mvne_billing.charging import loading
from mvne_billing.charging.edges.people import Naming, Party
from mvne_billing.ledger import live
from mvne_provisioning.inventory.profiles import holder_of_imsi
from mvne_provisioning.tables import provisioning_profile as profile
from tests.mvne.house import AT


def _party(known: Any) -> Party:
    return Party(Naming.MSISDN, str(known.line.msisdn)[1:])


def _imsi(conn: Connection, known: Any) -> Any:
    query = select(profile.c.imsi).where(profile.c.brand == "tilleul", profile.c.holder == known.line.id)
    return conn.execute(query).scalar_one()


QUERIES: dict[str, Callable[[Connection, str, Any], Any]] = {
    "mvne.charging.find_line": lambda conn, brand, known: charging.find_line(
        conn, brand, _party(known), AT + timedelta(days=1)
    ),
    "mvne_billing.charging.loading.look_up": lambda conn, brand, known: loading.look_up(conn, brand, "s", 0),
    "mvne_billing.charging.loading.versions": lambda conn, brand, known: loading.versions(conn, brand, ["nobody"]),
    "mvne_billing.ledger.live.checks": lambda conn, brand, known: list(live.checks(conn, brand)),
    "mvne_provisioning.inventory.profiles.holder_of_imsi": lambda conn, brand, known: holder_of_imsi(
        conn, brand, _imsi(conn, known)
    ),
}

#: Of these, a brand in good order without an open session has none.
NONE_IN_GOOD_ORDER = {
    "mvne_billing.charging.loading.look_up",
    "mvne_billing.charging.loading.versions",
    "mvne_billing.ledger.live.checks",
}

#: Functions with a connection and a brand that write, or only serve those that do.
WRITES = {
    "mvne_billing.charging.loading": {"ensure", "load"},
    "mvne_billing.ledger.live": {"open_use"},
    "mvne_billing.subscription.subscription": {"touch"},
}
