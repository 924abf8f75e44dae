"""How a card takes a bound profile package in, segment by segment (GSMA SGP.22, sections 2.5 and 5.7.6).

It keeps nothing and changes nothing of the card: the last segment gives the whole package, or a wrong one the failure.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mvne_provisioning import tlv
from mvne_provisioning.phone import metadata, package
from mvne_provisioning.phone.beginnings import beginning
from mvne_provisioning.phone.binding import (
    OPENING,
    Expected,
    InstallFailed,
    check_configuration,
    replace_keys,
    secure_channel,
)
from mvne_provisioning.phone.codes import Command, InstallError
from mvne_provisioning.phone.metadata import Metadata, UnsupportedClass
from mvne_provisioning.phone.secure_channel import SecureChannel, SecurityError
from mvne_provisioning.tlv import Malformed

BOUND_PACKAGE, CONFIGURATION, METADATA, SESSION_KEYS, ELEMENTS = 0xBF36, 0xA0, 0xA1, 0xA2, 0xA3
ENCRYPTED, MAC_ONLY, ELEMENT = 0x87, 0x88, 0x86


@dataclass(frozen=True, slots=True)
class Package:
    """A profile that came whole: what it says about itself, and its elements."""

    metadata: Metadata
    elements: bytes


class Installation:
    """One package on its way into the card."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self._command = Command.INITIALISE_SECURE_CHANNEL
        self._seen: Metadata | None = None
        self._received = 0
        self._run = self._steps()
        next(self._run)

    def take(self, segment: bytes) -> Package | None:
        """Take the next segment; return the package when it was the last one. Raises `InstallFailed`, then no more."""
        self._received += len(segment)
        try:
            self._run.send(segment)
        except StopIteration as done:
            found: Package = done.value
            return found
        return None

    def _steps(self) -> Generator[None, bytes, Package]:
        channel, size = self._opened((yield))
        self._command = Command.CONFIGURE_ISDP
        check = self._joined(channel, (yield), CONFIGURATION)
        with self._failing(InstallError.INCORRECT_INPUT_VALUES):
            check_configuration(check, self._expected.oid)
        self._command = Command.STORE_METADATA
        said = yield from self._blocks(channel, METADATA, MAC_ONLY, (yield))
        self._seen = found = self._accepted(said)
        segment = yield
        if segment.startswith(bytes([SESSION_KEYS])):
            self._command = Command.REPLACE_SESSION_KEYS
            keys = self._joined(channel, segment, SESSION_KEYS)
            with self._failing(InstallError.INCORRECT_INPUT_VALUES):
                replace_keys(channel, keys)
            segment = yield
        self._command = Command.LOAD_PROFILE_ELEMENTS
        elements = yield from self._blocks(channel, ELEMENTS, ELEMENT, segment)
        if self._received != size:
            raise self._failed(InstallError.SCP03T_STRUCTURE, f"it says {size} bytes, and {self._received} came")
        self._check_elements(elements, found)
        return Package(found, elements)

    def _opened(self, segment: bytes) -> tuple[SecureChannel, int]:
        """Return the channel that the first segment opens, and of how many bytes the whole package will be."""
        with self._failing(InstallError.INCORRECT_INPUT_VALUES):
            length, start = beginning(segment, BOUND_PACKAGE)
            return secure_channel(tlv.read_one(segment[start:], OPENING), self._expected), start + length

    def _joined(self, channel: SecureChannel, segment: bytes, tag: int) -> bytes:
        """Return what is in the encrypted blocks of a segment that holds them all."""
        with self._failing(InstallError.SCP03T_STRUCTURE):
            blocks = tlv.read_one(segment, tag).children
            if not blocks or any(one.tag != ENCRYPTED for one in blocks):
                raise Malformed(f"{tag:X} consists of blocks {ENCRYPTED:X}")
            return b"".join(channel.open(one) for one in blocks)

    def _blocks(self, channel: SecureChannel, outer: int, inner: int, first: bytes) -> Generator[None, bytes, bytes]:
        """Take the blocks that follow a beginning, up to the length that it says; return what is in them."""
        with self._failing(InstallError.SCP03T_STRUCTURE):
            left, start = beginning(first, outer)
            if start != len(first) or not left:
                raise Malformed(f"after the beginning of {outer:X} its blocks follow, each for itself")
        found, length = [], 0
        while left > 0:
            block = yield
            with self._failing(InstallError.SCP03T_STRUCTURE):
                found.append(channel.open(tlv.read_one(block, inner)))
            left, length = left - len(block), length + len(found[-1])
            if inner == ELEMENT and length > self._expected.room:
                raise self._failed(InstallError.INSUFFICIENT_MEMORY, f"there is room for {self._expected.room} bytes")
        if left:
            raise self._failed(InstallError.SCP03T_STRUCTURE, f"the blocks of {outer:X} are longer than it says")
        return b"".join(found)

    def _accepted(self, said: bytes) -> Metadata:
        """Return what the profile says about itself, if the card can have such a one."""
        with self._failing(InstallError.INCORRECT_INPUT_VALUES):
            try:
                found = metadata.read(said)
            except UnsupportedClass as fault:
                raise self._failed(InstallError.UNSUPPORTED_PROFILE_CLASS, str(fault)) from None
        self._seen = found
        if found.iccid in self._expected.present:
            raise self._failed(InstallError.ICCID_ALREADY_EXISTS, "the profile is on this card already")
        if found.has_rules:
            raise self._failed(InstallError.PPR_NOT_ALLOWED, "the card allows no profile policy rules")
        return found

    def _check_elements(self, elements: bytes, found: Metadata) -> None:
        with self._failing(InstallError.PE_PROCESSING):
            iccid = package.iccid_of(elements)
        if iccid != found.iccid:
            raise self._failed(InstallError.ICCID_MISMATCH, "the header has another ICCID than the metadata")

    @contextmanager
    def _failing(self, error: InstallError) -> Iterator[None]:
        """Turn what is wrong with some bytes into the failure of the command that is being carried out."""
        try:
            yield
        except Malformed as fault:
            raise self._failed(error, str(fault)) from None
        except SecurityError as fault:
            raise self._failed(InstallError.SCP03T_SECURITY, str(fault)) from None

    def _failed(self, error: InstallError, why: str) -> InstallFailed:
        return InstallFailed(self._command, error, why, self._seen)
