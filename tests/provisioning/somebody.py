"""A subscriber whose profile the tests write, seal, download and read."""

from __future__ import annotations

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.package import Personal

PERSONAL = Personal(
    iccid=Iccid("8999970000000000019"),
    imsi=Imsi("999700000000001"),
    k=bytes(range(0x40, 0x50)),
    opc=bytes(range(0x50, 0x60)),
    provider_name="Tilleul",
    profile_name="Tilleul Mobile",
    pin1="1234",
    puk1="12345678",
    adm1="87654321",
)
