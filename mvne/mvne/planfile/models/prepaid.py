"""The rules of prepaid money in a plan file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mvne.planfile.models.section import Section
from mvne.planfile.scalars import Count, Duration, Id, Percent, Price, YesNo


class TopUpSection(Section):
    """How much one payment into a balance may be."""

    least: Annotated[Price | None, Field(None, alias="from", description="Smallest top-up; no limit if absent.")]
    most: Annotated[Price | None, Field(None, alias="to", description="Largest top-up; no limit if absent.")]


class BonusSection(Section):
    """What comes on top of a payment into a balance."""

    above: Annotated[Price, Field(alias="from", description="For top-ups of this much or more; the highest counts.")]
    percent: Annotated[Percent | None, Field(None, description="Percentage of the top-up, as money.")]
    lasts: Annotated[Duration | None, Field(None, description="How long that money is good; as paid money if absent.")]
    addon: Annotated[Id | None, Field(None, description="Add-on of this file that comes with it.")]


class SendingSection(Section):
    """How much one line may send to another."""

    least: Annotated[Price, Field(alias="from", description="Least at once.")]
    most: Annotated[Price, Field(alias="to", description="Most at once.")]
    per_day: Annotated[Price, Field(description="Most within 24 hours.")]


class PrepaidSection(Section):
    """What holds for the balances of prepaid lines."""

    lasts: Annotated[Duration | None, Field(None, description="How long money paid in is good; for ever if absent.")]
    renews: Annotated[
        YesNo | None,
        Field(None, description="yes: a payment makes what is there last as long as itself; no if absent."),
    ]
    topup: Annotated[TopUpSection | None, Field(None, description="Bounds of one top-up.")]
    holds: Annotated[Price | None, Field(None, description="Most that a payment may fill a balance to.")]
    bonuses: Annotated[list[BonusSection] | None, Field(None, description="What comes on top of large top-ups.")]
    low: Annotated[
        list[Price] | None, Field(None, description="Balances below which an event warns; 0 for when all is gone.")
    ]
    sending: Annotated[
        SendingSection | None, Field(None, description="Sending money to other lines; not possible if absent.")
    ]
    wrong_codes: Annotated[
        Count | None,
        Field(None, le=100, description="Wrong voucher codes in 24 hours before a line waits; 5 if absent."),
    ]
