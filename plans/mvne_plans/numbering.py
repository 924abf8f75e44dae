"""Which number is being called: longest prefix over a numbering plan, special numbers kept apart.

A number is either in international form, `+` and digits (E.164), or a short code, digits only (`112`, `3639`).
`domestic` means a country's *ordinary* numbers: premium, freephone, satellite and emergency numbers lie under a
country's prefix too, and never ride along with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class NumberKind(StrEnum):
    """What sort of number lies behind a prefix."""

    ORDINARY = "ordinary"
    EMERGENCY = "emergency"  #: always free, never counted
    FREEPHONE = "freephone"  #: free to the caller
    PREMIUM = "premium"  #: value-added or shared-cost services: priced only by their own row of a rate deck
    SATELLITE = "satellite"
    SHORT = "short"  #: operator and service short codes that are none of the above


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a called number leads: the prefix that matched, an ISO 3166 country (None for none) and its kind."""

    prefix: str
    country: str | None
    kind: NumberKind
    name: str


@dataclass(frozen=True)
class NumberingPlan:
    """The world as one market dials it: prefixes of `+` numbers and short codes, and how national numbers are written.

    `country` is the ISO code of home, `country_code` its E.164 code (`33`), `trunk_prefix` what comes before a national
    number (`0` in France, None where nothing is dropped). `national_length` holds the lengths of a national significant
    number in markets that dial it bare (10 digits in North America); empty elsewhere. `international_prefix` is what is
    dialled before a country code: `00` by ITU-T E.164's advice, `011` in North America.
    """

    country: str
    country_code: str
    trunk_prefix: str | None
    destinations: tuple[Destination, ...]
    national_lengths: tuple[int, ...] = ()
    international_prefix: str = "00"
    _by_prefix: dict[str, Destination] = field(init=False, repr=False, compare=False)
    _longest: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        table = {destination.prefix: destination for destination in self.destinations}
        object.__setattr__(self, "_by_prefix", table)
        object.__setattr__(self, "_longest", max(map(len, table), default=0))

    def normalise(self, dialled: str) -> str:
        """Return a dialled number in international form; short codes stay as they are.

        `0612345678` in France is `+33612345678`; the international prefix is read as `+`; spaces, dots and dashes go.
        """
        if dialled.startswith("+") and dialled[1:].isdigit():
            return dialled
        number = "".join(sign for sign in dialled if sign not in " .-()")
        if number.startswith("+"):
            return number
        abroad = self.international_prefix
        if number.startswith(abroad) and len(number) > len(abroad) + 4:
            return "+" + number[len(abroad) :]
        if number in self._by_prefix:
            return number
        if self.trunk_prefix and number.startswith(self.trunk_prefix) and len(number) > 7:
            return f"+{self.country_code}{number[len(self.trunk_prefix) :]}"
        if len(number) in self.national_lengths:
            return f"+{self.country_code}{number}"
        return number

    def classify(self, number: str) -> Destination | None:
        """Return the destination of the longest matching prefix, or None when no prefix matches.

        A short code matches only as a whole: `112` is not the beginning of `1123`.
        """
        if not number.startswith("+"):
            return self._by_prefix.get(number)
        for length in range(min(len(number), self._longest), 1, -1):
            found = self._by_prefix.get(number[:length])
            if found:
                return found
        return None


def longest_prefix(number: str, table: Iterable[str]) -> str | None:
    """Return the longest of `table` that begins `number`: the plain rule that every faster lookup must equal.

    >>> longest_prefix("+447700900123", ["+44", "+447", "+33"])
    '+447'
    """
    return max((prefix for prefix in table if number.startswith(prefix)), key=len, default=None)
