"""What a line on PyHSS stands on: its card, its APNs and its voice service, each looked up and made if missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.milenage import Keys
from mvne_provisioning.network import pyhss, pyhss_lines
from mvne_provisioning.network.port import HostRefused, HostUnavailable, Refusal
from mvne_provisioning.network.pyhss_lines import NO_NOTE, Card, Send, note_of
from mvne_provisioning.network.subscription import Apn, HssRecord

#: Gives the keys of a card, None when we have none.
KeysOf = Callable[[Imsi], Keys | None]


def ready_card(send: Send, keys_of: KeysOf, imsi: Imsi, iccid: Iccid) -> int:
    """Return PyHSS's number of the card with this ICCID, loaded if it is not there, without a note of an earlier line.

    Refuse as `iccid_in_use` when a living line has the ICCID, as `no_keys` when the card is in nobody's hands.
    """
    known = pyhss_lines.card(send, pyhss.find_card(imsi))
    if known is not None:
        _free_iccid(send, imsi, iccid)
        if known.iccid != iccid or known.ended:
            send(pyhss.change_card(known.id, iccid, NO_NOTE))
        return known.id
    keys = keys_of(imsi)
    if keys is None:
        raise HostRefused("no_keys", f"neither PyHSS nor we have the keys of the card {imsi.masked()}; import them")
    _free_iccid(send, imsi, iccid)
    return _made(pyhss_lines.number_of(send, pyhss.add_card(HssRecord(imsi, keys, iccid=iccid)), "auc_id"))


def _free_iccid(send: Send, imsi: Imsi, iccid: Iccid) -> None:
    """Take an ICCID from the card of another IMSI, since PyHSS lets one have it; refuse while a line lives on that."""
    other = pyhss_lines.card(send, pyhss.find_card_by_iccid(iccid))
    if other is None or other.imsi == imsi:
        return
    if other.imsi is not None and pyhss_lines.subscriber(send, pyhss.find_subscriber(other.imsi)):
        raise HostRefused(Refusal.ICCID_IN_USE, f"the iccid {iccid.masked()} belongs to a living line")
    send(pyhss.change_card(other.id, None, note_of(*other.ended) if other.ended else NO_NOTE))


def note_the_end(send: Send, card: Card | None, msisdn: Msisdn) -> None:
    """Note on a card that its line ended, with the number it had."""
    if card is not None and card.iccid is not None and card.ended != (card.iccid, msisdn):
        send(pyhss.change_card(card.id, card.iccid, note_of(card.iccid, msisdn)))


def apn_ids(send: Send, apns: Sequence[Apn]) -> list[int]:
    """Return PyHSS's numbers of APNs, found by name or made."""
    listed: Any = send(pyhss.list_apns()) or []
    try:
        known = {apn["apn"]: int(apn["apn_id"]) for apn in listed}
    except (KeyError, TypeError, ValueError):
        raise HostUnavailable("PyHSS has an APN that cannot be read; correct it there, then retry") from None
    return [known.get(apn.name) or _made(pyhss_lines.number_of(send, pyhss.add_apn(apn), "apn_id")) for apn in apns]


def refuse_number(send: Send, msisdn: Msisdn, imsi: Imsi) -> None:
    """Refuse when another line than that of `imsi` has the number, or calls with it."""
    holder = pyhss_lines.subscriber(send, pyhss.find_subscriber_by_msisdn(msisdn))
    caller = pyhss_lines.imsi_of(send, pyhss.find_ims_by_msisdn(msisdn))
    if (holder and holder.imsi != imsi) or caller not in (None, imsi):
        raise HostRefused(Refusal.MSISDN_IN_USE, f"the msisdn {msisdn.masked()} belongs to a living line")


def give_voice(send: Send, ifc_path: str | None, imsi: Imsi, msisdn: Msisdn, old_imsi: Imsi | None = None) -> None:
    """Let the line call with its number, over what it had with its old card if it moves; nothing without `ifc_path`."""
    if ifc_path is None:
        return
    number = pyhss_lines.number_of(send, pyhss.find_ims(old_imsi or imsi), "ims_subscriber_id")
    if number is not None:
        send(pyhss.change_ims(number, imsi, msisdn))
    elif old_imsi is not None:
        give_voice(send, ifc_path, imsi, msisdn)
    else:
        send(pyhss.add_ims(imsi, msisdn, ifc_path))


def take_voice(send: Send, imsi: Imsi) -> None:
    """Take the line's voice service away, if it has one."""
    number = pyhss_lines.number_of(send, pyhss.find_ims(imsi), "ims_subscriber_id")
    if number is not None:
        send(pyhss.remove_ims(number))


def _made(number: int | None) -> int:
    if number is None:
        raise HostUnavailable("PyHSS did not say the number of what it made; retry with the same key")
    return number
