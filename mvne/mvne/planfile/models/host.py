"""The host network: what it charges, and what it gives the brand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mvne.planfile.models.prices import ZonePrices
from mvne.planfile.models.rules import Kinds
from mvne.planfile.models.section import Section, TextFirst
from mvne.planfile.scalars import AS_LIST, AS_MAP, BY_SHAPE, Count, Day, FileName, Number, Percent, PricePer, Text


class CapacitySection(Section):
    """Use that is bought as a whole: nothing by the unit."""

    of: Annotated[Kinds, Field(description="Kinds of use that it pays for.")]
    price: Annotated[PricePer, Field(description="For the whole brand, such as 5000/month.")]


class AgreementSection(Section):
    """What the host network charges, from a date on."""

    starts: Annotated[Day, Field(alias="from", description="First day on which it is in force.")]
    line: Annotated[PricePer | None, Field(None, description="Per active line and period, such as 0.60/month.")]
    voice: Annotated[ZonePrices | None, Field(None, description="Price of a minute: one for all, or by zone.")]
    sms: Annotated[ZonePrices | None, Field(None, description="Price of a message: one for all, or by zone.")]
    data: Annotated[ZonePrices | None, Field(None, description="Price of a gigabyte: one for all, or by zone.")]
    rates: Annotated[FileName | None, Field(None, description="CSV of wholesale prices by called prefix.")]
    capacity: Annotated[CapacitySection | None, Field(None, description="Use bought as a whole, at a fixed price.")]
    retail_minus: Annotated[
        Percent | None,
        Field(None, description="The host takes the retail price of use and of plans less this percentage."),
    ]
    minimum: Annotated[PricePer | None, Field(None, description="Least the brand pays per period, such as 500/month.")]


class NumberRange(Section):
    """Numbers from one to another, both included."""

    first: Annotated[Number, Field(alias="from", description="First number.")]
    last: Annotated[Number, Field(alias="to", description="Last number, included.")]


class HostSection(Section):
    """The network that carries the brand, and what it gives it."""

    network: Annotated[
        Literal["simulated"], TextFirst, Field(description="Host network; simulated needs nobody's permission.")
    ]
    agreement: Annotated[
        Annotated[
            Annotated[AgreementSection, AS_MAP] | Annotated[list[AgreementSection], AS_LIST],
            BY_SHAPE,
        ],
        Field(description="Wholesale agreement, or a list of its dated versions."),
    ]
    numbers: Annotated[list[NumberRange] | None, Field(None, description="Number ranges the host gives the brand.")]
    profiles: Annotated[Count | None, Field(None, description="eSIM profiles in the pool.")]
    profile_type: Annotated[Text | None, Field(None, max_length=60, description="Profile type known to the SM-DP+.")]
