"""What a launch does when the plan file was changed: versions, removals, number ranges, brands beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mvne import service, versions
from mvne.brand import Brand
from mvne.diffing import Action, RemovalRefused, diff
from mvne.launching import launches
from mvne.pools import NumbersTaken
from mvne.signup import sign_up
from mvne.states import LaunchState, LineState
from mvne.versions import NotSold
from mvne_plans.catalogue import Plan
from mvne_plans.money import Money
from mvne_provisioning.inventory.counting import count_by_state
from mvne_provisioning.network.port import HostUnavailable
from mvne_provisioning.order.errors import OrderInterrupted
from mvne_provisioning.states import PoolState
from tests.mvne.house import SMALL, House, example
from tests.mvne.wholeness import faults, stripe_objects

TILLEUL = example("tilleul")


@pytest.fixture
def house(tilleul: House) -> Iterator[House]:
    """A house with tilleul; whatever the story, in the end everything is in order."""
    yield tilleul
    assert faults(tilleul.platform, "tilleul") == []


def with_plans(brand: Brand, *plans: Plan) -> Brand:
    return replace(brand, catalogue=replace(brand.catalogue, plans=plans))


def dearer(brand: Brand, price: str = "5.90") -> Brand:
    douceur, *others = brand.catalogue.plans
    return with_plans(brand, replace(douceur, price=Money.parse(price, "EUR")), *others)


def with_numbers(brand: Brand, numbers: tuple[str, ...], **changes: Any) -> Brand:
    """Let the file name its numbers."""
    named = tuple(one for one in brand.defaults if one.path != "host.numbers")
    return replace(brand, host=replace(brand.host, numbers=numbers), defaults=named, **changes)


def prices_on_sale(house: House) -> set[str]:
    return {
        f"{one['lookup_key']} {one['unit_amount']}" for one in stripe_objects(house.platform, "price") if one["active"]
    }


def test_the_same_file_again_changes_nothing(house: House) -> None:
    again = house.launch(TILLEUL)
    assert (again.number, again.steps, bool(again.diff)) == (None, (), False)
    assert again.diff.unchanged == 7
    with house.platform.store.read() as conn:
        assert len(launches(conn, "tilleul")) == 1


def test_a_dearer_plan_is_a_new_version_and_who_has_the_old_one_stays(house: House) -> None:
    old = house.join("marie").id
    house.after(days=1)
    [change] = diff(dearer(TILLEUL), house.platform).changes
    assert (change.action, change.name) == (Action.CHANGE, ("plan", "douceur"))
    assert change.words == (
        "price: 4.90 EUR becomes 5.90 EUR. New version 2, sold from now on; 1 subscriber stays on version 1 until moved"
    )
    launched = house.launch(dearer(TILLEUL))
    assert launched.number == 2
    new = house.join("anne").id
    house.after(days=31)
    house.bill()
    assert [str(one.total) for one in house.documents(old)] == ["4.90 EUR", "4.90 EUR"]
    assert [str(one.total) for one in house.documents(new)] == ["5.90 EUR", "5.90 EUR"]
    assert prices_on_sale(house) == {"tilleul:douceur:1 590", "tilleul:serenite:1 1290"}
    assert house.launch(dearer(TILLEUL)).number is None


def test_going_back_to_the_old_price_is_a_third_version(house: House) -> None:
    house.launch(dearer(TILLEUL))
    house.launch(TILLEUL)
    with house.platform.store.read() as conn:
        prices = [str(plan.price) for plan in versions.history(conn, "tilleul", ("plan", "douceur"))]
    assert prices == ["4.90 EUR", "5.90 EUR", "4.90 EUR"]
    assert "tilleul:douceur:1 490" in prices_on_sale(house)


def test_a_plan_that_people_have_is_not_removed_unless_it_is_retired(house: House) -> None:
    line = house.join("marie").id
    gone = with_plans(TILLEUL, TILLEUL.catalogue.plans[1])
    with pytest.raises(RemovalRefused, match=r"plan douceur has 1 live subscriber and is gone .* --retire douceur"):
        house.launch(gone)
    assert sign_up(house.platform, "tilleul", house.wish("anne"), house.now).state is LineState.READY

    house.launch(gone, "douceur")
    with pytest.raises(NotSold, match="tilleul sells no plan 'douceur'; it sells: serenite"):
        house.join("paul")
    house.after(days=31)
    house.bill()
    assert [str(one.total) for one in house.documents(line)] == ["4.90 EUR", "4.90 EUR"], "whoever has it keeps it"
    assert prices_on_sale(house) == {"tilleul:serenite:1 1290"}
    assert house.launch(gone, "douceur").number is None


def test_a_plan_that_nobody_has_any_more_is_removed(house: House) -> None:
    line = house.join("marie").id
    service.cancel(house.platform, "tilleul", line, house.now, now=True)
    house.bill()
    house.launch(with_plans(TILLEUL, TILLEUL.catalogue.plans[1]))
    assert prices_on_sale(house) == {"tilleul:serenite:1 1290"}


def test_a_number_group_that_plans_in_use_price_by_is_not_removed(house: House) -> None:
    house.join("marie")
    bare = [replace(plan, tariff=replace(plan.tariff, services=())) for plan in TILLEUL.catalogue.plans]
    gone = with_plans(replace(TILLEUL, catalogue=replace(TILLEUL.catalogue, groups=())), *bare)
    with pytest.raises(RemovalRefused, match=r"number group care_homes is gone .* \(douceur version 1\)"):
        house.launch(gone)


def test_a_longer_range_of_numbers_adds_and_a_shorter_one_retires_what_nobody_has(house: House) -> None:
    named = with_numbers(TILLEUL, example("tilleul", SMALL + 5).host.numbers)
    house.launch(named)
    with house.platform.store.read() as conn:
        assert sum(count_by_state(conn, "tilleul").numbers.values()) == SMALL + 5
    shorter = with_numbers(TILLEUL, named.host.numbers[:10])
    house.launch(shorter)
    with house.platform.store.read() as conn:
        assert count_by_state(conn, "tilleul").numbers[PoolState.RETIRED] == SMALL + 5 - 10
    assert house.launch(shorter).number is None


def test_the_number_of_the_test_journey_can_be_left_out_at_once(house: House) -> None:
    house.launch(with_numbers(TILLEUL, TILLEUL.host.numbers[10:]))


def test_a_plan_that_only_an_interrupted_test_journey_is_on_can_go(house: House) -> None:
    assert house.platform.world is not None
    house.platform.world.host("FR").fail_next("activate", HostUnavailable("no answer"))
    with pytest.raises(OrderInterrupted):
        house.launch(dearer(TILLEUL))
    house.launch(with_plans(TILLEUL, TILLEUL.catalogue.plans[1]))
    assert house.line("smoke-2").state is LineState.ENDED


def test_a_number_that_a_line_has_stays_in_the_range(house: House) -> None:
    line = house.join("marie", number=TILLEUL.host.numbers[5])
    left = tuple(number for number in TILLEUL.host.numbers if number != line.msisdn)
    with pytest.raises(RemovalRefused, match=rf"1 of the numbers .* the first \{line.msisdn}, are in use"):
        house.launch(with_numbers(TILLEUL, left))


def test_two_brands_of_one_market_get_numbers_of_their_own(house: House) -> None:
    house.launch(replace(TILLEUL, id="rival"))
    mine, rivals = house.join("marie"), house.join("marie", "rival")
    assert mine.msisdn != rivals.msisdn
    assert mine.iccid != rivals.iccid
    assert faults(house.platform, "rival") == []
    with pytest.raises(NumbersTaken, match=f"{SMALL} of the numbers, the first .* belong to another brand"):
        house.launch(with_numbers(TILLEUL, TILLEUL.host.numbers, id="third"))


def test_a_launch_that_was_given_up_is_superseded_by_the_next_file(house: House) -> None:
    assert house.platform.world is not None
    house.platform.world.host("FR").fail_next("activate", HostUnavailable("no answer"))
    with pytest.raises(OrderInterrupted, match="no answer; run it again"):
        house.launch(dearer(TILLEUL))
    launched = house.launch(dearer(TILLEUL, "6.90"))
    with house.platform.store.read() as conn:
        states = [state for _, state, _ in launches(conn, "tilleul")]
    assert states == [LaunchState.DONE, LaunchState.SUPERSEDED, LaunchState.DONE]
    assert launched.number == 3
    assert prices_on_sale(house) == {"tilleul:douceur:1 690", "tilleul:serenite:1 1290"}
