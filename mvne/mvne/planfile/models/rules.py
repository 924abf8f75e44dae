"""What holds for all plans of a file unless one says otherwise: time bands, rounding, guards."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mvne.planfile.models.section import Section, TextFirst
from mvne.planfile.scalars import (
    AS_LIST,
    AS_TEXT,
    BY_SHAPE,
    Amount,
    Clock,
    Count,
    Day,
    Quantity,
    Text,
    Words,
    Zones,
)


class BandSection(Section):
    """A time band, by the subscriber's wall clock. Without keys it holds always."""

    days: Annotated[
        Words | None,
        Field(None, description="Days on which it begins: mon-fri, sat sun, holiday; every day if absent."),
    ]
    start: Annotated[Clock | None, Field(None, alias="from", description="When it begins; midnight if absent.")]
    end: Annotated[
        Clock | None,
        Field(None, alias="to", description="When it ends, on the next day if that is not later; midnight if absent."),
    ]
    since: Annotated[Day | None, Field(None, description="First day of it.")]
    until: Annotated[Day | None, Field(None, description="Last day of it.")]


class RoundingSection(Section):
    """How a price with more decimals than the books keep is rounded."""

    unit: Annotated[
        Text | None, Field(None, description="To multiples of this: cent, 0.01, 0.000001 (the finest, if absent).")
    ]
    mode: Annotated[
        Literal["up", "down", "half-up", "half-even"] | None,
        TextFirst,
        Field(None, description="up, down, half-up (if absent) or half-even."),
    ]
    per: Annotated[
        Literal["session", "record"] | None,
        TextFirst,
        Field(None, description="session (if absent): partial reports add up to its rounded price; or each record."),
    ]


Kind = Annotated[Literal["voice", "sms", "data"], TextFirst]
Kinds = Annotated[Annotated[Kind, AS_TEXT] | Annotated[list[Kind], AS_LIST], BY_SHAPE]
NumberSort = Annotated[Literal["ordinary", "freephone", "premium", "satellite", "short"], TextFirst]
NumberSorts = Annotated[Annotated[NumberSort, AS_TEXT] | Annotated[list[NumberSort], AS_LIST], BY_SHAPE]


class GuardSection(Section):
    """A limit against fraud and bill shock: of spend, count and use it names one."""

    spend: Annotated[Amount | None, Field(None, description="Money, in prices as the file writes them.")]
    count: Annotated[Count | None, Field(None, description="Number of calls, messages or data sessions.")]
    use: Annotated[Quantity | None, Field(None, description="Quantity of the one kind named.")]
    per: Annotated[
        Literal["hour", "day", "period"] | None,
        TextFirst,
        Field(None, description="Over an hour, a day or a period (if absent) of the subscriber's."),
    ]
    kind: Annotated[Kinds | None, Field(None, description="Kinds of use that count; all if absent.")]
    within: Annotated[
        Zones | None, Field(None, alias="in", description="Where the phone is; international is anywhere abroad.")
    ]
    to: Annotated[NumberSorts | None, Field(None, description="Sorts of numbers called, such as premium.")]
    then: Annotated[Literal["stop", "alert"] | None, TextFirst, Field(None, description="stop (if absent) or alert.")]
