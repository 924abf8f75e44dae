"""What makes one profile package the SIM of one subscription: its numbers, its keys, its codes, its names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.plmn import Plmn
from mvne_provisioning.package import names

#: Bytes of K and OPc, the keys of Milenage (3GPP TS 35.205).
KEY_SIZE = 16

#: The most bytes of UTF-8 of the two names in StoreMetadata (GSMA SGP.22, section 2.4a).
MOST_PROVIDER, MOST_PROFILE = 32, 64

_PIN, _EIGHT_DIGITS = re.compile("[0-9]{4,8}"), re.compile("[0-9]{8}")


class InvalidPersonal(ProvisioningError, ValueError):
    """This cannot be written into a profile package; the message names the field, and never its value."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Personal:
    """One subscription's part of a profile package.

    `k` and `opc` are the 16 bytes that the host network's HSS has too; `pin1` and `pin2` have 4 to 8 digits, `puk1`,
    `puk2` and `adm1` eight; a card without `pin2` has no second PIN. `provider_name` is what the phone shows (see
    `names.fits`), `profile_name` what the user sees in the list of profiles. `ota_keys` are the three keys (KIc, KID,
    KIK; AES, 16 bytes each) of messages from the operator to the card, which without them takes none. Raises
    `InvalidPersonal`.
    """

    iccid: Iccid
    imsi: Imsi
    k: bytes
    opc: bytes
    provider_name: str
    profile_name: str
    pin1: str
    puk1: str
    adm1: str
    pin2: str | None = None
    puk2: str | None = None
    mnc_length: int = 2
    ota_keys: bytes = b""

    def __post_init__(self) -> None:
        wrong = [name for name, is_right in self._rules().items() if not is_right]
        if wrong:
            raise InvalidPersonal(f"{', '.join(wrong)}: {_RIGHT[wrong[0]]}")

    def _rules(self) -> dict[str, bool]:
        return {
            "iccid": isinstance(self.iccid, Iccid),
            "imsi": isinstance(self.imsi, Imsi) and len(self.imsi) > 3 + self.mnc_length,
            "k": len(self.k) == KEY_SIZE,
            "opc": len(self.opc) == KEY_SIZE,
            "provider_name": names.fits(self.provider_name) and len(self.provider_name.encode()) <= MOST_PROVIDER,
            "profile_name": self.profile_name.isprintable() and 0 < len(self.profile_name.encode()) <= MOST_PROFILE,
            "pin1": _PIN.fullmatch(self.pin1) is not None,
            "puk1": _EIGHT_DIGITS.fullmatch(self.puk1) is not None,
            "adm1": _EIGHT_DIGITS.fullmatch(self.adm1) is not None,
            "pin2": self.pin2 is None or _PIN.fullmatch(self.pin2) is not None,
            "puk2": _EIGHT_DIGITS.fullmatch(self.puk2) is not None if self.puk2 else self.pin2 is None,
            "mnc_length": self.mnc_length in (2, 3),
            "ota_keys": len(self.ota_keys) in (0, 3 * KEY_SIZE),
        }

    @property
    def plmn(self) -> Plmn:
        """The home network, by the IMSI."""
        return self.imsi.plmn(self.mnc_length)

    @property
    def impi(self) -> str:
        """The private identity towards the IMS that a phone derives from the IMSI (3GPP TS 23.003, clause 13.3)."""
        return f"{self.imsi}@ims.mnc{self.plmn.mnc:0>3}.mcc{self.plmn.mcc}.3gppnetwork.org"

    def __repr__(self) -> str:
        return f"Personal(iccid={self.iccid.masked()}, imsi={self.imsi.masked()}, provider_name={self.provider_name!r})"


_RIGHT = {
    "iccid": "give an Iccid, whose digits are checked",
    "imsi": "give an Imsi that is longer than its network's code",
    "k": f"K has {KEY_SIZE} bytes",
    "opc": f"OPc has {KEY_SIZE} bytes",
    "provider_name": f"1 to {names.SIZE} GSM letters or 1 to 7 others; see names.shortened",
    "profile_name": f"1 to {MOST_PROFILE} bytes of printable UTF-8",
    "pin1": "a PIN has 4 to 8 digits",
    "puk1": "a PUK has 8 digits",
    "adm1": "an administrative key has 8 digits",
    "pin2": "a PIN has 4 to 8 digits",
    "puk2": "a PUK has 8 digits, and a second PIN needs one",
    "ota_keys": f"the keys of messages are three of {KEY_SIZE} bytes, one after the other",
    "mnc_length": "a network's code has 2 or 3 digits after the country's",
}
