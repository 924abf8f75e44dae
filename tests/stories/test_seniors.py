"""Seniors' lives with tilleul: from the sign-up with a code to the number that rests after the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from mvne import lines, phone, service, usage
from mvne.lines import LineEnded, LineMoveNotAllowed
from mvne.ordering import QUARANTINE
from mvne.signup import NotEligible, PaymentDeclined, SignUp, sign_up
from mvne.states import LineState
from mvne.versions import NotSold
from mvne_billing.invoice.invoice import LineKind
from mvne_billing.mediation import suspense
from mvne_billing.subscription.subscription import SubscriptionConflict
from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind
from mvne_provisioning.inventory.counting import count_by_state
from mvne_provisioning.network.simulated_use import UseRefused
from mvne_provisioning.states import PoolState
from mvne_provisioning.tables import provisioning_number as numbers
from tests.mvne.house import CARE_HOME, GB, MB, MINUTE, PARIS_NUMBER, House
from tests.mvne.wholeness import faults


@pytest.fixture
def house(tilleul: House) -> Iterator[House]:
    """A house with tilleul; whatever the story, in the end everything is in order."""
    yield tilleul
    assert faults(tilleul.platform, "tilleul") == []


def pool_state(house: House, msisdn: str | None) -> PoolState:
    """Return where a number stands in its pool."""
    with house.platform.store.read() as conn:
        query = select(numbers.c.state).where(numbers.c.brand == "tilleul", numbers.c.msisdn == msisdn)
        return PoolState(conn.execute(query).scalar_one())


def test_marie_signs_up_calls_a_care_home_for_nothing_and_pays_for_ten_minutes(house: House) -> None:
    line = house.join("marie", code="BIENVENUE")
    assert line.state is LineState.ACTIVE
    house.use(line.id, "voice", 90 * MINUTE, CARE_HOME)
    house.use(line.id, "voice", 70 * MINUTE, PARIS_NUMBER)
    house.use(line.id, "sms", 1, PARIS_NUMBER)
    [loaded] = house.collect_usage()
    assert (loaded.rated, loaded.suspended, loaded.charge_micro) == (3, {}, 500_000)

    assert house.bill().issued == 0, "nothing is due before the month is over"
    house.after(days=31)
    run = house.bill()
    assert (run.issued, run.paid, run.failed) == (1, 1, 0)
    first, second = house.documents(line.id)
    assert [(str(one.amount), one.kind) for one in first.lines] == [
        ("4.90 EUR", LineKind.RECURRING),
        ("-2.45 EUR", LineKind.PROMOTION),
    ]
    assert [str(one.amount) for one in second.lines] == ["4.90 EUR", "-2.45 EUR", "0.50 EUR"]
    assert [(tax.name, str(tax.amount)) for tax in second.taxes] == [("TVA", "0.49 EUR")]
    assert (second.tax_included, str(second.total)) == (True, "2.95 EUR")
    assert house.bill().issued == 0, "a bill run that is repeated bills nothing"


def test_the_code_is_good_for_three_months_and_for_new_subscribers_only(house: House) -> None:
    line = house.join("marie", code="bienvenue".upper())
    for _ in range(3):
        house.after(days=31)
        house.bill()
    assert [str(one.total) for one in house.documents(line.id)] == ["2.45 EUR", "2.45 EUR", "2.45 EUR", "4.90 EUR"]
    again = house.wish("marie", code="BIENVENUE")
    with pytest.raises(NotSold, match=r"'BIENVENUE' is not known, or not open on 2027-04-0\d for plan douceur"):
        sign_up(house.platform, "tilleul", _another_line(again), house.now)


def _another_line(wish: SignUp) -> SignUp:
    return replace(wish, line=f"{wish.line}-2")


def test_new_only_codes_refuse_whoever_has_a_line(house: House) -> None:
    house.join("marie")
    with pytest.raises(NotEligible, match="the code BIENVENUE is for new subscribers"):
        sign_up(house.platform, "tilleul", _another_line(house.wish("marie", code="BIENVENUE")), house.now)


def test_data_is_slow_after_the_cap_an_addon_lifts_it_and_so_does_the_new_month(house: House) -> None:
    line = house.join("jean").id
    house.use(line, "data", 1100 * MB)
    house.collect_usage()
    house.bill()
    assert house.line(line).bits_per_second == 128_000

    bought = service.buy_addon(house.platform, "tilleul", line, "data-1gb", "extra", house.now)
    assert service.buy_addon(house.platform, "tilleul", line, "data-1gb", "extra", house.now) == bought
    house.bill()
    assert house.line(line).bits_per_second is None
    house.use(line, "data", 900 * MB)
    house.collect_usage()
    house.bill()
    assert house.line(line).bits_per_second is None, "the add-on is not used up"
    house.use(line, "data", 200 * MB)
    house.collect_usage()
    house.bill()
    assert house.line(line).bits_per_second == 128_000, "now it is"

    house.after(days=31)
    house.bill()
    assert house.line(line).bits_per_second is None
    assert [str(one.total) for one in house.documents(line)] == ["4.90 EUR", "7.90 EUR"]
    assert house.told().count("addon.bought") == 1


def test_use_that_comes_late_does_not_slow_the_month_after(house: House) -> None:
    line = house.join("jean").id
    house.use(line, "data", 2 * GB)
    house.after(days=31)
    house.bill()
    house.collect_usage()
    house.bill()
    assert house.line(line).bits_per_second is None


def test_a_line_is_suspended_and_resumed_and_cannot_be_used_between(house: House) -> None:
    line = house.join("jean").id
    suspended = service.suspend(house.platform, "tilleul", line, "requested", house.now)
    assert (suspended.state, suspended.cause) == (LineState.SUSPENDED, "requested")
    assert service.suspend(house.platform, "tilleul", line, "again", house.after(hours=1)) == suspended
    with pytest.raises(UseRefused, match="suspended"):
        house.use(line, "sms", 1, PARIS_NUMBER)
    resumed = service.resume(house.platform, "tilleul", line, house.after(hours=1))
    assert (resumed.state, resumed.cause) == (LineState.ACTIVE, None)
    assert service.resume(house.platform, "tilleul", line, house.after(hours=1)) == resumed
    house.use(line, "sms", 1, PARIS_NUMBER)
    assert house.told(subject=line).count("line.suspended") == house.told(subject=line).count("line.resumed") == 1


def test_a_new_esim_keeps_number_contract_and_use_of_the_old_one(house: House) -> None:
    before = house.join("jean")
    house.use(before.id, "voice", MINUTE, PARIS_NUMBER)
    service.swap_sim(house.platform, "tilleul", before.id, house.now)
    after = phone.install(house.platform, "tilleul", before.id, house.now)
    assert (after.msisdn, after.state) == (before.msisdn, LineState.ACTIVE)
    assert after.iccid != before.iccid
    assert after.imsi != before.imsi
    house.use(after.id, "voice", 61 * MINUTE, PARIS_NUMBER)
    [loaded] = house.collect_usage()
    assert (loaded.rated, loaded.charge_micro) == (2, 100_000), "two minutes beyond the hour, counted over both cards"


def test_a_cancelled_line_ends_with_its_month_and_its_number_rests(house: House) -> None:
    line = house.join("jean")
    house.after(days=3)
    house.use(line.id, "voice", 80 * MINUTE, PARIS_NUMBER)
    ends = service.cancel(house.platform, "tilleul", line.id, house.now)
    assert ends == datetime(2027, 2, 4, 9, tzinfo=UTC)
    assert service.cancel(house.platform, "tilleul", line.id, house.after(days=1)) == ends
    assert house.told(subject=line.id).count("line.cancelled") == 1
    assert house.line(line.id).state is LineState.ACTIVE

    house.clock.now = ends + timedelta(minutes=1)
    house.collect_usage()
    house.bill()
    ended = house.line(line.id)
    assert (ended.state, ended.activation_code) == (LineState.ENDED, None)
    assert [str(one.total) for one in house.documents(line.id)] == ["4.90 EUR", "1.00 EUR"]
    assert pool_state(house, line.msisdn) is PoolState.QUARANTINED
    with pytest.raises(LineEnded, match="line line-jean has ended"):
        service.resume(house.platform, "tilleul", line.id, house.now)
    with pytest.raises(LineEnded, match="another id"):
        sign_up(house.platform, "tilleul", house.wish("jean"), house.now)

    house.clock.now += QUARANTINE
    house.bill()
    assert pool_state(house, line.msisdn) is PoolState.AVAILABLE, "after its rest somebody else can have it"


def test_a_number_that_is_given_again_bills_each_owner_for_their_own_calls(house: House) -> None:
    first = house.join("jean")
    house.use(first.id, "voice", 70 * MINUTE, PARIS_NUMBER)
    late = house.now
    house.after(minutes=90)
    service.cancel(house.platform, "tilleul", first.id, house.now, now=True)
    house.bill()
    house.after(days=91)
    house.bill()
    second = house.join("anne", number=first.msisdn)
    assert second.msisdn == first.msisdn
    house.use(second.id, "voice", MINUTE, PARIS_NUMBER)
    [loaded] = house.collect_usage()
    assert (loaded.rated, loaded.suspended) == (2, {}), f"the call of {late} is the first owner's"
    house.after(days=31)
    house.bill()
    assert [str(one.total) for one in house.documents(second.id)] == ["4.90 EUR", "4.90 EUR"]


def test_whoever_never_scans_the_code_gives_number_and_card_back(house: House) -> None:
    waiting = sign_up(house.platform, "tilleul", house.wish("jean"), house.now)
    assert waiting.state is LineState.READY
    with pytest.raises(LineMoveNotAllowed, match="line line-jean is ready; it cannot become suspended"):
        service.suspend(house.platform, "tilleul", waiting.id, "requested", house.now)
    service.cancel(house.platform, "tilleul", waiting.id, house.after(days=1))
    house.bill()
    assert house.line(waiting.id).state is LineState.ENDED
    next_one = house.join("anne")
    assert next_one.iccid == waiting.iccid, "the card was never downloaded, so somebody else has it now"
    assert next_one.msisdn != waiting.msisdn, "the number was live, so it rests"


def test_a_phone_that_installs_after_the_end_of_the_contract_changes_nothing(house: House) -> None:
    waiting = sign_up(house.platform, "tilleul", house.wish("jean"), house.now)
    service.cancel(house.platform, "tilleul", waiting.id, house.after(minutes=1), now=True)
    phone.install(house.platform, "tilleul", waiting.id, house.now)
    house.bill()
    assert house.line(waiting.id).state is LineState.ENDED


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ({"born": None}, "Tilleul Mobile is for people of 60 and over: say when the subscriber was born"),
        ({"born": date(1967, 1, 5)}, "the subscriber is 59"),
    ],
)
def test_whoever_is_too_young_is_not_signed_up(house: House, person: dict[str, date | None], words: str) -> None:
    with pytest.raises(NotEligible, match=words):
        sign_up(house.platform, "tilleul", house.wish("jean", person=person), house.now)
    with house.platform.store.read() as conn:
        assert lines.of_subscriber(conn, "tilleul", "jean") == []


def test_sixty_years_old_today_is_old_enough(house: House) -> None:
    assert house.join("jean", person={"born": date(1967, 1, 4)}).state is LineState.ACTIVE


@pytest.mark.parametrize("card", ["pm_card_chargeDeclined", "pm_card_chargeCustomerFail"])
def test_a_declined_first_payment_is_made_good_with_another_card(house: House, card: str) -> None:
    with pytest.raises(PaymentDeclined, match="another payment method"):
        sign_up(house.platform, "tilleul", house.wish("jean", method=card), house.now)
    assert house.line("line-jean").state is LineState.ORDERED
    assert house.bill().failed == 0, "an unpaid beginning stops no bill run"
    house.after(minutes=10)
    assert house.join("jean").state is LineState.ACTIVE
    assert [str(one.total) for one in house.documents("line-jean")] == ["4.90 EUR"]


def test_whoever_never_pays_the_first_bill_owes_nothing_in_the_end(house: House) -> None:
    with pytest.raises(PaymentDeclined):
        sign_up(house.platform, "tilleul", house.wish("jean", method="pm_card_chargeDeclined"), house.now)
    house.bill()
    house.after(days=15)
    house.bill()
    assert house.line("line-jean").state is LineState.ENDED
    assert [str(one.total) for one in house.documents("line-jean")] == ["4.90 EUR", "-4.90 EUR"]


def test_an_id_names_one_person_and_one_contract(house: House) -> None:
    house.join("jean")
    with pytest.raises(SubscriptionConflict, match="line-jean exists with another plan or subscriber"):
        sign_up(house.platform, "tilleul", house.wish("jean", plan="serenite"), house.now)


def test_use_of_a_number_that_nobody_had_waits_in_suspense(house: House) -> None:
    stray = UsageRecord("r1", "+33639980029", Kind.VOICE, house.now, 60, "FR", PARIS_NUMBER, "a test")
    loaded = usage.load_records(house.platform, "tilleul", "stray", "a test", [stray], house.now)
    assert dict(loaded.suspended) == {"unknown_subscriber": 1}
    assert usage.replay_suspense(house.platform, "tilleul", house.now).rated == 0
    with house.platform.store.read() as conn:
        assert len(suspense.waiting(conn, "tilleul")) == 1
        assert count_by_state(conn, "tilleul").numbers[PoolState.ASSIGNED] == 0
    assert "usage.suspended" in house.told()
