"""Exit statuses, and what is said when something cannot be done."""

from __future__ import annotations

import json
import os
import sys
import traceback

import click

FAILURE = 1
INVALID = 3
CHANGES = 4
AGAIN = 5
REFUSED = 6
INTERRUPTED = 130


def explained(error: Exception) -> int:
    """Say what went wrong in words and return the exit status; a defect of ours says how to report it."""
    status, words = _status(error), str(error)
    if status is None:
        if os.environ.get("MVNE_DEBUG"):
            traceback.print_exception(error)
        words = f"defect in mvne: {type(error).__name__}: {error}. Set MVNE_DEBUG=1 to see where, and please report it"
        status = FAILURE
    if "--json" in sys.argv:
        click.echo(json.dumps({"format_version": 1, "error": words, "status": status}))
    else:
        click.echo(f"error: {words}" if "\n" not in words else words, err=True)
    return status


def _status(error: Exception) -> int | None:
    """Return the exit status of an anticipated failure, None for a defect."""
    from sqlalchemy.exc import OperationalError

    from mvne.charging_client import ChargingServerRefused, ChargingServerUnreachable
    from mvne.collecting import NoPaymentMethod
    from mvne.errors import MvneError
    from mvne.ordering import OrderFailed
    from mvne.planfile.findings import PlanFileInvalid
    from mvne.signup import PaymentDeclined
    from mvne.smoke import SmokeFailed
    from mvne.topups import TopUpDeclined
    from mvne_billing.charging.session import Contended
    from mvne_billing.errors import BillingError
    from mvne_billing.payments.gateway import GatewayRefused, GatewayUnavailable
    from mvne_plans.errors import PlansError
    from mvne_provisioning.errors import ProvisioningError
    from mvne_provisioning.network.port import HostRefused, HostUnavailable
    from mvne_provisioning.order.errors import OrderInterrupted
    from mvne_provisioning.smdp.port import RspFailed, SmdpUnavailable

    table: tuple[tuple[int, tuple[type[Exception], ...]], ...] = (
        (INVALID, (PlanFileInvalid,)),
        (AGAIN, (OrderInterrupted, GatewayUnavailable, HostUnavailable, SmdpUnavailable, SmokeFailed)),
        (AGAIN, (ChargingServerUnreachable, Contended)),
        (
            REFUSED,
            (OrderFailed, PaymentDeclined, TopUpDeclined, GatewayRefused, HostRefused, RspFailed, NoPaymentMethod),
        ),
        (REFUSED, (ChargingServerRefused,)),
        (FAILURE, (MvneError, BillingError, ProvisioningError, PlansError, OSError, OperationalError)),
    )
    return next((status for status, kinds in table if isinstance(error, kinds)), None)
