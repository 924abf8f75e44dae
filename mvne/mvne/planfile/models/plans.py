"""Plans as they are sold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mvne.planfile.models.allowances import FairUse, Includes, Then
from mvne.planfile.models.prices import RoamingMap
from mvne.planfile.models.rules import GuardSection, RoundingSection
from mvne.planfile.models.section import Section, TextFirst
from mvne.planfile.scalars import Count, Duration, FileName, Id, Price, Quantity, Text


class TermSection(Section):
    """Several periods paid at once."""

    periods: Annotated[Count, Field(le=60, description="How many periods.")]
    price: Annotated[Price, Field(description="For all of them.")]
    first: Annotated[Price | None, Field(None, description="For a new subscriber's first such term.")]


class Expected(Section):
    """Use that is counted on, per subscriber and period."""

    mean: Annotated[Quantity, Field(description="Average.")]
    p95: Annotated[Quantity, Field(description="What 95 of 100 subscribers stay below.")]


class ExpectedUse(Section):
    """Use that the margin is computed at."""

    voice: Annotated[Expected | None, Field(None, description="Calls.")]
    sms: Annotated[Expected | None, Field(None, description="Messages.")]
    data: Annotated[Expected | None, Field(None, description="Data.")]


class PlanSection(Section):
    """One plan as it is sold."""

    id: Annotated[Id, Field(description="Short name; it never changes.")]
    name: Annotated[Text | None, Field(None, min_length=1, max_length=80, description="Name as subscribers read it.")]
    pay: Annotated[
        Literal["prepaid", "postpaid"], TextFirst, Field(description="prepaid: before use; postpaid: by a bill after.")
    ]
    price: Annotated[Price | None, Field(None, description="Price per period.")]
    every: Annotated[Duration | None, Field(None, description="Length of a period; month if absent.")]
    includes: Annotated[Includes | None, Field(None, description="What the price includes per period.")]
    then: Annotated[Then | None, Field(None, description="What happens beyond what is included.")]
    fair_use: Annotated[FairUse | None, Field(None, description="What unlimited means.")]
    terms: Annotated[list[TermSection] | None, Field(None, description="Several periods paid at once.")]
    services: Annotated[list[Id] | None, Field(None, description="Services of this file that go with the plan.")]
    rates: Annotated[FileName | None, Field(None, description="Rate deck of this plan instead of the file's.")]
    roaming: Annotated[RoamingMap | None, Field(None, description="Roaming of this plan instead of the file's.")]
    guards: Annotated[
        dict[Id, GuardSection] | None,
        Field(None, description="Limits beside the file's; one of the same name is instead of it."),
    ]
    rounding: Annotated[RoundingSection | None, Field(None, description="Rounding of this plan.")]
    expected_use: Annotated[ExpectedUse | None, Field(None, description="Use that the margin is computed at.")]
