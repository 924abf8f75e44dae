"""What the card looks at in a decrypted profile package before it takes it: its elements and its ICCID (TCA SAIP)."""

from __future__ import annotations

from mvne_provisioning import tlv
from mvne_provisioning.phone import fields
from mvne_provisioning.tlv import Malformed

_HEADER, _END, _ICCID = 0xA0, 0xAA, 0x83
_CONTEXT_CONSTRUCTED = 0xA0


def iccid_of(package: bytes) -> str:
    """Return the ICCID in the header; raise `Malformed` when the elements are not a header, others, an end."""
    elements = [*tlv.read_all(package)]
    tags = [one.tag for one in elements]
    if tags[:1] != [_HEADER] or tags[-1] != _END or tags.count(_HEADER) != 1 or tags.count(_END) != 1:
        raise Malformed("a profile package begins with its header and finishes with its end element")
    for one in elements:
        if one.raw[0] & 0xE0 != _CONTEXT_CONSTRUCTED:
            raise Malformed(f"{one.tag:X} is not a profile element")
        [*tlv.read_all(one.value)]
    return fields.iccid_in_order(elements[0].child(_ICCID).value)
