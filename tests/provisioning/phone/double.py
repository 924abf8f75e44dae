"""A small SM-DP+ of the tests' own, which does one thing wrong when told so; it shares no code with the card.

Every value that it sends goes through `_as`, where a test may change it: before it is signed, or after.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mvne_provisioning.tlv import encode, oid, read_one
from tests.provisioning.phone import papers
from tests.provisioning.phone.papers import EID, Papers, Wanted

ADDRESS = "smdp.example.com"
CODE = f"LPA:1${ADDRESS}$ABC-123"
TRANSACTION = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
ICCID = "8999970000000000019"
SWAPPED, STRAIGHT = bytes.fromhex("989979000000000010F9"), bytes.fromhex("8999970000000000019F")
OTHER = SIGNATURE = 0x5F37
CONFIRMATION = "4711"

Json = dict[str, object]
EVENTS = bytes.fromhex("0470")


def metadata(iccid: bytes = SWAPPED, events: bytes = EVENTS, more: bytes = b"") -> bytes:
    """StoreMetadata that wants to hear of enable, disable and delete."""
    told = encode(0xB6, encode(0x30, encode(0x80, events), encode(0x81, ADDRESS.encode())))
    return encode(0xBF25, encode(0x5A, iccid), encode(0x91, b"Tilleul"), encode(0x92, b"Tilleul 5G"), more, told)


def elements(iccid: bytes = STRAIGHT, size: int = 2500) -> bytes:
    """A profile package: header, something long, end."""
    head = encode(0xA0, encode(0x80, b"\2"), encode(0x81, b"\3"), encode(0x83, iccid))
    return head + encode(0xA8, encode(0x80, bytes(range(256)) * (size // 256))) + encode(0xAA, encode(0xA0))


@dataclass
class Double:
    """The server; `twists` says what becomes of a value on its way out."""

    papers: Papers = field(default_factory=Papers)
    twists: dict[str, Callable[..., object]] = field(default_factory=dict)
    needs_code: bool = False
    with_keys: bool = False
    metadata: bytes = field(default_factory=metadata)
    elements: bytes = field(default_factory=elements)
    plain_size: int = 1007
    calls: list[str] = field(default_factory=list)
    said: dict[str, bytes] = field(default_factory=dict)
    cancelled: list[int] = field(default_factory=list)
    notified: list[bytes] = field(default_factory=list)
    failing: dict[str, Json] = field(default_factory=dict)

    def post(self, function: str, body: Mapping[str, object]) -> Mapping[str, object] | None:
        self.calls.append(function)
        fields = {name: value if name in _PLAIN else base64.b64decode(str(value)) for name, value in body.items()}
        if function in self.failing:
            return self.failing[function]
        answers = {
            "initiateAuthentication": self._initiate,
            "authenticateClient": self._offer,
            "getBoundProfilePackage": self._bind,
            "cancelSession": self._cancel,
            "handleNotification": self._hear,
        }
        answer = answers[function](fields)
        return None if answer is None else {**DONE, **answer}

    def _as(self, name: str, value: bytes) -> bytes:
        twist = self.twists.get(name)
        found = value if twist is None else twist(value)
        assert isinstance(found, bytes)
        return found

    def _initiate(self, asked: Mapping[str, object]) -> Json:
        challenge = asked["euiccChallenge"]
        assert isinstance(challenge, bytes)
        self.said["challenge"], self.said["info1"] = challenge, _bytes(asked["euiccInfo1"])
        parts = (
            encode(0x80, self._as("transaction1", TRANSACTION)),
            encode(0x81, self._as("challenge", challenge)),
            encode(0x83, self._as("address", str(asked["smdpAddress"]).encode())),
            encode(0x84, self._as("server challenge", bytes(16))),
        )
        signed = self._as("signed1", encode(0x30, *parts))
        signature = _sign(papers.key(self.papers.auth.name, self._curve(self.papers.auth)), signed)
        return {
            "transactionId": self._as("transaction", TRANSACTION).hex().upper(),
            "serverSigned1": _text(self._as("signed1 sent", signed)),
            "serverSignature1": _text(self._as("signature1", signature)),
            "euiccCiPKIdToBeUsed": _text(encode(0x04, self._as("issuer", papers.key_id("CI", self.papers.curve)))),
            "serverCertificate": _text(self._as("auth", papers.certificate(self.papers.on(self.papers.auth)))),
        }

    def _curve(self, wanted: Wanted) -> str:
        return self.papers.on(wanted).curve

    def _offer(self, asked: Mapping[str, object]) -> Json | None:
        answer = read_one(_bytes(asked["authenticateServerResponse"]), 0xBF38).children[0]
        if answer.tag == 0xA1:
            self.said["error"] = answer.child(0x02).value
            return FAILED
        signed, signature, chip, maker = answer.children
        assert chip.raw == self.papers.card().certificate
        assert maker.raw == self.papers.card().eum
        assert_signed(signature.raw, signed.raw, self.papers.curve)
        assert signed.child(0x80).value == TRANSACTION
        assert signed.child(0x84).value == bytes(16)
        self.said["context"] = signed.child(0xA0).raw
        self.said["info2"] = signed.child(0xBF22).raw
        self.said["signature1"] = signature.raw
        flag = b"\xff" if self.needs_code else b"\0"
        offer = encode(0x30, encode(0x80, self._as("transaction2", TRANSACTION)), encode(0x01, self._as("flag", flag)))
        offer = self._as("signed2", offer)
        pb = papers.key(self.papers.pb.name, self._curve(self.papers.pb))
        self.said["signature2"] = _sign(pb, offer + self._as("signature1 seen", signature.raw))
        return {
            "transactionId": self._as("transaction in offer", TRANSACTION).hex().upper(),
            "profileMetadata": _text(self._as("metadata shown", self.metadata)),
            "smdpSigned2": _text(self._as("signed2 sent", offer)),
            "smdpSignature2": _text(self._as("signature2", self.said["signature2"])),
            "smdpCertificate": _text(self._as("pb", papers.certificate(self.papers.on(self.papers.pb)))),
        }

    def _bind(self, asked: Mapping[str, object]) -> Json:
        answer = read_one(_bytes(asked["prepareDownloadResponse"]), 0xBF21).children[0]
        if answer.tag == 0xA1:
            self.said["error"] = answer.child(0x02).value
            return FAILED
        signed, signature = answer.children
        assert_signed(signature.raw, signed.raw + self.said["signature2"], self.papers.curve)
        assert signed.child(0x80).value == TRANSACTION
        code = signed.find(0x04)
        if self.needs_code:
            assert code is not None
            wanted = hashlib.sha256(hashlib.sha256(CONFIRMATION.encode()).digest() + TRANSACTION).digest()
            if code.value != wanted:
                return refusal("8.2.7", "3.8")
        else:
            assert code is None
        package = self._as("package", self.bound(signed.child(0x5F49).value))
        return {
            "transactionId": self._as("transaction in package", TRANSACTION).hex(),
            "boundProfilePackage": _text(package),
        }

    def bound(self, other: bytes) -> bytes:
        """Return the bound profile package for a card's one-time key."""
        curve: ec.EllipticCurve = ec.SECP256R1() if self.papers.curve == "NIST" else ec.BrainpoolP256R1()
        mine = papers.key("one time", self.papers.curve)
        point = mine.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        secret = mine.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, other))
        host = b"mvne-tests"
        crt = encode(0xA6, encode(0x80, b"\x88"), encode(0x81, b"\x10"), encode(0x84, host))
        head = encode(0x82, self._as("operation", b"\1")) + encode(0x80, self._as("transaction3", TRANSACTION))
        head += self._as("crt", crt) + encode(0x5F49, self._as("point", point))
        pb = papers.key(self.papers.pb.name, self._curve(self.papers.pb))
        sign = self._as("sign", _sign(pb, head + encode(0x5F49, other)))
        info = b"\x88\x10" + bytes([len(host)]) + host + b"\x10" + self._as("eid", bytes.fromhex(EID))
        hashes = (hashlib.sha256(secret + bytes([0, 0, 0, n]) + info).digest() for n in (1, 2))
        seal = Seal(b"".join(hashes)[:48], self)
        configuration = self._as("configuration", encode(0xBF24, encode(0xB8, encode(0x06, oid("2.999.10")))))
        parts = [encode(0xBF23, head, sign), encode(0xA0, *seal.blocks(0x87, configuration))]
        said = self._as("metadata stored", self.metadata)
        parts.append(encode(0xA1, *seal.blocks(0x88, said)))
        if self.with_keys:
            keys = bytes(range(48))
            command = encode(0xBF26, *(encode(0x80 + n, keys[16 * n : 16 * n + 16]) for n in range(3)))
            parts.append(encode(0xA2, *seal.blocks(0x87, self._as("session keys", command))))
            seal = Seal(keys, self)
        parts.append(encode(0xA3, *seal.blocks(0x86, self.elements)))
        twist = self.twists.get("parts")
        return encode(0xBF36, *(parts if twist is None else twist(parts)))  # type: ignore[misc]  # a list of parts

    def _cancel(self, asked: Mapping[str, object]) -> Json:
        answer = read_one(_bytes(asked["cancelSessionResponse"]), 0xBF41).children[0]
        if answer.tag == 0x81:
            self.cancelled.append(-answer.value[0])  # the card has no such session
            return {}
        signed, signature = answer.children
        assert_signed(signature.raw, signed.raw, self.papers.curve)
        assert signed.child(0x80).value == TRANSACTION
        assert signed.child(0x81).value == oid("2.999.10")
        self.cancelled.append(signed.child(0x82).value[0])
        return {}

    def _hear(self, asked: Mapping[str, object]) -> None:
        self.notified.append(_bytes(asked["pendingNotification"]))


class Seal:
    """The server's end of SCP03t."""

    def __init__(self, keys: bytes, server: Double) -> None:
        self.chain, self.encryption, self.mac, self.counter = keys[:16], keys[16:32], keys[32:48], 1
        self.server = server

    def blocks(self, tag: int, plain: bytes) -> list[bytes]:
        size = self.server.plain_size
        return [self.block(tag, plain[at : at + size]) for at in range(0, len(plain), size)]

    def block(self, tag: int, plain: bytes) -> bytes:
        data = plain
        if tag != 0x88:
            padded = self.server._as("padding", plain + b"\x80" + bytes(-(len(plain) + 1) % 16))
            number = self.server._as("counter", self.counter.to_bytes(16, "big"))
            vector = _run(Cipher(algorithms.AES(self.encryption), modes.ECB()), number)
            data = _run(Cipher(algorithms.AES(self.encryption), modes.CBC(vector)), padded)
        self.counter += 1 if tag != 0x88 or "counter not advanced" not in self.server.twists else 0
        head = encode(tag, data + bytes(8))[: -len(data) - 8]
        mac = cmac.CMAC(algorithms.AES(self.mac))
        mac.update(self.server._as("chain", self.chain) + head + data)
        self.chain = mac.finalize()
        return head + data + self.server._as("mac", self.chain[:8])


def _run(cipher: Cipher[modes.ECB] | Cipher[modes.CBC], data: bytes) -> bytes:
    running = cipher.encryptor()
    return running.update(data) + running.finalize()


def _sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
    size = (key.key_size + 7) // 8
    return encode(0x5F37, r.to_bytes(size, "big") + s.to_bytes(size, "big"))


def assert_signed(signature: bytes, data: bytes, curve: str = "NIST") -> None:
    """Fail unless this is the card's signature."""
    raw = read_one(signature, 0x5F37).value
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    chip = x509.load_der_x509_certificate(Papers(curve=curve).card().certificate).public_key()
    assert isinstance(chip, ec.EllipticCurvePublicKey)
    chip.verify(der, data, ec.ECDSA(SHA256()))


_PLAIN = ("smdpAddress", "transactionId")
DONE: Json = {"header": {"functionExecutionStatus": {"status": "Executed-Success"}}}


def refusal(subject: str, reason: str, message: str = "") -> Json:
    """An answer that says no."""
    codes = {"subjectCode": subject, "reasonCode": reason, "message": message}
    return {"header": {"functionExecutionStatus": {"status": "Failed", "statusCodeData": codes}}}


FAILED = refusal("8.1", "6.1")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def token(size: int) -> bytes:
    """Randomness that is the same every time."""
    return hashlib.shake_128(b"tests").digest(size)
