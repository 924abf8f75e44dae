"""What a card shows of its profiles, and under which name it keeps them: nothing secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mvne_provisioning.phone import metadata
from mvne_provisioning.phone.metadata import ProfileClass
from mvne_provisioning.phone.state import KeptProfile, ProfileState

_AID = "A0000005591010FFFFFFFF8900{:04X}00"
_FIRST_AID = 0x10


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as a card lists it: nothing secret."""

    iccid: str
    state: ProfileState
    provider: str
    name: str
    profile_class: ProfileClass
    aid: bytes


def listed(one: KeptProfile) -> Profile:
    """Return a profile as a card lists it."""
    said = metadata.read(one.metadata)
    return Profile(one.iccid, one.state, said.provider, said.name, said.profile_class, one.aid)


def free_aid(profiles: Sequence[KeptProfile]) -> bytes:
    """Return the first AID of a profile's security domain (ISD-P) that no profile has."""
    taken = {one.aid for one in profiles}
    numbers = range(_FIRST_AID, _FIRST_AID + len(taken) + 1)
    return next(one for one in map(_aid, numbers) if one not in taken)


def _aid(number: int) -> bytes:
    return bytes.fromhex(_AID.format(number))
