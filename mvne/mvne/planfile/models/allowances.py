"""What a plan or an add-on includes, how it burns, and what happens beyond."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mvne.planfile.models.prices import Price, PriceSection
from mvne.planfile.models.section import Section, TextFirst
from mvne.planfile.scalars import (
    AS_LIST,
    AS_MAP,
    AS_TEXT,
    BY_SHAPE,
    BeyondText,
    Count,
    Factor,
    Id,
    Ids,
    Limited,
    Priority,
    Quantity,
    RateText,
    Speed,
    Steps,
    Text,
    Words,
    YesNo,
    Zones,
)

Thresholds = Annotated[list[Text], Field(max_length=20)]


class RolloverSection(Section):
    """What is left at the end of a period stays good for longer."""

    periods: Annotated[Count, Field(le=24, description="For how many periods more.")]
    limit: Annotated[Quantity | None, Field(None, description="At most so much of it; all if absent.")]


Rollover = Annotated[Annotated[YesNo, AS_TEXT] | Annotated[RolloverSection, AS_MAP], BY_SHAPE]


class Allowance(Section):
    """An allowance, with what narrows it and how it burns."""

    amount: Annotated[Quantity, Field(description="How much per period, or unlimited.")]
    to: Annotated[Zones | None, Field(None, description="Whom one may call.")]
    within: Annotated[Zones | None, Field(None, alias="in", description="Where the phone may be.")]
    groups: Annotated[Ids | None, Field(None, description="Number groups that may be called, instead of zones.")]
    bands: Annotated[Words | None, Field(None, description="Time bands in which it counts; all if absent.")]
    labels: Annotated[
        Words | None, Field(None, description="Use labels of the network that it is for, such as hotspot.")
    ]
    priority: Annotated[
        Priority | None,
        Field(None, description="Low burns first, 0 if absent; then what expires first, then the oldest."),
    ]
    increments: Annotated[Steps | None, Field(None, description="Whole increments that it covers, such as 60/60.")]
    factor: Annotated[Factor | None, Field(None, description="How much of it one unit of use takes; 1 if absent.")]
    price: Annotated[Price | None, Field(None, description="What use of it costs; nothing if absent.")]
    blocks: Annotated[
        YesNo | None, Field(None, description="yes: no allowance after it is looked at for use that fits it.")
    ]
    shared: Annotated[YesNo | None, Field(None, description="yes: it serves all members of the subscriber's pool.")]
    limits: Annotated[
        dict[Text, Limited] | None,
        Field(
            None,
            description=(
                "Most that a sort of use takes of it: member (each member of a pool), roaming (abroad; auto for the "
                "EU's volume), or a use label such as hotspot."
            ),
        ),
    ]
    rollover: Annotated[
        Rollover | None, Field(None, description="What is left stays good: yes for one period more, or periods, limit.")
    ]
    thresholds: Annotated[
        Thresholds | None, Field(None, description="Percentages whose passing is an event, such as [50, 80].")
    ]
    credit: Annotated[
        RateText | None, Field(None, description="What unused units give back when the period closes: 0.50/GB.")
    ]


OneAllowance = Annotated[Annotated[Quantity, AS_TEXT] | Annotated[Allowance, AS_MAP], BY_SHAPE]
Allowances = Annotated[
    Annotated[Quantity, AS_TEXT] | Annotated[Allowance, AS_MAP] | Annotated[list[OneAllowance], AS_LIST], BY_SHAPE
]


class Includes(Section):
    """What the price includes per period: one allowance a kind, or a list."""

    voice: Annotated[Allowances | None, Field(None, description="Minutes of calls.")]
    sms: Annotated[Allowances | None, Field(None, description="Messages.")]
    data: Annotated[Allowances | None, Field(None, description="Mobile data.")]


class StepSection(PriceSection):
    """One step of what happens beyond: a price, a slow speed, or the next plan."""

    slow: Annotated[Speed | None, Field(None, description="Data goes on at this speed, free of charge.")]
    next: Annotated[
        Id | None,
        Field(None, description="Plan at which the period goes on: for the difference in price, once, its allowance."),
    ]
    lasts: Annotated[
        Quantity | None, Field(None, alias="for", description="So much of the period; what is left has the next step.")
    ]


OneStep = Annotated[Annotated[BeyondText, AS_TEXT] | Annotated[StepSection, AS_MAP], BY_SHAPE]
BeyondSteps = Annotated[list[OneStep], Field(min_length=1, max_length=12)]
Beyond = Annotated[
    Annotated[BeyondText, AS_TEXT] | Annotated[StepSection, AS_MAP] | Annotated[BeyondSteps, AS_LIST], BY_SHAPE
]


class Then(Section):
    """What happens beyond what is included: one rule a kind, or a list of steps that follow each other."""

    voice: Annotated[Beyond | None, Field(None, description="A price per minute, stop, or next: PLAN.")]
    sms: Annotated[Beyond | None, Field(None, description="A price per message, stop, or next: PLAN.")]
    data: Annotated[Beyond | None, Field(None, description="A price, slow 128 kbit/s, stop, or next: PLAN.")]


class FairUse(Section):
    """What unlimited means: the amount from which a person looks."""

    voice: Annotated[Quantity | None, Field(None, description="Minutes per period.")]
    sms: Annotated[Quantity | None, Field(None, description="Messages per period.")]
    data: Annotated[Quantity | None, Field(None, description="Data per period.")]
    then: Annotated[Literal["review"] | None, TextFirst, Field(None, description="review: a person looks.")]
