"""Prepaid balances in a brand's life: opened at sign-up, filled, warned of, spent on add-ons and bills, expired."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from mvne import balances, care, doctor, service, statements, topups, versions, vouchers
from mvne.balances import NotPrepaid
from mvne.collecting import NoPaymentMethod, use_method
from mvne.lines import LineEnded, LineNotFound
from mvne.phone import simulated
from mvne.tables import event, subscriber
from mvne.topups import TopUpDeclined
from mvne_billing.balance import account
from mvne_billing.balance.account import Balance, BalanceConflict, InsufficientBalance
from mvne_billing.balance.redeeming import WrongCode
from mvne_billing.balance.topup import Source, TopUpUnderWay
from mvne_billing.balance.voucher import Batch
from mvne_billing.payments.gateway import GatewayUnavailable
from mvne_billing.states import PaymentState, SubscriptionState
from mvne_billing.tables import balance as balance_table
from mvne_plans.money import CurrencyMismatch, Money
from mvne_plans.period import Every
from mvne_plans.prepaid import Bonus, NotAllowed, PrepaidRules, Sending
from mvne_provisioning.smdp.tokens import unguessable_token
from tests.mvne.house import House
from tests.mvne.wholeness import faults, stripe_objects

ADA, BOB = "line-ada", "line-bob"
NO_WAY = "0000-0000-0000-0000"


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


RULES = PrepaidRules(
    lasts=Every.parse("60 days"),
    most=usd("200"),
    bonuses=(Bonus(usd("50"), Decimal(10)), Bonus(usd("100"), Decimal(10), None, "boost-1gb")),
    marks=(usd("5"), usd("0")),
    sending=Sending(usd("1"), usd("30"), usd("50")),
)


@pytest.fixture
def house(comet: House) -> House:
    """Comet with rules of prepaid money, and Ada and Bob, who paid three periods of 30 days by card."""
    with comet.platform.store.transact() as conn:
        versions.add(conn, "comet", ("prepaid", "comet"), RULES, comet.now)
    for name in ("ada", "bob"):
        comet.join(name, "comet", "spark", periods=3)
    comet.after(hours=1)
    return comet


def of(house: House, line: str = ADA) -> Balance:
    with house.platform.store.read() as conn:
        return account.get(conn, "comet", line)


def free(house: House, line: str = ADA) -> str:
    return str(Money(of(house, line).free_micro // 10_000, "USD").decimal())


def pay_in(house: House, amount: str, line: str = ADA, name: str = "") -> None:
    name = name or f"t-{house.now.isoformat()}-{amount}"
    topups.by_hand(house.platform, "comet", name, line, usd(amount), Source.SHOP, "kiosk", "cash", house.now)


def by_card(house: House, amount: str = "20", name: str = "t-1") -> PaymentState:
    return topups.by_card(house.platform, "comet", name, ADA, usd(amount), house.now).state


def told(house: House, line: str = ADA) -> list[str]:
    return [one for one in house.told("comet", line) if one.startswith(("balance", "topup", "bonus"))]


def test_a_prepaid_line_has_an_empty_balance_from_sign_up_on_and_care_sees_it(house: House) -> None:
    assert (free(house), of(house).currency) == ("0.00", "USD")
    assert care.show(house.platform, "comet", ADA)["balance"] == "0.00 USD free"
    assert faults(house.platform, "comet") == []


def test_a_postpaid_line_has_none_and_gets_none(tilleul: House) -> None:
    tilleul.join("ada")
    assert "balance" not in care.show(tilleul.platform, "tilleul", ADA)
    ten = Money(1000, "EUR")
    with pytest.raises(NotPrepaid, match=r"billed after its use \(plan douceur\)"):
        topups.by_hand(tilleul.platform, "tilleul", "t", ADA, ten, Source.CASH, "kiosk", "x", tilleul.now)
    with pytest.raises(LineNotFound):
        balances.adjust(tilleul.platform, "tilleul", "a", "line-x", ten, "zoe", "sorry", tilleul.now)


def test_a_prepaid_line_from_before_there_were_balances_gets_one_when_money_comes(house: House) -> None:
    with house.platform.store.transact() as conn:
        conn.execute(balance_table.delete())
    pay_in(house, "10")
    assert free(house) == "10.00"
    assert faults(house.platform, "comet") == []


def test_a_card_fills_the_balance_once_and_stripe_has_it_once(house: House) -> None:
    assert [by_card(house), by_card(house)] == [PaymentState.SUCCEEDED] * 2
    assert free(house) == "20.00"
    (paid,) = [one for one in stripe_objects(house.platform, "payment_intent") if one["amount"] == 2000]
    assert paid["metadata"]["mvne_payment"] == "topup:t-1"
    assert told(house) == ["balance.topped_up"]
    assert faults(house.platform, "comet") == []


def test_a_declined_card_says_why_and_fills_nothing(house: House) -> None:
    use_method(house.platform, "comet", "ada", "pm_card_chargeCustomerFail")
    with pytest.raises(TopUpDeclined, match=r"top-up t-1 was declined: .* A new try needs another id"):
        by_card(house)
    assert (free(house), told(house)) == ("0.00", ["topup.failed"])
    use_method(house.platform, "comet", "ada", "pm_card_visa")
    assert by_card(house, name="t-2") is PaymentState.SUCCEEDED
    assert faults(house.platform, "comet") == []


def test_a_top_up_without_an_answer_is_finished_by_the_bill_run_and_charged_once(house: House) -> None:
    simulated(house.platform).stripe.fail_next("timeout", after_effect=True, path="/v1/payment_intents")
    with pytest.raises(GatewayUnavailable, match="top-up t-1 was paid is not known; say it again with this id"):
        by_card(house)
    with pytest.raises(TopUpUnderWay, match="top-up t-1"):
        by_card(house, name="t-2")
    house.after(minutes=5)
    house.bill("comet")
    assert free(house) == "20.00"
    assert by_card(house) is PaymentState.SUCCEEDED
    assert faults(house.platform, "comet") == []


def test_who_has_no_card_is_told_so(house: House) -> None:
    with house.platform.store.transact() as conn:
        conn.execute(subscriber.update().values(gateway_method=None))
    with pytest.raises(NoPaymentMethod):
        by_card(house)


def test_a_large_top_up_brings_money_and_units_that_are_on_no_bill(house: House) -> None:
    pay_in(house, "50")
    assert free(house) == "55.00"
    pay_in(house, "100")
    assert free(house) == "165.00"
    shown = care.show(house.platform, "comet", ADA)["allowances"]
    assert [one["of"] for one in shown if one["allowance"] == "Boost 1 GB"] == ["1 GB"]
    pay_in(house, "100", name="t-1")
    pay_in(house, "100", name="t-1")
    house.after(days=91)
    house.bill("comet")
    lines = [line.name for document in house.documents(ADA, "comet") for line in document.lines]
    assert "Boost 1 GB" not in lines
    assert faults(house.platform, "comet") == []


def test_units_that_are_not_sold_any_more_are_told_and_the_money_is_taken(house: House) -> None:
    with house.platform.store.transact() as conn:
        versions.retire(conn, "comet", ("addon", "boost-1gb"), house.now)
    pay_in(house, "100")
    assert free(house) == "110.00"
    assert told(house) == ["balance.topped_up", "bonus.not_given"]


def test_a_voucher_fills_the_balance_of_whoever_redeems_it(house: House) -> None:
    codes: list[str] = []
    batch = Batch("spring", 2, usd("10"), "zoe", house.now)
    vouchers.make(house.platform, "comet", batch, unguessable_token, codes.extend)
    assert vouchers.redeem(house.platform, "comet", "r-1", ADA, codes[0], house.now).is_new
    assert not vouchers.redeem(house.platform, "comet", "r-1", ADA, codes[0], house.now).is_new
    with pytest.raises(WrongCode):
        vouchers.redeem(house.platform, "comet", "r-2", BOB, NO_WAY, house.now)
    assert vouchers.void(house.platform, "comet", "spring", "zoe", house.now) == 1
    vouchers.void(house.platform, "comet", "spring", "zoe", house.now)
    assert (free(house), told(house)) == ("10.00", ["balance.redeemed"])
    assert house.told("comet", "spring") == ["vouchers.made", "vouchers.voided"]
    assert faults(house.platform, "comet") == []


def test_no_event_tells_a_code(house: House) -> None:
    codes: list[str] = []
    vouchers.make(house.platform, "comet", Batch("b", 1, usd("10"), "zoe", house.now), unguessable_token, codes.extend)
    vouchers.redeem(house.platform, "comet", "r-1", ADA, codes[0], house.now)
    with house.platform.store.read() as conn:
        everything = " ".join(conn.execute(select(event.c.content)).scalars())
    assert codes[0] not in everything
    assert codes[0].replace("-", "") not in everything


def test_vouchers_are_in_the_brand_s_currency(house: House) -> None:
    batch = Batch("b", 1, Money(1000, "EUR"), "zoe", house.now)
    with pytest.raises(CurrencyMismatch, match="comet sells in USD"):
        vouchers.make(house.platform, "comet", batch, unguessable_token, lambda codes: None)


def test_money_goes_from_line_to_line_and_both_are_told(house: House) -> None:
    pay_in(house, "20")
    balances.send(house.platform, "comet", "s-1", ADA, BOB, usd("16"), house.now)
    balances.send(house.platform, "comet", "s-1", ADA, BOB, usd("16"), house.now)
    assert (free(house), free(house, BOB)) == ("4.00", "16.00")
    assert told(house) == ["balance.topped_up", "balance.sent", "balance.low"]
    assert told(house, BOB) == ["balance.received"]
    with pytest.raises(NotAllowed):
        balances.send(house.platform, "comet", "s-2", BOB, ADA, usd("0.50"), house.now)
    assert faults(house.platform, "comet") == []


def test_brands_do_not_send_each_other_money(both: House) -> None:
    both.join("ada", "comet", "spark", periods=3)
    both.join("bob")
    with pytest.raises(LineNotFound, match="no line line-bob in brand comet"):
        balances.send(both.platform, "comet", "s-1", ADA, BOB, usd("1"), both.now)


def test_an_adjustment_is_told_with_who_and_why(house: House) -> None:
    for _ in range(2):
        balances.adjust(house.platform, "comet", "a-1", ADA, usd("7"), "zoe", "dropped calls", house.now)
    with pytest.raises(BalanceConflict):
        balances.adjust(house.platform, "comet", "a-1", ADA, usd("8"), "zoe", "dropped calls", house.now)
    with pytest.raises(InsufficientBalance):
        balances.adjust(house.platform, "comet", "a-2", ADA, -usd("7.01"), "zoe", "mistake", house.now)
    balances.adjust(house.platform, "comet", "a-3", ADA, -usd("7"), "zoe", "mistake", house.now)
    assert told(house) == ["balance.adjusted", "balance.adjusted", "balance.low", "balance.low"]
    (newest, first) = statements.history(house.platform, "comet", ADA, 5)
    assert (newest["free"], first["reference"]) == ("-7.00 USD", "zoe: dropped calls")
    assert faults(house.platform, "comet") == []


def test_an_add_on_is_paid_from_the_balance_with_its_tax_or_not_bought(house: House) -> None:
    pay_in(house, "10")
    with pytest.raises(InsufficientBalance, match=r"Boost 1 GB costs 10.50 USD; line line-ada has 10.00 USD"):
        balances.buy_addon(house.platform, "comet", ADA, "boost-1gb", "p-1", house.now)
    assert (len(house.documents(ADA, "comet")), free(house)) == (1, "10.00")
    pay_in(house, "5")
    before = of(house).version
    for _ in range(2):
        balances.buy_addon(house.platform, "comet", ADA, "boost-1gb", "p-1", house.now)
    assert free(house) == "4.50"
    assert of(house).version > before, "whoever charges the line live has to look again"
    document = house.documents(ADA, "comet")[-1]
    assert (document.id, document.total) == ("inv:addon:p-1", usd("10.50"))
    assert house.payments(ADA, "comet")[-1].payer.method == "balance"
    assert told(house)[-1] == "balance.low"
    assert faults(house.platform, "comet") == []


def test_an_add_on_for_the_next_bill_tells_whoever_charges_the_line_live(house: House) -> None:
    before = of(house).version
    service.buy_addon(house.platform, "comet", ADA, "boost-1gb", "p-1", house.now)
    assert of(house).version == before + 1


def test_a_renewal_is_paid_from_the_balance_if_that_covers_it_and_by_card_otherwise(house: House) -> None:
    pay_in(house, "100", ADA)
    house.after(days=50)
    pay_in(house, "10", BOB)
    house.after(days=9)
    pay_in(house, "40", BOB)
    house.after(days=31)
    pay_in(house, "64.75", ADA)
    run = house.bill("comet")
    assert (run.paid, run.failed) == (2, 0)
    methods = [house.payments(line, "comet")[-1].payer.method for line in (ADA, BOB)]
    assert methods == ["balance", house.payments(BOB, "comet")[0].payer.method]
    assert (free(house), free(house, BOB)) == ("6.47", "50.00"), "110.00 of hers had expired; his would not do"
    assert faults(house.platform, "comet") == []


def test_a_renewal_of_somebody_without_a_card_is_paid_from_the_balance(house: House) -> None:
    with house.platform.store.transact() as conn:
        conn.execute(subscriber.update().values(gateway_method=None))
    house.after(days=60)
    pay_in(house, "64.76")
    house.after(days=30)
    assert house.bill("comet").paid == 1
    assert (house.payments(ADA, "comet")[-1].payer.method, free(house)) == ("balance", "6.48")
    assert faults(house.platform, "comet") == []


def test_the_renewal_of_somebody_without_a_card_waits_for_money(house: House) -> None:
    with house.platform.store.transact() as conn:
        conn.execute(subscriber.update().values(gateway_method=None))
    house.after(days=90)
    assert house.bill("comet").paid == 0
    house.after(days=1)
    pay_in(house, "70")
    assert house.payments(ADA, "comet")[-1].state is PaymentState.SUCCEEDED
    assert free(house) == "12.24"
    house.after(days=20)
    house.bill("comet")
    assert house.subscription(ADA, "comet").state is SubscriptionState.ACTIVE
    assert house.subscription(BOB, "comet").state is SubscriptionState.ENDED
    assert faults(house.platform, "comet") == []


def test_a_bill_run_lets_money_expire(house: House) -> None:
    pay_in(house, "20")
    house.after(days=59)
    house.bill("comet")
    assert free(house) == "20.00"
    house.after(days=1)
    house.bill("comet")
    assert free(house) == "0.00"
    assert told(house) == ["balance.topped_up", "balance.expired", "balance.low", "balance.low"]
    assert balances.lapse(house.platform, "comet", house.now).balances == 0
    assert faults(house.platform, "comet") == []


def test_an_ended_line_keeps_its_balance_and_takes_nothing(house: House) -> None:
    pay_in(house, "20")
    service.cancel(house.platform, "comet", ADA, house.now, now=True)
    house.bill("comet")
    attempts: list[Callable[[], object]] = [
        lambda: pay_in(house, "1"),
        lambda: by_card(house),
        lambda: balances.send(house.platform, "comet", "s", BOB, ADA, usd("1"), house.now),
        lambda: vouchers.redeem(house.platform, "comet", "r", ADA, NO_WAY, house.now),
    ]
    for attempt in attempts:
        with pytest.raises(LineEnded):
            attempt()
    assert free(house) == "20.00"
    house.after(days=60)
    house.bill("comet")
    assert free(house) == "0.00"
    assert faults(house.platform, "comet") == []


def test_a_statement_shows_lots_in_the_order_in_which_they_are_spent(house: House) -> None:
    balances.adjust(house.platform, "comet", "a-1", ADA, usd("3"), "zoe", "gift", house.now)
    pay_in(house, "20")
    shown = statements.show(house.platform, "comet", ADA, house.now)
    assert [(lot["from"], lot["left"]) for lot in shown["lots"]] == [("topup", "20.00 USD"), ("adjustment", "3.00 USD")]
    assert shown["lots"][1]["good until"] == "for ever"
    later = statements.show(house.platform, "comet", ADA, house.now + timedelta(days=60))
    assert (later["free"], later["expired, not yet taken"]) == ("3.00 USD", "20.00 USD")
    before = statements.show_at(house.platform, "comet", ADA, house.now - timedelta(minutes=1))
    assert (before["free"], before["paid in"]) == ("0.00 USD", "0.00 USD")


def test_the_doctor_finds_a_balance_of_nobody(house: House) -> None:
    with house.platform.store.transact() as conn:
        account.open_balance(conn, "comet", "line-x", "USD", house.now)
        assert doctor.orphans(conn, "comet") == [
            "billing_balance.subscription names line-x, which billing_subscription does not have"
        ]
