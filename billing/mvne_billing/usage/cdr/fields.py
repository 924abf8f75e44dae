"""Parts that the records have in common: time stamps, addresses, numbers, the line, the place."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from mvne_billing.usage.countries import country_of_mcc
from mvne_billing.usage.digits import line_of, plmn, tbcd
from mvne_billing.usage.facts import Conventions
from mvne_billing.usage.record import InvalidUsage

Value = Mapping[str, Any]

#: Types of number (3GPP TS 24.008, 10.5.4.7) that say how the digits are meant.
_INTERNATIONAL, _NATIONAL = 1, 2


def need(value: Value, name: str) -> Any:
    """Return a part; raise `InvalidUsage` when it is missing."""
    if name not in value:
        raise InvalidUsage(f"{name} is missing")
    return value[name]


def time_of(octets: bytes) -> datetime:
    """Return a time stamp of TS 32.298: YYMMDDhhmmss in digits, the sign of the distance from UTC, hhmm in digits.

    >>> time_of(bytes.fromhex("2703051100002b0100")).isoformat()
    '2027-03-05T11:00:00+01:00'
    """
    digits, sign = octets.hex(), octets[6:7]
    digits = digits[:12] + digits[14:]
    if len(octets) != 9 or sign not in (b"+", b"-") or not digits.isdigit():
        raise InvalidUsage(f"time stamp {octets.hex()[:40]} is not written YYMMDDhhmmss±hhmm")
    year, month, day, hour, minute, second, hours, minutes = (int(digits[at : at + 2]) for at in range(0, 16, 2))
    distance = timedelta(hours=hours, minutes=minutes)
    try:
        zone = timezone(distance if sign == b"+" else -distance)
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        raise InvalidUsage(f"there is no time {digits[:12]}{sign.decode()}{digits[12:]}") from None


def compact(moment: datetime) -> str:
    """Return a time for an id."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def address_of(chosen: Any) -> str:
    """Return an IP address out of the choices that it is wrapped in."""
    while isinstance(chosen, tuple):
        chosen = chosen[1]
    if isinstance(chosen, dict):
        chosen = chosen.get("iPBinV6Address", b"")
    if isinstance(chosen, str):
        return chosen
    try:
        return str(ipaddress.ip_address(chosen))
    except ValueError:
        raise InvalidUsage(f"address {chosen.hex()[:40]!r} is no IP address") from None


def number_of(octets: bytes, national: str) -> str:
    """Return a number with its type in front: international ones get `+`, national ones what was agreed.

    >>> number_of(bytes.fromhex("913341920900f0"), ""), number_of(bytes.fromhex("a14192090000"), "+33")
    ('+33142990000', '+331429900000')
    """
    if len(octets) < 2:
        return ""
    kind, digits = octets[0] >> 4 & 7, tbcd(octets[1:])
    return {_INTERNATIONAL: "+", _NATIONAL: national}.get(kind, "") + digits


def line(value: Value) -> str:
    """Return the line that a record is of."""
    msisdn, imsi = value.get("servedMSISDN", b""), value.get("servedIMSI", b"")
    return line_of(tbcd(msisdn[1:]), tbcd(imsi))


def country_at(network: bytes | None, conventions: Conventions) -> str:
    """Return the country of the serving network; where none is named, use was at home if that was agreed."""
    if network is None:
        if conventions.home is None:
            raise InvalidUsage("no serving network is named, and no home country was agreed")
        return conventions.home
    code = plmn(network)
    country = conventions.countries.get(code) or country_of_mcc(code[:3], conventions.countries)
    if country is None:
        raise InvalidUsage(f"network {code} is in no known country")
    return country


def volume(value: Value, *names: str) -> int:
    """Return the sum of volumes; raise `InvalidUsage` for a negative one."""
    found = [value[name] for name in names if name in value]
    if any(one < 0 for one in found):
        raise InvalidUsage(f"volumes {found} are negative")
    return sum(found)
