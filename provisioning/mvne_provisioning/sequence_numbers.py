"""Sequence numbers of authentication: which the home network gives and which a SIM takes (3GPP TS 33.102, annex C).

SQN is a whole number of 48 bits. Its low 5 bits are IND, the rest SEQ (C.3.2): for each IND the SIM remembers the
highest SEQ that it accepted, so vectors may arrive out of order within 32.
"""

from __future__ import annotations

from dataclasses import dataclass

from mvne_provisioning.errors import ProvisioningError

_IND_BITS = 5
_INDEXES = 1 << _IND_BITS
#: How far SEQ may jump ahead at once (TS 33.102 C.3.2): so nobody can use up a SIM's numbers with one vector.
_DELTA = 1 << 28
_SQN_LIMIT = 1 << 48


class BadSequenceNumber(ProvisioningError, ValueError):
    """This is no sequence number, or there is none after it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a SIM remembers of sequence numbers: for each IND the highest SEQ it accepted."""

    sequences: tuple[int, ...] = (0,) * _INDEXES

    @property
    def highest(self) -> int:
        """The highest SQN accepted, which an AUTS reports (SQN_MS)."""
        return max(sequence << _IND_BITS | index for index, sequence in enumerate(self.sequences))

    def accepts(self, sqn: int) -> bool:
        """Say whether an SQN is fresh and not too far ahead."""
        sequence, index = sqn >> _IND_BITS, sqn % _INDEXES
        return self.sequences[index] < sequence <= max(self.sequences) + _DELTA

    def after(self, sqn: int) -> Seen:
        """Return what is remembered once an SQN was accepted."""
        index = sqn % _INDEXES
        return Seen((*self.sequences[:index], sqn >> _IND_BITS, *self.sequences[index + 1 :]))


def next_sqn(sqn: int) -> int:
    """Return the SQN after one: SEQ and IND each go on by one (TS 33.102 C.1.1.1, C.3.2); raise `BadSequenceNumber`.

    >>> next_sqn(0), next_sqn(31)
    (33, 32)
    """
    following = ((sqn >> _IND_BITS) + 1) << _IND_BITS | (sqn + 1) % _INDEXES
    if following >= _SQN_LIMIT:
        raise BadSequenceNumber("the sequence numbers of this SIM are used up; it must be replaced")
    return following


def resynchronised(network: int, card: int) -> int:
    """Return the network's SQN after a SIM has reported its own (TS 33.102 6.3.5).

    It stays when the SIM would take the next one anyway, so an old AUTS sent again cannot turn the network back.
    """
    ahead = (next_sqn(network) >> _IND_BITS) - (card >> _IND_BITS)
    return network if 0 < ahead <= _DELTA else card


def sqn_bytes(sqn: int) -> bytes:
    """Return an SQN as the 6 bytes it is sent in; raise `BadSequenceNumber`."""
    if not 0 <= sqn < _SQN_LIMIT:
        raise BadSequenceNumber("a sequence number has 48 bits")
    return sqn.to_bytes(6)
