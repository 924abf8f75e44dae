"""The steps of orders that call the SM-DP+ or the host network, each with its key."""

from __future__ import annotations

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.network.port import HostRefused, HostState
from mvne_provisioning.order.record import Order, known
from mvne_provisioning.order.steps import NOTHING, Facts, Ports
from mvne_provisioning.smdp.port import Es2Failed, FinalState

#: CancelOrder: the ICCID is in use, that is, the profile was downloaded (SGP.22, section 5.3.3).
_ALREADY_DOWNLOADED = ("8.2.1", "3.3")


def download_order(ports: Ports, key: str, order: Order) -> Facts:
    """ES2+ DownloadOrder for the reserved profile."""
    ports.smdp.download_order(key, iccid=known(order.iccid), eid=order.eid)
    return NOTHING


def cancel_download(ports: Ports, key: str, order: Order) -> Facts:
    """ES2+ CancelOrder: the profile becomes available again, unless a phone was faster."""
    try:
        ports.smdp.cancel_order(key, known(order.iccid), order.matching_id, FinalState.AVAILABLE)
    except Es2Failed as refusal:
        if refusal.codes != _ALREADY_DOWNLOADED:
            raise
        return {"profile_spent": True}
    return NOTHING


def confirm_order(ports: Ports, key: str, order: Order) -> Facts:
    """ES2+ ConfirmOrder, not yet released: the network side comes first."""
    confirmed = ports.smdp.confirm_order(key, known(order.iccid), eid=order.eid, release_flag=False)
    return {"matching_id": confirmed.matching_id, "smdp_address": confirmed.smdp_address}


def release_profile(ports: Ports, key: str, order: Order) -> Facts:
    """ES2+ ReleaseProfile."""
    ports.smdp.release_profile(key, known(order.iccid))
    return NOTHING


def withdraw_profile(ports: Ports, key: str, order: Order) -> Facts:
    """ES2+ CancelOrder for an ended line: nobody shall download its profile any more."""
    return _withdraw(ports, key, known(order.iccid))


def withdraw_old_profile(ports: Ports, key: str, order: Order) -> Facts:
    """The same for the profile that a swap replaced."""
    return _withdraw(ports, key, known(order.old_iccid))


def activate(ports: Ports, key: str, order: Order) -> Facts:
    """Make the line live at the host network."""
    ports.host.activate(key, known(order.imsi), known(order.iccid), known(order.msisdn))
    return NOTHING


def terminate(ports: Ports, key: str, order: Order) -> Facts:
    """End the line at the host network; one that is gone already is what was wanted."""
    try:
        ports.host.terminate(key, known(order.imsi))
    except HostRefused:
        line = ports.host.line(known(order.imsi))
        if line is not None and line.state is not HostState.TERMINATED:
            raise
    return NOTHING


def swap_sim(ports: Ports, key: str, order: Order) -> Facts:
    """Move the line to the new profile at the host network."""
    ports.host.swap_sim(key, known(order.old_imsi), known(order.imsi), known(order.iccid))
    return NOTHING


def swap_sim_back(ports: Ports, key: str, order: Order) -> Facts:
    """Move it back."""
    ports.host.swap_sim(key, known(order.imsi), known(order.old_imsi), known(order.old_iccid))
    return NOTHING


def change_number(ports: Ports, key: str, order: Order) -> Facts:
    """Give the line its new number at the host network."""
    ports.host.change_msisdn(key, known(order.imsi), known(order.msisdn))
    return NOTHING


def change_number_back(ports: Ports, key: str, order: Order) -> Facts:
    """Give it the old one again."""
    ports.host.change_msisdn(key, known(order.imsi), known(order.old_msisdn))
    return NOTHING


def suspend(ports: Ports, key: str, order: Order) -> Facts:
    """Suspend the line at the host network."""
    ports.host.suspend(key, known(order.imsi))
    return NOTHING


def resume(ports: Ports, key: str, order: Order) -> Facts:
    """Resume it."""
    ports.host.resume(key, known(order.imsi))
    return NOTHING


def set_barring(ports: Ports, key: str, order: Order) -> Facts:
    """Bar it from what was asked."""
    ports.host.set_barring(key, known(order.imsi), order.barrings)
    return NOTHING


def set_throttle(ports: Ports, key: str, order: Order) -> Facts:
    """Hold it to the speed that was asked."""
    ports.host.set_throttle(key, known(order.imsi), order.bits_per_second)
    return NOTHING


def _withdraw(ports: Ports, key: str, iccid: Iccid) -> Facts:
    try:
        ports.smdp.cancel_order(key, iccid, None, FinalState.UNAVAILABLE)
    except Es2Failed as refusal:
        # A downloaded profile cannot be withdrawn and need not be. Any other refusal does not stop the end of a line
        # that is dead at the host already; it is kept to be looked at.
        return NOTHING if refusal.codes == _ALREADY_DOWNLOADED else {"reason": f"not withdrawn: {refusal}"}
    return NOTHING
