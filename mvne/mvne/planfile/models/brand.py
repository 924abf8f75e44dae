"""The brand: who sells, and where."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mvne.planfile.models.section import Section, TextFirst
from mvne.planfile.scalars import Amount, Count, Id, Number, Segment, Text, Words


class Audience(Section):
    """Who may sign up."""

    minimum_age: Annotated[Count | None, Field(None, description="Age in years from which one may sign up.")]


class Theme(Section):
    """How the brand looks."""

    primary: Annotated[
        Text, Field(pattern=r"^#[0-9A-Fa-f]{6}$", description="Main colour, #rrggbb, in quotes: # begins a comment.")
    ]


class Support(Section):
    """Where subscribers find help."""

    email: Annotated[Text | None, Field(None, pattern=r"^[^@\s]+@[^@\s]+$", description="Address that answers.")]
    phone: Annotated[Number | None, Field(None, description="Number in international form.")]


class BrandSection(Section):
    """Who sells, and where."""

    id: Annotated[Id, Field(description="Short name used in the store and in URLs; it never changes.")]
    name: Annotated[Text, Field(min_length=1, max_length=80, description="Name as subscribers read it.")]
    market: Annotated[
        Text, Field(description="Market pack, an ISO 3166 country: numbering, tax, law, what domestic means.")
    ]
    languages: Annotated[
        Words | None, Field(None, description="Languages, first is the default; the market's if absent.")
    ]
    timezone: Annotated[
        Text | None, Field(None, description="Time zone of the calendar; the market's first if absent.")
    ]
    currency: Annotated[Text | None, Field(None, description="Currency; it is the market's.")]
    euro_rate: Annotated[
        Amount | None,
        Field(None, description="What a euro is worth in the currency, for limits that EU law writes in euros."),
    ]
    audience: Annotated[Audience | None, Field(None, description="Who may sign up.")]
    theme: Annotated[Theme | None, Field(None, description="How the brand looks.")]
    support: Annotated[Support | None, Field(None, description="Where subscribers find help.")]
    segment: Annotated[
        Segment | None, TextFirst, Field(None, description="Sort of subscribers: only the expected use comes from it.")
    ]
