"""The states of a profile at the SM-DP+ (GSMA SGP.22, section 3.1.6), as a table of moves."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ProfileState(StrEnum):
    """Where a profile stands at the SM-DP+; the words are those of SGP.22."""

    AVAILABLE = "Available"  #: in the inventory
    ALLOCATED = "Allocated"  #: ordered, for no particular eUICC
    LINKED = "Linked"  #: ordered for one EID
    CONFIRMED = "Confirmed"  #: it has a matching id; the network side is not yet prepared
    RELEASED = "Released"  #: ready to be downloaded
    DOWNLOADED = "Downloaded"  #: handed out, and tied to that EID
    INSTALLED = "Installed"
    ENABLED = "Enabled"
    DISABLED = "Disabled"
    DELETED = "Deleted"
    ERROR = "Error"  #: too many attempts, refused by the user, or the installation failed for good
    UNAVAILABLE = "Unavailable"  #: never used again


S = ProfileState

#: What the operator (ES2+), the phone (ES9+) and the phone's user may do to a profile.
SMDP_MOVES: Mapping[ProfileState, frozenset[ProfileState]] = {
    S.AVAILABLE: frozenset({S.ALLOCATED, S.LINKED, S.UNAVAILABLE}),
    S.ALLOCATED: frozenset({S.CONFIRMED, S.RELEASED, S.AVAILABLE, S.UNAVAILABLE}),
    S.LINKED: frozenset({S.CONFIRMED, S.RELEASED, S.AVAILABLE, S.UNAVAILABLE}),
    S.CONFIRMED: frozenset({S.RELEASED, S.AVAILABLE, S.UNAVAILABLE}),
    S.RELEASED: frozenset({S.DOWNLOADED, S.ERROR, S.AVAILABLE, S.UNAVAILABLE}),
    S.DOWNLOADED: frozenset({S.INSTALLED, S.ERROR}),
    S.INSTALLED: frozenset({S.ENABLED, S.DISABLED, S.DELETED}),
    S.ENABLED: frozenset({S.DISABLED}),
    S.DISABLED: frozenset({S.ENABLED, S.DELETED}),
    S.DELETED: frozenset(),
    S.ERROR: frozenset(),
    S.UNAVAILABLE: frozenset(),
}
