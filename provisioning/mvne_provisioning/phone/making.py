"""Making a card: from a folder of certificates, with the one that is there or a new one of the same maker."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.phone.card import USUAL_ROOM, Card, Token
from mvne_provisioning.phone.keeping import CardExists, Folder
from mvne_provisioning.phone.state import Credential
from mvne_provisioning.pki.folder import Certificates, load
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.minting import EID_PREFIX, mint_euicc

_RANDOM, _BODY = 10, 30


class NoMaker(ProvisioningError):
    """The folder has no card with its private key, and no maker of cards either."""


def credential(certificates: Certificates, euicc: Identity, eum: Identity) -> Credential:
    """Return who a card is that has a certificate with its private key; raise `NoMaker` without."""
    if euicc.key is None or euicc.eid is None:
        raise NoMaker("the card's certificate has no EID, or its private key is missing")
    issuers = tuple(one.der for one in certificates.issuers.values())
    return Credential(euicc.eid, euicc.key, euicc.der, eum.der, issuers)


def make(certs: Path, folder: Folder, eid: str | None, at: datetime, token: Token, room: int = USUAL_ROOM) -> Card:
    """Make an empty card in a folder, with this EID or a new one; raise `CardExists`, `NoMaker` and what `load` does.

    Without the maker's private key it is the card of the certificate folder.
    """
    if folder.has_card:
        raise CardExists("there is a card in this folder already: name another")
    certificates = load(certs)
    return Card.new(_credential(certificates, eid, at, token), folder, room)


def _credential(certificates: Certificates, eid: str | None, at: datetime, token: Token) -> Credential:
    eum, there = certificates.eum, certificates.euicc
    if eum is None:
        raise NoMaker("the folder has no certificate of a maker of cards, such as CERT_EUM_ECDSA_NIST.der")
    wanted = Eid.parse(eid) if eid else None
    if there is not None and there.key is not None and (wanted == there.eid or (eum.key is None and not wanted)):
        return credential(certificates, there, eum)
    if eum.key is None:
        raise NoMaker("a card with this EID needs the maker's private key, such as SK_EUM_ECDSA_NIST.pem")
    prefix = there.eid[: len(EID_PREFIX)] if there and there.eid else EID_PREFIX
    return credential(certificates, mint_euicc(eum, wanted or _new_eid(prefix, token), at), eum)


def _new_eid(prefix: str, token: Token) -> Eid:
    size = _BODY - len(prefix)
    return Eid.with_check_digits(f"{prefix}{int.from_bytes(token(_RANDOM), 'big') % 10**size:0{size}d}")
