"""Profile packages: what an eUICC installs, written for one subscription and read back (TCA interoperable profile).

>>> from mvne_provisioning.package import personalise, read
>>> personal = Personal(
...     iccid=Iccid("8999970000000000019"), imsi=Imsi("999700000000001"), k=bytes(16), opc=bytes(16),
...     provider_name="Tilleul", profile_name="Tilleul Mobile", pin1="0000", puk1="12345678", adm1="87654321")
>>> package = personalise(personal)
>>> read(package) == personal, personal
(True, Personal(iccid=***************0019, imsi=***********0001, provider_name='Tilleul'))
"""

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.package.personal import InvalidPersonal, Personal
from mvne_provisioning.package.reading import PackageUnreadable, read
from mvne_provisioning.package.storing import metadata
from mvne_provisioning.package.writing import personalise

__all__ = ["Iccid", "Imsi", "InvalidPersonal", "PackageUnreadable", "Personal", "metadata", "personalise", "read"]
