"""Profiles for tests and sandboxes, in ranges that no operator uses.

ICCID: 89 (telecommunications), then by default `99970`: country code 999, which ITU-T E.164 does not assign, and
issuer 70, chosen by this project; then a serial of 11 digits and the Luhn digit: 19 digits.
IMSI: by default network 999-70; MCC 999 is set aside by ITU-T E.212 for internal use. Then the same serial as MSIN.
"""

from __future__ import annotations

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.plmn import Plmn
from mvne_provisioning.profile import Profile

#: Length of the two numbers made here.
_ICCID_DIGITS, _IMSI_DIGITS = 19, 15


class SerialOutOfRange(ProvisioningError, ValueError):
    """The serial numbers asked for do not fit into an IMSI of this network."""


def simulated_batch(
    first_serial: int, count: int, plmn: str = "99970", issuer: str = "99970", profile_type: str = "simulated"
) -> list[Profile]:
    """Return `count` profiles with serials from `first_serial`; the same arguments give the same profiles.

    >>> [profile.iccid for profile in simulated_batch(1, 2)]
    ['8999970000000000019', '8999970000000000027']
    >>> simulated_batch(1, 1)[0].imsi
    '999700000000001'
    """
    network = Plmn(plmn)
    if first_serial < 0 or first_serial + count > 10 ** (_IMSI_DIGITS - len(network)):
        raise SerialOutOfRange(f"serials {first_serial} to {first_serial + count - 1} do not fit behind {network}")
    return [_profile(serial, network, issuer, profile_type) for serial in range(first_serial, first_serial + count)]


def _profile(serial: int, network: Plmn, issuer: str, profile_type: str) -> Profile:
    account_digits = _ICCID_DIGITS - len("89") - len(issuer) - 1
    iccid = Iccid.with_check_digit(f"89{issuer}{serial:0{account_digits}d}")
    return Profile(iccid, Imsi(f"{network}{serial:0{_IMSI_DIGITS - len(network)}d}"), profile_type)
