"""Checks of a delivery as a whole: numbers in the range that was ordered, nothing twice, as many as promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.inventory.transport_key import TransportKey
from mvne_provisioning.inventory.vendor import Field, Problem, VendorProfile
from mvne_provisioning.milenage import MilenageError, opc_from_op


@dataclass(frozen=True, slots=True)
class Ordered:
    """What was ordered, as far as it is known: the file must agree with it.

    ICCIDs and IMSIs are first and last, both in the range; `quantity` the number of profiles. `transport` opens the
    fields in `encrypted`, or those whose columns say that they are. `op` is the operator's OP, 16 bytes: OPc is checked
    against it, or made with it when the file has none. Raise `MilenageError`.
    """

    iccids: tuple[Iccid, Iccid] | None = None
    imsis: tuple[Imsi, Imsi] | None = None
    quantity: int | None = None
    transport: TransportKey | None = None
    encrypted: frozenset[Field] = frozenset({Field.K, Field.OPC})
    op: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.op is not None and len(self.op) != 16:
            raise MilenageError(f"OP has {len(self.op)} bytes instead of 16")


def problems_of(profiles: Sequence[VendorProfile], ordered: Ordered) -> Iterator[Problem]:
    """Yield what is wrong with profiles that could be read, taken together."""
    if ordered.iccids:
        first, last = ordered.iccids
        yield from out_of_range(profiles, Field.ICCID, (first[:-1], last[:-1]), "the range that was ordered")
    if ordered.imsis:
        yield from out_of_range(profiles, Field.IMSI, ordered.imsis, "the range that was ordered")
    yield from _twice(profiles, "the ICCID", lambda profile: profile.iccid)
    yield from _twice(profiles, "the IMSI", lambda profile: profile.imsi)
    yield from _twice(profiles, "the MSISDN", lambda profile: profile.msisdn)
    yield from _twice(profiles, "the K", lambda profile: profile.keys.k if profile.keys else None)
    if ordered.op is not None:
        yield from _wrong_opc(profiles, ordered.op)


def out_of_range(
    profiles: Sequence[VendorProfile], field: Field, bounds: tuple[str, str], said: str
) -> Iterator[Problem]:
    """Yield the profiles whose ICCID (without its check digit) or IMSI is not within `bounds`, first and last."""
    first, last = bounds
    for profile in profiles:
        whole = profile.iccid if field is Field.ICCID else profile.imsi
        number = whole[:-1] if field is Field.ICCID else whole
        if len(number) != len(first) or not first <= number <= last:
            yield Problem(profile.line, f"the {field.label} …{whole[-4:]} is outside of {said}")


def count_problem(found: int, promised: int | None, who: str) -> Iterator[Problem]:
    """Yield a problem when the number of lines with profiles is not the one promised by `who`."""
    if promised is not None and found != promised:
        yield Problem(None, f"there are {found} profiles, and {who} says {promised}: the file is cut off or another's")


def _twice(
    profiles: Sequence[VendorProfile], name: str, value: Callable[[VendorProfile], str | bytes | None]
) -> Iterator[Problem]:
    seen: dict[str | bytes, int] = {}
    for profile in profiles:
        found = value(profile)
        if found is None:
            continue
        if found in seen:
            shown = f"{name} …{found[-4:]}" if isinstance(found, str) else name
            yield Problem(profile.line, f"{shown} is also in line {seen[found]}")
        seen.setdefault(found, profile.line)


def _wrong_opc(profiles: Sequence[VendorProfile], op: bytes) -> Iterator[Problem]:
    for profile in profiles:
        if profile.keys and opc_from_op(profile.keys.k, op) != profile.keys.opc:
            yield Problem(
                profile.line, "OPc does not fit K and the operator's OP: another OP, or another transport key"
            )
