"""The simulated host's HSS: what it keeps, how it authenticates, and that no sequence number is given twice."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import Engine, select

from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.milenage import Keys, MacFailure, SynchronisationFailure, opc_from_op, respond
from mvne_provisioning.network.hss import (
    SubscriberBarred,
    SubscriberConflict,
    UnknownSubscriber,
    authenticate,
    change_subscriber,
    put_subscriber,
    remove_subscriber,
    reseal_subscribers,
    resynchronise,
    subscriber,
)
from mvne_provisioning.network.simulator_tables import metadata, subscribers
from mvne_provisioning.network.subscription import Apn, BadSubscription, HssRecord, IpVersion
from mvne_provisioning.sequence_numbers import Seen
from mvne_provisioning.vault import NotOpened, UnknownKey, Vault
from tests.provisioning.conftest import Transact

FIRST, SECOND = simulated_batch(1, 2)
KEYS = Keys(bytes(range(16)), opc_from_op(bytes(range(16)), bytes(16)))
RAND = bytes(range(50, 66))
RECORD = HssRecord(
    FIRST.imsi,
    KEYS,
    Msisdn("+33199000001"),
    FIRST.iccid,
    (Apn("internet"), Apn("ims", IpVersion.IPV6, qci=5, priority=1, preemptible=False)),
    downlink=50_000_000,
)
OLD, NEW = bytes(range(32)), bytes(range(32, 64))


@pytest.fixture
def vault() -> Vault:
    return Vault({"old": OLD}, "old", secrets.token_bytes)


@pytest.fixture
def transact(engine: Engine) -> Transact:
    metadata.create_all(engine)
    return engine.begin


def test_a_subscription_is_kept_whole_and_its_keys_are_not_readable_in_the_store(
    transact: Transact, vault: Vault
) -> None:
    with transact() as conn:
        put_subscriber(conn, vault, RECORD)
        assert subscriber(conn, vault, FIRST.imsi) == RECORD
        row = conn.execute(select(subscribers)).one()
        assert KEYS.k not in row.sealed_keys
        assert KEYS.opc not in row.sealed_keys
        for secret in (KEYS.k, KEYS.opc):
            assert secret.hex() not in repr(row).lower()
            assert secret.hex() not in repr(RECORD)


def test_the_same_again_is_a_no_op_and_other_content_a_conflict(transact: Transact, vault: Vault) -> None:
    with transact() as conn:
        put_subscriber(conn, vault, RECORD)
        authenticate(conn, vault, FIRST.imsi, RAND)
        put_subscriber(conn, vault, RECORD)
        assert subscriber(conn, vault, FIRST.imsi).sqn > 0
        others = [
            replace(RECORD, keys=Keys(KEYS.opc, KEYS.k)),
            replace(RECORD, msisdn=None),
            replace(RECORD, apns=RECORD.apns[:1]),
            replace(RECORD, amf=b"\0\0"),
        ]
        for other in others:
            with pytest.raises(SubscriberConflict):
                put_subscriber(conn, vault, other)


def test_only_what_is_given_is_changed(transact: Transact, vault: Vault) -> None:
    number, apns = Msisdn("+33199000002"), (Apn("slow", downlink=128_000),)
    with transact() as conn:
        put_subscriber(conn, vault, RECORD)
        put_subscriber(conn, vault, replace(RECORD, imsi=SECOND.imsi))
        change_subscriber(conn, FIRST.imsi)
        assert subscriber(conn, vault, FIRST.imsi) == RECORD
        change_subscriber(conn, FIRST.imsi, msisdn=number)
        assert subscriber(conn, vault, FIRST.imsi) == replace(RECORD, msisdn=number)
        change_subscriber(conn, FIRST.imsi, apns=apns, barred=True, speeds=(1, 2))
        changed = replace(RECORD, msisdn=number, apns=apns, barred=True, downlink=1, uplink=2)
        assert subscriber(conn, vault, FIRST.imsi) == changed
        change_subscriber(conn, FIRST.imsi, barred=False)
        assert not subscriber(conn, vault, FIRST.imsi).barred
        assert subscriber(conn, vault, SECOND.imsi) == replace(RECORD, imsi=SECOND.imsi)


def test_who_is_unknown_or_forgotten_is_said_to_be(transact: Transact, vault: Vault) -> None:
    with transact() as conn:
        put_subscriber(conn, vault, RECORD)
        remove_subscriber(conn, FIRST.imsi)
        remove_subscriber(conn, FIRST.imsi)
        for imsi in (FIRST.imsi, SECOND.imsi):
            for refused in (
                lambda imsi=imsi: subscriber(conn, vault, imsi),
                lambda imsi=imsi: authenticate(conn, vault, imsi, RAND),
                lambda imsi=imsi: resynchronise(conn, vault, imsi, RAND, bytes(14)),
                lambda imsi=imsi: change_subscriber(conn, imsi, barred=True),
            ):
                with pytest.raises(UnknownSubscriber) as unknown:
                    refused()
                assert imsi not in str(unknown.value)


def test_a_phone_with_the_same_keys_is_let_in_again_and_again(transact: Transact, vault: Vault) -> None:
    seen = Seen()
    with transact() as conn:
        put_subscriber(conn, vault, RECORD)
        for number in range(40):
            rand = number.to_bytes(16)
            vector = authenticate(conn, vault, FIRST.imsi, rand)
            answer, seen = respond(KEYS, rand, vector.autn, seen)
            assert answer.res == vector.xres
        assert subscriber(conn, vault, FIRST.imsi).sqn == seen.highest


def test_a_phone_that_is_ahead_is_let_in_after_resynchronisation(transact: Transact, vault: Vault) -> None:
    ahead = Seen((70_000,) * 32)
    with transact() as conn:
        put_subscriber(conn, vault, RECORD)
        vector = authenticate(conn, vault, FIRST.imsi, RAND)
        with pytest.raises(SynchronisationFailure) as failure:
            respond(KEYS, RAND, vector.autn, ahead)
        spoilt = bytes([failure.value.auts[0] ^ 1]) + failure.value.auts[1:]
        with pytest.raises(MacFailure):
            resynchronise(conn, vault, FIRST.imsi, RAND, spoilt)
        resynchronise(conn, vault, FIRST.imsi, RAND, failure.value.auts)
        again = authenticate(conn, vault, FIRST.imsi, RAND)
        answer, _ = respond(KEYS, RAND, again.autn, ahead)
        assert answer.res == again.xres
        reached = subscriber(conn, vault, FIRST.imsi).sqn
        resynchronise(conn, vault, FIRST.imsi, RAND, failure.value.auts)
        assert subscriber(conn, vault, FIRST.imsi).sqn == reached


def test_a_barred_subscription_gets_no_vector_and_no_sequence_number_is_spent(transact: Transact, vault: Vault) -> None:
    with transact() as conn:
        put_subscriber(conn, vault, replace(RECORD, barred=True))
        with pytest.raises(SubscriberBarred):
            authenticate(conn, vault, FIRST.imsi, RAND)
        assert subscriber(conn, vault, FIRST.imsi).sqn == 0


def test_no_sequence_number_is_given_twice_under_concurrent_requests(transact: Transact, vault: Vault) -> None:
    with transact() as conn:
        put_subscriber(conn, vault, RECORD)
    together = Barrier(4)

    def ask(_: int) -> list[bytes]:
        together.wait()
        given = []
        for _ in range(5):
            with transact() as conn:
                given.append(authenticate(conn, vault, FIRST.imsi, RAND).autn)
        return given

    with ThreadPoolExecutor(4) as pool:
        given = [autn for autns in pool.map(ask, range(4)) for autn in autns]
    assert len(set(given)) == 20


def test_keys_are_resealed_in_pieces_until_the_old_key_can_go(transact: Transact, vault: Vault) -> None:
    token = secrets.token_bytes
    both, alone = Vault({"old": OLD, "new": NEW}, "new", token), Vault({"new": NEW}, "new", token)
    profiles = simulated_batch(1, 5)
    with transact() as conn:
        for profile in profiles:
            put_subscriber(conn, vault, replace(RECORD, imsi=profile.imsi))
        with pytest.raises(UnknownKey):
            subscriber(conn, alone, FIRST.imsi)
        assert [reseal_subscribers(conn, both, limit=3) for _ in range(3)] == [3, 2, 0]
        for profile in profiles:
            assert subscriber(conn, alone, profile.imsi).keys == KEYS
        assert authenticate(conn, alone, FIRST.imsi, RAND)


def test_sealed_keys_moved_to_another_subscription_do_not_open(transact: Transact, vault: Vault) -> None:
    with transact() as conn:
        put_subscriber(conn, vault, RECORD)
        conn.execute(subscribers.update().values(imsi=SECOND.imsi))
        with pytest.raises(NotOpened):
            authenticate(conn, vault, Imsi(SECOND.imsi), RAND)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"apns": ()}, "one APN or more"),
        ({"apns": (Apn("a"), Apn("a", qci=5))}, "each once"),
        ({"amf": b"\x80"}, "AMF has 1 bytes"),
    ],
)
def test_an_impossible_subscription_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(BadSubscription, match=message):
        HssRecord(FIRST.imsi, KEYS, **values)  # type: ignore[arg-type]  # the table mixes the fields' types


@pytest.mark.parametrize(
    ("name", "priority", "qci"), [("", 8, 9), ("in ternet", 8, 9), ("é", 8, 9), ("a", 0, 9), ("a", 16, 9), ("a", 8, 0)]
)
def test_an_impossible_apn_is_refused(name: str, priority: int, qci: int) -> None:
    with pytest.raises(BadSubscription):
        Apn(name, priority=priority, qci=qci)
