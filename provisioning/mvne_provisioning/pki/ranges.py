"""Which EIDs a maker of cards may certify: SGP.22's name constraints, and the list of prefixes that came later."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import NameOID

from mvne_provisioning import tlv
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.pki.identity import extension

#: permittedEins (SGP.22 v3): a list of EID prefixes, where name constraints would trouble X.509 libraries.
PERMITTED_EINS = x509.ObjectIdentifier("2.23.146.1.2.2.0")

_SEQUENCE, _PRINTABLE_STRING, _UTF8_STRING = 0x30, 0x13, 0x0C


class EidNotPermitted(ProvisioningError):
    """The maker of cards may not certify this EID or this name."""


class UnreadableRange(ProvisioningError):
    """The maker's certificate says its range of EIDs in a way that cannot be read."""


def check_range(eum: x509.Certificate, subject: x509.Name, eid: str) -> None:
    """Say nothing when the maker's certificate permits a card's subject and EID; else raise `EidNotPermitted`.

    Where it holds both kinds of range, both must permit. One that says no range at all permits nothing: SGP.22
    demands one. Raises `UnreadableRange` for a range that cannot be read.
    """
    constraints, prefixes = extension(eum, x509.NameConstraints), permitted_prefixes(eum)
    if constraints is None and prefixes is None:
        raise EidNotPermitted("the EUM's certificate says no range of EIDs, so it permits none")
    if prefixes is not None and not eid.startswith(tuple(prefixes)):
        raise EidNotPermitted(f"the EID {_masked(eid)} begins with none of the EUM's prefixes {', '.join(prefixes)}")
    if constraints is not None:
        _check_constraints(constraints, subject, eid)


def permitted_prefixes(eum: x509.Certificate) -> tuple[str, ...] | None:
    """Return the prefixes of the extension permittedEins; None when the certificate has none of it."""
    try:
        found = eum.extensions.get_extension_for_oid(PERMITTED_EINS).value
    except x509.ExtensionNotFound:
        return None
    try:
        return tuple(_prefixes(found.public_bytes()))
    except (tlv.Malformed, UnicodeDecodeError) as error:
        raise UnreadableRange(f"the EUM's list of EID prefixes cannot be read: {error}") from error


def _prefixes(value: bytes) -> Iterator[str]:
    for one in tlv.read_one(value, _SEQUENCE).children:
        prefix = one.value.decode("ascii")
        if one.tag not in (_PRINTABLE_STRING, _UTF8_STRING) or not prefix.isdigit():
            raise tlv.Malformed("an EID prefix is not made of digits")
        yield prefix


def _check_constraints(constraints: x509.NameConstraints, subject: x509.Name, eid: str) -> None:
    if any(_covers(name, subject, eid) for name in _directories(constraints.excluded_subtrees)):
        raise EidNotPermitted(f"the EUM's certificate excludes the EID {_masked(eid)} or the name of its card")
    permitted = list(_directories(constraints.permitted_subtrees))
    if not any(_covers(name, subject, eid) for name in permitted):
        ranges = " or ".join(name.rfc4514_string({NameOID.SERIAL_NUMBER: "EID"}) for name in permitted) or "no name"
        raise EidNotPermitted(f"the EUM may certify {ranges}, not {_masked(eid)} of {_organization(subject)}")


def _directories(names: list[x509.GeneralName] | None) -> Iterator[x509.Name]:
    return (name.value for name in names or () if isinstance(name, x509.DirectoryName))


def _covers(permitted: x509.Name, subject: x509.Name, eid: str) -> bool:
    """Say whether a subtree holds a card: its EID by prefix (SGP.22), every other part of the name as it is."""
    return all(
        eid.startswith(str(part.value))
        if part.oid == NameOID.SERIAL_NUMBER
        else part.value in [own.value for own in subject.get_attributes_for_oid(part.oid)]
        for part in permitted
    )


def _organization(subject: x509.Name) -> str:
    found = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return repr(found[0].value) if found else "no organization"


def _masked(eid: str) -> str:
    """Return an EID for messages: the prefix that is in question and the last digits."""
    return f"{eid[:8]}…{eid[-4:]}"
