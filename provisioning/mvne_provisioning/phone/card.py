"""A strict eUICC in software: ES10a, ES10b and ES10c as calls (GSMA SGP.22, section 5.7).

It verifies every signature, certificate, MAC and number, and answers as the standard says. What it keeps is durable
before a call returns; an unfinished session is forgotten with the process, as a card without power forgets it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Self

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone import certificates, info, managing, notifications
from mvne_provisioning.phone.authentication import (
    Authenticated,
    Authenticator,
    Prepared,
    ServerSays,
)
from mvne_provisioning.phone.binding import Expected, InstallFailed
from mvne_provisioning.phone.certificates import BadCertificate
from mvne_provisioning.phone.codes import CancelReason, Event
from mvne_provisioning.phone.info import Device
from mvne_provisioning.phone.installing import Installation, Package
from mvne_provisioning.phone.keeping import Keeper, Nowhere
from mvne_provisioning.phone.listing import Profile, free_aid, listed
from mvne_provisioning.phone.state import BrokenState, CardState, Credential, KeptProfile, Pending, ProfileState

#: Bytes for profiles on a card of today.
USUAL_ROOM = 512_000

_CHALLENGE, _RANDOM = 16, 40

Token = Callable[[int], bytes]


class OutOfOrder(ProvisioningError):
    """The card is not in the middle of what it is asked to go on with."""


class Card:
    """An eUICC; one session with a server at a time."""

    def __init__(self, state: CardState, keeper: Keeper) -> None:
        """Switch a card on; raise `BrokenState` when its certificates cannot be used."""
        try:
            issuers = certificates.anchors(state.credential.issuers)
            signing = certificates.authority(state.credential.eum)
        except BadCertificate as fault:
            raise BrokenState(f"a certificate of the card cannot be used: {fault}") from None
        self._state, self._keeper = state, keeper
        self._who = Authenticator(state.credential, issuers, signing)
        self._challenge: bytes | None = None
        self._session: Authenticated | None = None
        self._prepared: Prepared | None = None
        self._installation: Installation | None = None

    @classmethod
    def new(cls, credential: Credential, keeper: Keeper | None = None, room: int = USUAL_ROOM) -> Self:
        """Make an empty card with `room` bytes for profiles; without a keeper it lives as long as this process."""
        card = cls(CardState(credential, room), keeper or Nowhere())
        card._keep(card._state)
        return card

    @property
    def eid(self) -> str:
        """The number of the card."""
        return self._state.credential.eid

    @property
    def issuers(self) -> tuple[bytes, ...]:
        """The certificates (DER) of the issuers that the card trusts."""
        return self._state.credential.issuers

    @property
    def room(self) -> int:
        """How many bytes are left for profiles."""
        return self._state.room - sum(len(one.package) for one in self._state.profiles)

    @property
    def server_oid(self) -> str | None:
        """The OID of the server that authenticated itself in the session that is open."""
        return self._session.oid if self._session else None

    @property
    def last_sequence(self) -> int:
        """The number of the last notification that there was."""
        return self._state.sequence

    def challenge(self, token: Token) -> bytes:
        """Begin a session: return 16 bytes that the server has to sign. A session that was open is forgotten."""
        self._forget()
        self._challenge = token(_CHALLENGE)
        return self._challenge

    def info1(self) -> bytes:
        """Return EUICCInfo1 (BF20)."""
        return info.info1(self._who.issuers, [self._who.signing])

    def info2(self) -> bytes:
        """Return EUICCInfo2 (BF22)."""
        return info.info2(self._who.issuers, [self._who.signing], len(self._state.profiles), self.room)

    def authenticate(
        self, says: ServerSays, address: str, matching_id: str, at: datetime, device: Device | None = None
    ) -> bytes:
        """Verify a server that was called at `address`; return AuthenticateServerResponse (BF38).

        Raises `AuthenticationRefused`, which holds the answer with the error, or `Malformed`.
        """
        challenge, self._challenge = self._challenge, None
        context = info.context(matching_id, device or Device())
        self._session, answer = self._who.authenticate(challenge, says, address, self.info2(), context, at)
        return answer

    def prepare(
        self, signed: bytes, signature: bytes, certificate: bytes, hashed_code: bytes | None, token: Token, at: datetime
    ) -> bytes:
        """Verify what the server offers; return PrepareDownloadResponse (BF21) with a one-time key.

        Raises `PreparationRefused`, which holds the answer with the error, or `Malformed`.
        """
        self._prepared = self._installation = None
        random = token(_RANDOM)
        self._prepared, answer = self._who.prepare(
            self._session, signed, signature, certificate, hashed_code, random, at
        )
        return answer

    def load(self, segment: bytes) -> bytes | None:
        """Take a segment of a bound profile package; return the ProfileInstallationResult (BF37) after the last.

        A segment that is wrong gives the result at once. Either ends the session. Raises `OutOfOrder` when no download
        was prepared.
        """
        if self._prepared is None:
            raise OutOfOrder("the card expects no package: prepare a download first")
        if self._installation is None:
            self._installation = Installation(self._expected(self._prepared))
        session = self._prepared.session
        try:
            package = self._installation.take(segment)
        except InstallFailed as failed:
            seen = failed.seen.iccid if failed.seen else None
            return self._ended(notifications.result(self._state, session, seen, failed))
        return self._ended(self._installed(package, session)) if package else None

    def cancel(self, transaction_id: bytes, reason: CancelReason) -> bytes:
        """End a session; return CancelSessionResponse (BF41)."""
        answer = self._who.cancel(self._session, transaction_id, reason)
        if self._session is not None and self._session.transaction_id == transaction_id:
            self._forget()
        return answer

    def profiles(self) -> tuple[Profile, ...]:
        """Return the profiles on the card, in the order in which they came."""
        return tuple(listed(one) for one in self._state.profiles)

    def package(self, iccid: str) -> bytes | None:
        """Return the elements of a profile as they were decrypted, with its keys: no card gives them out, tests ask."""
        return next((one.package for one in self._state.profiles if one.iccid == iccid), None)

    def enable(self, iccid: str) -> None:
        """Enable a profile, and disable the one that was enabled; raise `ManagingRefused`."""
        self._keep(managing.move(self._state, iccid, ProfileState.ENABLED))

    def disable(self, iccid: str) -> None:
        """Disable a profile; raise `ManagingRefused`."""
        self._keep(managing.move(self._state, iccid, ProfileState.DISABLED))

    def delete(self, iccid: str) -> None:
        """Delete a disabled profile; raise `ManagingRefused`."""
        self._keep(managing.move(self._state, iccid, ProfileState.DELETED))

    def notifications(self) -> tuple[Pending, ...]:
        """Return what is still to be sent, in the order in which it happened."""
        return self._state.pending

    def remove(self, sequence: int) -> None:
        """Forget a notification that was delivered; one that is not there is no fault."""
        self._keep(notifications.without(self._state, sequence))

    def _expected(self, prepared: Prepared) -> Expected:
        session, present = prepared.session, {one.iccid for one in self._state.profiles}
        return Expected(
            transaction_id=session.transaction_id,
            oid=session.oid,
            server_key=prepared.server_key,
            one_time_key=prepared.one_time_key,
            eid=self.eid,
            present=present,
            room=self.room,
        )

    def _installed(self, package: Package, session: Authenticated) -> CardState:
        found = package.metadata
        aid = free_aid(self._state.profiles)
        profile = KeptProfile(found.iccid, ProfileState.DISABLED, aid, found.raw, package.elements)
        state = replace(self._state, profiles=(*self._state.profiles, profile))
        return notifications.told(notifications.result(state, session, found.iccid, aid), Event.INSTALL, found)

    def _ended(self, state: CardState) -> bytes:
        """Keep the state that a download ends with, and return its result."""
        before = self._state.sequence
        self._keep(state)
        self._forget()
        return next(one.data for one in state.pending if one.sequence == before + 1)

    def _forget(self) -> None:
        self._challenge = self._session = self._prepared = self._installation = None

    def _keep(self, state: CardState) -> None:
        self._keeper.keep(state)
        self._state = state
