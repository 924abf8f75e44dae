"""The words of a report, in French and in English."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from types import ModuleType

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from mvne.sandbox import english, french
from mvne.sandbox.simulation import Failure
from mvne_plans.money import exponent, round_line


@dataclass(frozen=True, slots=True)
class Words:
    """The words, numbers and dates of one language; any other language than French reads English."""

    language: str
    currency: str

    @property
    def _texts(self) -> ModuleType:
        return french if self.language == "fr" else english

    def say(self, key: str, **values: object) -> str:
        """Return a text with its values."""
        text: str = self._texts.TEXTS[key]
        return text.format(**values)

    def failure(self, failure: Failure) -> str:
        """Return what a failure is."""
        return str(self._texts.FAILURES[failure])

    def name(self, name: str) -> str:
        """Return what an account or an event is called; its technical name if it has no other."""
        return str(self._texts.NAMES.get(name, name))

    def reason(self, reason: str) -> str:
        """Return a reason in words."""
        return str(self._texts.REASONS.get(reason, reason.replace("_", " ")))

    def assumptions(self) -> tuple[str, ...]:
        """Return what the simulation takes for granted."""
        return tuple(self._texts.ASSUMPTIONS)

    def money(self, micro: int) -> str:
        """Write an amount in micro-units, rounded as a bill line is, without its currency."""
        places = exponent(self.currency)
        pattern = "#,##0" + ("." + "0" * places if places else "")
        minor = round_line(micro, self.currency)
        return format_decimal(minor.decimal(), format=pattern, locale=self.language)

    def number(self, number: int) -> str:
        """Write a whole number."""
        return format_decimal(number, locale=self.language)

    def share(self, part: int, whole: int) -> str:
        """Write a share in percent with one decimal; a dash where there is no whole."""
        return format_percent(part / whole, format="0.0 %", locale=self.language) if whole > 0 else "–"

    def day(self, day: date) -> str:
        """Write a date."""
        return format_date(day, format="long", locale=self.language)

    def month(self, month: str) -> str:
        """Write a month, given as `2027-01`."""
        return format_date(date.fromisoformat(f"{month}-01"), format="LLL yyyy", locale=self.language)


def words(language: str, currency: str) -> Words:
    """Return the words of a language."""
    return Words("fr" if language.split("-")[0] == "fr" else "en", currency)
