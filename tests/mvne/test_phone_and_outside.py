"""Phones, and the platform's own limits: what a simulated world can do, and what is said when there is none of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mvne import phone, service
from mvne.ordering import OrderFailed
from mvne.phone import NotSimulated
from mvne.platform import Platform
from mvne.pools import NumbersTaken, number_need
from mvne.signup import NotAvailable, sign_up
from mvne.smoke import SmokeFailed
from mvne.states import LineState
from mvne_plans.catalogue import NumberGroup
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Stop
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.numbers import add_numbers
from mvne_provisioning.network.port import HostRefused, HostUnavailable, Refusal
from mvne_provisioning.network.simulated_use import UseRefused
from mvne_provisioning.order.errors import OrderInterrupted
from tests.mvne.house import AT, MINUTE, PARIS_NUMBER, SMALL, House, Stores, example, open_house
from tests.mvne.wholeness import faults

BRAND = "tilleul"


def test_without_a_simulated_world_a_real_phone_is_needed(tilleul: House) -> None:
    real = replace(tilleul.platform, world=None)
    with pytest.raises(NotSimulated, match="scan the activation code with a real phone"):
        phone.install(real, BRAND, "smoke-1", tilleul.now)


def test_a_line_without_an_activation_code_cannot_be_installed(tilleul: House) -> None:
    with pytest.raises(NotSimulated, match="line smoke-1 has no activation code: it is ended"):
        phone.install(tilleul.platform, BRAND, "smoke-1", tilleul.now)


def test_a_simulated_phone_has_one_eid_for_ever() -> None:
    assert phone.eid_of("ada") == phone.eid_of("ada") != phone.eid_of("bob")


def test_installing_again_is_hearing_the_phone_out(tilleul: House) -> None:
    line = tilleul.join("ada")
    assert phone.install(tilleul.platform, BRAND, line.id, tilleul.now) == line


def test_an_activation_that_the_host_refuses_is_undone_and_can_be_tried_anew(tilleul: House) -> None:
    assert tilleul.platform.world is not None
    tilleul.platform.world.host("FR").fail_next("activate", HostRefused(Refusal.NOT_CAPABLE, "no room"), times=2)
    for attempt in ("line-ada:activate", "line-ada:activate:2"):
        with pytest.raises(OrderFailed, match=f"order {attempt} failed: .*no room"):
            sign_up(tilleul.platform, BRAND, tilleul.wish("ada"), tilleul.now)
        assert tilleul.line("line-ada").state is LineState.ORDERED
    assert tilleul.join("ada").state is LineState.ACTIVE
    assert len(tilleul.payments("line-ada")) == 1
    service.cancel(tilleul.platform, BRAND, "line-ada", tilleul.after(hours=1), now=True)
    tilleul.bill()
    assert faults(tilleul.platform, BRAND) == []


def test_a_suspension_that_the_host_refuses_leaves_no_cause_behind(tilleul: House) -> None:
    line = tilleul.join("ada")
    assert tilleul.platform.world is not None
    tilleul.platform.world.host("FR").fail_next("suspend", HostRefused(Refusal.NOT_CAPABLE, "not now"))
    with pytest.raises(OrderFailed):
        service.suspend(tilleul.platform, BRAND, line.id, "requested", tilleul.now)
    assert tilleul.line(line.id) == line


def test_an_order_of_somebody_else_that_hangs_stops_nobody(tilleul: House) -> None:
    ada, bob = tilleul.join("ada").id, tilleul.join("bob").id
    assert tilleul.platform.world is not None
    host = tilleul.platform.world.host("FR")
    host.fail_next("suspend", HostUnavailable("no answer"))
    with pytest.raises(OrderInterrupted):
        service.suspend(tilleul.platform, BRAND, ada, "requested", tilleul.now)
    assert service.suspend(tilleul.platform, BRAND, bob, "requested", tilleul.now).state is LineState.SUSPENDED
    assert tilleul.line(ada).state is LineState.ACTIVE
    host.fail_next("suspend", HostUnavailable("still none"))
    tilleul.bill()
    assert tilleul.line(ada).state is LineState.ACTIVE, "a bill run is not stopped by it either"
    tilleul.bill()
    assert tilleul.line(ada).state is LineState.SUSPENDED, "and finishes it when there is an answer"
    assert faults(tilleul.platform, BRAND) == []


def test_beyond_a_stop_the_network_lets_nobody_call(platform: Platform) -> None:
    house = House(platform)
    brand = example("tilleul")
    plans = [
        replace(plan, tariff=replace(plan.tariff, beyond={**plan.tariff.beyond, Kind.VOICE: Stop()}))
        for plan in brand.catalogue.plans
    ]
    house.launch(replace(brand, catalogue=replace(brand.catalogue, plans=tuple(plans))))
    line = house.join("ada").id
    house.use(line, "voice", 61 * MINUTE, PARIS_NUMBER)
    house.collect_usage()
    house.bill()
    with pytest.raises(UseRefused, match="outgoing_voice"):
        house.use(line, "voice", MINUTE, PARIS_NUMBER)
    house.use(line, "sms", 1, PARIS_NUMBER)
    house.after(days=31)
    house.bill()
    house.use(line, "voice", MINUTE, PARIS_NUMBER)
    assert faults(platform, BRAND) == []


def test_an_addon_for_data_does_not_lift_what_stops_calls(platform: Platform) -> None:
    house = House(platform)
    brand = example("tilleul")
    plans = [
        replace(plan, tariff=replace(plan.tariff, beyond={**plan.tariff.beyond, Kind.VOICE: Stop()}))
        for plan in brand.catalogue.plans
    ]
    house.launch(replace(brand, catalogue=replace(brand.catalogue, plans=tuple(plans))))
    line = house.join("ada").id
    house.use(line, "voice", 61 * MINUTE, PARIS_NUMBER)
    house.use(line, "data", 2 * 10**9)
    house.collect_usage()
    house.bill()
    service.buy_addon(platform, BRAND, line, "data-1gb", "more", house.now)
    house.bill()
    held = house.line(line)
    assert held.bits_per_second is None
    assert "outgoing_voice" in held.barrings


def test_when_the_pool_is_empty_nobody_pays(kind: str, stores: Stores) -> None:
    with stores.copy(kind) as url, open_house(url) as house:
        house.launch(example("tilleul", 2))
        house.join("ada")
        with pytest.raises(NotAvailable, match="tilleul has no number or no eSIM profile left; ask the host for more"):
            sign_up(house.platform, BRAND, house.wish("bob"), house.now)
        assert house.told().count("subscriber.signed_up") == 2


def test_a_number_that_somebody_has_is_refused_before_anybody_pays(tilleul: House) -> None:
    taken = tilleul.join("ada").msisdn
    with pytest.raises(NotAvailable, match="is not a free number of tilleul"):
        sign_up(tilleul.platform, BRAND, tilleul.wish("bob", number=taken), tilleul.now)


def test_when_every_fictional_number_is_somebodys_a_brand_has_to_name_its_own(platform: Platform) -> None:
    brand = example("tilleul")
    everything = [Msisdn(number) for number in brand.market.fictional.first(10_000)]
    with platform.store.transact() as conn:
        add_numbers(conn, "rival", everything, AT)
        with pytest.raises(NumbersTaken, match="every fictional number of France belongs to a brand of this store"):
            number_need(conn, brand)


def test_a_block_that_touches_a_number_group_is_not_given_out(platform: Platform) -> None:
    brand = example("tilleul")
    group = NumberGroup("homes", brand.host.numbers[:1])
    grouped = replace(brand, catalogue=replace(brand.catalogue, groups=(*brand.catalogue.groups, group)))
    with platform.store.transact() as conn:
        assert number_need(conn, brand).missing == brand.host.numbers
        assert number_need(conn, grouped).missing == tuple(brand.market.fictional.first(2 * SMALL)[SMALL:])


def test_a_brand_with_one_number_cannot_be_tried_out(platform: Platform) -> None:
    with pytest.raises(SmokeFailed, match="there is no second number to call"):
        House(platform).launch(example("tilleul", 1))
