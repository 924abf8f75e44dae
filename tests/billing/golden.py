"""Invoices whose whole pages are kept under `tests/golden/invoices`, to be compared to the letter.

After a change that is meant: `python -m tests.billing.golden` writes them anew; then read what `git diff` shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mvne_billing.invoice.invoice import Invoice, Line, LineKind, Parties
from mvne_billing.invoice.rendering import Look, render_html, render_text
from mvne_billing.tax import TaxLine
from mvne_plans.money import Money
from mvne_plans.period import Period
from tests.billing.builders import moment

FOLDER = Path(__file__).parents[1] / "golden" / "invoices"

TILLEUL = Parties(
    "Tilleul Mobile SAS\n12 rue des Tilleuls\n75012 Paris",
    "aide@tilleul.example · +33199001234",
    "Jeanne Martin\n3 place du Marché\n35000 Rennes",
    "fr",
)
COMET = Parties(
    "Comet Mobile LLC\n100 Main Street\nAustin, TX 78701",
    "help@comet.example · +15125550100",
    "Sam O'Neil <sam@example.com>\n42 Ocean Drive\nSan Diego, CA 92101",
    "en-US",
)


def euros(text: str) -> Money:
    return Money.parse(text, "EUR")


def dollars(text: str) -> Money:
    return Money.parse(text, "USD")


def line(kind: LineKind, name: str, amount: Money, quantity: str = "", period: Period | None = None) -> Line:
    return Line(kind, name, amount, amount.micro, quantity, period)


MARCH = Period(moment("2027-03-01T11:00+01:00"), moment("2027-04-01T11:00+02:00"))
SENIOR = Invoice(
    id="inv:line-a:1",
    kind="invoice",
    number="TILLEUL-2027-000042",
    subscription="line-a",
    customer="sub-7",
    parties=TILLEUL,
    # 31 March in UTC, 1 April in Paris.
    issued_at=moment("2027-03-31 22:30"),
    lines=(
        line(LineKind.RECURRING, "Douceur", euros("4.90"), "month", MARCH),
        line(LineKind.PROMOTION, "bienvenue", euros("-2.45")),
        line(LineKind.ADDON, "Un gigaoctet de plus", euros("3.00"), period=MARCH),
        line(LineKind.USAGE, "voice", euros("1234.56"), "3661 s"),
        line(LineKind.USAGE, "sms", euros("0.06"), "1200 sms"),
        line(LineKind.USAGE, "data", euros("0.85"), "1234567.89 KB"),
    ),
    taxes=(TaxLine("TVA", "20", euros("1034.10"), euros("206.82")),),
    tax_included=True,
    net=euros("1034.10"),
    total=euros("1240.92"),
    timezone="Europe/Paris",
)
STAR = Invoice(
    id="inv:line-b:0",
    kind="invoice",
    number="COMET-2027-000007",
    subscription="line-b",
    customer="sub-9",
    parties=COMET,
    # 2 March in UTC, still 1 March in California.
    issued_at=moment("2027-03-02 05:00"),
    lines=(
        line(
            LineKind.RECURRING,
            "Comet Fan",
            dollars("45.00"),
            "90 days",
            Period(moment("2027-03-01T00:00-08:00"), moment("2027-05-30T00:00-07:00")),
        ),
        line(LineKind.FEE, "Regulatory recovery fee", dollars("0.68"), "1.5 %"),
        line(LineKind.USAGE, "voice", dollars("2.40"), "12 min"),
    ),
    taxes=(
        TaxLine("California sales tax", "7.25", dollars("48.08"), dollars("3.49")),
        TaxLine("911 surcharge", "0", dollars("48.08"), dollars("0.30")),
    ),
    tax_included=False,
    net=dollars("48.08"),
    total=dollars("51.87"),
    timezone="America/Los_Angeles",
)
NOTE = replace(
    SENIOR,
    id="note-1",
    kind="credit_note",
    number="TILLEUL-2027-C-000003",
    issued_at=moment("2027-04-02 10:00"),
    lines=(line(LineKind.CREDIT, SENIOR.number, euros("-1240.92")),),
    taxes=(TaxLine("TVA", "20", euros("-1034.10"), euros("-206.82")),),
    net=euros("-1034.10"),
    total=euros("-1240.92"),
    corrects=SENIOR.id,
)
ENGLISH = replace(NOTE, parties=replace(TILLEUL, language="en"))


@dataclass(frozen=True, slots=True)
class Case:
    """A document with all that its rendering takes."""

    document: Invoice
    look: Look
    paid_at: datetime | None = None

    @property
    def html(self) -> str:
        return render_html(self.document, self.look, self.paid_at)

    @property
    def text(self) -> str:
        return render_text(self.document, self.look, self.paid_at)


FRANCE = Look("FR", "#1f5f4a")
CASES = {
    "senior": Case(SENIOR, FRANCE),
    "senior_paid": Case(SENIOR, FRANCE, moment("2027-04-03 08:00")),
    "star": Case(STAR, Look("US", "#5b2a86"), moment("2027-03-01 20:00")),
    "credit_note": Case(NOTE, FRANCE),
    "credit_note_in_english": Case(ENGLISH, FRANCE, moment("2027-04-02 12:00")),
}


def main() -> None:
    """Write every page anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, case in CASES.items():
        (FOLDER / f"{name}.html").write_text(case.html)
        (FOLDER / f"{name}.txt").write_text(case.text)


if __name__ == "__main__":
    main()
