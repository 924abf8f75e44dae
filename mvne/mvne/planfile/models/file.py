"""The plan file as a whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mvne.planfile.models.allowances import Thresholds
from mvne.planfile.models.brand import BrandSection
from mvne.planfile.models.host import HostSection
from mvne.planfile.models.offers import (
    AddonSection,
    FeeSection,
    GroupSection,
    PromotionSection,
    ServiceSection,
    TaxSection,
)
from mvne.planfile.models.plans import PlanSection
from mvne.planfile.models.prepaid import PrepaidSection
from mvne.planfile.models.prices import RoamingMap
from mvne.planfile.models.rules import BandSection, GuardSection, RoundingSection
from mvne.planfile.models.section import Section
from mvne.planfile.scalars import FileName, Holiday, Id, Text, YesNo


class PlanFile(Section):
    """A mobile brand in one file."""

    brand: Annotated[BrandSection, Field(description="Who sells, and where.")]
    host: Annotated[HostSection, Field(description="The network that carries the brand.")]
    plans: Annotated[list[PlanSection], Field(min_length=1, description="What is sold.")]
    rates: Annotated[FileName | None, Field(None, description="CSV of prices by called prefix, for postpaid plans.")]
    roaming: Annotated[
        RoamingMap | None, Field(None, description="By zone where the phone is: domestic, refuse or prices.")
    ]
    zones: Annotated[
        dict[Id, list[Text]] | None,
        Field(None, description="Groups of countries by name: {maghreb: [DZ, MA, TN]}; zones of the market count too."),
    ]
    holidays: Annotated[
        list[Holiday] | None, Field(None, max_length=1000, description="Dates, and days of every year such as 12-25.")
    ]
    bands: Annotated[
        dict[Id, BandSection] | None,
        Field(None, max_length=12, description="Time bands by name; the first that holds is the one in force."),
    ]
    calls_split_at_bands: Annotated[
        YesNo | None,
        Field(None, description="yes (if absent): a call is cut where the band changes; no: its start decides."),
    ]
    rounding: Annotated[RoundingSection | None, Field(None, description="How prices are rounded.")]
    guards: Annotated[
        dict[Id, GuardSection] | None, Field(None, description="Limits on spending and use, of each subscriber.")
    ]
    thresholds: Annotated[
        Thresholds | None,
        Field(None, description="Percentages of every limited allowance whose passing is an event; none if absent."),
    ]
    number_groups: Annotated[dict[Id, GroupSection] | None, Field(None, description="Sets of numbers.")]
    services: Annotated[
        dict[Id, ServiceSection] | None, Field(None, description="Services that price calls to groups.")
    ]
    addons: Annotated[list[AddonSection] | None, Field(None, description="More allowance, bought on top.")]
    promotions: Annotated[list[PromotionSection] | None, Field(None, description="Reductions for some periods.")]
    fees: Annotated[list[FeeSection] | None, Field(None, description="Percentages on top of the recurring price.")]
    prepaid: Annotated[PrepaidSection | None, Field(None, description="Rules of prepaid money.")]
    tax: Annotated[TaxSection | None, Field(None, description="Taxes by address.")]
