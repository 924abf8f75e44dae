"""Bodies of charging data requests as network functions send them, with whatever a test wants changed."""

from __future__ import annotations

from typing import Any

from tests.billing.edges.scripted import IMSI

Body = dict[str, Any]

FRANCE, GERMANY = {"mcc": "208", "mnc": "93"}, {"mcc": "262", "mnc": "01"}
SMF = {"nFName": "smf-1", "nodeFunctionality": "SMF", "nFPLMNID": FRANCE}
SMSF = {"nFName": "smsf-1", "nodeFunctionality": "SMSF", "nFPLMNID": FRANCE}
IMS = {"nFName": "as-1", "nodeFunctionality": "IMS_Node", "nFPLMNID": FRANCE}


def body(sequence: int = 0, **changes: Any) -> Body:
    """Return a request of a data connection in France; a change to None takes an attribute out."""
    found: Body = {
        "subscriberIdentifier": f"imsi-{IMSI}",
        "nfConsumerIdentification": SMF,
        "invocationTimeStamp": "2027-01-04T09:00:00Z",
        "invocationSequenceNumber": sequence,
        "pDUSessionChargingInformation": pdu(),
    }
    found |= changes
    return {name: value for name, value in found.items() if value is not None}


def pdu(network: Body | None = FRANCE, charging_id: int | None = 7, **changes: Any) -> Body:
    """Return what is known of a data connection."""
    session: Body = {"pduSessionID": 5, "dnnId": "internet"}
    if network is not None:
        session["servingCNPlmnId"] = network
    found: Body = {"pduSessionInformation": session}
    if charging_id is not None:
        found["chargingId"] = charging_id
    return found | changes


def usage(group: int = 10, requested: Body | None = None, *used: Body) -> Body:
    """Return one rating group: what it asks for, and its containers."""
    found: Body = {"ratingGroup": group}
    if requested is not None:
        found["requestedUnit"] = requested
    if used:
        found["usedUnitContainer"] = [{"localSequenceNumber": place} | one for place, one in enumerate(used, 1)]
    return found


def message(sequence: int = 0, to: str = "msisdn-33199009999", **changes: Any) -> Body:
    """Return a request to charge a message at once."""
    changes = {
        "nfConsumerIdentification": SMSF,
        "oneTimeEvent": True,
        "oneTimeEventType": "IEC",
        "pDUSessionChargingInformation": None,
        "sMSChargingInformation": {"recipientInfo": [{"recipientGPSI": to}]},
    } | changes
    return body(sequence, **changes)


def call(sequence: int = 0, to: str = "tel:+33199009999", **changes: Any) -> Body:
    """Return a request of a call."""
    changes = {
        "nfConsumerIdentification": IMS,
        "pDUSessionChargingInformation": None,
        "iMSChargingInformation": {"calledPartyAddress": to, "roleOfNode": "ORIGINATING"},
    } | changes
    return body(sequence, **changes)
