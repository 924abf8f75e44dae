"""What a profile says about itself before it is installed: StoreMetadata (BF25; GSMA SGP.22, section 5.5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from mvne_provisioning import tlv
from mvne_provisioning.phone import fields
from mvne_provisioning.phone.codes import Event
from mvne_provisioning.tlv import Malformed, Tlv

STORE_METADATA = 0xBF25

_ICCID, _PROVIDER, _NAME, _ICON_TYPE, _ICON, _CLASS, _NOTIFICATIONS, _RULES = (
    *(0x5A, 0x91, 0x92, 0x93, 0x94),
    *(0x95, 0xB6, 0x99),
)
_MOST_PROVIDER, _MOST_NAME, _MOST_ICON, _MOST_ADDRESS = 32, 64, 1024, 255
#: Bit 0 of the profile policy rules only says that they may be updated; the others are rules.
_UPDATE_CONTROL = 0


class ProfileClass(IntEnum):
    """What a profile is for."""

    TEST = 0
    PROVISIONING = 1
    OPERATIONAL = 2


class UnsupportedClass(Malformed):
    """The profile is of a class that there is not."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told about an event, at which address."""

    events: frozenset[int]
    address: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """StoreMetadata as it was read; `raw` are its very bytes."""

    iccid: str
    provider: str
    name: str
    profile_class: ProfileClass
    recipients: tuple[Recipient, ...]
    has_rules: bool
    raw: bytes

    def told(self, event: Event) -> list[str]:
        """Return the addresses that are told about an event."""
        return [one.address for one in self.recipients if event in one.events]


def read(data: bytes) -> Metadata:
    """Read StoreMetadata; raise `Malformed` with what is wrong, `UnsupportedClass` for its class."""
    whole = tlv.read_one(data, STORE_METADATA)
    _check_icon(whole)
    return Metadata(
        iccid=fields.iccid(whole.child(_ICCID).value),
        provider=_short(whole.child(_PROVIDER), _MOST_PROVIDER),
        name=_short(whole.child(_NAME), _MOST_NAME),
        profile_class=_class(whole.find(_CLASS)),
        recipients=tuple(_recipient(one) for one in _children(whole.find(_NOTIFICATIONS))),
        has_rules=_has_rules(whole.find(_RULES)),
        raw=whole.raw,
    )


def _children(found: Tlv | None) -> tuple[Tlv, ...]:
    return found.children if found else ()


def _short(one: Tlv, most: int) -> str:
    found = fields.text(one)
    if len(found) > most:
        raise Malformed(f"{one.tag:X} has {len(found)} characters; {most} are allowed")
    return found


def _class(found: Tlv | None) -> ProfileClass:
    if found is None:
        return ProfileClass.OPERATIONAL
    number = fields.number(found)
    if number not in set(ProfileClass):
        raise UnsupportedClass(f"there is no profile class {number}")
    return ProfileClass(number)


def _recipient(one: Tlv) -> Recipient:
    if one.tag != 0x30:
        raise Malformed(f"{one.tag:X} stands where somebody to be told is expected")
    return Recipient(fields.bits(one.child(0x80)), _short(one.child(0x81), _MOST_ADDRESS))


def _check_icon(whole: Tlv) -> None:
    kind, icon = whole.find(_ICON_TYPE), whole.find(_ICON)
    if (kind is None) != (icon is None):
        raise Malformed("an icon has both a type and a picture")
    if kind and fields.number(kind) > 1:
        raise Malformed("an icon is a JPEG (0) or a PNG (1)")
    if icon and len(icon.value) > _MOST_ICON:
        raise Malformed(f"the icon has {len(icon.value)} bytes; {_MOST_ICON} are allowed")


def _has_rules(found: Tlv | None) -> bool:
    return found is not None and bool(fields.bits(found) - {_UPDATE_CONTROL})
