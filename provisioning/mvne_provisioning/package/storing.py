"""StoreMetadata: what the eUICC and the user are told about a profile before it is installed (GSMA SGP.22, 5.5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from mvne_provisioning.identifiers.plmn import Plmn
from mvne_provisioning.package import digits
from mvne_provisioning.package.personal import InvalidPersonal, Personal
from mvne_provisioning.tlv import encode, integer

#: Installed, enabled, disabled, deleted: the first four bits of a BIT STRING whose last four are unused.
_EVERY_EVENT = b"\x04\xf0"
_MOST_ADDRESS = 255


class ProfileClass(IntEnum):
    """What a profile is for; operational is what is meant when nothing is said."""

    TEST = 0
    PROVISIONING = 1
    OPERATIONAL = 2


def metadata(
    personal: Personal,
    plmn: Plmn,
    notify: Sequence[str],
    profile_class: ProfileClass = ProfileClass.OPERATIONAL,
) -> bytes:
    """Return StoreMetadata (BF25): the ICCID swapped, names, owner, and the servers that are told of every event.

    `plmn` is the owner of the profile, `notify` holds the addresses (FQDN) of the servers. Raises `InvalidPersonal`
    for an address that is none.

    >>> from mvne_provisioning.package import Iccid, Imsi
    >>> personal = Personal(
    ...     iccid=Iccid("8999970000000000019"), imsi=Imsi("999700000000001"), k=bytes(16), opc=bytes(16),
    ...     provider_name="T", profile_name="M", pin1="0000", puk1="12345678", adm1="87654321")
    >>> metadata(personal, personal.plmn, ["a.example"]).hex()
    'bf252c5a0a989979000000000010f991015492014db611300f800204f08109612e6578616d706c65b705800399f907'
    """
    return encode(
        0xBF25,
        encode(0x5A, digits.swapped(personal.iccid, 10)),
        encode(0x91, personal.provider_name.encode()),
        encode(0x92, personal.profile_name.encode()),
        encode(0x95, integer(profile_class)) if profile_class is not ProfileClass.OPERATIONAL else b"",
        encode(0xB6, *(_notified(address) for address in notify)) if notify else b"",
        encode(0xB7, encode(0x80, _plmn(plmn))),
    )


def _notified(address: str) -> bytes:
    if not address.isascii() or not address.isprintable() or not 0 < len(address) <= _MOST_ADDRESS:
        raise InvalidPersonal("notify: give the address of a server, like smdp.example.com")
    return encode(0x30, encode(0x80, _EVERY_EVENT), encode(0x81, address.encode()))


def _plmn(plmn: Plmn) -> bytes:
    """Return MCC and MNC in the three bytes of 3GPP TS 24.008, the third digit of the MNC in the middle."""
    mcc, mnc = plmn.mcc, plmn.mnc.ljust(3, "f")
    return bytes.fromhex(mcc[1] + mcc[0] + mnc[2] + mcc[2] + mnc[1] + mnc[0])
