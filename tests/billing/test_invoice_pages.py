"""Invoices on the page: complete, in the reader's language and habits, readable by everyone, and safe."""

from __future__ import annotations

import builtins
import hashlib
import re
import string
import subprocess
import sys
import zlib
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest

from mvne_billing.invoice.invoice import Invoice, LineKind, Parties
from mvne_billing.invoice.messages import FALLBACK, MESSAGES, written_in
from mvne_billing.invoice.rendering import (
    WIDTH,
    Look,
    PdfUnavailable,
    RenderingError,
    render_html,
    render_pdf,
    render_text,
)
from mvne_plans.money import Money
from mvne_plans.period import Period
from tests.billing.builders import Books, calls, moment
from tests.billing.golden import CASES, ENGLISH, FOLDER, FRANCE, NOTE, SENIOR, STAR, Case, euros, line

AMERICA = Look("US")
NBSP = "\u00a0"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["html", "text"])
def test_a_page_is_what_it_was_to_the_letter(name: str, kind: str) -> None:
    kept = (FOLDER / f"{name}.{'txt' if kind == 'text' else kind}").read_text()
    assert getattr(CASES[name], kind) == kept, "if this is meant: python -m tests.billing.golden, then read the diff"


def test_no_page_is_kept_that_nothing_makes() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.{end}" for name in CASES for end in ("html", "txt")}


def gaps(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", MESSAGES)
def test_every_language_has_every_message_with_the_same_gaps(language: str) -> None:
    words, others = MESSAGES[language], MESSAGES[FALLBACK]
    assert list(words) == list(others)
    for name, text in words.items():
        assert text.strip() == text != ""
        assert gaps(text) == gaps(others[name]), name


@pytest.mark.parametrize("kind", [kind for kind in LineKind if kind is not LineKind.USAGE])
def test_every_kind_of_line_has_its_words(kind: LineKind) -> None:
    assert all(kind.value in words for words in MESSAGES.values())


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("fr", "fr"),
        ("fr-CA", "fr"),
        ("fr_FR", "fr"),
        ("FR", "fr"),
        ("en", "en"),
        ("en-US", "en"),
        ("de", "en"),
        ("", "en"),
    ],
)
def test_whoever_reads_none_of_our_languages_gets_english(language: str, written: str) -> None:
    assert written_in(language) == written
    document = replace(SENIOR, parties=replace(SENIOR.parties, language=language))
    assert f'<html lang="{written}">' in render_html(document, FRANCE)


class Reader(HTMLParser):
    """Keeps what a screen reader goes by: tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_page_can_be_read_by_everyone(case: Case) -> None:
    page = Reader(case.html)
    assert page.open == []
    assert [attributes["lang"] for attributes in page.all("html")] == [written_in(case.document.parties.language)]
    assert [len(page.all(tag)) for tag in ("title", "main", "h1", "header", "footer")] == [1] * 5
    assert len(page.all("caption")) == len(page.all("table")) == 2
    assert {attributes.get("scope") for attributes in page.all("th")} == {"col", "row"}
    assert page.all("meta")[0] == {"charset": "utf-8"}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_page_is_complete_in_itself(case: Case) -> None:
    html = case.html
    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<img|\bsrc=|\bhref=", html)
    assert "{" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_stands_out_from_the_paper_whatever_the_brand_s_colour() -> None:
    html = render_html(SENIOR, Look("FR", "#ffff00"))
    colours = re.findall(r"(?<![-\w])color: (#[0-9a-f]{6})", html)
    assert len(colours) >= 3
    assert "#ffff00" not in colours
    for colour in colours:
        assert 1.05 / (luminance(colour) + 0.05) >= 7, colour


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "", "#123456;} body{display:none", "#123456\n"])
def test_a_colour_that_is_none_is_refused(colour: str) -> None:
    with pytest.raises(RenderingError, match="write it like #1f5f4a"):
        Look("FR", colour)


EVIL = '<script>alert("x")</script> & {{ 7 * 7 }} {% raw %}'


def test_whatever_people_call_themselves_is_text() -> None:
    document = replace(
        SENIOR,
        number=EVIL,
        customer=EVIL,
        subscription=EVIL,
        parties=Parties(EVIL, EVIL, EVIL, "fr"),
        lines=tuple(line(kind, EVIL, euros("1")) for kind in LineKind if kind is not LineKind.USAGE),
        taxes=(replace(SENIOR.taxes[0], name=EVIL),),
    )
    html = render_html(document, FRANCE)
    assert "<script" not in html
    shown = "".join(Reader(html).text)
    assert shown.count(EVIL) == 16
    assert "49" not in re.sub(r"&#\d+;", "", html)
    assert EVIL in re.sub(r"\n *", " ", render_text(document, FRANCE))


def test_braces_in_a_name_are_no_gaps() -> None:
    document = replace(SENIOR, lines=(line(LineKind.RECURRING, "{number} {0} {", euros("1"), "month"),))
    assert "Forfait {number} {0} {" in render_text(document, FRANCE)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
@pytest.mark.parametrize("kind", ["html", "text"])
def test_everything_that_belongs_on_an_invoice_is_on_it(case: Case, kind: str) -> None:
    shown = re.sub(r"[\s\u00a0]+", " ", "".join(Reader(case.html).text) if kind == "html" else case.text)
    document, french = case.document, case.document.parties.language == "fr"
    said = [document.number, document.customer, document.subscription, document.parties.contact]
    said += document.parties.seller.splitlines() + document.parties.buyer.splitlines()
    said += [tax.name for tax in document.taxes]
    said.append("TTC" if french else "tax")
    for text in said:
        assert text in shown, text
    if document.kind == "credit_note":
        assert ("annule intégralement" if french else "takes back invoice") in shown
        assert SENIOR.number in shown
    amounts = [document.net, document.total]
    amounts += [one.amount for one in document.lines] + [one.amount for one in document.taxes]
    for amount in amounts:
        digits = amount.decimal().lstrip("-")
        assert digits in shown.replace(" ", "").replace(",", "." if "€" in shown else ""), digits


@pytest.mark.parametrize(
    ("kind", "name", "quantity", "look", "language", "shown"),
    [
        (LineKind.RECURRING, "X", "month", FRANCE, "fr", "1 mois"),
        (LineKind.RECURRING, "X", "12 months", FRANCE, "fr", "12 mois"),
        (LineKind.RECURRING, "X", "30 days", AMERICA, "en", "30 days"),
        (LineKind.RECURRING, "X", "month", AMERICA, "en", "1 month"),
        (LineKind.USAGE, "voice", "1.5 min", FRANCE, "fr", "1 min 30 s"),
        (LineKind.USAGE, "voice", "59 s", FRANCE, "fr", "59 s"),
        (LineKind.USAGE, "voice", "60 min", AMERICA, "en", "60 min"),
        (LineKind.USAGE, "sms", "12345 sms", FRANCE, "fr", "12 345 SMS"),
        (LineKind.USAGE, "sms", "12345 sms", AMERICA, "en", "12,345 SMS"),
        (LineKind.USAGE, "data", "1.5 GB", FRANCE, "fr", "1,5 Go"),
        (LineKind.USAGE, "data", "1234.57 MB", AMERICA, "en", "1.23 GB"),
        (LineKind.USAGE, "data", "999.99 KB", AMERICA, "en", "999.99 kB"),
        (LineKind.FEE, "Recovery", "1.5 %", AMERICA, "en", "1.5%"),
        (LineKind.FEE, "Recovery", "20 %", FRANCE, "fr", "20 %"),
        (LineKind.FEE, "Recovery", "0.125 %", FRANCE, "fr", "0,125 %"),
        # What no rule of ours wrote stays as it was written.
        (LineKind.USAGE, "data", "9999999 TB", FRANCE, "fr", "9999999 TB"),
        (LineKind.RECURRING, "X", "a fortnight", FRANCE, "fr", "a fortnight"),
        (LineKind.ADDON, "X", "two", FRANCE, "fr", "two"),
    ],
)
def test_a_quantity_is_in_the_reader_s_units(
    kind: LineKind, name: str, quantity: str, look: Look, language: str, shown: str
) -> None:
    document = replace(
        SENIOR,
        parties=replace(SENIOR.parties, language=language),
        lines=(line(kind, name, euros("1"), quantity),),
    )
    assert f"\n  {shown}\n" in render_text(document, look)


@pytest.mark.parametrize(
    ("amount", "look", "language", "shown"),
    [
        (Money(123_456, "EUR"), FRANCE, "fr", "1 234,56 €"),
        (Money(123_456, "EUR"), FRANCE, "en", "1 234,56 €"),
        (Money(123_456, "EUR"), Look("IE"), "en", "€1,234.56"),
        (Money(-245, "USD"), AMERICA, "en", "-$2.45"),
        (Money(123_456, "JPY"), Look("JP"), "en", "JP¥123,456"),
        (Money(1_234, "KWD"), Look("KW"), "en", "KWD1.234"),
        (Money(1_234, "IQD"), Look("IQ"), "en", "IQD1.234"),
        (Money(123_456, "RSD"), Look("RS"), "fr", "1 234,56 RSD"),
        # Nobody writes French in Japan by rules of its own: French as it is written anywhere.
        (Money(123_456, "EUR"), Look("JP"), "fr", "1 234,56 €"),
    ],
)
def test_an_amount_is_written_as_in_the_territory(amount: Money, look: Look, language: str, shown: str) -> None:
    document = replace(
        SENIOR,
        parties=replace(SENIOR.parties, language=language),
        lines=(line(LineKind.FEE, "X", amount),),
        taxes=(),
        net=amount,
        total=amount,
    )
    assert render_text(document, look).count(f" {shown}\n") == 3
    assert shown.replace(" ", NBSP) in render_html(document, look)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_no_space_is_one_that_fonts_do_not_know(case: Case) -> None:
    assert not set("\u202f\u2009") & set(case.html)
    assert not set("\u202f\u2009\u00a0") & set(case.text)


@pytest.mark.parametrize(
    ("timezone", "at", "date"),
    [
        ("Europe/Paris", "2027-03-31 21:59", "31 mars 2027"),
        ("Europe/Paris", "2027-03-31 22:00", "1 avril 2027"),
        ("America/Los_Angeles", "2027-04-01 06:59", "31 mars 2027"),
        ("UTC", "2027-03-31 22:00", "31 mars 2027"),
    ],
)
def test_a_day_is_the_subscriber_s(timezone: str, at: str, date: str) -> None:
    document = replace(SENIOR, timezone=timezone, issued_at=moment(at))
    assert f"Date : {date}\n" in render_text(document, FRANCE)


def test_a_period_that_ends_at_midnight_ends_on_the_day_before() -> None:
    month = Period(moment("2027-03-01T00:00+01:00"), moment("2027-04-01T00:00+02:00"))
    document = replace(SENIOR, lines=(line(LineKind.RECURRING, "X", euros("1"), "", month),))
    assert "  du 1 mars 2027 au 31 mars 2027\n" in render_text(document, FRANCE)


@pytest.mark.parametrize(
    ("document", "paid_at", "note"),
    [
        (STAR, None, "will be collected from your payment card"),
        (STAR, "2027-03-02 07:59", "Paid by card on March 1, 2027."),
        (ENGLISH, None, "will be refunded to your payment card if you have paid it"),
        (ENGLISH, "2027-04-05 22:30", "Refunded to your payment card on 6 April 2027."),
        (SENIOR, "2027-04-05 22:30", "Payé par carte le 6 avril 2027."),
        (NOTE, "2027-04-05 22:30", "Remboursé sur votre carte de paiement le 6 avril 2027."),
        (replace(STAR, total=Money(0, "USD")), None, "There is nothing to pay."),
        (replace(STAR, total=Money(0, "USD")), "2027-03-02 07:59", "There is nothing to pay."),
    ],
)
def test_a_page_says_what_became_of_the_money(document: Invoice, paid_at: str | None, note: str) -> None:
    at = moment(paid_at) if paid_at else None
    look = AMERICA if document.timezone.startswith("America") else FRANCE
    assert note in render_text(document, look, at)
    assert note in "".join(Reader(render_html(document, look, at)).text)


def test_without_anybody_to_ask_there_is_no_line_that_says_whom() -> None:
    document = replace(SENIOR, parties=replace(SENIOR.parties, contact="", seller=""))
    assert "question" not in render_html(document, FRANCE) + render_text(document, FRANCE)


def test_plain_text_fits_its_width_however_long_the_names() -> None:
    long = "Un nom qui ne finit pas " * 12
    document = replace(
        SENIOR,
        parties=Parties(long, long, long, "fr"),
        lines=(line(LineKind.ADDON, long, Money(10**15, "EUR"), long),),
        taxes=(replace(SENIOR.taxes[0], name=long),),
    )
    text = render_text(document, FRANCE)
    assert max(map(len, text.splitlines())) == WIDTH
    assert "10 000 000 000 000,00 €" in text


@pytest.mark.parametrize(("territory", "paper"), [("FR", "A4"), ("GB", "A4"), ("US", "letter"), ("CA", "letter")])
def test_the_paper_is_what_the_territory_prints_on(territory: str, paper: str) -> None:
    assert f"@page {{ size: {paper};" in render_html(SENIOR, Look(territory))


def test_what_the_bill_run_issues_can_be_rendered(books: Books) -> None:
    books.subscribe()
    books.load(calls(65))
    first, second = books.bill("2027-04-01 09:00")
    assert "Forfait Douceur" in render_text(first, FRANCE)
    text = render_text(second, FRANCE)
    assert "du 1 avril 2027 au 1 mai 2027" in text
    assert re.search(r"Appels +0,25 €\n  65 min\n", text)


def objects(pdf: bytes) -> bytes:
    """Return the objects of a PDF, those in compressed streams unpacked."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.S)
    unpacked = []
    for stream in streams:
        with suppress(zlib.error):
            unpacked.append(zlib.decompress(stream))
    return pdf + b"".join(unpacked)


def test_a_pdf_is_tagged_titled_and_the_same_every_time() -> None:
    case = CASES["senior"]
    first = render_pdf(case.document, case.look)
    assert first == render_pdf(case.document, case.look)
    assert first.startswith(b"%PDF-")
    assert b"/Type /Catalog" in objects(first)
    assert b"/Lang (fr)" in objects(first)
    assert b"/MarkInfo" in objects(first)
    assert first != render_pdf(case.document, case.look, moment("2027-04-03"))


def test_a_pdf_is_the_same_in_another_process() -> None:
    program = (
        "import hashlib; from tests.billing.golden import CASES\n"
        "from mvne_billing.invoice.rendering import render_pdf\n"
        "print(hashlib.sha256(render_pdf(CASES['star'].document, CASES['star'].look)).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    case = CASES["star"]
    assert done.stdout.strip() == hashlib.sha256(render_pdf(case.document, case.look)).hexdigest()


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        (ModuleNotFoundError("No module named 'weasyprint'"), r'pip install "mvne\[pdf\]"'),
        (OSError("cannot load library 'libpango-1.0-0'"), "apt-get install libpango"),
    ],
)
def test_what_is_missing_for_a_pdf_is_named(monkeypatch: pytest.MonkeyPatch, problem: Exception, advice: str) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name == "weasyprint":
            raise problem
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PdfUnavailable, match=advice):
        render_pdf(SENIOR, FRANCE)


def test_a_pdf_fetches_nothing() -> None:
    from mvne_billing.invoice import rendering

    with pytest.raises(RenderingError, match="loads nothing"):
        rendering._fetch_nothing("https://example.com/x.css")


def test_billing_is_imported_without_what_only_pages_need() -> None:
    program = (
        "import sys, mvne_billing.cycle, mvne_billing.payments.attempts\n"
        "print([name for name in ('babel', 'jinja2', 'weasyprint') if name in sys.modules])\n"
        "import mvne_billing.invoice.rendering\n"
        "print([name for name in ('jinja2', 'weasyprint') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"


def test_the_templates_are_shipped_with_the_package() -> None:
    names = {item.name for item in (files("mvne_billing.invoice") / "templates").iterdir()}
    assert names >= {"invoice.html.j2", "invoice.txt.j2"}
