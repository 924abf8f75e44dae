"""An SM-DP+ without HTTP, an operator that calls it, and a card that says what it is told to."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row, select

from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.pki.minting import mint_euicc
from mvne_provisioning.smdp.port import Confirmed, Es2Failed, FinalState
from mvne_provisioning.smdp.server import chores, es2, es9, outbox
from mvne_provisioning.smdp.server.es2 import Operators
from mvne_provisioning.smdp.server.es9 import Phones
from mvne_provisioning.smdp.server.loading import fill
from mvne_provisioning.smdp.server.schema import make_tables
from mvne_provisioning.smdp.server.sealing import ClearVault, Vault
from mvne_provisioning.smdp.server.settings import Lifetimes, Settings
from mvne_provisioning.smdp.server.tables import notifications, profiles, sessions
from mvne_provisioning.tlv import encode, integer
from tests.provisioning.rsp.little_card import ADDRESS, LittleCard, b64, signature, swap

AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
SETTINGS = Settings(ADDRESS)


def tokens(seed: int = 1) -> Callable[[int], bytes]:
    """Return a source of bytes that never gives the same ones twice."""
    numbers = itertools.count(seed)
    return lambda size: next(numbers).to_bytes(8, "big").rjust(size, b"\x5a")[-size:]


def outcome(answer: Mapping[str, Any] | None) -> str:
    """Return the codes of a refusal, `ok` for a success, `204` for the answer that says nothing."""
    if answer is None:
        return "204"
    status = answer["header"]["functionExecutionStatus"]
    if status["status"] == "Executed-Success":
        return "ok"
    assert status["status"] == "Failed"
    codes = status["statusCodeData"]
    assert codes["message"]
    return f"{codes['subjectCode']}/{codes['reasonCode']}"


@dataclass
class World:
    """One SM-DP+ over an engine, at a moment that a test moves on."""

    engine: Engine
    certificates: Certificates
    settings: Settings = SETTINGS
    vault: Vault = field(default_factory=ClearVault)
    token: Callable[[int], bytes] = field(default_factory=tokens)
    at: datetime = AT
    call_ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        with self.engine.begin() as conn:
            make_tables(conn)

    def stocked(self, count: int = 2, profile_type: str = "consumer") -> World:
        with self.engine.begin() as conn:
            fill(conn, self.vault, profile_type, count, ADDRESS, self.token)
        return self

    def limited(self, **lifetimes: timedelta) -> World:
        return replace(self, settings=replace(self.settings, lifetimes=Lifetimes(**lifetimes)))

    def es2(self, function: str, caller: str = "op", call_id: str | None = None, **fields: Any) -> dict[str, Any]:
        header = {
            "functionRequesterIdentifier": caller,
            "functionCallIdentifier": call_id or f"call {next(self.call_ids)}",
        }
        return self.es2_raw(function, json.dumps({"header": header, **fields}).encode())

    def es2_raw(self, function: str, body: bytes) -> dict[str, Any]:
        with self.engine.begin() as conn:
            told = es2.answer(Operators(self.settings, self.token), conn, function, body, self.at)
        found: dict[str, Any] = json.loads(told)
        return found

    def es9(self, function: str, request: Mapping[str, object]) -> dict[str, Any] | None:
        return self.es9_raw(function, json.dumps(request).encode())

    def es9_raw(self, function: str, body: bytes) -> dict[str, Any] | None:
        its = Phones(self.settings, self.certificates, self.vault, self.token)
        with self.engine.begin() as conn:
            told = es9.answer(its, conn, function, body, self.at)
        found: dict[str, Any] | None = json.loads(told) if told else None
        return found

    def released(self, **fields: Any) -> tuple[str, str]:
        """Order, confirm and release a profile; return ICCID and matching id."""
        eid: dict[str, Any] = {"eid": fields.pop("eid")} if "eid" in fields else {}
        iccid = self.es2("downloadOrder", profileType="consumer", **eid)["iccid"]
        told = self.es2("confirmOrder", iccid=iccid, releaseFlag=True, **fields)
        assert outcome(told) == "ok", told
        return iccid.rstrip("F"), told["matchingId"]

    def card(self, matching_id: str | None, eid: str | None = None) -> LittleCard:
        assert self.certificates.euicc
        assert self.certificates.eum
        euicc = mint_euicc(self.certificates.eum, eid, AT) if eid else self.certificates.euicc
        return LittleCard(euicc, self.certificates.eum, self.certificates.eum.authority_key_id, matching_id)

    def offered(self, card: LittleCard) -> dict[str, Any]:
        begun = self.es9("initiateAuthentication", card.initiate())
        assert begun is not None
        told = self.es9("authenticateClient", card.authenticate(begun))
        assert told is not None
        return told

    def package(self, card: LittleCard, offer: dict[str, Any], code: str | None = None) -> dict[str, Any]:
        told = self.es9("getBoundProfilePackage", card.prepare(offer, code))
        assert told is not None
        return told

    def bound(self, card: LittleCard) -> dict[str, Any]:
        """Download up to the package; return the last answer, whatever it is."""
        offer = self.offered(card)
        return self.package(card, offer) if outcome(offer) == "ok" else offer

    def installed(
        self, card: LittleCard, bound: dict[str, Any], iccid: str, failure: tuple[int, int] | None = None
    ) -> str:
        transaction = bytes.fromhex(bound["transactionId"])
        return outcome(self.es9("handleNotification", card.installed(transaction, swap(iccid), failure)))

    def tells(self, card: LittleCard, event: int, iccid: str, sequence: int) -> str:
        """Let a card tell that it enabled (40), disabled (20) or deleted (10) a profile, under a number."""
        where, profile = encode(0x0C, ADDRESS.encode()), encode(0x5A, bytes.fromhex(swap(iccid)))
        said = encode(0xBF2F, encode(0x80, integer(sequence)), encode(0x81, bytes([4, event])), where, profile)
        parts = said, signature(card.identity.key, said), card.identity.der, card.eum.der
        return outcome(self.es9("handleNotification", {"pendingNotification": b64(encode(0x30, *parts))}))

    def profile(self, iccid: str) -> Row[Any]:
        with self.engine.begin() as conn:
            return conn.execute(select(profiles).where(profiles.c.iccid == iccid)).one()

    def state(self, iccid: str) -> str:
        return str(self.profile(iccid).state)

    def sessions(self) -> int:
        with self.engine.begin() as conn:
            return len(conn.execute(select(sessions.c.transaction_id)).all())

    def sweep(self) -> int:
        with self.engine.begin() as conn:
            return chores.sweep(conn, self.settings.lifetimes, self.at)

    def told(self) -> list[str]:
        """Return what operators are to be told, as point and outcome, in order."""
        with self.engine.begin() as conn:
            found = conn.execute(select(notifications.c.content).order_by(notifications.c.sequence)).scalars().all()
        return [point(json.loads(content)) for content in found]

    def take(self) -> list[outbox.Waiting]:
        with self.engine.begin() as conn:
            return outbox.take(conn, self.at)


def point(content: Mapping[str, Any]) -> str:
    status = content["notificationPointStatus"]
    codes = status.get("statusCodeData")
    said = f"{codes['subjectCode']}/{codes['reasonCode']}" if codes else "ok"
    return f"{content['notificationPointId']} {said}"


class Client:
    """An `SmdpPlus` that calls the server's functions as JSON."""

    def __init__(self, world: World) -> None:
        self._world = world

    def download_order(
        self, call_id: str, iccid: Iccid | None = None, profile_type: str | None = None, eid: Eid | None = None
    ) -> Iccid:
        told = self._call("downloadOrder", call_id, iccid=iccid, profileType=profile_type, eid=eid)
        return Iccid(told["iccid"])

    def confirm_order(
        self,
        call_id: str,
        iccid: Iccid,
        eid: Eid | None = None,
        matching_id: str | None = None,
        confirmation_code: str | None = None,
        release_flag: bool = False,
    ) -> Confirmed:
        fields = {"matchingId": matching_id, "confirmationCode": confirmation_code, "releaseFlag": release_flag}
        told = self._call("confirmOrder", call_id, iccid=iccid, eid=eid, **fields)
        linked = told.get("eid")
        return Confirmed(told["matchingId"], Eid(linked) if linked else None, told["smdpAddress"])

    def cancel_order(
        self, call_id: str, iccid: Iccid, matching_id: str | None, final_state: FinalState, eid: Eid | None = None
    ) -> None:
        fields = {"matchingId": matching_id, "finalProfileStatusIndicator": final_state, "eid": eid}
        self._call("cancelOrder", call_id, iccid=iccid, **fields)

    def release_profile(self, call_id: str, iccid: Iccid) -> None:
        self._call("releaseProfile", call_id, iccid=iccid)

    def _call(self, function: str, call_id: str, **fields: object) -> dict[str, Any]:
        said: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        told = self._world.es2(function, call_id=call_id, **said)
        status = told["header"]["functionExecutionStatus"]
        if status["status"] == "Failed":
            codes = status["statusCodeData"]
            raise Es2Failed(codes["subjectCode"], codes["reasonCode"], codes["message"])
        return told
