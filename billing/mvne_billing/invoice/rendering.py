"""Invoices as people read them: a web page, plain text, or a PDF, all from one page."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from mvne_billing.errors import BillingError
from mvne_billing.invoice.invoice import Invoice
from mvne_billing.invoice.page import Page

if TYPE_CHECKING:
    from jinja2 import Environment

#: How many characters a line of the plain text holds.
WIDTH = 76

#: Where paper is not A4 (CLDR, measurement data).
_LETTER = frozenset({"US", "CA", "MX", "CO", "CL", "PH", "VE", "PR", "GT", "CR", "SV", "PA", "NI", "DO", "BZ"})

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class RenderingError(BillingError):
    """The document cannot be rendered like this."""


class PdfUnavailable(RenderingError):
    """What makes PDFs is not installed; the message says how to install it."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a brand's documents look: its colour (`#rrggbb`) and the territory (ISO 3166) whose habits they follow."""

    territory: str
    colour: str = "#3b3b3b"

    def __post_init__(self) -> None:
        if not _COLOUR.fullmatch(self.colour):
            raise RenderingError(f"{self.colour!r} is not a colour; write it like #1f5f4a")

    @property
    def paper(self) -> str:
        """The size of the paper, as CSS names it."""
        return "letter" if self.territory in _LETTER else "A4"


def render_html(document: Invoice, look: Look, paid_at: datetime | None = None) -> str:
    """Return a document as one self-contained web page; `paid_at` is when its money came in, or went back."""
    return _render("invoice.html.j2", document, look, paid_at)


def render_text(document: Invoice, look: Look, paid_at: datetime | None = None) -> str:
    """Return a document as plain text in lines of at most `WIDTH` characters."""
    return _render("invoice.txt.j2", document, look, paid_at).replace("\u00a0", " ")


def render_pdf(document: Invoice, look: Look, paid_at: datetime | None = None) -> bytes:
    """Return a document as a tagged PDF of the same page; the same document gives the same bytes.

    Raises `PdfUnavailable` when WeasyPrint or the libraries below it are not installed.
    """
    try:
        from weasyprint import HTML
    except ImportError as error:
        raise PdfUnavailable(f'PDFs need one more package ({error}): pip install "mvne[pdf]"') from None
    except OSError as error:
        needed = "apt-get install libpango-1.0-0 libpangoft2-1.0-0"
        raise PdfUnavailable(f"PDFs need the Pango library ({error}): {needed}") from None
    page = HTML(string=render_html(document, look, paid_at), url_fetcher=_fetch_nothing)
    made: bytes = page.write_pdf(pdf_variant="pdf/ua-1", pdf_identifier=document.number.encode())
    return made


def _fetch_nothing(url: str) -> dict[str, object]:
    raise RenderingError(f"an invoice is complete in itself and loads nothing, not even {url}")


def _render(template: str, document: Invoice, look: Look, paid_at: datetime | None) -> str:
    page = Page(document, look.territory, paid_at)
    return _environment().get_template(template).render(page=page, words=page.words, look=look)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mvne_billing.invoice", "templates"),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["wrapped"] = _wrapped
    environment.globals |= {"both_sides": _both_sides, "width": WIDTH}
    return environment


def _wrapped(text: str, indent: int = 0) -> str:
    """Break text into lines that fit, each indented."""
    lines = [line for part in text.splitlines() for line in textwrap.wrap(part, WIDTH - indent) or [""]]
    return "\n".join(" " * indent + line for line in lines)


def _both_sides(left: str, right: str) -> str:
    """Put one text at the left edge and one at the right, on as many lines as it takes."""
    *before, last = textwrap.wrap(left, WIDTH - len(right) - 2) or [""]
    return "\n".join([*before, f"{last}{right.rjust(WIDTH - len(last))}"])
