"""Prices of use: in one line of text, or key by key with steps and time bands; and those of use abroad."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mvne.planfile.models.section import Section, TextFirst
from mvne.planfile.scalars import (
    AS_MAP,
    AS_PRICE,
    AS_TEXT,
    BY_PRICE,
    BY_SHAPE,
    Amount,
    Limited,
    Percent,
    Quantity,
    RateText,
    Steps,
    Text,
)


class TierSection(Section):
    """A step of a price over the units charged for in the period."""

    up_to: Annotated[Quantity | None, Field(None, description="Where the step ends; the last one has no end.")]
    price: Annotated[RateText, Field(description="Price per unit in it, such as 0.10/min or 1.00/100 MB.")]
    flat: Annotated[Amount | None, Field(None, description="Amount for entering it, once.")]


class PriceSection(Section):
    """A price of use, key by key. A text such as 0.05/min 60/1 setup 0.10 says the same where it can."""

    price: Annotated[RateText | None, Field(None, description="Price per unit, such as 0.05/min; or write tiers.")]
    increments: Annotated[
        Steps | None, Field(None, description="How use is counted, such as 60/1: a whole first minute, then seconds.")
    ]
    setup: Annotated[Amount | None, Field(None, description="Added once per session that is charged for.")]
    minimum: Annotated[Amount | None, Field(None, description="Least that a session costs, set-up included.")]
    maximum: Annotated[Amount | None, Field(None, description="Most that a session costs.")]
    at_maximum: Annotated[
        Literal["free", "stop"] | None,
        TextFirst,
        Field(None, description="At the maximum: free (it goes on, if absent) or stop."),
    ]
    percent: Annotated[Percent | None, Field(None, description="Percentage on top of the session's price.")]
    tiers: Annotated[
        list[TierSection] | None, Field(None, min_length=1, description="Steps over the period, instead of price.")
    ]
    tiers_are: Annotated[
        Literal["graduated", "volume", "package"] | None,
        TextFirst,
        Field(
            None,
            description=(
                "graduated (if absent): each unit costs what its step says; volume: all units cost what the step "
                "reached says; package: by started block of the step's unit."
            ),
        ),
    ]
    bands: Annotated[
        dict[Text, RateText] | None, Field(None, description="Other prices by time band: {evening: 0.02/min}.")
    ]


Price = Annotated[Annotated[RateText, AS_TEXT] | Annotated[PriceSection, AS_MAP], BY_SHAPE]
ZonePrices = Annotated[
    Annotated[RateText, AS_TEXT] | Annotated[PriceSection, AS_PRICE] | Annotated[dict[Text, Price], AS_MAP], BY_PRICE
]


class KindPrices(Section):
    """Prices by kind of use."""

    voice: Annotated[Price | None, Field(None, description="Price of a minute.")]
    sms: Annotated[Price | None, Field(None, description="Price of a message.")]
    data: Annotated[Price | None, Field(None, description="Price of a gigabyte.")]


class RoamingSection(KindPrices):
    """Use in a zone abroad: at prices of its own, or as at home within a fair use."""

    treatment: Annotated[
        Literal["domestic"] | None,
        TextFirst,
        Field(None, alias="as", description="domestic: as at home; then voice, sms and data belong under then."),
    ]
    fair_use: Annotated[
        Limited | None,
        Field(
            None,
            description=(
                "How much included data works there: 20 GB; auto is the volume that the EU asks for on any day, "
                "auto 2027-01-01 that of a day."
            ),
        ),
    ]
    then: Annotated[
        KindPrices | None, Field(None, description="Prices of use beyond the fair use; what the plan says if absent.")
    ]


Treatment = Annotated[Annotated[Text, AS_TEXT] | Annotated[RoamingSection, AS_MAP], BY_SHAPE]
RoamingMap = dict[Text, Treatment]
