"""Reads a profile package back into what was written into it: the check that a card gets what the network knows."""

from __future__ import annotations

from collections.abc import Sequence

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.identifier import IdentifierError
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.package import digits, names
from mvne_provisioning.package.elements import ADM1, PIN1, PIN2, Element
from mvne_provisioning.package.personal import InvalidPersonal, Personal
from mvne_provisioning.tlv import Malformed, Tlv, read_all

_MILENAGE = b"\x01"
_MOST_OFFSET = 3  # bytes of an INTEGER up to 65535


class PackageUnreadable(ProvisioningError):
    """These bytes are no profile package with one USIM that uses Milenage; the message says what is wrong."""


def read(der: bytes) -> Personal:
    """Return what a package was personalised with; raise `PackageUnreadable`.

    The ICCID must be the same in the header and in EF.ICCID. Codes that a package lacks are an error, but for PIN2.
    """
    try:
        return _personal(list(read_all(der)))
    except (Malformed, InvalidPersonal) as wrong:
        raise PackageUnreadable(f"the profile package cannot be read: {wrong}") from None
    except (IdentifierError, UnicodeDecodeError):
        # What it was stays unsaid: these messages hold the digits.
        raise PackageUnreadable("the profile package holds an ICCID, IMSI or name that is none") from None


def iccid_of(der: bytes) -> Iccid:
    """Return the ICCID of any package, ours or not; raise `PackageUnreadable`, also when its two places differ."""
    try:
        return _iccid(list(read_all(der)))
    except Malformed as wrong:
        raise PackageUnreadable(f"the profile package cannot be read: {wrong}") from None
    except IdentifierError:
        raise PackageUnreadable("the profile package holds an ICCID that is none") from None


def _personal(elements: Sequence[Tlv]) -> Personal:
    iccid = _iccid(elements)
    usim, algorithm = _one(elements, Element.USIM), _algorithm(elements)
    pins, puks = _codes(elements, Element.PIN_CODES), _codes(elements, Element.PUK_CODES)
    return Personal(
        iccid=iccid,
        imsi=_imsi(_content(usim.child(0xA3))),
        k=algorithm.child(0x82).value,
        opc=algorithm.child(0x83).value,
        provider_name=names.decode(_content(usim.child(0xAD))[1:]),
        profile_name=elements[0].child(0x82).value.decode(),
        pin1=pins.get(PIN1, ""),
        puk1=puks.get(PIN1, ""),
        adm1=pins.get(ADM1, ""),
        pin2=pins.get(PIN2),
        puk2=puks.get(PIN2),
        mnc_length=_content(usim.child(0xB5))[-1],
        ota_keys=_ota_keys(_one(elements, Element.SECURITY_DOMAIN)),
    )


def _iccid(elements: Sequence[Tlv]) -> Iccid:
    if not elements or elements[0].tag != Element.HEADER or elements[-1].tag != Element.END:
        raise Malformed("it does not begin with a header and close with its end")
    header = digits.from_plain(elements[0].child(0x83).value)
    if header != digits.from_swapped(_content(_one(elements, Element.MASTER_FILE).child(0xA4))):
        raise Malformed("its header and EF.ICCID hold different ICCIDs")
    return Iccid(header)


def _one(elements: Sequence[Tlv], tag: Element) -> Tlv:
    found = [one for one in elements if one.tag == tag]
    if len(found) != 1:
        raise Malformed(f"it has {len(found)} elements {tag.name}, and one is expected")
    return found[0]


def _algorithm(elements: Sequence[Tlv]) -> Tlv:
    algorithm = _one(elements, Element.AKA_PARAMETER).child(0xA1).child(0xA1)
    if algorithm.child(0x80).value != _MILENAGE:
        raise Malformed("its algorithm of authentication is not Milenage")
    return algorithm


def _content(file: Tlv) -> bytes:
    """Return what a file is filled with; offsets count from the end of what was filled before."""
    content = b""
    for part in file.children:
        if part.tag == 0x82:
            if len(part.value) > _MOST_OFFSET:
                raise Malformed(f"the file {file.tag:X} is filled too far from its beginning")
            content += bytes(int.from_bytes(part.value, "big"))
        elif part.tag == 0x83:
            content += part.value
    if not content:
        raise Malformed(f"the file {file.tag:X} is empty")
    return content


def _imsi(content: bytes) -> Imsi:
    return Imsi(digits.from_swapped(content[1 : 1 + content[0]])[1:])


def _ota_keys(domain: Tlv) -> bytes:
    keys = domain.find(0xA2)
    return b"".join(one.child(0x30).child(0x30).child(0x86).value for one in keys.children) if keys else b""


def _codes(elements: Sequence[Tlv], tag: Element) -> dict[int, str]:
    lists = [one.child(0xA1) for one in elements if one.tag == tag]
    if tag == Element.PIN_CODES:
        lists = [one.child(0xA0) for one in lists if one.find(0xA0)]
    return {_reference(one): one.child(0x81).value.rstrip(b"\xff").decode() for many in lists for one in many.children}


def _reference(code: Tlv) -> int:
    return int.from_bytes(code.child(0x80).value, "big")
