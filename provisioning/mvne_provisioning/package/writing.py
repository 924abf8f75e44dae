"""Writes a profile package for one subscription: the least that makes a phone attach with Milenage.

Header, master file, PUKs, PINs, USIM, second PIN, keys of authentication, the operator's security domain, end. Files
that are not named here are made by the eUICC from its templates. Layout: TCA (SIMalliance) interoperable profile 2.3;
contents: 3GPP TS 31.102, ETSI TS 102 221.
"""

from __future__ import annotations

from collections.abc import Iterator

from mvne_provisioning import tlv
from mvne_provisioning.package import digits, names
from mvne_provisioning.package.elements import (
    ADM1,
    MASTER_FILE_TEMPLATE,
    PIN1,
    PIN2,
    USIM_TEMPLATE,
    Element,
    access_rules,
    code,
    element,
    file,
    folder,
    records,
)
from mvne_provisioning.package.personal import KEY_SIZE, Personal
from mvne_provisioning.tlv import encode

#: The USIM's name: 3GPP, USIM, no country and no operator of their own, telecommunications (ETSI TS 101 220).
USIM_AID = bytes.fromhex("a0000000871002ffffffff89")

#: The security domain's package, class and name are GlobalPlatform's; SCP80, installed and personalised.
_DOMAIN_AIDS = ("a0000001515350", "a000000151535041", "a000000151000000")
_DOMAIN_PRIVILEGES, _DOMAIN_STATE, _DOMAIN_PARAMETERS = b"\x82\xfc\x80", b"\x0f", bytes.fromhex("810280008201f08701f0")

#: What each of its three keys is for (GlobalPlatform 11.1.9): messages' secrecy, their proof, new keys. Version 1, AES.
_KEY_USES, _KEY_VERSION, _AES = (b"\x38", b"\x34", b"\xc8"), b"\x01", b"\x88"

#: USIM services (TS 31.102, 4.2.8) whose files the templates bring: messages, their parameters, the provider's name,
#: packet service (always there), EPS.
_SERVICES, _SERVICE_BYTES = (10, 12, 19, 33, 85), 14

#: Records of EF.ARR that the templates refer to: who reads, who updates.
_RULES = {2: (PIN1, ADM1), 5: (PIN1, PIN1), 8: (PIN1, PIN2), 10: (None, ADM1), 11: (None, 0)}
_LAST_RULE = 14

# What is the same in every package is written once: packages are made by the hundred thousand.
_MASTER_RULES, _USIM_RULES = access_rules(0xA6, _RULES, _LAST_RULE), access_rules(0xA4, _RULES, _LAST_RULE)
_APPLICATIONS = records(0xA5, encode(0x61, encode(0x4F, USIM_AID), encode(0x50, b"USIM")).ljust(38, b"\xff"))
_SERVICES_FILE = file(0xA8, sum(1 << service - 1 for service in _SERVICES).to_bytes(_SERVICE_BYTES, "little"))
_DOMAIN = encode(
    0xA1,
    *(encode(0x4F, bytes.fromhex(aid)) for aid in _DOMAIN_AIDS),
    encode(0x82, _DOMAIN_PRIVILEGES),
    encode(0x83, _DOMAIN_STATE),
    encode(0xC9, _DOMAIN_PARAMETERS),
)

_MILENAGE = b"\x01"
_OFF_UNTIL_WANTED, _ON = 6, 7  # whether a PIN is asked for before the user turns it on
_EMERGENCY = digits.swapped("112", 3) + b"\x00"


def personalise(personal: Personal) -> bytes:
    """Return the profile package of one subscription: DER elements, one after the other.

    Raises nothing: what cannot be written is refused by `Personal`.
    """
    parts = _elements(personal)
    return _header(personal) + b"".join(element(tag, number, body) for number, (tag, body) in enumerate(parts, 1))


def _elements(personal: Personal) -> Iterator[tuple[Element, bytes]]:
    yield Element.MASTER_FILE, _master_file(personal)
    yield Element.PUK_CODES, encode(0xA1, *(_puk(*one) for one in ((PIN1, personal.puk1), (PIN2, personal.puk2))))
    yield Element.PIN_CODES, _pins(_pin(PIN1, personal.pin1, PIN1, _OFF_UNTIL_WANTED), _pin(ADM1, personal.adm1))
    yield Element.USIM, _usim(personal)
    if personal.pin2 is not None:
        yield Element.PIN_CODES, _pins(_pin(PIN2, personal.pin2, PIN2))
    yield Element.AKA_PARAMETER, _keys(personal)
    yield Element.SECURITY_DOMAIN, _DOMAIN + _ota_keys(personal.ota_keys)
    yield Element.END, b""


def _header(personal: Personal) -> bytes:
    return encode(
        Element.HEADER,
        encode(0x80, b"\x02"),
        encode(0x81, b"\x03"),
        encode(0x82, personal.profile_name.encode()),
        encode(0x83, digits.plain(personal.iccid, 10)),
        encode(0xA5, encode(0x81), encode(0x84)),  # the eUICC must know the USIM and Milenage
        encode(0xA6, *(encode(0x06, tlv.oid(one)) for one in (MASTER_FILE_TEMPLATE, USIM_TEMPLATE))),
    )


def _master_file(personal: Personal) -> bytes:
    return (
        encode(0x81, tlv.oid(MASTER_FILE_TEMPLATE))
        + folder(0xA2, PIN1, ADM1)
        + file(0xA4, digits.swapped(personal.iccid, 10))
        + _APPLICATIONS
        + _MASTER_RULES
    )


def _usim(personal: Personal) -> bytes:
    return (
        encode(0x81, tlv.oid(USIM_TEMPLATE))
        + folder(0xA2, PIN1, PIN2, ADM1, name=USIM_AID, temporary=b"\x7f\xf1")
        + file(0xA3, _imsi(personal.imsi))
        + _USIM_RULES
        + _SERVICES_FILE
        + file(0xAD, b"\x02" + names.encode(personal.provider_name))  # not shown beside the network when roaming
        + file(0xAE, b"\x00")
        + file(0xB2, (1 << int(personal.imsi[-1])).to_bytes(2, "big"))
        + file(0xB5, bytes([0, 0, 0, personal.mnc_length]))
        + file(0xB6, _EMERGENCY)
    )


def _imsi(imsi: str) -> bytes:
    parity = "9" if len(imsi) % 2 else "1"
    value = digits.swapped(parity + imsi, (len(imsi) + 2) // 2)
    return bytes([len(value)]) + value.ljust(8, b"\xff")


def _puk(reference: int, puk: str | None) -> bytes:
    return encode(0x30, encode(0x80, tlv.integer(reference)), encode(0x81, code(puk))) if puk else b""


def _pins(*pins: bytes) -> bytes:
    return encode(0xA1, encode(0xA0, *pins))


def _pin(reference: int, pin: str, puk: int | None = None, attributes: int = _ON) -> bytes:
    return encode(
        0x30,
        encode(0x80, tlv.integer(reference)),
        encode(0x81, code(pin)),
        encode(0x82, tlv.integer(puk)) if puk else b"",
        encode(0x83, tlv.integer(attributes)) if attributes != _ON else b"",
    )


def _keys(personal: Personal) -> bytes:
    """Return what Milenage needs; the sequence number's rules and the constants stay the standard's."""
    algorithm = (_MILENAGE, b"\x00", personal.k, personal.opc)
    return encode(0xA1, encode(0xA1, *(encode(0x80 + at, value) for at, value in enumerate(algorithm))))


def _ota_keys(keys: bytes) -> bytes:
    split = [keys[at : at + KEY_SIZE] for at in range(0, len(keys), KEY_SIZE)]
    return encode(0xA2, *(_ota_key(number, key) for number, key in enumerate(split, 1))) if keys else b""


def _ota_key(number: int, key: bytes) -> bytes:
    component = encode(0x30, encode(0x80, _AES), encode(0x86, key))
    said = encode(0x95, _KEY_USES[number - 1]) + encode(0x82, bytes([number])) + encode(0x83, _KEY_VERSION)
    return encode(0x30, said, encode(0x30, component))
