"""Enabling, disabling and deleting the profiles of a card (GSMA SGP.22, section 3.2); one at most is enabled."""

from __future__ import annotations

from dataclasses import replace

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone import fields, metadata, notifications
from mvne_provisioning.phone.codes import Event, ManageError
from mvne_provisioning.phone.state import PROFILE_ON_CARD_MOVES, CardState, KeptProfile, ProfileState

_EVENTS = {
    ProfileState.ENABLED: Event.ENABLE,
    ProfileState.DISABLED: Event.DISABLE,
    ProfileState.DELETED: Event.DELETE,
}
_DONE_ALREADY = {ProfileState.ENABLED: "it is enabled already", ProfileState.DISABLED: "it is disabled already"}


class ManagingRefused(ProvisioningError):
    """The card does not do this to a profile; `error` is its code."""

    def __init__(self, error: ManageError, why: str) -> None:
        super().__init__(why)
        self.error = error


def move(state: CardState, iccid: str, to: ProfileState) -> CardState:
    """Return the state after a profile was enabled, disabled or deleted, with the notifications about it.

    Enabling a profile disables the one that was enabled. Raises `ManagingRefused`.
    """
    found = _find(state, iccid)
    if to not in PROFILE_ON_CARD_MOVES[found.state]:
        why = _DONE_ALREADY.get(to, "it is enabled: disable it first")
        raise ManagingRefused(ManageError.WRONG_STATE, f"profile {fields.masked(iccid)}: {why}")
    if to is ProfileState.ENABLED:
        for other in state.profiles:
            if other.state is ProfileState.ENABLED:
                state = _moved(state, other, ProfileState.DISABLED)
    return _moved(state, found, to)


def _find(state: CardState, iccid: str) -> KeptProfile:
    for one in state.profiles:
        if one.iccid == iccid:
            return one
    raise ManagingRefused(ManageError.NOT_FOUND, f"there is no profile {fields.masked(iccid)} on this card")


def _moved(state: CardState, profile: KeptProfile, to: ProfileState) -> CardState:
    changed = () if to is ProfileState.DELETED else (replace(profile, state=to),)
    profiles = tuple(one for old in state.profiles for one in (changed if old.iccid == profile.iccid else (old,)))
    moved = replace(state, profiles=profiles)
    return notifications.told(moved, _EVENTS[to], metadata.read(profile.metadata))
