"""Many phones at once on the simulated host network: all or none, or each for itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import StaticPool, create_engine

from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.network.port import Barring, UsageKind
from mvne_provisioning.network.simulated_use import Use, UseRefused
from mvne_provisioning.network.simulator import SimulatedHostNetwork

AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
ALICE, BOB, NOBODY = simulated_batch(1, 3)
PREMIUM = "+33899000000"


@pytest.fixture
def host() -> Iterator[SimulatedHostNetwork]:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    network = SimulatedHostNetwork(engine, premium=("+33899", "3200"))
    for place, who in enumerate((ALICE, BOB)):
        network.activate(f"key-{place}", who.imsi, who.iccid, Msisdn(f"+3363998000{place}"))
    network.set_barring("bar", BOB.imsi, frozenset({Barring.PREMIUM}))
    yield network
    engine.dispose()


def _call(imsi: str, to: str, id_: str) -> Use:
    return Use(type(ALICE.imsi)(imsi), UsageKind.VOICE, AT, 60, to, id=id_)


def test_each_refused_use_is_told_and_the_others_happen(host: SimulatedHostNetwork) -> None:
    told: list[tuple[str | None, str]] = []
    uses = [
        _call(ALICE.imsi, PREMIUM, "a"),
        _call(BOB.imsi, PREMIUM, "b"),
        _call(NOBODY.imsi, PREMIUM, "c"),
        _call(BOB.imsi, "+33199000000", "d"),
    ]
    records = host.use_many(uses, lambda use, refusal: told.append((use.id, refusal.reason)))
    assert [record.id for record in records] == ["a", "d"]
    assert told == [("b", "barred"), ("c", "not_active")]
    assert [(one.id, one.sequence) for one in host.usage_feed(0, 10).records] == [("a", 1), ("d", 2)]


def test_without_somebody_to_tell_it_is_all_or_none(host: SimulatedHostNetwork) -> None:
    with pytest.raises(UseRefused, match="barred"):
        host.use_many([_call(ALICE.imsi, PREMIUM, "a"), _call(BOB.imsi, PREMIUM, "b")])
    assert host.usage_feed(0, 10).records == ()


def test_a_known_record_with_other_content_is_refused_alone(host: SimulatedHostNetwork) -> None:
    host.use_many([_call(ALICE.imsi, "+33199000000", "a")])
    told: list[str] = []
    again = [_call(ALICE.imsi, "+33199000000", "a"), _call(ALICE.imsi, "+33199000001", "a")]
    records = host.use_many(again, lambda use, refusal: told.append(refusal.reason))
    assert ([record.called for record in records], told) == (["+33199000000"], ["id_reused"])


@pytest.mark.parametrize(
    ("to", "is_barred"), [("+33899000000", True), ("+33898000000", False), ("3200", True), ("320", False)]
)
def test_a_premium_number_is_known_by_its_prefix(host: SimulatedHostNetwork, to: str, is_barred: bool) -> None:
    told: list[str] = []
    host.use_many([_call(BOB.imsi, to, "a")], lambda use, refusal: told.append(refusal.reason))
    assert told == (["barred"] if is_barred else [])
