"""Vouchers: codes that nobody can guess and the store does not know, redeemed once, by whoever comes first."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from mvne_billing.balance import redeeming, voucher
from mvne_billing.balance.account import BalanceConflict
from mvne_billing.balance.codes import ALPHABET, WeakChance, code_from, code_hash, compact, masked
from mvne_billing.balance.holding import Change
from mvne_billing.balance.redeeming import TooManyWrongCodes, VoucherOver, WrongCode
from mvne_billing.balance.voucher import Batch, BatchNotFound, NoSuchBatch
from mvne_billing.tables import metadata
from mvne_plans.money import CurrencyMismatch
from mvne_plans.period import Every
from mvne_plans.prepaid import NotAllowed
from tests.billing.balance.purse import START, A, B, Purse, day
from tests.billing.builders import money

WRONG = "0000-0000-0000-0000"
BATCH = Batch("spring", 3, money("10"), "zoe", START)


def chance(seed: int = 7) -> Callable[[], str]:
    source = random.Random(seed)
    return lambda: f"{source.getrandbits(128):032x}"


@dataclass
class Kiosk:
    """Somebody who sells vouchers, and people who redeem them."""

    purse: Purse
    codes: list[str] = field(default_factory=list)
    told: list[Change] = field(default_factory=list)

    def print(self, wanted: Batch = BATCH, seed: int = 7) -> list[str]:
        with self.purse.books.transact() as conn:
            voucher.make(conn, self.purse.books.brand, wanted, chance(seed), self.codes.extend)
        return self.codes

    def redeem(self, code: str, line: str = A, at: datetime = START, name: str | None = None) -> bool:
        books = self.purse.books
        return redeeming.redeem(
            books.transact,
            books.brand,
            name or self.purse.name(),
            line,
            code,
            self.purse.rules,
            at,
            lambda conn, change: self.told.append(change),
        ).is_new


@pytest.fixture
def kiosk(purse: Purse) -> Kiosk:
    return Kiosk(purse)


def test_a_voucher_s_money_is_in_the_balance_and_the_shop_owes_it(kiosk: Kiosk) -> None:
    code = kiosk.print()[0]
    assert kiosk.redeem(code)
    assert kiosk.purse.free() == "10.00"
    assert kiosk.purse.books.balances() == {"vouchers:spring": 10_000_000, "wallet:line-a": -10_000_000}
    assert [change.after.free_micro for change in kiosk.told] == [10_000_000]
    kiosk.purse.agrees()


@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code}\r\n"])
def test_a_code_may_be_typed_in_any_way(kiosk: Kiosk, typed: Callable[[str], str]) -> None:
    assert kiosk.redeem(typed(kiosk.print()[0]))


def test_a_voucher_is_redeemed_once(kiosk: Kiosk) -> None:
    code = kiosk.print()[0]
    kiosk.redeem(code)
    for line in (A, B):
        with pytest.raises(WrongCode, match=f"no voucher with the code …{code[-4:]} is left"):
            kiosk.redeem(code, line)
    assert (kiosk.purse.free(), kiosk.purse.free(B)) == ("10.00", "0.00")


def test_the_same_redemption_is_recognised_and_counts_as_no_guess(kiosk: Kiosk) -> None:
    first, second, _ = kiosk.print()
    assert [kiosk.redeem(first, name="r-1", at=day(n)) for n in range(9)] == [True] + [False] * 8
    with pytest.raises(BalanceConflict, match="r-1 is in the books with other content"):
        kiosk.redeem(second, name="r-1")
    assert (kiosk.purse.free(), len(kiosk.told)) == ("10.00", 1)


def test_the_store_keeps_no_code(kiosk: Kiosk) -> None:
    codes = [*kiosk.print(), WRONG]
    kiosk.redeem(codes[0])
    with pytest.raises(WrongCode):
        kiosk.redeem(WRONG)
    with kiosk.purse.books.transact() as conn:
        everything = str([conn.execute(select(table)).all() for table in metadata.sorted_tables])
    assert [code for code in codes for form in (code, compact(code)) if form in everything] == []


def test_codes_are_given_out_before_the_batch_exists_and_never_again(kiosk: Kiosk) -> None:
    def jammed(codes: Sequence[str]) -> None:
        raise OSError("no paper")

    with pytest.raises(OSError, match="no paper"), kiosk.purse.books.transact() as conn:
        voucher.make(conn, kiosk.purse.books.brand, BATCH, chance(), jammed)
    assert len(kiosk.print()) == 3
    with pytest.raises(BalanceConflict, match="its codes cannot be shown again"):
        kiosk.print(seed=8)


@pytest.mark.parametrize("change", [{"size": 0}, {"amount": money("0")}, {"actor": ""}, {"id": ""}, {"id": "b" * 61}])
def test_a_batch_is_of_something_and_somebody_s(kiosk: Kiosk, change: dict[str, Any]) -> None:
    with pytest.raises(NoSuchBatch, match="at least one voucher"):
        kiosk.print(replace(BATCH, **change))


@pytest.mark.parametrize(("token", "says"), [("ab" * 16, "repeats itself"), ("ab" * 9, "80 random bits")])
def test_a_weak_source_of_chance_is_refused(kiosk: Kiosk, token: str, says: str) -> None:
    with pytest.raises(WeakChance, match=says), kiosk.purse.books.transact() as conn:
        voucher.make(conn, kiosk.purse.books.brand, BATCH, lambda: token, kiosk.codes.extend)
    with kiosk.purse.books.transact() as conn:
        assert voucher.batches(conn, kiosk.purse.books.brand) == []


def test_a_voucher_is_good_until_it_expires_and_its_money_as_long_as_it_says(kiosk: Kiosk) -> None:
    first, second, _ = kiosk.print(replace(BATCH, expires_at=day(60), lasts=Every.parse("7 days")))
    kiosk.redeem(first, at=day(59, 23))
    with pytest.raises(VoucherOver, match=f"…{second[-4:]} expired 2027-04-30T10:00"):
        kiosk.redeem(second, at=day(60))
    kiosk.purse.lapse(day(67))
    assert (kiosk.purse.free(), kiosk.purse.expired()) == ("0.00", "10.00")


def test_a_void_batch_pays_nobody(kiosk: Kiosk) -> None:
    first, second, _ = kiosk.print()
    kiosk.redeem(first)
    books = kiosk.purse.books
    for at in (day(1), day(2)):
        with books.transact() as conn:
            assert voucher.void(conn, books.brand, "spring", at) == 2
    with pytest.raises(VoucherOver, match="was made void"):
        kiosk.redeem(second)
    with books.transact() as conn:
        assert voucher.batches(conn, books.brand) == [replace(BATCH, voided_at=day(1))]
        with pytest.raises(BatchNotFound, match="no batch autumn"):
            voucher.void(conn, books.brand, "autumn", START)
    assert kiosk.purse.free() == "10.00"


def test_a_voucher_of_another_currency_stays_unused(kiosk: Kiosk) -> None:
    code = kiosk.print(replace(BATCH, amount=money("10", "USD")))[0]
    with pytest.raises(CurrencyMismatch, match="the voucher is in USD, the balance in EUR"):
        kiosk.redeem(code)


def test_a_voucher_that_the_balance_cannot_hold_stays_unused(kiosk: Kiosk) -> None:
    code = kiosk.print()[0]
    limited = Kiosk(kiosk.purse.with_rules(holds=money("9.99")))
    with pytest.raises(NotAllowed, match=r"may hold 9.99 EUR"):
        limited.redeem(code)
    assert kiosk.redeem(code)


def test_who_guesses_has_to_wait_and_even_a_right_code_does_not_help(kiosk: Kiosk) -> None:
    code = kiosk.print()[0]
    for hour in range(5):
        with pytest.raises(WrongCode):
            kiosk.redeem(WRONG, at=day(0, hour))
    for guess in (WRONG, code):
        with pytest.raises(TooManyWrongCodes, match=r"line-a tried 5 wrong .* again 2027-03-02T10:00"):
            kiosk.redeem(guess, at=day(0, 5))
    assert kiosk.redeem(code, B, at=day(0, 5)), "the other line has not guessed"
    with pytest.raises(WrongCode):
        kiosk.redeem(WRONG, at=day(1))
    with pytest.raises(TooManyWrongCodes):
        kiosk.redeem(WRONG, at=day(1, 0))


def test_a_guess_said_twice_counts_once(kiosk: Kiosk) -> None:
    for _ in range(9):
        with pytest.raises(WrongCode):
            kiosk.redeem(WRONG, name="r-1")
    assert kiosk.redeem(kiosk.print()[0])


def test_a_code_of_one_brand_means_nothing_to_another() -> None:
    assert code_hash("tilleul", "ABCD") != code_hash("comet", "ABCD") == code_hash("comet", " ab-cd")


@given(st.binary(min_size=10, max_size=32))
def test_a_code_has_sixteen_characters_that_mean_only_themselves(token: bytes) -> None:
    code = code_from(token.hex())
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
    assert set(compact(code)) <= set(ALPHABET)
    assert compact(compact(code).lower()) == compact(code) == code.replace("-", "")


def test_every_bit_of_a_code_is_left_to_chance() -> None:
    source = chance()
    codes = [compact(code_from(source())) for _ in range(2000)]
    assert len(set(codes)) == 2000
    for place in range(16):
        counted = Counter(code[place] for code in codes)
        assert len(counted) == 32
        assert max(counted.values()) < 120, "each of 32 letters about 62 times"


def test_a_message_tells_only_the_end_of_a_code() -> None:
    assert masked("ABCD-EFGH-JKMN-PQRS") == "…PQRS"
