"""The written forms a plan file's values take: text as it stands, with a shape that editors can check too.

A value is kept as text until the market and its currency are known; the library's user may pass numbers, dates and
booleans instead, which become the text that a person would have written.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

#: How ids are written.
ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,39}$"


def as_text(value: object) -> object:
    """Return a number, date or boolean as it is written in a plan file; everything else as it is.

    >>> as_text(4.9), as_text(False), as_text(Decimal("9.90"))
    ('4.9', 'no', '9.90')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float, Decimal, datetime.date)):
        return str(value)
    return value


def _form(title: str, *examples: str | float, pattern: str | None = None) -> WithJsonSchema:
    """Return what an editor is told; a value with a number among its examples may be written as one."""
    numbers = any(not isinstance(one, str) for one in examples)
    schema: dict[str, Any] = {"title": title, "type": ["string", "number"] if numbers else "string"}
    schema["examples"] = list(examples)
    return WithJsonSchema(schema | ({"pattern": pattern} if pattern else {}))


_MONEY = r"^[0-9]{1,13}(\.[0-9]{1,9})?$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_NUMBER = r"^[+]?[0-9][0-9 .-]{1,24}$"
_COUNT = {"type": ["integer", "string"], "minimum": 1, "maximum": 1_000_000, "pattern": "^[0-9]+$"}
_YES_NO = {"title": "yes or no", "enum": [True, False, "yes", "no"]}
_ZONE = "Zone: domestic, international, other, on_net, a zone of the market or of the file, or a country"
_WRITTEN = BeforeValidator(as_text)

Text = Annotated[str, _WRITTEN]
Id = Annotated[str, _WRITTEN, Field(pattern=ID_PATTERN), WithJsonSchema({"type": "string", "pattern": ID_PATTERN})]
Price = Annotated[str, _WRITTEN, _form("Amount of money in the brand's currency", "9.90", 9.9, pattern=_MONEY)]
PricePer = Annotated[str, _WRITTEN, _form("Amount per period", "0.60/month", "500/month")]
Quantity = Annotated[str, _WRITTEN, _form("Quantity of use", "60 min", "5 GB", "unlimited", 100)]
RateText = Annotated[str, _WRITTEN, _form("Price per unit, with increments", "0.05/min 60/1", "0.85/GB", 0.06)]
Amount = Annotated[str, _WRITTEN, _form("Amount of money, also below a cent", "0.10", 0.005, pattern=_MONEY)]
Steps = Annotated[str, _WRITTEN, _form("Increments: first/next, or one step", "60/1", "10 KB")]
Factor = Annotated[str, _WRITTEN, _form("Factor", "2", 0.5)]
BeyondText = Annotated[str, _WRITTEN, _form("A price, slow with a speed, or stop", "0.05/min", "slow 128 kbit/s", 0.06)]
Speed = Annotated[str, _WRITTEN, _form("Speed", "128 kbit/s", "1 Mbit/s")]
Limited = Annotated[str, _WRITTEN, _form("Quantity of use; of roaming data also auto, the EU's volume", "5 GB", "auto")]
Clock = Annotated[str, _WRITTEN, _form("Time of day", "18:00", pattern=r"^([01]?[0-9]|2[0-4]):[0-5][0-9]$")]
Holiday = Annotated[str, _WRITTEN, _form("Date, or day of every year", "2027-12-25", "12-25")]
Changes = Annotated[str, _WRITTEN, _form("How often", "2 per month")]
Day = Annotated[str, _WRITTEN, _form("Date", "2027-01-31", pattern=_DATE)]
Duration = Annotated[str, _WRITTEN, _form("Length of a period", "month", "30 days", "12 months")]
Percent = Annotated[str, _WRITTEN, _form("Percentage", "50%", 2)]
Reduction = Annotated[str, _WRITTEN, _form("Percentage or amount of money", "50%", 5.5)]
Number = Annotated[str, _WRITTEN, _form("Telephone number", "+33639980001", 33639980001, pattern=_NUMBER)]
FileName = Annotated[str, _WRITTEN, _form("Name of a CSV file beside the plan file", "international.csv")]
Zone = Annotated[str, _WRITTEN, _form(_ZONE, "eea", "GB")]
Count = Annotated[int, _WRITTEN, Field(ge=1, le=1_000_000), WithJsonSchema(_COUNT)]
Priority = Annotated[int, _WRITTEN, Field(ge=-1_000, le=1_000), WithJsonSchema({"type": ["integer", "string"]})]
YesNo = Annotated[bool, _WRITTEN, WithJsonSchema(_YES_NO)]
Segment = Literal["seniors", "celebrity", "travel", "kids", "general"]


#: The shapes a value can have, named so that they can be told from keys in a place such as
#: plans[0].includes.voice.<map>.amount, and in words.
SHAPES = {"<text>": "one value", "<map>": "a map of keys", "<price>": "a map of keys", "<list>": "a list"}


def _shape(value: object) -> str:
    if isinstance(value, dict):
        return "<map>"
    return "<list>" if isinstance(value, (list, tuple)) else "<text>"


def _price_or_zones(value: object) -> str:
    """Tell one price with keys of its own from prices by zone: no zone has the name of such a key."""
    return "<price>" if isinstance(value, dict) and not PRICE_KEYS.isdisjoint(value) else _shape(value)


#: The keys of which a price with keys has one at least.
PRICE_KEYS = frozenset({"price", "tiers"})

#: A union is told apart by shape, so that a mistake gives one message.
BY_SHAPE, BY_PRICE = Discriminator(_shape), Discriminator(_price_or_zones)
AS_TEXT, AS_MAP, AS_PRICE, AS_LIST = Tag("<text>"), Tag("<map>"), Tag("<price>"), Tag("<list>")

Words = Annotated[Annotated[Text, AS_TEXT] | Annotated[list[Text], AS_LIST], BY_SHAPE]
Zones = Annotated[Annotated[Zone, AS_TEXT] | Annotated[list[Zone], AS_LIST], BY_SHAPE]
Ids = Annotated[Annotated[Id, AS_TEXT] | Annotated[list[Id], AS_LIST], BY_SHAPE]
