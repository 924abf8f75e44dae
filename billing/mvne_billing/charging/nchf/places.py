"""Networks in a charging data request: the attributes that name a PLMN, of those that TS 32.291 and TS 29.571 have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A part of a body: what is not known here is left alone, what is known must be as the standard says."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class PlmnId(Part):
    """A network: mobile country code and mobile network code (TS 29.571 `PlmnId`)."""

    mcc: Annotated[str, Field(pattern=r"^[0-9]{3}$")]
    mnc: Annotated[str, Field(pattern=r"^[0-9]{2,3}$")]

    @property
    def digits(self) -> str:
        """Its digits in a row."""
        return self.mcc + self.mnc


class Area(Part):
    """A tracking area, cell, service, location or routing area: each begins with its network."""

    plmn: PlmnId | None = Field(None, alias="plmnId")


class Location(Part):
    """Where the phone is in one sort of radio access."""

    tai: Area | None = None
    tai_of_other_access: Area | None = Field(None, alias="n3gppTai")
    cgi: Area | None = None
    sai: Area | None = None
    lai: Area | None = None
    rai: Area | None = None

    def networks(self) -> Iterator[str]:
        """Yield the networks it names."""
        for area in (self.tai, self.tai_of_other_access, self.cgi, self.sai, self.lai, self.rai):
            if area is not None and area.plmn is not None:
                yield area.plmn.digits


class UserLocation(Part):
    """Where the phone is (TS 29.571 `UserLocation`)."""

    nr: Location | None = Field(None, alias="nrLocation")
    eutra: Location | None = Field(None, alias="eutraLocation")
    other_access: Location | None = Field(None, alias="n3gaLocation")
    utra: Location | None = Field(None, alias="utraLocation")
    gera: Location | None = Field(None, alias="geraLocation")

    def networks(self) -> Iterator[str]:
        """Yield the networks it names."""
        for one in (self.nr, self.eutra, self.utra, self.gera, self.other_access):
            if one is not None:
                yield from one.networks()


class NodeIdentity(Part):
    """A network function (`NFIdentification`), where it may be unnamed."""

    plmn: PlmnId | None = Field(None, alias="nFPLMNID")


class ServingNode(Part):
    """The network function that serves the phone."""

    function: NodeIdentity | None = Field(None, alias="servingNetworkFunctionInformation")

    def networks(self) -> Iterator[str]:
        """Yield its network, if it is named."""
        if self.function is not None and self.function.plmn is not None:
            yield self.function.plmn.digits
