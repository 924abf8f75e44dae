"""What opens a bound profile package: who bound it to this card, with which keys (GSMA SGP.22, section 5.5)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from mvne_provisioning import tlv
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone import fields
from mvne_provisioning.phone.codes import Command, InstallError, words
from mvne_provisioning.phone.metadata import Metadata
from mvne_provisioning.phone.secure_channel import KEY_LENGTH, KEY_TYPE, SecureChannel, derive
from mvne_provisioning.phone.signatures import PUBLIC_KEY, SIGNATURE, is_signed, public_key_tlv, shared_secret
from mvne_provisioning.tlv import Malformed, Tlv

OPENING = 0xBF23

_CONFIGURE, _REPLACE = 0xBF24, 0xBF26
_OPERATION, _TRANSACTION, _CRT = 0x82, 0x80, 0xA6
_INSTALL, _MOST_HOST_ID = 1, 16


class InstallFailed(ProvisioningError):
    """The card does not take a package: at which part of it, why, and what the profile said about itself so far."""

    def __init__(self, command: Command, error: InstallError, why: str, seen: Metadata | None = None) -> None:
        super().__init__(f"{words(error)} at {words(command)}: {why}")
        self.command, self.error, self.why, self.seen = command, error, why, seen


@dataclass(frozen=True, slots=True)
class Expected:
    """What was agreed before a package comes, and what there is on the card: ICCIDs, and room in bytes."""

    transaction_id: bytes
    oid: str
    server_key: ec.EllipticCurvePublicKey
    one_time_key: ec.EllipticCurvePrivateKey
    eid: str
    present: Collection[str]
    room: int


def secure_channel(opening: Tlv, expected: Expected) -> SecureChannel:
    """Check InitialiseSecureChannel and return the channel that it opens; raise `InstallFailed` or `Malformed`."""
    operation, transaction, crt, key = (opening.child(tag) for tag in (_OPERATION, _TRANSACTION, _CRT, PUBLIC_KEY))
    mine = public_key_tlv(expected.one_time_key.public_key())
    signed = (*(one.raw for one in opening.children if one.tag != SIGNATURE), mine)
    if not is_signed(expected.server_key, opening.child(SIGNATURE), *signed):
        raise _refused(InstallError.INVALID_SIGNATURE, "it is not signed by the server")
    if fields.number(operation) != _INSTALL:
        raise _refused(InstallError.UNSUPPORTED_REMOTE_OPERATION_TYPE, "the operation is not an installation")
    if transaction.value != expected.transaction_id:
        raise _refused(InstallError.INVALID_TRANSACTION_ID, "it is of another transaction")
    host_id = _host_id(crt)
    return SecureChannel(derive(shared_secret(expected.one_time_key, key.value), host_id, expected.eid))


def _host_id(crt: Tlv) -> bytes:
    wanted = {0x80: bytes([KEY_TYPE]), 0x81: bytes([KEY_LENGTH])}
    host_id = crt.child(0x84).value
    if any(crt.child(tag).value != value for tag, value in wanted.items()) or len(host_id) > _MOST_HOST_ID:
        raise _refused(InstallError.UNSUPPORTED_CRT_VALUES, "the keys are not AES keys of 16 bytes")
    return host_id


def check_configuration(data: bytes, oid: str) -> None:
    """Check ConfigureISDP: it may name the server, and then the one that authenticated itself; raise `Malformed`."""
    proprietary = tlv.read_one(data, _CONFIGURE).find(0xB8)
    named = proprietary.find(0x06) if proprietary else None
    if named is not None and tlv.dotted(named.value) != oid:
        raise Malformed("ConfigureISDP names another server")


def replace_keys(channel: SecureChannel, data: bytes) -> None:
    """Carry out ReplaceSessionKeys; raise `Malformed`."""
    command = tlv.read_one(data, _REPLACE)
    channel.replace(command.child(0x80).value, command.child(0x81).value, command.child(0x82).value)


def _refused(error: InstallError, why: str) -> InstallFailed:
    return InstallFailed(Command.INITIALISE_SECURE_CHANNEL, error, why)
