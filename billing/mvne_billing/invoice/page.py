"""What stands on an invoice's page: every word, amount and date as its reader writes them, ready to be laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent
from babel.units import format_unit

from mvne_billing.invoice.invoice import Invoice, Line, LineKind
from mvne_billing.invoice.messages import MESSAGES, written_in
from mvne_billing.tax import TaxLine
from mvne_plans.money import Money, exponent
from mvne_plans.period import Every, Period, PeriodError
from mvne_plans.quantity import Kind, QuantityError, parse_units


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page: what it is for, over which time, how much of it, for how much."""

    label: str
    period: str
    quantity: str
    amount: str


@dataclass(frozen=True)
class Page:
    """A document and how its reader writes: `territory` (ISO 3166) chooses between the habits of one language."""

    document: Invoice
    territory: str
    paid_at: datetime | None = None

    @property
    def language(self) -> str:
        """The language it is written in."""
        return written_in(self.document.parties.language)

    @cached_property
    def locale(self) -> Locale:
        """The language as it is written in the territory, or as it is written anywhere."""
        for name in (f"{self.language}_{self.territory}", f"{self.language}_001"):
            try:
                return Locale.parse(name)
            except UnknownLocaleError:
                continue
        return Locale.parse(self.language)

    @property
    def words(self) -> Mapping[str, str]:
        """The messages in the language of the page."""
        return MESSAGES[self.language]

    @property
    def credits(self) -> bool:
        """Whether it is a credit note."""
        return self.document.kind == "credit_note"

    @property
    def title(self) -> str:
        """What it is, with its number."""
        return f"{self.words[self.document.kind]} {self.document.number}"

    @property
    def seller(self) -> str:
        """The seller's name: the first line of its address."""
        return self.document.parties.seller.partition("\n")[0]

    @property
    def date(self) -> str:
        """The day of issue where the subscriber is."""
        return self.day(self.document.issued_at)

    @property
    def corrects(self) -> str:
        """Which invoice a credit note takes back; nothing on an invoice."""
        return self.words["corrects"].format(number=self.document.lines[0].name) if self.credits else ""

    @property
    def amount_heading(self) -> str:
        """The heading of the amounts, saying whether tax is in them."""
        return self.words["amount_with_tax" if self.document.tax_included else "amount_without_tax"]

    @property
    def tax_note(self) -> str:
        """The sentence that says whether tax is in the amounts."""
        return self.words["prices_with_tax" if self.document.tax_included else "prices_without_tax"]

    @property
    def rows(self) -> list[Row]:
        """The lines of the document."""
        return [
            Row(self.label(line), self.span(line.period), self.quantity(line), self.money(line.amount))
            for line in self.document.lines
        ]

    @property
    def taxes(self) -> list[tuple[str, str]]:
        """Each tax with its rate and base, and its amount."""
        return [(self.tax(one), self.money(one.amount)) for one in self.document.taxes]

    @property
    def net(self) -> str:
        """The total excluding tax."""
        return self.money(self.document.net)

    @property
    def total(self) -> str:
        """The total including tax."""
        return self.money(self.document.total)

    @property
    def payment_note(self) -> str:
        """What has become of the money, or will."""
        if not self.document.total:
            return self.words["nothing_to_pay"]
        done, to_do = ("refunded", "to_be_refunded") if self.credits else ("paid", "to_be_paid")
        return self.words[done].format(date=self.day(self.paid_at)) if self.paid_at else self.words[to_do]

    @property
    def contact(self) -> str:
        """Whom to ask."""
        return self.words["contact"].format(contact=self.document.parties.contact)

    def label(self, line: Line) -> str:
        """Return what a line is for."""
        if line.kind is LineKind.CORRECTION:
            kind, _, number = line.name.partition(" ")
            return self.words["correction" if number else "correction_of_none"].format(
                name=self.words.get(kind, kind), number=number
            )
        if line.kind is LineKind.UNUSED:
            return self.words["unused"].format(name=self.words.get(line.name, line.name))
        message = line.name if line.kind is LineKind.USAGE else line.kind.value
        return self.words[message].format(name=line.name, number=line.name)

    def tax(self, one: TaxLine) -> str:
        """Return a tax with its rate and what it is on, or its name alone when it is no percentage."""
        percent = Decimal(one.percent)
        message = self.words["tax" if percent else "fixed_tax"]
        return message.format(name=one.name, percent=self.percent(percent), base=self.money(one.base))

    def quantity(self, line: Line) -> str:
        """Return how much of it there is, in the reader's units; what is no quantity of ours stays as it is."""
        try:
            if line.kind is LineKind.RECURRING and line.quantity:
                every = Every.parse(line.quantity)
                return self.unit(Decimal(every.count), f"duration-{every.unit}", "long")
            if line.kind is LineKind.USAGE and line.quantity:
                return self.used(Kind(line.name), parse_units(line.quantity, Kind(line.name)))
        except (PeriodError, QuantityError):
            return line.quantity
        if line.kind is LineKind.FEE and line.quantity.endswith(" %"):
            return self.percent(Decimal(line.quantity.removesuffix(" %")))
        return line.quantity

    def used(self, kind: Kind, units: int) -> str:
        """Return an amount of use: minutes and seconds, messages, or the largest unit of data that it fills."""
        if kind is Kind.SMS:
            return spaced(f"{format_decimal(units, locale=self.locale)}\u00a0SMS")
        if kind is Kind.VOICE:
            parts = zip(divmod(units, 60), ("duration-minute", "duration-second"), strict=True)
            return " ".join(self.unit(Decimal(count), name) for count, name in parts if count)
        sizes = ((10**9, "digital-gigabyte"), (10**6, "digital-megabyte"), (10**3, "digital-kilobyte"))
        size, name = next((one for one in sizes if units >= one[0]), (1, "digital-byte"))
        return self.unit(Decimal(units) / size, name)

    def unit(self, count: Decimal, name: str, length: str = "short") -> str:
        """Return a number of a unit of CLDR, with two decimals at most."""
        chosen: str = format_unit(count, name, length=length, format="#,##0.##", locale=self.locale)  # type: ignore[arg-type]  # the stub wants literals
        return spaced(chosen)

    def percent(self, percent: Decimal) -> str:
        """Return a percentage with the decimals it has."""
        pattern = self.locale.percent_formats[None].pattern.replace("0", "0.####", 1)
        return spaced(format_percent(percent / 100, pattern, locale=self.locale))

    def money(self, amount: Money) -> str:
        """Return an amount with its currency, to the last of our decimals: CLDR rounds some currencies away."""
        places = exponent(amount.currency)
        pattern = self.locale.currency_formats["standard"].pattern.replace("0.00", f"0.{'0' * places}".rstrip("."))
        value = Decimal(amount.decimal())
        return spaced(format_currency(value, amount.currency, pattern, locale=self.locale, currency_digits=False))

    def span(self, period: Period | None) -> str:
        """Return the first and the last day of a period; its end, excluded, may fall on the morning after."""
        if period is None:
            return ""
        last = period.end - timedelta(microseconds=1)
        return self.words["span"].format(start=self.day(period.start), end=self.day(last))

    def day(self, moment: datetime) -> str:
        """Return the day where the subscriber is."""
        local = moment.astimezone(ZoneInfo(self.document.timezone)).date()
        return spaced(format_date(local, "long", locale=self.locale))


def spaced(text: str) -> str:
    """Write the narrow no-break spaces of CLDR as ordinary no-break spaces, which every font and reader knows."""
    return text.replace("\u202f", "\u00a0").replace("\u2009", "\u00a0")
