"""The body of a charging data request: the attributes of TS 32.291 clause 6.1.6.2 that charging goes by.

Whatever else stands in a body is left alone. Sizes are bounded everywhere: a body is somebody else's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from mvne_billing.charging.edges.measured import Measured
from mvne_billing.charging.nchf.places import Part, PlmnId, ServingNode, UserLocation
from mvne_billing.charging.session import MOST_GROUPS

Uint32 = Annotated[int, Field(ge=0, le=2**32 - 1)]
Uint64 = Annotated[int, Field(ge=0, le=2**64 - 1)]
Text = Annotated[str, StringConstraints(max_length=256)]

#: Containers in one rating group and triggers in one of them; more in one report are a mistake.
MOST_CONTAINERS = 256


class Node(Part):
    """Who asks (`NFIdentification`)."""

    name: Text = Field("", alias="nFName")
    functionality: Text = Field(alias="nodeFunctionality")
    plmn: PlmnId | None = Field(None, alias="nFPLMNID")


class TriggerSaid(Part):
    """Why something is reported (`Trigger`)."""

    type: Text = Field("", alias="triggerType")


class RequestedUnit(Part):
    """What is asked for next; empty to leave it to us."""

    time: Uint32 | None = None
    total: Uint64 | None = Field(None, alias="totalVolume")
    uplink: Uint64 | None = Field(None, alias="uplinkVolume")
    downlink: Uint64 | None = Field(None, alias="downlinkVolume")
    specific: Uint64 | None = Field(None, alias="serviceSpecificUnits")

    @property
    def measured(self) -> Measured:
        """The amounts as edges share them."""
        return Measured(self.time, self.total, self.uplink, self.downlink, self.specific)


class ContainerPlace(Part):
    """Where the use in a container was (`PDUContainerInformation`)."""

    location: UserLocation | None = Field(None, alias="userLocationInformation")
    serving: Annotated[tuple[ServingNode, ...], Field(max_length=8)] = Field((), alias="servingNodeID")

    def networks(self) -> Iterator[str]:
        """Yield the networks it names."""
        for one in self.serving:
            yield from one.networks()
        if self.location is not None:
            yield from self.location.networks()


class UsedUnitContainer(RequestedUnit):
    """What was used under the same conditions."""

    sequence: int = Field(alias="localSequenceNumber")
    triggers: Annotated[tuple[TriggerSaid, ...], Field(max_length=MOST_CONTAINERS)] = ()
    triggered_at: AwareDatetime | None = Field(None, alias="triggerTimestamp")
    place: ContainerPlace | None = Field(None, alias="pDUContainerInformation")


class MultipleUnitUsage(Part):
    """One rating group."""

    rating_group: Uint32 = Field(alias="ratingGroup")
    requested: RequestedUnit | None = Field(None, alias="requestedUnit")
    used: Annotated[tuple[UsedUnitContainer, ...], Field(max_length=MOST_CONTAINERS)] = Field(
        (), alias="usedUnitContainer"
    )


class UserInformation(Part):
    """The number of the line, and whether it roams."""

    gpsi: Text = Field("", alias="servedGPSI")
    roamer: Text = Field("", alias="roamerInOut")


class PduSession(Part):
    """A data connection (`PDUSessionInformation`)."""

    id: Annotated[int, Field(ge=0, le=255)] | None = Field(None, alias="pduSessionID")
    serving: ServingNode | None = Field(None, alias="servingNetworkFunctionID")
    serving_network: PlmnId | None = Field(None, alias="servingCNPlmnId")


class PduSessionCharging(Part):
    """What is known of the data connection."""

    charging_id: Uint32 | None = Field(None, alias="chargingId")
    charging_name: Text = Field("", alias="sMFchargingId")
    user: UserInformation | None = Field(None, alias="userInformation")
    location: UserLocation | None = Field(None, alias="userLocationinfo")
    session: PduSession | None = Field(None, alias="pduSessionInformation")

    def networks(self) -> Iterator[str]:
        """Yield the networks that serve the phone, the one that the host's records name first."""
        if self.session is not None:
            if self.session.serving_network is not None:
                yield self.session.serving_network.digits
            if self.session.serving is not None:
                yield from self.session.serving.networks()
        if self.location is not None:
            yield from self.location.networks()


class SmsAddress(Part):
    """An address of a message."""

    data: Text = Field("", alias="sMaddressData")


class SmsRecipient(Part):
    """Whom a message is for."""

    gpsi: Text = Field("", alias="recipientGPSI")
    address: SmsAddress | None = Field(None, alias="recipientOtherAddress")

    @property
    def number(self) -> str:
        """The number as dialled; empty when there is none."""
        if self.gpsi.startswith("msisdn-"):
            return "+" + self.gpsi.removeprefix("msisdn-")
        return self.address.data if self.address is not None else ""


class SmsCharging(Part):
    """What is known of a message."""

    recipients: Annotated[tuple[SmsRecipient, ...], Field(max_length=MOST_CONTAINERS)] = Field(
        (), alias="recipientInfo"
    )
    location: UserLocation | None = Field(None, alias="userLocationinfo")
    roamer: Text = Field("", alias="roamerInOut")
    parts: Uint32 | None = Field(None, alias="numberofMessagesSent")
    reference: Text = Field("", alias="messageReference")
    number: Uint32 | None = Field(None, alias="sMSequenceNumber")

    def networks(self) -> Iterator[str]:
        """Yield the networks that serve the phone."""
        if self.location is not None:
            yield from self.location.networks()


class ImsCharging(Part):
    """What is known of a call."""

    called_address: Text = Field("", alias="calledPartyAddress")
    requested_addresses: Annotated[tuple[Text, ...], Field(max_length=8)] = Field((), alias="requestedPartyAddress")
    charging_name: Text = Field("", alias="imsChargingIdentifier")
    session_name: Text = Field("", alias="userSessionID")
    user: UserInformation | None = Field(None, alias="userInformation")
    location: UserLocation | None = Field(None, alias="userLocationInfo")
    visited: Text = Field("", alias="imsVisitedNetworkIdentifier")
    role: Text = Field("", alias="roleOfNode")

    def networks(self) -> Iterator[str]:
        """Yield the networks that serve the phone."""
        if self.location is not None:
            yield from self.location.networks()


class ChargingDataRequest(Part):
    """A request to create, update or release charging data, or to charge a one-time event."""

    subscriber: Text = Field("", alias="subscriberIdentifier")
    charging_id: Uint32 | None = Field(None, alias="chargingId")
    consumer: Node = Field(alias="nfConsumerIdentification")
    at: AwareDatetime = Field(alias="invocationTimeStamp")
    sequence: Uint32 = Field(alias="invocationSequenceNumber")
    is_repeat: bool = Field(False, alias="retransmissionIndicator")
    is_event: bool = Field(False, alias="oneTimeEvent")
    event_type: Text = Field("", alias="oneTimeEventType")
    usage: Annotated[tuple[MultipleUnitUsage, ...], Field(max_length=MOST_GROUPS)] = Field(
        (), alias="multipleUnitUsage"
    )
    triggers: Annotated[tuple[TriggerSaid, ...], Field(max_length=MOST_CONTAINERS)] = ()
    pdu: PduSessionCharging | None = Field(None, alias="pDUSessionChargingInformation")
    sms: SmsCharging | None = Field(None, alias="sMSChargingInformation")
    ims: ImsCharging | None = Field(None, alias="iMSChargingInformation")


#: Attributes that TS 32.291 makes mandatory, where the part that they stand in is there.
MANDATORY = frozenset(
    (
        "nfConsumerIdentification",
        "nodeFunctionality",
        "invocationTimeStamp",
        "invocationSequenceNumber",
        "ratingGroup",
        "localSequenceNumber",
        "mcc",
        "mnc",
    )
)
