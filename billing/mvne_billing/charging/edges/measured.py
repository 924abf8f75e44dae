"""What a network element measured, or would like to have: seconds, octets, events, whichever the service counts."""

from __future__ import annotations

from dataclasses import dataclass

from mvne_plans.quantity import MOST, Kind


class WrongUnit(ValueError):
    """Use is told in a unit that its service is not charged by."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Amounts side by side, None where not told: seconds, octets (in all, up, down), and what the service counts."""

    seconds: int | None = None
    total: int | None = None
    uplink: int | None = None
    downlink: int | None = None
    specific: int | None = None

    @property
    def octets(self) -> int | None:
        """Octets in all: as told, or the sum of both ways."""
        if self.total is not None:
            return self.total
        told = [one for one in (self.uplink, self.downlink) if one is not None]
        return sum(told) if told else None

    def of(self, kind: Kind) -> int | None:
        """Return the amount in the base unit of a kind of use, None when none is told in it.

        Raises `WrongUnit` when it is told in other units only: use that nothing is charged for is a mistake.
        """
        by_kind = {Kind.VOICE: self.seconds, Kind.DATA: self.octets, Kind.SMS: self.specific}
        if by_kind[kind] is None and any(by_kind.values()):
            raise WrongUnit(f"{kind} is counted in {_UNITS[kind]}, and no {_UNITS[kind]} are told")
        return by_kind[kind]

    def wanted(self, kind: Kind) -> int:
        """Return how many units of a kind are asked for: 0 where that is left to us, never more than anybody uses."""
        return min(self.of(kind) or 0, MOST)


_UNITS = {Kind.VOICE: "seconds", Kind.DATA: "octets", Kind.SMS: "messages"}
