"""Charging data records made to order: pycrate encodes those it knows, and the headers of TS 32.297 are packed here."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pycrate_asn1dir import CDR

from mvne_billing.usage.ber.encoding import encode
from mvne_billing.usage.cdr.schema import records

Parts = dict[str, Any]

IMSI = "208019980000001"
MSISDN = "33639980001"
SPAIN = bytes.fromhex("12f470")  # PLMN 214-07


def tbcd(digits: str) -> bytes:
    filled = digits + "f" * (len(digits) % 2)
    return bytes.fromhex("".join(filled[at + 1] + filled[at] for at in range(0, len(filled), 2)))


def number(digits: str = MSISDN, kind: int = 0x91) -> bytes:
    """A number after its type: 0x91 is international, 0xa1 national, 0x81 unknown."""
    return bytes((kind,)) + tbcd(digits)


def time(digits: str = "270305110000", distance: str = "+0100") -> bytes:
    return bytes.fromhex(digits) + distance[:1].encode() + bytes.fromhex(distance[1:])


def address(text: str = "10.2.2.2") -> Any:
    return "iPBinaryAddress", ("iPBinV4Address", ipaddress.ip_address(text).packed)


def _packet_core(kind: int, gateway: str) -> Parts:
    return {
        "recordType": kind,
        "servedIMSI": tbcd(IMSI),
        gateway: address(),
        "chargingID": 4711,
        "servingNodeAddress": [address("10.1.1.1")],
        "recordOpeningTime": time(),
        "duration": 600,
        "causeForRecClosing": 0,
        "recordSequenceNumber": 2,
        "nodeID": "pgw-1",
        "servedMSISDN": number(),
        "chargingCharacteristics": b"\x08\x00",
        "servingNodePLMNIdentifier": SPAIN,
        "servingNodeType": ["gTPSGW"],
    }


def volumes(up: int, down: int, at: str = "270305110500") -> Parts:
    return {
        "dataVolumeGPRSUplink": up,
        "dataVolumeGPRSDownlink": down,
        "changeCondition": "recordClosure",
        "changeTime": time(at),
    }


def service(group: int, up: int, down: int, first: str | None = None) -> Parts:
    made: Parts = {
        "ratingGroup": group,
        "serviceConditionChange": (0, 5),
        "datavolumeFBCUplink": up,
        "datavolumeFBCDownlink": down,
        "timeOfReport": time("270305111000"),
    }
    return made | ({} if first is None else {"timeOfFirstUsage": time(first)})


def _changed(parts: Parts, changes: Parts) -> Parts:
    return {name: part for name, part in (parts | changes).items() if part is not None}


def pgw(**changes: Any) -> bytes:
    parts = _packet_core(85, "p-GWAddress") | {"listOfServiceData": [service(32, 1000, 5_000_000_000)]}
    return _packet("pGWRecord", _changed(parts, changes))


def sgw(**changes: Any) -> bytes:
    parts = _packet_core(84, "s-GWAddress") | {
        "p-GWAddressUsed": address("10.3.3.3"),
        "listOfTrafficVolumes": [volumes(10, 20), volumes(1, 2, "270305111000")],
    }
    return _packet("sGWRecord", _changed(parts, changes))


def sgsn(**changes: Any) -> bytes:
    parts: Parts = {
        "recordType": 18,
        "servedIMSI": tbcd(IMSI),
        "chargingID": 4711,
        "ggsnAddressUsed": address(),
        "listOfTrafficVolumes": [
            {
                "dataVolumeGPRSUplink": 7,
                "dataVolumeGPRSDownlink": 8,
                "changeCondition": "recordClosure",
                "changeTime": time(),
            }
        ],
        "recordOpeningTime": time(),
        "duration": 600,
        "causeForRecClosing": 0,
        "servedMSISDN": number(),
        "chargingCharacteristics": b"\x08\x00",
        "servingNodePLMNIdentifier": SPAIN,
    }
    return _packet("sgsnPDPRecord", _changed(parts, changes))


def _packet(name: str, parts: Parts) -> bytes:
    made: bytes = CDR.GPRSChargingDataTypes.GPRSRecord.to_ber((name, parts))
    return made


def _circuit(name: str, parts: Parts) -> bytes:
    made: bytes = CDR.CSChargingDataTypes.CSRecord.to_ber((name, parts))
    return made


def location(network: bytes = SPAIN) -> Parts:
    return {"locationAreaCode": b"\x00\x01", "cellId": b"\x00\x02", "mCC-MNC": network}


def call(**changes: Any) -> bytes:
    parts: Parts = {
        "recordType": 0,
        "servedIMSI": tbcd(IMSI),
        "servedMSISDN": number(),
        "calledNumber": number("33142990000"),
        "recordingEntity": number("34600000001"),
        "location": location(),
        "basicService": ("teleservice", b"\x11"),
        "seizureTime": time("270305105955"),
        "answerTime": time("270305110000"),
        "callDuration": 90,
        "causeForTerm": 0,
        "callReference": b"\x0a\x0b",
    }
    return _circuit("moCallRecord", _changed(parts, changes))


def received_call(**changes: Any) -> bytes:
    parts: Parts = {
        "recordType": 1,
        "servedIMSI": tbcd(IMSI),
        "servedMSISDN": number(),
        "callingNumber": number("33142990000"),
        "recordingEntity": number("34600000001"),
        "location": location(),
        "answerTime": time("270305110000"),
        "callDuration": 90,
        "causeForTerm": 0,
        "callReference": b"\x0a\x0c",
    }
    return _circuit("mtCallRecord", _changed(parts, changes))


def message(**changes: Any) -> bytes:
    parts: Parts = {
        "recordType": 6,
        "servedIMSI": tbcd(IMSI),
        "servedMSISDN": number(),
        "msClassmark": b"\x33",
        "serviceCentre": number("34600000009"),
        "recordingEntity": number("34600000001"),
        "location": location(),
        "messageReference": b"\x07",
        "originationTime": time("270305110100"),
        "destinationNumber": number("33639980002"),
    }
    return _circuit("moSMSRecord", _changed(parts, changes))


def received_message(**changes: Any) -> bytes:
    parts: Parts = {
        "recordType": 7,
        "serviceCentre": number("34600000009"),
        "servedIMSI": tbcd(IMSI),
        "servedMSISDN": number(),
        "msClassmark": b"\x33",
        "recordingEntity": number("34600000001"),
        "location": location(),
        "deliveryTime": time("270305110100"),
    }
    return _circuit("mtSMSRecord", _changed(parts, changes))


def location_update() -> bytes:
    """A record of the network about itself: no use of a line."""
    parts = {"recordType": 12, "servedIMSI": tbcd(IMSI), "recordingEntity": number("34600000001"), "updateTime": time()}
    return encode(records()["locUpdateVLRRecord"], parts)


def charging_function(**changes: Any) -> bytes:
    """pycrate has no such record: it is encoded by our own table of its tags."""
    parts: Parts = {
        "recordType": 200,
        "recordingNetworkFunctionID": "chf-1",
        "subscriberIdentifier": {"subscriptionIDType": 1, "subscriptionIDData": f"imsi-{IMSI}"},
        "nFunctionConsumerInformation": {"networkFunctionName": "smf-1", "networkFunctionPLMNIdentifier": SPAIN},
        "listOfMultipleUnitUsage": [
            {
                "ratingGroup": 32,
                "usedUnitContainers": [
                    {"dataTotalVolume": 700},
                    {
                        "dataVolumeUplink": 20,
                        "dataVolumeDownlink": 30,
                        "pDUContainerInformation": {"timeOfFirstUsage": time("270305113000")},
                    },
                ],
            },
            {"ratingGroup": 33, "usedUnitContainers": [{"dataTotalVolume": 5}]},
        ],
        "recordOpeningTime": time(),
        "duration": 600,
        "recordSequenceNumber": 3,
        "pDUSessionChargingInformation": {
            "pDUSessionChargingID": 4711,
            "userIdentifier": ("iSDN_E164", MSISDN),
            "servingCNPLMNID": SPAIN,
        },
    }
    return encode(records()["chargingFunctionRecord"], _changed(parts, changes))


def file_of(
    cdrs: Sequence[bytes],
    *,
    count: int | None = None,
    size: int | None = None,
    sequence: int = 42,
    node: str = "::ffff:10.2.2.2",
    closed: int = 0,
    lost: int = 0,
    release: int = 5,
    encoding: int = 1,
    filtered: bytes = b"",
) -> bytes:
    """A file of TS 32.297; release 7 stands for later ones, whose numbers have an octet of their own."""
    extension = b"\x02" if release == 7 else b""
    heads = bytes((release << 5 | 1, encoding << 5 | 7)) + extension
    body = b"".join(len(cdr).to_bytes(2, "big") + heads + cdr for cdr in cdrs)
    packed = b"\xff" * 4 + ipaddress.IPv6Address(node).packed if node else bytes(20)
    rest = b"".join(
        (
            bytes((release << 5 | 1, release << 5 | 1)),
            bytes(8),
            (len(cdrs) if count is None else count).to_bytes(4, "big"),
            sequence.to_bytes(4, "big"),
            bytes((closed,)),
            packed,
            bytes((lost,)),
            len(filtered).to_bytes(2, "big") + filtered,
            bytes(2),
            extension * 2,
        )
    )
    length = len(rest) + 8
    whole = length + len(body) if size is None else size
    return whole.to_bytes(4, "big") + length.to_bytes(4, "big") + rest + body


def saved(folder: Path, content: bytes, name: str = "cdrs.dat") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
