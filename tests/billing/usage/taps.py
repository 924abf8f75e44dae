"""TAP files made to order: pycrate encodes them, so that our own writing is never what our reading is tried on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pycrate_asn1dir.TAP3 import TAP_0312
from pycrate_asn1rt.asnobj import ASN1Obj
from pycrate_asn1rt.codecs import ASN1CodecBER

Parts = dict[str, Any]
Event = tuple[str, Parts]

IMSI = "208019980000001"
MSISDN = "33639980001"


def bcd(digits: str) -> bytes:
    return bytes.fromhex(digits + "f" * (len(digits) % 2))


def stamp(at: str = "20270305100000", code: int = 0) -> Parts:
    return {"localTimeStamp": at.encode(), "utcTimeOffsetCode": code}


def charge(amount: int = 1200, tax: int | None = 100, discount: int | None = None) -> Parts:
    made: Parts = {
        "chargedItem": b"D",
        "exchangeRateCode": 1,
        "callTypeGroup": {"callTypeLevel1": 1, "callTypeLevel2": 0, "callTypeLevel3": 0},
        "chargeDetailList": [
            {"chargeType": b"00", "charge": amount, "chargeableUnits": 60, "chargedUnits": 60},
            {"chargeType": b"01", "charge": amount // 2, "chargeableUnits": 60, "chargedUnits": 60},
        ],
    }
    if tax is not None:
        made["taxInformation"] = [{"taxCode": 1, "taxValue": tax}]
    if discount is not None:
        made["discountInformation"] = {"discountCode": 1, "discount": discount}
    return made


def subscriber(imsi: str = IMSI, msisdn: str = MSISDN) -> tuple[str, Parts]:
    numbers = {"imsi": bcd(imsi), "msisdn": bcd(msisdn)}
    return "simChargeableSubscriber", {name: octets for name, octets in numbers.items() if octets}


def call(
    at: str = "20270305100000",
    duration: int = 60,
    service: bytes = b"11",
    to: Parts | None = None,
    reference: str = "00ab12",
    msisdn: str = MSISDN,
    charges: Parts | None = None,
    code: int = 0,
    name: str = "mobileOriginatedCall",
) -> Event:
    numbers = {"calledNumber": bcd("33142990000"), "dialledDigits": b"0142990000"} if to is None else to
    other = {"destination": numbers} if name == "mobileOriginatedCall" else {"callOriginator": {}}
    return name, {
        "basicCallInformation": {
            "chargeableSubscriber": subscriber(msisdn=msisdn),
            **other,
            "callEventStartTimeStamp": stamp(at, code),
            "totalCallEventDuration": duration,
            "causeForTerm": 0,
        },
        "locationInformation": {
            "networkLocation": {"recEntityCode": 1, "callReference": bytes.fromhex(reference), "cellId": 99}
        },
        "equipmentIdentifier": ("imei", bcd("35209900176148")),
        "basicServiceUsedList": [
            {
                "basicService": {"serviceCode": ("teleServiceCode", service)},
                "chargeInformationList": [charge() if charges is None else charges],
            }
        ],
    }


def message(at: str = "20270305100100", reference: str = "00ab13", to: str = "33639980002") -> Event:
    return call(at, 0, b"22", {"sMSDestinationNumber": to.encode()}, reference)


def data(
    at: str = "20270305110000",
    volumes: tuple[int | None, int | None] = (5_000_000_000, 1000),
    charging_id: int | None = 4711,
    entities: tuple[int, ...] = (2, 3),
) -> Event:
    basic: Parts = {
        "gprsChargeableSubscriber": {"chargeableSubscriber": subscriber(), "pdpAddress": b"10.0.0.1"},
        "gprsDestination": {"accessPointNameNI": b"internet"},
        "callEventStartTimeStamp": stamp(at),
        "totalCallEventDuration": 600,
        "causeForTerm": 0,
        "partialTypeIndicator": b"O",
    }
    if charging_id is not None:
        basic["chargingId"] = charging_id
    names = ("dataVolumeIncoming", "dataVolumeOutgoing")
    used: Parts = {name: volume for name, volume in zip(names, volumes, strict=True) if volume is not None}
    return "gprsCall", {
        "gprsBasicCallInformation": basic,
        "gprsLocationInformation": {"gprsNetworkLocation": {"recEntity": list(entities), "cellId": 2}},
        "gprsServiceUsed": {**used, "chargeInformationList": [charge(300, None)]},
    }


def control(at: str = "20270305120000") -> Parts:
    def written(when: str) -> Parts:
        return {"localTimeStamp": when.encode(), "utcTimeOffset": b"+0100"}

    return {
        "sender": b"ESPXX",
        "recipient": b"FRAYY",
        "fileSequenceNumber": b"00042",
        "fileCreationTimeStamp": written(at),
        "transferCutOffTimeStamp": written(at),
        "fileAvailableTimeStamp": written(at),
        "specificationVersionNumber": 3,
        "releaseVersionNumber": 12,
    }


def batch(*events: Event, **changes: Any) -> Parts:
    """A batch whose totals agree with its events; a part that is changed to None is left out."""
    starts = sorted(_start(event) for event in events) or ["20270305100000"]
    parts: Parts = {
        "batchControlInfo": control(),
        "accountingInfo": {
            "taxation": [{"taxCode": 1, "taxType": b"01", "taxRate": b"2000000"}],
            "localCurrency": b"EUR",
            "tapCurrency": b"XDR",
            "currencyConversionInfo": [{"exchangeRateCode": 1, "numberOfDecimalPlaces": 5, "exchangeRate": 120000}],
            "tapDecimalPlaces": 3,
        },
        "networkInfo": {
            "utcTimeOffsetInfo": [
                {"utcTimeOffsetCode": 0, "utcTimeOffset": b"+0100"},
                {"utcTimeOffsetCode": 1, "utcTimeOffset": b"-0330"},
            ],
            "recEntityInfo": [
                {"recEntityCode": 1, "recEntityType": 1, "recEntityId": b"34600000001"},
                {"recEntityCode": 2, "recEntityType": 4, "recEntityId": b"10.1.1.1"},
                {"recEntityCode": 3, "recEntityType": 3, "recEntityId": b"10.2.2.2"},
            ],
        },
        "callEventDetails": list(events),
        "auditControlInfo": {
            "earliestCallTimeStamp": {"localTimeStamp": starts[0].encode(), "utcTimeOffset": b"+0100"},
            "latestCallTimeStamp": {"localTimeStamp": starts[-1].encode(), "utcTimeOffset": b"+0100"},
            "totalCharge": sum(total(event, "charge") for event in events),
            "totalTaxValue": sum(total(event, "taxValue") for event in events),
            "totalDiscountValue": sum(total(event, "discount") for event in events),
            "callEventDetailsCount": len(events),
        },
    }
    return {name: part for name, part in (parts | changes).items() if part is not None}


def _start(event: Event) -> str:
    found: bytes = next(_find(event, "localTimeStamp"), b"20270305100000")
    return found.decode()


def total(value: Any, name: str) -> int:
    """The sum of a figure in an event; of charges those of type 00."""
    if isinstance(value, dict):
        mine = 0
        if name in value and (name != "charge" or value.get("chargeType") == b"00"):
            mine = value[name]
        return mine + sum(total(part, name) for part in value.values())
    return sum(total(part, name) for part in value) if isinstance(value, list | tuple) else 0


def _find(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        if name in value:
            yield value[name]
        for part in value.values():
            yield from _find(part, name)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _find(part, name)


def _encoded(definition: Any, value: Any) -> bytes:
    """Encode also what breaks the bounds of the schema, such as a time stamp that is too short."""
    bounded = ASN1Obj._SAFE_BND
    ASN1Obj._SAFE_BND = False
    try:
        made: bytes = definition.to_ber(value)
    finally:
        ASN1Obj._SAFE_BND = bounded
    return made


def octets(parts: Parts) -> bytes:
    return _encoded(TAP_0312.DataInterChange, ("transferBatch", parts))


def notification(**changes: Any) -> bytes:
    parts = control() | changes
    present = {name: part for name, part in parts.items() if part is not None}
    return _encoded(TAP_0312.DataInterChange, ("notification", present))


def event_octets(event: Event) -> bytes:
    return _encoded(TAP_0312.CallEventDetail, event)


def saved(folder: Path, content: bytes, name: str = "CDESPXXFRAYY00042") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def octets_in_form(parts: Parts, **form: int) -> bytes:
    """A batch in another legal form of BER: pycrate's encoder options, such as `ENC_LUNDEF` for indefinite lengths."""
    before = {name: getattr(ASN1CodecBER, name) for name in form}
    try:
        for name, value in form.items():
            setattr(ASN1CodecBER, name, value)
        return octets(parts)
    finally:
        for name, value in before.items():
            setattr(ASN1CodecBER, name, value)
