"""A little card that only says what it is told to: enough to build the requests of ES9+, right or wrong."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.signing import sign
from mvne_provisioning.tlv import encode, read, read_one

CHALLENGE = bytes(range(16))
ADDRESS = "smdp.example.com"
OUR_OID = bytes.fromhex("88370a")  # 2.999.10


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def signature(key: ec.EllipticCurvePrivateKey | None, data: bytes) -> bytes:
    assert key
    return encode(0x5F37, sign(key, data))


@dataclass(frozen=True)
class LittleCard:
    """One card, its maker's certificate, its root's key id, and its one-time key."""

    identity: Identity
    eum: Identity
    root: bytes
    matching_id: str | None = "ORDER-1"
    imei: bytes | None = None
    address: str = ADDRESS
    ot_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def says(self, **changes: object) -> LittleCard:
        return replace(self, **changes)  # type: ignore[arg-type] # a test names the fields that it changes

    @property
    def ot_point(self) -> bytes:
        return self.ot_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def info(self, tag: int = 0xBF20, version: bytes = b"\x02\x02\x02") -> bytes:
        ids = encode(0x04, self.root)
        return encode(tag, encode(0x82, version), encode(0xA9, ids), encode(0xAA, ids))

    def initiate(self) -> dict[str, object]:
        return {"smdpAddress": self.address, "euiccChallenge": b64(CHALLENGE), "euiccInfo1": b64(self.info())}

    def signed1(self, answer: dict[str, str], **instead: bytes) -> bytes:
        server = read_one(b64decode(answer["serverSigned1"]), 0x30)
        matching = encode(0x80, self.matching_id.encode()) if self.matching_id is not None else b""
        phone = encode(0x80, bytes(4)) + encode(0xA1) + (encode(0x82, self.imei) if self.imei else b"")
        parts = {
            "transaction_id": server.child(0x80).raw,
            "address": encode(0x83, self.address.encode()),
            "challenge": server.child(0x84).raw,
            "info": self.info(0xBF22),
            "context": encode(0xA0, matching, encode(0xA1, phone)),
        }
        return encode(0x30, *(parts | instead).values())

    def authenticate(self, answer: dict[str, str], signed: bytes | None = None) -> dict[str, object]:
        said = self.signed1(answer) if signed is None else signed
        parts = said, signature(self.identity.key, said), self.identity.der, self.eum.der
        return self.request(answer, "authenticateServerResponse", encode(0xBF38, encode(0xA0, *parts)))

    def signed2(self, answer: dict[str, str], code: str | None = None) -> bytes:
        tid = bytes.fromhex(answer["transactionId"])
        hashed = encode(0x04, sha256(sha256(code.encode()).digest() + tid).digest()) if code is not None else b""
        return encode(0x30, encode(0x80, tid), encode(0x5F49, self.ot_point), hashed)

    def prepare(
        self, answer: dict[str, str], code: str | None = None, signed: bytes | None = None
    ) -> dict[str, object]:
        said = self.signed2(answer, code) if signed is None else signed
        signed_too = b64decode(answer["smdpSignature2"])
        parts = said, signature(self.identity.key, said + signed_too)
        return self.request(answer, "prepareDownloadResponse", encode(0xBF21, encode(0xA0, *parts)))

    def cancel(
        self, answer: dict[str, str], reason: int, oid: bytes = OUR_OID, tid: str | None = None
    ) -> dict[str, object]:
        inner = bytes.fromhex(tid or answer["transactionId"])
        said = encode(0x30, encode(0x80, inner), encode(0x81, oid), encode(0x82, bytes([reason])))
        response = encode(0xBF41, encode(0xA0, said, signature(self.identity.key, said)))
        return self.request(answer, "cancelSessionResponse", response)

    def installed(
        self,
        transaction_id: bytes,
        iccid: str | None,
        failure: tuple[int, int] | None = None,
        oid: bytes = OUR_OID,
        event: int = 0x80,
    ) -> dict[str, object]:
        good = encode(0xA0, encode(0x4F, bytes(16)), encode(0x04, b""))
        bad = encode(0xA1, *(encode(0x80 + at, bytes([one])) for at, one in enumerate(failure or ())))
        said = encode(
            0xBF27,
            encode(0x80, transaction_id),
            self.notice(event, iccid),
            encode(0x06, oid),
            encode(0xA2, bad if failure else good),
        )
        return {"pendingNotification": b64(encode(0xBF37, said, signature(self.identity.key, said)))}

    def tells(self, event: int, iccid: str | None, sequence: bytes = b"\x07") -> dict[str, object]:
        said = self.notice(event, iccid, sequence)
        parts = said, signature(self.identity.key, said), self.identity.der, self.eum.der
        return {"pendingNotification": b64(encode(0x30, *parts))}

    def notice(self, event: int, iccid: str | None, sequence: bytes = b"\x07") -> bytes:
        profile = encode(0x5A, bytes.fromhex(iccid.ljust(20, "F"))) if iccid else b""
        where = encode(0x0C, self.address.encode())
        return encode(0xBF2F, encode(0x80, sequence), encode(0x81, bytes([4, event])), where, profile)

    def request(self, answer: dict[str, str], name: str, response: bytes) -> dict[str, object]:
        return {"transactionId": answer["transactionId"], name: b64(response)}


def swap(digits: str) -> str:
    """Return digits as a card writes them, two by two in the other order."""
    padded = digits.ljust(20, "F")
    return "".join(padded[at + 1] + padded[at] for at in range(0, 20, 2))


def after(signed: bytes) -> bytes:
    """Return what follows the first TLV."""
    return signed[read(signed)[1] :]
