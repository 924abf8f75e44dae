"""The address of a server, as it is configured, told and certified: a host name or IP address, perhaps with a port.

>>> host_of("Testsmdpplus1.example.com:9443"), host_of("[::1]:9443"), host_of("::1"), host_of("127.0.0.1")
('testsmdpplus1.example.com', '::1', '::1', '127.0.0.1')
>>> certified_name("127.0.0.1:9443")
<IPAddress(value=127.0.0.1)>
>>> certified_name("smdp.example.com")
<DNSName(value='smdp.example.com')>
>>> certified_name("https://smdp.example.com/")
Traceback (most recent call last):
...
mvne_provisioning.pki.addresses.NoAddress: 'https://smdp.example.com/' is no address of a server: give a host name \
such as testsmdpplus1.example.com, or an IP address
"""

from __future__ import annotations

import ipaddress
import re

from cryptography import x509

from mvne_provisioning.errors import ProvisioningError

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_WITH_PORT = re.compile(r"\[(?P<six>[^]]*)](:\d+)?|(?P<host>[^:]*)(:\d+)?")

#: The longest host name of DNS.
_LONGEST = 253


class NoAddress(ProvisioningError):
    """This is neither a host name nor an IP address."""


def host_of(address: str) -> str:
    """Return the host of an address, in lower case and without its port."""
    found = _WITH_PORT.fullmatch(address)
    return ((found["six"] or found["host"] or "") if found else address).lower()


def certified_name(address: str) -> x509.DNSName | x509.IPAddress:
    """Return what a certificate for this address must say; raise `NoAddress`."""
    host = host_of(address)
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if len(host) > _LONGEST or not _HOST.fullmatch(host):
            wanted = "give a host name such as testsmdpplus1.example.com, or an IP address"
            raise NoAddress(f"{address!r} is no address of a server: {wanted}") from None
        return x509.DNSName(host)
