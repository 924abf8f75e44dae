"""Reads the fields of an operator's call; what is missing or malformed is refused by its name (1.6/2.1, 1.6/2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.identifier import IdentifierError
from mvne_provisioning.smdp.port import Es2Failed, FinalState

#: No field of ES2+ is longer.
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a JSON object. Every method raises `Es2Failed`; null counts as absent."""

    content: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """Return a text, None when it is absent."""
        found = self.content.get(name)
        if found is None:
            return None
        if not isinstance(found, str) or len(found) > _LONGEST or not found.isprintable():
            raise Es2Failed("1.6", "2.1", f"{name} is a text of at most {_LONGEST} printable characters")
        return found

    def needed(self, name: str) -> str:
        """Return a text that must be there and say something."""
        if not (found := self.text(name)):
            raise Es2Failed("1.6", "2.2", f"{name} is missing")
        return found

    def flag(self, name: str) -> bool:
        """Return a boolean that must be there."""
        found = self.content.get(name)
        if found is None:
            raise Es2Failed("1.6", "2.2", f"{name} is missing")
        if not isinstance(found, bool):
            raise Es2Failed("1.6", "2.1", f"{name} is true or false")
        return found

    def iccid(self) -> Iccid | None:
        """Return the ICCID, padded or not, None when it is absent."""
        try:
            return Iccid(found) if (found := self.text("iccid")) else None
        except IdentifierError:
            raise Es2Failed("1.6", "2.1", "iccid has 18 to 20 digits, the last of which is a check digit") from None

    def needed_iccid(self) -> Iccid:
        """Return the ICCID, which must be there."""
        if (found := self.iccid()) is None:
            raise Es2Failed("1.6", "2.2", "iccid is missing")
        return found

    def eid(self) -> Eid | None:
        """Return the EID, None when it is absent."""
        try:
            return Eid(found) if (found := self.text("eid")) else None
        except IdentifierError:
            raise Es2Failed("1.6", "2.1", "eid has 32 digits, the last two of which are check digits") from None

    def final_state(self) -> FinalState:
        """Return what is to become of a cancelled profile, which must be said."""
        try:
            return FinalState(self.needed("finalProfileStatusIndicator"))
        except ValueError:
            words = "finalProfileStatusIndicator is Available or Unavailable"
            raise Es2Failed("1.6", "2.1", words) from None
