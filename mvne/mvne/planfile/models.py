"""The shape of a plan file, key by key; what the values mean is decided when it is compiled.

The descriptions are what an editor shows when the mouse rests on a key.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mvne.planfile.scalars import (
    AS_LIST,
    AS_MAP,
    AS_TEXT,
    BY_SHAPE,
    BeyondText,
    Count,
    Day,
    Duration,
    FileName,
    Id,
    Number,
    Percent,
    Price,
    PricePer,
    Quantity,
    RateText,
    Reduction,
    Segment,
    Text,
    Words,
    YesNo,
    ZoneRates,
    Zones,
    as_text,
)

TextFirst = BeforeValidator(as_text)


class Section(BaseModel):
    """A map of the plan file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


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
    audience: Annotated[Audience | None, Field(None, description="Who may sign up.")]
    theme: Annotated[Theme | None, Field(None, description="How the brand looks.")]
    support: Annotated[Support | None, Field(None, description="Where subscribers find help.")]
    segment: Annotated[
        Segment | None, TextFirst, Field(None, description="Sort of subscribers: only the expected use comes from it.")
    ]


class AgreementSection(Section):
    """What the host network charges, from a date on."""

    starts: Annotated[Day, Field(alias="from", description="First day on which it is in force.")]
    line: Annotated[PricePer | None, Field(None, description="Per active line and period, such as 0.60/month.")]
    voice: Annotated[ZoneRates | None, Field(None, description="Price of a minute: one for all, or by zone.")]
    sms: Annotated[ZoneRates | None, Field(None, description="Price of a message: one for all, or by zone.")]
    data: Annotated[ZoneRates | None, Field(None, description="Price of a gigabyte: one for all, or by zone.")]
    rates: Annotated[FileName | None, Field(None, description="CSV of wholesale prices by called prefix.")]
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


class Allowance(Section):
    """An allowance with its zones."""

    amount: Annotated[Quantity, Field(description="How much per period, or unlimited.")]
    to: Annotated[Zones | None, Field(None, description="Whom one may call.")]
    within: Annotated[Zones | None, Field(None, alias="in", description="Where the phone may be.")]


OneAllowance = Annotated[Annotated[Quantity, AS_TEXT] | Annotated[Allowance, AS_MAP], BY_SHAPE]
Allowances = Annotated[
    Annotated[Quantity, AS_TEXT] | Annotated[Allowance, AS_MAP] | Annotated[list[OneAllowance], AS_LIST], BY_SHAPE
]


class Includes(Section):
    """What the price includes per period."""

    voice: Annotated[Allowances | None, Field(None, description="Minutes of calls.")]
    sms: Annotated[Allowances | None, Field(None, description="Messages.")]
    data: Annotated[Allowances | None, Field(None, description="Mobile data.")]


class Then(Section):
    """What happens beyond what is included."""

    voice: Annotated[BeyondText | None, Field(None, description="A price per minute, or stop.")]
    sms: Annotated[BeyondText | None, Field(None, description="A price per message, or stop.")]
    data: Annotated[BeyondText | None, Field(None, description="A price, slow 128 kbit/s, or stop.")]


class FairUse(Section):
    """What unlimited means: the amount from which a person looks."""

    voice: Annotated[Quantity | None, Field(None, description="Minutes per period.")]
    sms: Annotated[Quantity | None, Field(None, description="Messages per period.")]
    data: Annotated[Quantity | None, Field(None, description="Data per period.")]
    then: Annotated[Literal["review"] | None, TextFirst, Field(None, description="review: a person looks.")]


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


class KindPrices(Section):
    """Prices of use in a zone abroad."""

    voice: Annotated[RateText | None, Field(None, description="Price of a minute.")]
    sms: Annotated[RateText | None, Field(None, description="Price of a message.")]
    data: Annotated[RateText | None, Field(None, description="Price of a gigabyte.")]


Treatment = Annotated[Annotated[Text, AS_TEXT] | Annotated[KindPrices, AS_MAP], BY_SHAPE]
RoamingMap = dict[Text, Treatment]


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
    expected_use: Annotated[ExpectedUse | None, Field(None, description="Use that the margin is computed at.")]


class GroupSection(Section):
    """A set of numbers from a CSV file."""

    source: Annotated[FileName, Field(description="CSV with the columns number and, if you like, name.")]
    max_size: Annotated[Count | None, Field(None, description="Most numbers it may hold; 5000 if absent.")]


class ServiceSection(Section):
    """A service that prices calls or messages to a group of numbers."""

    kind: Annotated[Literal["rating"] | None, TextFirst, Field(None, description="rating is the only kind yet.")]
    voice_to: Annotated[Id | None, Field(None, alias="voice to", description="Number group whose calls it prices.")]
    sms_to: Annotated[Id | None, Field(None, alias="sms to", description="Number group whose messages it prices.")]
    price: Annotated[RateText, Field(description="0 for free, or a price such as 0.02/min.")]
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


class PlanFile(Section):
    """A mobile brand in one file."""

    brand: Annotated[BrandSection, Field(description="Who sells, and where.")]
    host: Annotated[HostSection, Field(description="The network that carries the brand.")]
    plans: Annotated[list[PlanSection], Field(min_length=1, description="What is sold.")]
    rates: Annotated[FileName | None, Field(None, description="CSV of prices by called prefix, for postpaid plans.")]
    roaming: Annotated[
        RoamingMap | None, Field(None, description="By zone where the phone is: domestic, refuse or prices.")
    ]
    number_groups: Annotated[dict[Id, GroupSection] | None, Field(None, description="Sets of numbers from CSV files.")]
    services: Annotated[
        dict[Id, ServiceSection] | None, Field(None, description="Services that price calls to groups.")
    ]
    addons: Annotated[list[AddonSection] | None, Field(None, description="More allowance, bought on top.")]
    promotions: Annotated[list[PromotionSection] | None, Field(None, description="Reductions for some periods.")]
    fees: Annotated[list[FeeSection] | None, Field(None, description="Percentages on top of the recurring price.")]
    tax: Annotated[TaxSection | None, Field(None, description="Taxes by address.")]
