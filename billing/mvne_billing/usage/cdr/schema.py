"""Which record is which: by its record type, else by the tag that opens it (TS 32.298, 5.1 and 5.2).

The records of the packet and of the circuit core are pycrate's; it has none of the 5G charging function, whose parts
that matter here are written down by their tags.
"""

from __future__ import annotations

from functools import cache

from mvne_billing.usage.ber.schema import Field, Form, Type, compiled, list_of, part, record
from mvne_billing.usage.ber.tags import universal

#: Record types (TS 32.298, RecordType) of the records that can be use of a line.
TYPES = {
    0: "moCallRecord",
    1: "mtCallRecord",
    6: "moSMSRecord",
    7: "mtSMSRecord",
    18: "sgsnPDPRecord",
    84: "sGWRecord",
    85: "pGWRecord",
    200: "chargingFunctionRecord",
}

#: The tag of the 5G charging function's record.
CHF_TAG = 200

_NUMBER, _OCTETS, _TEXT = Type(Form.INTEGER), Type(Form.OCTETS), Type(Form.TEXT)
_ITEM = universal(16)


@cache
def records() -> dict[str, Field]:
    """Return the known records by name; importing pycrate's module takes a second or two, once."""
    from pycrate_asn1dir import CDR

    packet = compiled("", CDR.GPRSChargingDataTypes.GPRSRecord).type.fields
    circuit = compiled("", CDR.CSChargingDataTypes.CSRecord).type.fields
    chf = part(TYPES[200], 0, (CHF_TAG << 2 | 2,), _charging_function())
    return {field.name: field for field in (*circuit, *packet, chf)}


@cache
def by_tag() -> dict[int, Field]:
    """Return the known records by their opening tags; where both cores use one, the packet core's record."""
    return {field.tags[0]: field for field in records().values()}


def _charging_function() -> Type:
    subscription = record(Form.SET, subscriptionIDType=(0, _NUMBER), subscriptionIDData=(1, _TEXT))
    party = record(
        Form.CHOICE, sIP_URI=(0, _TEXT), tEL_URI=(1, _TEXT), uRN=(2, _TEXT), iSDN_E164=(3, _TEXT), externalId=(4, _TEXT)
    )
    pdu_part = record(Form.SEQUENCE, timeOfFirstUsage=(2, _OCTETS), timeOfLastUsage=(3, _OCTETS))
    used = record(
        Form.SEQUENCE,
        time=(1, _NUMBER),
        dataTotalVolume=(4, _NUMBER),
        dataVolumeUplink=(5, _NUMBER),
        dataVolumeDownlink=(6, _NUMBER),
        eventTimeStamp=(8, _OCTETS),
        pDUContainerInformation=(11, pdu_part),
    )
    units = record(Form.SEQUENCE, ratingGroup=(0, _NUMBER), usedUnitContainers=(1, list_of(used, _ITEM)))
    consumer = record(Form.SEQUENCE, networkFunctionName=(1, _TEXT), networkFunctionPLMNIdentifier=(3, _OCTETS))
    pdu_session = record(
        Form.SET, pDUSessionChargingID=(0, _NUMBER), userIdentifier=(1, party), servingCNPLMNID=(27, _OCTETS)
    )
    address = record(Form.SEQUENCE, sMAddressType=(0, _NUMBER), sMAddressData=(1, _TEXT))
    recipient = record(
        Form.SEQUENCE, recipientIMSI=(0, _OCTETS), recipientMSISDN=(1, _OCTETS), recipientOtherAddress=(2, address)
    )
    sms = record(Form.SET, recipientInfos=(2, list_of(recipient, _ITEM)), eventtimestamp=(8, _OCTETS))
    return record(
        Form.SET,
        recordType=(0, _NUMBER),
        recordingNetworkFunctionID=(1, _TEXT),
        subscriberIdentifier=(2, subscription),
        nFunctionConsumerInformation=(3, consumer),
        listOfMultipleUnitUsage=(5, list_of(units, _ITEM)),
        recordOpeningTime=(6, _OCTETS),
        duration=(7, _NUMBER),
        recordSequenceNumber=(8, _NUMBER),
        pDUSessionChargingInformation=(13, pdu_session),
        sMSChargingInformation=(15, sms),
        chargingSessionIdentifier=(16, _OCTETS),
        chargingID=(27, _NUMBER),
    )
