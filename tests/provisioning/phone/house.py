"""ES9+ around the core of this house's SM-DP+, in process, for one profile; its session goes through its text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from mvne_provisioning.package import metadata, personalise
from mvne_provisioning.phone.es9 import Answer
from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.smdp import rsp
from mvne_provisioning.smdp.rsp import Keys, Notified, Refused, Sealable, Session
from tests.provisioning.phone.double import refusal
from tests.provisioning.phone.papers import AT
from tests.provisioning.somebody import PERSONAL

ADDRESS = "smdp.example.com"
CODE = f"LPA:1${ADDRESS}$ABC-123$2.999.10"
TRANSACTION = bytes(range(16))
PROFILE = Sealable.checked(personalise(PERSONAL), metadata(PERSONAL, PERSONAL.plmn, [ADDRESS]))
OWN_KEYS = Keys(bytes([1] * 16), bytes([2] * 16), bytes([3] * 16))


@dataclass
class Server:
    """ES9+ around the server's core, in process."""

    certificates: Certificates
    profile: Sealable = PROFILE
    code: str | None = None
    session: Session | None = None
    notified: list[Notified] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    at: datetime = AT

    def post(self, function: str, body: Mapping[str, object]) -> Answer | None:
        try:
            answer = getattr(self, function)(body)
        except Refused as refused:
            return refusal(refused.subject, refused.reason, refused.message)
        done = {"header": {"functionExecutionStatus": {"status": "Executed-Success"}}}
        return None if answer is None else {**done, **answer}

    def kept(self) -> Session:
        assert self.session is not None
        return Session.from_text(self.session.to_text())

    def initiateAuthentication(self, body: Mapping[str, object]) -> Answer:
        self.session, answer = rsp.initiate(self.certificates, ADDRESS, body, TRANSACTION, bytes(16))
        return answer

    def authenticateClient(self, body: Mapping[str, object]) -> Answer:
        session = rsp.authenticate(self.certificates, self.kept(), body, self.at)
        needs_code = self.code is not None
        self.session, answer = rsp.offer(self.certificates, session, self.profile.metadata, PERSONAL.iccid, needs_code)
        return answer

    def getBoundProfilePackage(self, body: Mapping[str, object]) -> Answer:
        prepared = rsp.prepare(self.certificates, self.kept(), body)
        if self.code is not None:
            kept = hashlib.sha256(self.code.encode()).digest()
            if not rsp.is_code(self.kept(), prepared, kept):
                raise Refused("8.2.7", "3.8", "the confirmation code is wrong")
        self.session, answer = rsp.bind(
            self.certificates, self.kept(), prepared, self.profile, ec.generate_private_key, bytes
        )
        return answer

    def cancelSession(self, body: Mapping[str, object]) -> Answer:
        self.cancelled.append(rsp.cancelled(self.certificates, self.kept(), body))
        return {}

    def handleNotification(self, body: Mapping[str, object]) -> None:
        self.notified.append(rsp.notification(self.certificates, body, self.at, self.session))
