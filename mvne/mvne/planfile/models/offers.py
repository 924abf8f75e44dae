"""What is sold beside plans, and what plans refer to: number groups, services, add-ons, promotions, fees, taxes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mvne.planfile.models.allowances import Includes
from mvne.planfile.models.prices import Price as PriceOfUse
from mvne.planfile.models.section import Section, TextFirst
from mvne.planfile.scalars import (
    Changes,
    Count,
    Day,
    Duration,
    FileName,
    Id,
    Percent,
    Price,
    Reduction,
    Text,
    YesNo,
)


class OwnSection(Section):
    """A list of numbers that every subscriber keeps alone."""

    size: Annotated[Count, Field(le=100, description="Most numbers on it.")]
    changes: Annotated[
        Changes | None, Field(None, description="How often it may be changed: 2 per month; any time if absent.")
    ]


class GroupSection(Section):
    """A set of numbers: the brand's, from a CSV file, or every subscriber's own."""

    source: Annotated[FileName | None, Field(None, description="CSV with the columns number and, if you like, name.")]
    max_size: Annotated[Count | None, Field(None, description="Most numbers it may hold; 5000 if absent.")]
    own: Annotated[OwnSection | None, Field(None, description="Instead of a source: every subscriber's own list.")]


class ServiceSection(Section):
    """A service that prices calls or messages to a group of numbers."""

    kind: Annotated[Literal["rating"] | None, TextFirst, Field(None, description="rating is the only kind yet.")]
    voice_to: Annotated[Id | None, Field(None, alias="voice to", description="Number group whose calls it prices.")]
    sms_to: Annotated[Id | None, Field(None, alias="sms to", description="Number group whose messages it prices.")]
    price: Annotated[PriceOfUse, Field(description="0 for free, or a price such as 0.02/min.")]
    from_allowance: Annotated[
        YesNo | None, Field(None, description="yes: also counted in the allowance; no if absent.")
    ]
    after: Annotated[
        dict[Text, Text] | None,
        Field(None, description="Limit per call, after which the plan prices: {120 min per call: plan}."),
    ]


class AddonSection(Section):
    """More allowance, bought on top."""

    id: Annotated[Id, Field(description="Short name; it never changes.")]
    name: Annotated[Text | None, Field(None, min_length=1, max_length=80, description="Name as subscribers read it.")]
    price: Annotated[Price, Field(description="Price, once.")]
    includes: Annotated[Includes, Field(description="What it adds.")]
    valid: Annotated[Duration | None, Field(None, description="period (until the period ends, if absent) or 30 days.")]
    plans: Annotated[list[Id] | None, Field(None, description="Plans it can be added to; all if absent.")]


class PromotionSection(Section):
    """A reduction of the recurring price for some periods."""

    id: Annotated[Id, Field(description="Short name; it never changes.")]
    off: Annotated[Reduction, Field(description="50% or an amount.")]
    periods: Annotated[Count, Field(le=120, description="For how many periods.")]
    code: Annotated[Text | None, Field(None, pattern=r"^[A-Z0-9-]{3,30}$", description="Code one types to get it.")]
    audience: Annotated[
        Literal["new", "all"] | None,
        TextFirst,
        Field(None, alias="for", description="new subscribers or all (if absent)."),
    ]
    starts: Annotated[Day | None, Field(None, alias="from", description="First day on which it can be taken up.")]
    ends: Annotated[Day | None, Field(None, alias="until", description="Last day on which it can be taken up.")]
    plans: Annotated[list[Id] | None, Field(None, description="Plans it applies to; all if absent.")]


class FeeSection(Section):
    """A percentage charged on top of the recurring price."""

    id: Annotated[Id, Field(description="Short name.")]
    name: Annotated[Text | None, Field(None, min_length=1, max_length=80, description="Name on the bill.")]
    percent: Annotated[Percent, Field(description="Percentage of the recurring price.")]


class TaxSection(Section):
    """Taxes by address, in markets that have them."""

    table: Annotated[FileName, Field(description="CSV: region,name,percent and, if there is one, per_line.")]
