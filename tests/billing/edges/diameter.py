"""A Diameter client of python-diameter's own messages, and requests as a packet gateway sends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

# The library has no types.
from diameter.message import Message  # type: ignore[import-untyped]
from diameter.message.avp.grouped import (  # type: ignore[import-untyped]
    ImsInformation,
    MultipleServicesCreditControl,
    PsInformation,
    RecipientAddress,
    RecipientInfo,
    RequestedServiceUnit,
    ServiceInformation,
    SmsInformation,
    SubscriptionId,
    UsedServiceUnit,
)
from diameter.message.commands import (  # type: ignore[import-untyped]
    CapabilitiesExchangeRequest,
    CreditControlRequest,
    DeviceWatchdogRequest,
    DisconnectPeerRequest,
)

from mvne_billing.charging.gy.server import DiameterServer, Identity
from mvne_billing.usage.facts import Conventions
from tests.billing.edges.scripted import AT, IMSI, Scripted, edge_of

HOST, REALM, PEER = "ocs.mvne.example", "mvne.example", "pgw.host.example"
INITIAL, UPDATE, TERMINATION, EVENT = 1, 2, 3, 4


class Client:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._number = 0
        self.octets = b""

    def send(self, message: Any) -> int:
        """Send a message without waiting; return what its answer is known by."""
        self._number += 1
        message.header.hop_by_hop_identifier = message.header.end_to_end_identifier = self._number
        self._writer.write(message.as_bytes())
        return self._number

    def send_octets(self, octets: bytes) -> None:
        self._writer.write(octets)

    async def receive(self) -> Any:
        """Return the next message; None when the server has hung up."""
        try:
            head = await self._reader.readexactly(20)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        rest = await self._reader.readexactly(int.from_bytes(head[1:4], "big") - 20)
        self.octets = head + rest
        return Message.from_bytes(self.octets)

    async def ask(self, message: Any) -> Any:
        number = self.send(message)
        answer = await self.receive()
        assert answer is None or answer.header.hop_by_hop_identifier == number
        return answer

    async def hello(self, **changes: Any) -> Any:
        return await self.ask(hello(**changes))

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


def hello(origin: str = PEER, applications: tuple[int, ...] = (4,)) -> Any:
    message = CapabilitiesExchangeRequest()
    message.origin_host, message.origin_realm = origin.encode(), b"host.example"
    message.host_ip_address = ["127.0.0.1"]
    message.vendor_id, message.product_name = 10415, "test"
    message.auth_application_id = list(applications)
    return message


def watchdog() -> Any:
    message = DeviceWatchdogRequest()
    message.origin_host, message.origin_realm = PEER.encode(), b"host.example"
    return message


def goodbye() -> Any:
    message = DisconnectPeerRequest()
    message.origin_host, message.origin_realm, message.disconnect_cause = PEER.encode(), b"host.example", 0
    return message


def packet(network: str | None = "20893", charging_id: int | None = None) -> Any:
    """Return what a gateway knows of a data connection."""
    found = PsInformation(tgpp_sgsn_mcc_mnc=network)
    if charging_id is not None:
        found.tgpp_charging_id = charging_id.to_bytes(4, "big")
        found.ggsn_address = ["192.0.2.7"]
    return ServiceInformation(ps_information=found)


def call(to: str, network: str = "20893", role: int = 0) -> Any:
    """Return what an application server knows of a call."""
    ims = ImsInformation(called_party_address=to, role_of_node=role, node_functionality=6)
    ims.access_network_information = [f"3GPP-E-UTRAN-FDD;utran-cell-id-3gpp={network}1234567"]
    return ServiceInformation(ims_information=ims)


def text(to: str, network: str = "20893", parts: int | None = None) -> Any:
    """Return what a message centre knows of a message."""
    sms = SmsInformation(number_of_messages_sent=parts)
    sms.recipient_info = [RecipientInfo(recipient_address=[RecipientAddress(address_type=1, address_data=to)])]
    found = ServiceInformation(sms_information=sms)
    found.ps_information = PsInformation(tgpp_sgsn_mcc_mnc=network)
    return found


CONTEXTS = {"data": "32251@3gpp.org", "voice": "32260@3gpp.org", "sms": "32274@3gpp.org"}


def ccr(
    kind: int,
    number: int,
    *services: Any,
    session: str = "pgw;1;7",
    of: str = "data",
    at: datetime | None = AT,
    **more: Any,
) -> Any:
    """Return a credit-control request of Ada's."""
    message = CreditControlRequest()
    message.header.application_id = 4
    message.session_id = session
    message.origin_host, message.origin_realm = PEER.encode(), b"host.example"
    message.destination_realm = REALM.encode()
    message.auth_application_id = 4
    message.service_context_id = CONTEXTS[of]
    message.cc_request_type, message.cc_request_number = kind, number
    if at is not None:
        message.event_timestamp = at.astimezone().replace(tzinfo=None)  # the library takes local times
    message.subscription_id = [SubscriptionId(1, IMSI)]
    message.service_information = packet()
    message.multiple_services_credit_control = list(services)
    for name, value in more.items():
        setattr(message, name, value)
    return message


def service(group: int | None = 10, requested: dict[str, int] | None = None, *used: dict[str, int], **more: Any) -> Any:
    """Return one rating group: what it asks for, and what it reports."""
    found = MultipleServicesCreditControl(rating_group=group, **more)
    if requested is not None:
        found.requested_service_unit = RequestedServiceUnit(**requested)
    found.used_service_unit = [UsedServiceUnit(**one) for one in used]
    return found


Talk = Callable[[Client], Awaitable[None]]


def talk(charging: Scripted, said: Talk, conventions: Conventions | None = None, **identity: Any) -> None:
    """Let a client that has said hello talk to a server over scripted charging."""

    async def talking() -> None:
        async with serving(charging, conventions, **identity) as (_, port):
            client = Client(*await asyncio.open_connection("127.0.0.1", port))
            try:
                assert (await client.hello()).result_code == 2001
                await said(client)
            finally:
                await client.close()

    asyncio.run(talking())


@asynccontextmanager
async def serving(
    charging: Scripted, conventions: Conventions | None = None, **identity: Any
) -> AsyncIterator[tuple[DiameterServer, int]]:
    """Serve scripted charging; give the server and its port."""
    server = DiameterServer(edge_of(charging, conventions), Identity(HOST, REALM, **identity))
    port = await server.start("127.0.0.1", 0)
    try:
        yield server, port
    finally:
        await server.stop()
