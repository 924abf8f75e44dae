"""One eSIM profile as its vendor delivers it: the card it will be, the subscription on it, and its type."""

from __future__ import annotations

from dataclasses import dataclass

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi


@dataclass(frozen=True, slots=True)
class Profile:
    """An eSIM profile: ICCID, IMSI and the SM-DP+'s name for its type."""

    iccid: Iccid
    imsi: Imsi
    profile_type: str
