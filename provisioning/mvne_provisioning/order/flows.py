"""Which steps each kind of order takes, in order. This table is the whole knowledge of what an order does.

Undoing goes backwards. After a step that cannot be undone no call can be refused: what remains is done or retried.
A profile's way is that of GSMA SGP.22, section 3.1: the network side is prepared between ConfirmOrder and
ReleaseProfile, so that no phone can download a profile that the network does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mvne_provisioning.order import local_steps, remote_steps
from mvne_provisioning.order.steps import LocalStep, RemoteStep, Step
from mvne_provisioning.states import OrderKind, OrderState


@dataclass(frozen=True, slots=True)
class Flow:
    """The steps of one kind of order and the state it then is in."""

    steps: tuple[Step, ...]
    ends: OrderState


_find_line = LocalStep("find_line", local_steps.find_line)
_download_order = RemoteStep("download_order", remote_steps.download_order, remote_steps.cancel_download)
_confirm_order = RemoteStep("confirm_order", remote_steps.confirm_order)
_release_profile = RemoteStep("release_profile", remote_steps.release_profile)

FLOWS: Mapping[OrderKind, Flow] = {
    OrderKind.ACTIVATION: Flow(
        (
            LocalStep("reserve", local_steps.reserve_profile_and_number, local_steps.give_back_both),
            _download_order,
            _confirm_order,
            RemoteStep("activate", remote_steps.activate, remote_steps.terminate),
            _release_profile,
            LocalStep("assign", local_steps.assign, local_steps.let_number_rest),
        ),
        OrderState.READY,
    ),
    OrderKind.SIM_SWAP: Flow(
        (
            LocalStep("reserve", local_steps.reserve_new_profile, local_steps.give_back_profile),
            _download_order,
            _confirm_order,
            RemoteStep("swap_sim", remote_steps.swap_sim, remote_steps.swap_sim_back),
            _release_profile,
            RemoteStep("withdraw_old_profile", remote_steps.withdraw_old_profile),
            LocalStep("replace_profile", local_steps.replace_profile),
        ),
        OrderState.READY,
    ),
    OrderKind.NUMBER_CHANGE: Flow(
        (
            LocalStep("reserve", local_steps.reserve_new_number, local_steps.give_back_number),
            RemoteStep("change_number", remote_steps.change_number, remote_steps.change_number_back),
            LocalStep("replace_number", local_steps.replace_number),
        ),
        OrderState.COMPLETED,
    ),
    OrderKind.SUSPENSION: Flow((_find_line, RemoteStep("suspend", remote_steps.suspend)), OrderState.COMPLETED),
    OrderKind.RESUMPTION: Flow((_find_line, RemoteStep("resume", remote_steps.resume)), OrderState.COMPLETED),
    OrderKind.BARRING: Flow((_find_line, RemoteStep("set_barring", remote_steps.set_barring)), OrderState.COMPLETED),
    OrderKind.THROTTLE: Flow((_find_line, RemoteStep("set_throttle", remote_steps.set_throttle)), OrderState.COMPLETED),
    OrderKind.TERMINATION: Flow(
        (
            _find_line,
            RemoteStep("terminate", remote_steps.terminate),
            RemoteStep("withdraw_profile", remote_steps.withdraw_profile),
            LocalStep("dissolve", local_steps.dissolve),
        ),
        OrderState.COMPLETED,
    ),
}
