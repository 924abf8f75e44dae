"""PyHSS as a host network: an open HSS, usually with Open5GS around it, driven over its REST interface.

PyHSS knows no keys for commands, so each command looks first and then does what is missing: taken up again after a lost
answer it ends in the same state. It has no barring of single services and no usage feed, and says so.

    http = connect("http://10.0.0.5:8080", provisioning_key)
    host = PyHss(http, CommandJournal(engine, brand), keys_of)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.network import pyhss, pyhss_client, pyhss_lines
from mvne_provisioning.network.journal import CommandJournal
from mvne_provisioning.network.port import Barring, Capability, HostLine, HostRefused, HostState, Refusal, UsageBatch
from mvne_provisioning.network.pyhss_cards import (
    KeysOf,
    apn_ids,
    give_voice,
    note_the_end,
    ready_card,
    refuse_number,
    take_voice,
)
from mvne_provisioning.network.pyhss_lines import Subscriber, need_line
from mvne_provisioning.network.subscription import FULL_SPEED, Apn

_ALWAYS = frozenset(
    {Capability.DATA, Capability.ROAMING, Capability.THROTTLE, Capability.CHANGE_MSISDN, Capability.SWAP_SIM}
)
_WITH_IMS = frozenset({Capability.VOICE, Capability.SMS})


class PyHss:
    """A `HostNetwork` on PyHSS.

    `keys_of` gives the keys of a card that is not loaded yet, None when we have none. Lines reach `apns`, made if
    missing. With `ifc_path` (the filter criteria's file at PyHSS) lines also call and send messages over IMS. A lost
    answer is tried `tries` times in all before it becomes `HostUnavailable`.
    """

    def __init__(
        self,
        http: httpx.Client,
        journal: CommandJournal,
        keys_of: KeysOf,
        *,
        apns: tuple[Apn, ...] = (Apn("internet"),),
        ifc_path: str | None = None,
        tries: int = 3,
    ) -> None:
        self._http, self._journal, self._keys_of = http, journal, keys_of
        self._apns, self._ifc_path, self._tries = apns, ifc_path, tries

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this host offers: voice and messages only with IMS."""
        return _ALWAYS | _WITH_IMS if self._ifc_path else _ALWAYS

    def activate(self, key: str, imsi: Imsi, iccid: Iccid, msisdn: Msisdn) -> None:
        """Make the line live; its card is loaded if it is not there. Also refused as `no_keys`."""

        def effect(again: bool) -> None:
            living = pyhss_lines.line(self._send, imsi)
            if living is not None and living.state is not HostState.TERMINATED:
                if not again or living != HostLine(imsi, iccid, msisdn, HostState.ACTIVE, frozenset(), None):
                    raise HostRefused(Refusal.IMSI_IN_USE, f"the imsi {imsi.masked()} belongs to a living line")
            else:
                self._add_line(imsi, iccid, msisdn)
            give_voice(self._send, self._ifc_path, imsi, msisdn)

        self._command("activate", key, {"imsi": imsi, "iccid": iccid, "msisdn": msisdn}, effect)

    def suspend(self, key: str, imsi: Imsi) -> None:
        """Stop an active line."""
        self._command("suspend", key, {"imsi": imsi}, lambda again: self._switch(imsi, HostState.SUSPENDED, again))

    def resume(self, key: str, imsi: Imsi) -> None:
        """Make a suspended line active again."""
        self._command("resume", key, {"imsi": imsi}, lambda again: self._switch(imsi, HostState.ACTIVE, again))

    def terminate(self, key: str, imsi: Imsi) -> None:
        """End the line: the phone is let go, the card noted, the voice service and the line removed."""

        def effect(again: bool) -> None:
            if again and self._has_ended(imsi):
                return
            line = need_line(self._send, imsi)
            if line.enabled:
                self._send(pyhss.suspend(line.id))
            note_the_end(self._send, pyhss_lines.card(self._send, pyhss.find_card(imsi)), line.msisdn)
            take_voice(self._send, imsi)
            self._send(pyhss.terminate(line.id))

        self._command("terminate", key, {"imsi": imsi}, effect)

    def change_msisdn(self, key: str, imsi: Imsi, msisdn: Msisdn) -> None:
        """Give the line another number."""

        def effect(again: bool) -> None:
            line = need_line(self._send, imsi)
            refuse_number(self._send, msisdn, imsi)
            self._send(pyhss.change_msisdn(line.id, msisdn))
            give_voice(self._send, self._ifc_path, imsi, msisdn)

        self._command("change_msisdn", key, {"imsi": imsi, "msisdn": msisdn}, effect)

    def swap_sim(self, key: str, old_imsi: Imsi, new_imsi: Imsi, new_iccid: Iccid) -> None:
        """Move the line to another card, in one step of PyHSS; then its voice service, and the old card is noted.

        PyHSS does not tell the network to let the old card go: it is refused when it next shows itself.
        """

        def effect(again: bool) -> None:
            line = self._moved(old_imsi, new_imsi, again)
            if line is None:
                line = need_line(self._send, old_imsi)
                auc_id = ready_card(self._send, self._keys_of, new_imsi, new_iccid)
                self._send(pyhss.move_to_card(line.id, new_imsi, auc_id))
            give_voice(self._send, self._ifc_path, new_imsi, line.msisdn, old_imsi)
            note_the_end(self._send, pyhss_lines.card(self._send, pyhss.find_card(old_imsi)), line.msisdn)

        arguments = {"old_imsi": old_imsi, "new_imsi": new_imsi, "new_iccid": new_iccid}
        self._command("swap_sim", key, arguments, effect)

    def set_barring(self, key: str, imsi: Imsi, barrings: frozenset[Barring]) -> None:
        """Refuse: PyHSS lets a line in or not, nothing between."""

        def effect(again: bool) -> None:
            raise HostRefused(Refusal.NOT_CAPABLE, "PyHSS cannot bar single services; suspend the line instead")

        self._command("set_barring", key, {"imsi": imsi, "barrings": ",".join(sorted(barrings))}, effect)

    def set_throttle(self, key: str, imsi: Imsi, bits_per_second: int | None) -> None:
        """Hold data to this speed, both ways; None lifts it. Also refused as `speed_out_of_range`."""

        def effect(again: bool) -> None:
            speed = FULL_SPEED if bits_per_second is None else bits_per_second
            if not 0 < speed <= FULL_SPEED:
                raise HostRefused("speed_out_of_range", f"a line is held to 1 to {FULL_SPEED} bit/s, not to {speed}")
            self._send(pyhss.change_speed(need_line(self._send, imsi).id, speed))

        self._command("set_throttle", key, {"imsi": imsi, "bits_per_second": bits_per_second}, effect)

    def set_apns(self, key: str, imsi: Imsi, apns: tuple[Apn, ...]) -> None:
        """Let the line reach exactly these data networks, the first by default; those that PyHSS lacks are made."""

        def effect(again: bool) -> None:
            line = need_line(self._send, imsi)
            self._send(pyhss.change_apns(line.id, apn_ids(self._send, apns)))

        self._command("set_apns", key, {"imsi": imsi, "apns": [apn.name for apn in apns]}, effect)

    def line(self, imsi: Imsi) -> HostLine | None:
        """Return the line, a terminated one too."""
        return pyhss_lines.line(self._send, imsi)

    def usage_feed(self, after: int, limit: int) -> UsageBatch:
        """Refuse: what was used is told by the packet gateway, not by PyHSS."""
        raise HostRefused(Refusal.NOT_CAPABLE, "PyHSS has no usage feed; read the packet gateway's records")

    def _add_line(self, imsi: Imsi, iccid: Iccid, msisdn: Msisdn) -> None:
        refuse_number(self._send, msisdn, imsi)
        auc_id = ready_card(self._send, self._keys_of, imsi, iccid)
        self._send(pyhss.activate(imsi, msisdn, auc_id, apn_ids(self._send, self._apns)))

    def _switch(self, imsi: Imsi, to: HostState, again: bool) -> None:
        line = need_line(self._send, imsi)
        if line.state is not to:
            self._send(pyhss.resume(line.id) if to is HostState.ACTIVE else pyhss.suspend(line.id))
        elif not again:
            raise HostRefused(Refusal.WRONG_STATE, f"the line {imsi.masked()} is {to}")

    def _moved(self, old_imsi: Imsi, new_imsi: Imsi, again: bool) -> Subscriber | None:
        """Return the line if an earlier try moved it; refuse when another line has the new card."""
        found = pyhss_lines.subscriber(self._send, pyhss.find_subscriber(new_imsi))
        if found is None:
            return None
        old = pyhss_lines.subscriber(self._send, pyhss.find_subscriber(old_imsi))
        card = pyhss_lines.card(self._send, pyhss.find_card(old_imsi))
        if again and old is None and card is not None and (not card.ended or card.ended[1] == found.msisdn):
            return found
        raise HostRefused(Refusal.IMSI_IN_USE, f"the imsi {new_imsi.masked()} belongs to a living line")

    def _has_ended(self, imsi: Imsi) -> bool:
        line = self.line(imsi)
        return line is not None and line.state is HostState.TERMINATED

    def _command(self, name: str, key: str, arguments: Mapping[str, object], effect: Callable[[bool], None]) -> None:
        self._journal.run(name, key, arguments, lambda again: self._try(effect, again))

    def _try(self, effect: Callable[[bool], None], again: bool) -> None:
        for _ in range(self._tries - 1):
            try:
                return effect(again)
            except pyhss_client.NoAnswer:
                again = True
        return effect(again)

    def _send(self, request: pyhss.Request) -> dict[str, Any] | list[Any] | None:
        return pyhss_client.send(self._http, request)
