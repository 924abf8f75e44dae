"""What an eUICC says about itself (EUICCInfo1, EUICCInfo2) and its phone (GSMA SGP.22, sections 4.2, 4.3 and 5.7.8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mvne_provisioning import tlv

INFO1, INFO2 = 0xBF20, 0xBF22

_SVN = bytes((2, 2, 2))
_PROFILE_VERSION, _FIRMWARE, _PP_VERSION = bytes((2, 3, 1)), bytes((1, 0, 0)), bytes((0, 0, 1))
#: USIM and ISIM, Milenage; additional profiles. The first byte of a BIT STRING counts the unused bits.
_UICC, _RSP = bytes.fromhex("047f36e0"), bytes.fromhex("0490")
_ACCREDITATION = b"XX-XX-UP-0000"
_RAM = 16_384


@dataclass(frozen=True, slots=True)
class Device:
    """The phone around the card: the eight digits of its type (TAC), and perhaps its IMEI, 15 or 16 digits."""

    tac: str = "00101701"
    imei: str | None = None

    def encoded(self) -> bytes:
        """Return DeviceInfo, of a phone that can do all that release 15 can."""
        release = bytes((15, 0, 0))
        capabilities = tlv.encode(0xA1, *(tlv.encode(tag, release) for tag in (0x80, 0x81, 0x85)))
        imei = tlv.encode(0x82, _swapped(self.imei)) if self.imei else b""
        return tlv.encode(0xA1, tlv.encode(0x80, _swapped(self.tac)), capabilities, imei)


def info1(verification: Iterable[bytes], signing: Iterable[bytes]) -> bytes:
    """Return EUICCInfo1: version, and the keys of the issuers that the card trusts, and can sign under."""
    return tlv.encode(INFO1, tlv.encode(0x82, _SVN), _key_ids(0xA9, verification), _key_ids(0xAA, signing))


def info2(verification: Iterable[bytes], signing: Iterable[bytes], applications: int, room: int) -> bytes:
    """Return EUICCInfo2: the same, and what the card can do, and how much room it has."""
    resources = ((0x81, applications), (0x82, room), (0x83, _RAM))
    return tlv.encode(
        INFO2,
        tlv.encode(0x81, _PROFILE_VERSION),
        tlv.encode(0x82, _SVN),
        tlv.encode(0x83, _FIRMWARE),
        tlv.encode(0x84, *(tlv.encode(tag, tlv.integer(number)) for tag, number in resources)),
        tlv.encode(0x85, _UICC),
        tlv.encode(0x88, _RSP),
        _key_ids(0xA9, verification),
        _key_ids(0xAA, signing),
        tlv.encode(0x04, _PP_VERSION),
        tlv.encode(0x0C, _ACCREDITATION),
    )


def context(matching_id: str, device: Device) -> bytes:
    """Return CtxParams1: the matching id, left out when it is empty, and the phone."""
    wanted = tlv.encode(0x80, matching_id.encode()) if matching_id else b""
    return tlv.encode(0xA0, wanted, device.encoded())


def _key_ids(tag: int, key_ids: Iterable[bytes]) -> bytes:
    return tlv.encode(tag, *(tlv.encode(0x04, one) for one in key_ids))


def _swapped(digits: str) -> bytes:
    """Return digits as TS 24.008 writes them: swapped nibbles, an odd number filled with F."""
    even = digits if len(digits) % 2 == 0 else f"{digits}f"
    return bytes(byte >> 4 | byte << 4 & 0xF0 for byte in bytes.fromhex(even))
