"""PyHSS: the requests of its REST interface that a line needs, as plain data; `pyhss_host` sends them.

A card (AuC) holds the keys; a subscriber points to its card and to its APNs by number; an IMS subscriber lets it call
over the data network. PyHSS writes an MSISDN without `+`, and speeds as bits per second of at most 31 bits.

>>> suspend(7)
Request(method='PATCH', path='/subscriber/7', purpose='suspend the line')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.network.subscription import FULL_SPEED, Apn, HssRecord, IpVersion
from mvne_provisioning.sequence_numbers import next_sqn

#: The fastest that PyHSS can say: its numbers have 31 bits.
FASTEST = (1 << 31) - 1

_IP_VERSIONS: Mapping[IpVersion, int] = {IpVersion.IPV4: 0, IpVersion.IPV6: 1, IpVersion.IPV4V6: 2}
_PACKET_AND_CIRCUIT = 0
#: Where the old card was last seen; a line that moves to another card has not been seen yet.
_UNSEEN = dict.fromkeys(("serving_mme", "serving_mme_realm", "serving_mme_peer", "serving_msc", "serving_sgsn"))


@dataclass(frozen=True, slots=True)
class Request:
    """A request: method, path behind the address, what it is for in plain words, and the JSON body.

    A path may hold an IMSI, ICCID or MSISDN; the body also keys: only `purpose` is fit for messages.
    """

    method: str
    path: str
    purpose: str
    body: Mapping[str, object] | None = field(default=None, repr=False)


def list_apns() -> Request:
    """Ask for all APNs."""
    return Request("GET", "/apn/list?page=0&page_size=0", "list the APNs")


def add_apn(apn: Apn) -> Request:
    """Make an APN."""
    body = {
        "apn": apn.name,
        "ip_version": _IP_VERSIONS[apn.ip_version],
        "apn_ambr_dl": min(apn.downlink, FASTEST),
        "apn_ambr_ul": min(apn.uplink, FASTEST),
        "qci": apn.qci,
        "arp_priority": apn.priority,
        "arp_preemption_capability": apn.may_preempt,
        "arp_preemption_vulnerability": apn.preemptible,
    }
    return Request("PUT", "/apn/", "add an APN", body)


def find_card(imsi: Imsi) -> Request:
    """Ask for the card of an IMSI."""
    return Request("GET", f"/auc/imsi/{imsi}", "find the card by its IMSI")


def find_card_by_iccid(iccid: Iccid) -> Request:
    """Ask for the card of an ICCID."""
    return Request("GET", f"/auc/iccid/{iccid}", "find the card by its ICCID")


def add_card(record: HssRecord, esim: bool = True) -> Request:
    """Load a card with its keys; the SQN is the next to give, which is what PyHSS keeps."""
    body = {
        "ki": record.keys.k.hex(),
        "opc": record.keys.opc.hex(),
        "amf": record.amf.hex(),
        "sqn": next_sqn(record.sqn),
        "iccid": None if record.iccid is None else str(record.iccid),
        "imsi": str(record.imsi),
        "esim": esim,
    }
    return Request("PUT", "/auc/", "load the card", body)


def change_card(auc_id: int, iccid: Iccid | None, note: str) -> Request:
    """Set a card's ICCID and the note that is kept beside it."""
    body = {"iccid": None if iccid is None else str(iccid), "misc1": note}
    return Request("PATCH", f"/auc/{auc_id}", "change the card", body)


def find_subscriber(imsi: Imsi) -> Request:
    """Ask for the subscriber of an IMSI."""
    return Request("GET", f"/subscriber/imsi/{imsi}", "find the line by its IMSI")


def find_subscriber_by_msisdn(msisdn: Msisdn) -> Request:
    """Ask for the subscriber of a number."""
    return Request("GET", f"/subscriber/msisdn/{_number(msisdn)}", "find the line by its number")


def activate(imsi: Imsi, msisdn: Msisdn, auc_id: int, apn_ids: Sequence[int]) -> Request:
    """Make a subscriber, at full speed, of a card that is loaded; the first APN is the default."""
    body = {
        "imsi": str(imsi),
        "enabled": True,
        "auc_id": auc_id,
        **_apns(apn_ids),
        "msisdn": _number(msisdn),
        "ue_ambr_dl": FULL_SPEED,
        "ue_ambr_ul": FULL_SPEED,
        "nam": _PACKET_AND_CIRCUIT,
    }
    return Request("PUT", "/subscriber/", "activate the line", body)


def suspend(subscriber_id: int) -> Request:
    """Stop a subscriber; PyHSS also tells the network where it is to let it go."""
    return _change(subscriber_id, "suspend the line", enabled=False)


def resume(subscriber_id: int) -> Request:
    """Let a stopped subscriber in again."""
    return _change(subscriber_id, "resume the line", enabled=True)


def terminate(subscriber_id: int) -> Request:
    """Remove a subscriber; its card stays loaded."""
    return Request("DELETE", f"/subscriber/{subscriber_id}", "terminate the line")


def change_msisdn(subscriber_id: int, msisdn: Msisdn) -> Request:
    """Give a subscriber another number."""
    return _change(subscriber_id, "change the number", msisdn=_number(msisdn))


def change_apns(subscriber_id: int, apn_ids: Sequence[int]) -> Request:
    """Let a subscriber reach exactly these APNs; the first is the default."""
    return _change(subscriber_id, "change the APNs", **_apns(apn_ids))


def change_speed(subscriber_id: int, bits_per_second: int) -> Request:
    """Hold a subscriber to a speed, both ways."""
    return _change(subscriber_id, "change the speed", ue_ambr_dl=bits_per_second, ue_ambr_ul=bits_per_second)


def move_to_card(subscriber_id: int, imsi: Imsi, auc_id: int) -> Request:
    """Move a subscriber to another card in one step, with all that it has."""
    return _change(subscriber_id, "move the line to the other card", imsi=str(imsi), auc_id=auc_id, **_UNSEEN)


def find_ims(imsi: Imsi) -> Request:
    """Ask for the IMS subscriber of an IMSI."""
    return Request("GET", f"/ims_subscriber/ims_subscriber_imsi/{imsi}", "find the line's voice service")


def find_ims_by_msisdn(msisdn: Msisdn) -> Request:
    """Ask for the IMS subscriber of a number."""
    return Request("GET", f"/ims_subscriber/ims_subscriber_msisdn/{_number(msisdn)}", "find the number's voice service")


def add_ims(imsi: Imsi, msisdn: Msisdn, ifc_path: str) -> Request:
    """Let a line call over the data network; `ifc_path` names the filter criteria at the host."""
    return Request("PUT", "/ims_subscriber/", "add the voice service", {**_ims(imsi, msisdn), "ifc_path": ifc_path})


def change_ims(ims_subscriber_id: int, imsi: Imsi, msisdn: Msisdn) -> Request:
    """Give the voice service another card or number."""
    return Request("PATCH", f"/ims_subscriber/{ims_subscriber_id}", "change the voice service", _ims(imsi, msisdn))


def remove_ims(ims_subscriber_id: int) -> Request:
    """Take the voice service away."""
    return Request("DELETE", f"/ims_subscriber/{ims_subscriber_id}", "remove the voice service")


def _change(subscriber_id: int, purpose: str, **values: object) -> Request:
    return Request("PATCH", f"/subscriber/{subscriber_id}", purpose, values)


def _apns(apn_ids: Sequence[int]) -> dict[str, object]:
    return {"default_apn": apn_ids[0], "apn_list": ",".join(map(str, apn_ids))}


def _ims(imsi: Imsi, msisdn: Msisdn) -> dict[str, str]:
    return {"imsi": str(imsi), "msisdn": _number(msisdn), "msisdn_list": _number(msisdn)}


def _number(msisdn: Msisdn) -> str:
    return msisdn.removeprefix("+")
