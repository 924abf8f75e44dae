"""One download as far as it has come: plain data, so that any process of the server can go on with it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, repr=False)
class Session:
    """What the server keeps between the calls of one download (SGP.22, sections 5.6.1 to 5.6.4).

    `issuer_key_id` names the root that the card's chain must end in, `server_issuer_key_id` the root of the server's
    own certificates. The rest is filled in on the way: by `authenticate` what the card said and signed (`free_memory`
    in bytes), by `offer` what was offered, by `bind` that it was bound. Nothing in it opens a bound profile package.
    """

    transaction_id: bytes
    address: str
    euicc_challenge: bytes
    server_challenge: bytes
    issuer_key_id: bytes
    server_issuer_key_id: bytes
    eid: str | None = None
    euicc_certificate: bytes | None = None
    eum_certificate: bytes | None = None
    euicc_signature1: bytes | None = None
    matching_id: str | None = None
    imei: str | None = None
    free_memory: int | None = None
    smdp_signed2: bytes | None = None
    smdp_signature2: bytes | None = None
    needs_code: bool = False
    iccid: str | None = None
    is_bound: bool = False

    def to_text(self) -> str:
        """Return the session as JSON, bytes in base64."""
        found = {name: getattr(self, name) for name in _NAMES}
        return json.dumps({name: _plain(value) for name, value in found.items()}, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Session:
        """Return the session that `to_text` wrote."""
        found: dict[str, Any] = json.loads(text)
        for name in _BYTES & found.keys():
            if found[name] is not None:
                found[name] = b64decode(found[name])
        return cls(**found)

    def __repr__(self) -> str:
        return f"Session(transaction_id={self.transaction_id.hex().upper()})"


_NAMES = tuple(one.name for one in fields(Session))
_BYTES = frozenset(one.name for one in fields(Session) if str(one.type).startswith("bytes"))


def _plain(value: object) -> object:
    return b64encode(value).decode() if isinstance(value, bytes) else value
