"""Numbers as signalling writes them: two digits an octet, in TAP the first digit high, in 3GPP records the first low.

>>> bcd(bytes.fromhex("33142990000f")), tbcd(bytes.fromhex("2880910900000010"))
('33142990000', '8208199000000001')
>>> plmn(bytes.fromhex("02f810")), plmn(bytes.fromhex("130062"))
('20801', '310260')
"""

from __future__ import annotations

from mvne_billing.usage.record import InvalidUsage

#: The signs that hexadecimal digits beyond nine stand for (3GPP TS 24.008, 10.5.4.7); the last one fills up.
_SIGNS = str.maketrans("abcde", "*#abc")


def bcd(octets: bytes) -> str:
    """Return digits that are written high digit first, without the filler."""
    return _digits(octets.hex())


def tbcd(octets: bytes) -> str:
    """Return digits that are written low digit first, without the filler."""
    pairs = octets.hex()
    return _digits("".join(pairs[at + 1] + pairs[at] for at in range(0, len(pairs), 2)))


def _digits(text: str) -> str:
    digits = text.rstrip("f")
    if "f" in digits:
        raise InvalidUsage(f"number {text[:40]!r} has a filler before its end")
    return digits.translate(_SIGNS)


def plmn(octets: bytes) -> str:
    """Return the mobile country and network code of a PLMN identity (3GPP TS 24.008, 10.5.1.3)."""
    if len(octets) != 3:
        raise InvalidUsage(f"network {octets.hex()[:40]!r} is not a PLMN of three octets")
    digits = octets.hex()
    found = "".join(digits[at] for at in (1, 0, 3, 5, 4, 2)).removesuffix("f")
    if not found.isdigit():
        raise InvalidUsage(f"network {octets.hex()!r} is not a PLMN")
    return found


#: Emergency calls are known by their service: whatever was dialled, they are this number, which is free everywhere.
EMERGENCY_NUMBER = "112"


def line_of(msisdn: str, imsi: str) -> str:
    """Return how a line is named in a usage record: its number in E.164, or `imsi:` and its IMSI where no number is."""
    for digits in filter(None, (msisdn, imsi)):
        if not digits.isdigit() or len(digits) > 15:
            raise InvalidUsage(f"{digits[:40]!r} is not an MSISDN or IMSI of at most 15 digits")
    if not (msisdn or imsi):
        raise InvalidUsage("neither the number nor the IMSI of the line is there")
    return f"+{msisdn}" if msisdn else f"imsi:{imsi}"
