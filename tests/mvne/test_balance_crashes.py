"""Killed anywhere, what was done with prepaid money is completed by the same again, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import select

from mvne import balances, topups, vouchers
from mvne_billing.balance import account
from mvne_billing.balance.codes import code_from
from mvne_billing.balance.topup import Source
from mvne_billing.balance.voucher import Batch
from mvne_billing.states import PaymentState
from mvne_billing.tables import credit
from mvne_plans.money import Money
from tests.mvne.crashing import walk
from tests.mvne.house import House, Stores
from tests.mvne.wholeness import faults, stripe_objects

LINE = "line-ada"
TOKEN = "0123456789abcdef" * 2


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def ada_has_20_dollars(house: House) -> None:
    """Ada has a line, 20.00 in its balance, and a voucher in her hand."""
    house.join("ada", "comet", "spark", periods=3)
    topups.by_hand(house.platform, "comet", "t-0", LINE, usd("20"), Source.CASH, "kiosk", "cash", house.now)
    batch = Batch("b", 1, usd("10"), "zoe", house.now)
    vouchers.make(house.platform, "comet", batch, lambda: TOKEN, lambda codes: None)


def by_card(house: House) -> None:
    assert topups.by_card(house.platform, "comet", "t-1", LINE, usd("30"), house.now).state is PaymentState.SUCCEEDED


def is_charged_once(house: House) -> None:
    assert len([one for one in stripe_objects(house.platform, "payment_intent") if one["amount"] == 3000]) == 1
    _holds(house, "50.00", lots=2)


def redeem(house: House) -> None:
    vouchers.redeem(house.platform, "comet", "r-1", LINE, code_from(TOKEN), house.now)


def is_redeemed_once(house: House) -> None:
    _holds(house, "30.00", lots=2)


def buy(house: House) -> None:
    balances.buy_addon(house.platform, "comet", LINE, "boost-1gb", "p-1", house.now)


def is_bought_once(house: House) -> None:
    assert len(house.documents(LINE, "comet")) == 2
    _holds(house, "9.50", lots=1)


def _holds(house: House, free: str, lots: int) -> None:
    assert faults(house.platform, "comet") == []
    with house.platform.store.read() as conn:
        assert account.get(conn, "comet", LINE).free_micro == usd(free).micro
        assert len(conn.execute(select(credit.c.id)).all()) == lots


@pytest.mark.parametrize(
    ("use_case", "check", "at_least"),
    [(by_card, is_charged_once, 3), (redeem, is_redeemed_once, 1), (buy, is_bought_once, 1)],
    ids=["top-up", "voucher", "add-on"],
)
def test_killed_anywhere_it_is_done_once(
    kind: str, stores: Stores, use_case: Callable[[House], None], check: Callable[[House], None], at_least: int
) -> None:
    copy = partial(stores.copy, kind, "comet", past=ada_has_20_dollars)

    def settled(house: House) -> None:
        house.bill("comet")
        check(house)

    assert walk(copy, use_case, settled, range(1, 100)) >= at_least
