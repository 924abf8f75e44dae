"""The simulated host's HSS: it keeps subscriptions and authenticates SIMs with Milenage (3GPP TS 33.102).

Keys lie sealed in its table and are opened for one answer. A sequence number is never given twice: it goes up by a
guarded UPDATE, however many processes ask at once. Functions take a connection and leave the commit to the caller.

    put_subscriber(conn, vault, HssRecord(imsi, keys, msisdn))
    vector = authenticate(conn, vault, imsi, rand)          # the phone: milenage.respond(keys, rand, vector.autn, seen)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.milenage import Keys, Vector, make_vector, read_auts
from mvne_provisioning.network.simulator_tables import subscribers as _table
from mvne_provisioning.network.subscription import Apn, HssRecord, IpVersion
from mvne_provisioning.sequence_numbers import next_sqn, resynchronised
from mvne_provisioning.statements import insert_or_ignore
from mvne_provisioning.vault import Vault

#: How often a sequence number is tried when others ask for the same SIM at the same moment.
_TRIES = 20


class HssError(ProvisioningError):
    """The HSS cannot do this."""


class UnknownSubscriber(HssError):
    """The HSS has no such IMSI."""


class SubscriberConflict(HssError):
    """The HSS has this IMSI with other content."""


class SubscriberBarred(HssError):
    """The subscription is barred: it gets no service until the bar is lifted."""


class HssBusy(HssError):
    """Too many asked for this SIM at once; ask again."""


def put_subscriber(conn: Connection, vault: Vault, record: HssRecord) -> None:
    """Keep a subscription; the same again is a no-op, whatever SQN it has reached. Raise `SubscriberConflict`."""
    sealed = vault.seal(record.keys.k + record.keys.opc, _context(record.imsi))
    row = {
        "imsi": record.imsi,
        "sealed_keys": sealed,
        "sealed_with": vault.current,
        "amf": record.amf.hex(),
        "sqn": record.sqn,
        "iccid": record.iccid,
        "msisdn": record.msisdn,
        "apns": _apns_as_json(record.apns),
        "barred": record.barred,
        "downlink": record.downlink,
        "uplink": record.uplink,
    }
    if conn.execute(insert_or_ignore(conn, _table).values(row).returning(_table.c.imsi)).first():
        return
    kept = subscriber(conn, vault, record.imsi)
    if replace(kept, sqn=record.sqn) != record:
        raise SubscriberConflict(f"the HSS has the IMSI {record.imsi.masked()} with other content")


def subscriber(conn: Connection, vault: Vault, imsi: Imsi) -> HssRecord:
    """Return a subscription with its keys; raise `UnknownSubscriber` or a `VaultError`."""
    row = _row(conn, imsi)
    return HssRecord(
        imsi=Imsi(row.imsi),
        keys=_keys(vault, row),
        msisdn=Msisdn(row.msisdn) if row.msisdn else None,
        iccid=Iccid(row.iccid) if row.iccid else None,
        apns=tuple(Apn(**{**apn, "ip_version": IpVersion(apn["ip_version"])}) for apn in row.apns),
        amf=bytes.fromhex(row.amf),
        sqn=row.sqn,
        barred=row.barred,
        downlink=row.downlink,
        uplink=row.uplink,
    )


def change_subscriber(
    conn: Connection,
    imsi: Imsi,
    *,
    msisdn: Msisdn | None = None,
    apns: tuple[Apn, ...] | None = None,
    barred: bool | None = None,
    speeds: tuple[int, int] | None = None,
) -> None:
    """Change what is given, the rest stays; `speeds` are down and up, bits per second. Raise `UnknownSubscriber`."""
    given: dict[str, object] = {"msisdn": msisdn, "barred": barred, "apns": _apns_as_json(apns) if apns else None}
    given["downlink"], given["uplink"] = speeds or (None, None)
    values = {name: value for name, value in given.items() if value is not None}
    row = _row(conn, imsi)
    if values:
        conn.execute(update(_table).where(_table.c.imsi == row.imsi).values(values))


def remove_subscriber(conn: Connection, imsi: Imsi) -> None:
    """Forget a subscription; forgetting one that is not there changes nothing."""
    conn.execute(delete(_table).where(_table.c.imsi == imsi))


def authenticate(conn: Connection, vault: Vault, imsi: Imsi, rand: bytes) -> Vector:
    """Return a vector for a challenge of 16 random bytes, with the next SQN.

    Raise `UnknownSubscriber`, `SubscriberBarred`, `HssBusy`, `BadSequenceNumber` or a `VaultError`.
    """
    if _row(conn, imsi).barred:
        raise SubscriberBarred(f"the subscription {imsi.masked()} is barred; resume the line first")
    row, sqn = _advance(conn, imsi, lambda row: next_sqn(row.sqn))
    return make_vector(_keys(vault, row), rand, sqn, bytes.fromhex(row.amf))


def resynchronise(conn: Connection, vault: Vault, imsi: Imsi, rand: bytes, auts: bytes) -> None:
    """Take over the SQN that a SIM reported for a challenge, so that it takes the next vector (TS 33.102 6.3.5).

    Raise as `authenticate`, and `MacFailure` when the SIM's proof does not fit.
    """
    card = read_auts(_keys(vault, _row(conn, imsi)), rand, auts)
    _advance(conn, imsi, lambda row: resynchronised(row.sqn, card))


def reseal_subscribers(conn: Connection, vault: Vault, limit: int = 500) -> int:
    """Seal at most `limit` subscriptions with the current key; return how many, 0 when the old key can go."""
    old = select(_table).where(_table.c.sealed_with != vault.current).order_by(_table.c.imsi).limit(limit)
    rows = conn.execute(old).all()
    for row in rows:
        sealed = vault.reseal(row.sealed_keys, _context(row.imsi))
        same = (_table.c.imsi == row.imsi, _table.c.sealed_with == row.sealed_with)
        conn.execute(update(_table).where(*same).values(sealed_keys=sealed, sealed_with=vault.current))
    return len(rows)


def _advance(conn: Connection, imsi: Imsi, following: Callable[[Row[Any]], int]) -> tuple[Row[Any], int]:
    """Move the SQN on from what it is; who comes second reads again, so no number is given twice."""
    for _ in range(_TRIES):
        row = _row(conn, imsi)
        sqn = following(row)
        moved = update(_table).where(_table.c.imsi == row.imsi, _table.c.sqn == row.sqn).values(sqn=sqn)
        if conn.execute(moved).rowcount:
            return row, sqn
    raise HssBusy(f"too many ask for the SIM {imsi.masked()} at once; ask again")


def _row(conn: Connection, imsi: Imsi) -> Row[Any]:
    row = conn.execute(select(_table).where(_table.c.imsi == imsi)).first()
    if row is None:
        raise UnknownSubscriber(f"the HSS has no IMSI {imsi.masked()}")
    return row


def _keys(vault: Vault, row: Row[Any]) -> Keys:
    both = vault.open(row.sealed_keys, _context(row.imsi))
    return Keys(both[:16], both[16:])


def _context(imsi: str) -> bytes:
    return f"hss {imsi}".encode()


def _apns_as_json(apns: tuple[Apn, ...]) -> list[dict[str, Any]]:
    return [asdict(apn) for apn in apns]
