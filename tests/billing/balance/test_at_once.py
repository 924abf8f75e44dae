"""Many at once, on each kind of store: one voucher pays once, no balance is overdrawn, nobody waits for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from mvne_billing.balance import redeeming, topup, transferring, voucher
from mvne_billing.balance.account import InsufficientBalance
from mvne_billing.balance.redeeming import WrongCode
from mvne_billing.balance.topup import Source, TopUp
from mvne_billing.balance.voucher import Batch
from mvne_plans.prepaid import Sending
from tests.billing.balance.purse import START, A, B, Purse
from tests.billing.balance.test_vouchers import chance
from tests.billing.builders import money

THREADS = 8
T = TypeVar("T")


def at_once(work: Callable[[int], T]) -> list[T]:
    """Do a piece of work in several threads that start together; an error of any is raised here."""
    start = Barrier(THREADS)

    def one(number: int) -> T:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as workers:
        return list(workers.map(one, range(THREADS)))


def test_of_many_who_redeem_one_code_at_once_one_gets_the_money(purse: Purse) -> None:
    books, codes = purse.books, list[str]()
    with books.transact() as conn:
        voucher.make(conn, books.brand, Batch("spring", 1, money("10"), "zoe", START), chance(), codes.extend)

    def redeem(thread: int) -> str:
        line = (A, B)[thread % 2]
        try:
            redeeming.redeem(books.transact, books.brand, f"r-{thread}", line, codes[0], purse.rules, START)
        except WrongCode:
            return "too late"
        return "paid"

    assert Counter(at_once(redeem)) == {"paid": 1, "too late": THREADS - 1}
    assert {purse.free(), purse.free(B)} == {"10.00", "0.00"}
    purse.agrees()


def test_the_same_top_up_said_by_many_at_once_comes_in_once(purse: Purse) -> None:
    wanted = TopUp("t-1", A, Source.SHOP, money("10"), START, "kiosk 4", "cash")

    def take(_: int) -> bool:
        with purse.books.transact() as conn:
            return topup.take(conn, purse.books.brand, wanted, purse.rules).is_new

    assert Counter(at_once(take)) == {True: 1, False: THREADS - 1}
    assert purse.free() == "10.00"


def test_lines_that_send_each_other_money_at_once_lose_none_and_overdraw_nothing(purse: Purse) -> None:
    """Both ways at the same time: locks are taken in one order, so nobody waits for ever."""
    rules = purse.with_rules(sending=Sending(money("0.01"), money("50"), money("5000"))).rules
    purse.pay_in("20")
    purse.pay_in("20", B)
    books = purse.books

    def send(thread: int) -> list[bool]:
        giver, taker = (A, B) if thread % 2 else (B, A)
        done = []
        for place in range(6):
            try:
                with books.transact() as conn:
                    transferring.send(conn, books.brand, f"s-{thread}-{place}", giver, taker, money("9"), rules, START)
                done.append(True)
            except InsufficientBalance:
                done.append(False)
        return done

    done = [one for part in at_once(send) for one in part]
    assert any(done)
    assert purse.balance().free_micro + purse.balance(B).free_micro == 40_000_000
    purse.agrees()
