"""What two brands do with prepaid money under the same ids, and how each is asked for what the other has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from mvne import balances, collecting, statements, topups, versions, vouchers
from mvne_billing.balance import account, adjusting, holding, lapsing, statement, topup, transferring, voucher
from mvne_billing.balance.crediting import posting
from mvne_billing.balance.topup import Source
from mvne_billing.balance.voucher import Batch
from mvne_billing.ledger import accounts, prepaid
from mvne_billing.payments import wallet
from mvne_plans.money import Money
from mvne_plans.period import Every
from mvne_plans.prepaid import PrepaidRules, Sending
from mvne_provisioning.smdp.tokens import unguessable_token
from tests.mvne.house import AT, House

LINE = "line-ada"
TEN = Money(1000, "EUR")
LATER = AT + timedelta(days=999)


def pay_in(house: House, brand: str) -> None:
    """Give Ada a balance, and fill it in every way."""
    platform, at = house.platform, house.now
    codes: list[str] = []
    with platform.store.transact() as conn:
        account.open_balance(conn, brand, LINE, "EUR", at)
        # Something left from a time when the line was prepaid.
        adjusting.adjust(conn, brand, "left", LINE, TEN.micro, "zoe", "left from before", at)
    topups.by_hand(platform, brand, "shop", LINE, TEN, Source.SHOP, "kiosk", "cash", at)
    topups.by_card(platform, brand, "card", LINE, TEN, at)
    balances.adjust(platform, brand, "gift", LINE, TEN, "zoe", "sorry", at, LATER)
    vouchers.make(platform, brand, Batch("spring", 2, TEN, "zoe", at), unguessable_token, codes.extend)
    vouchers.redeem(platform, brand, "voucher", LINE, codes[0], at)


def move_money(house: House, brand: str) -> None:
    """Let Ada send money to Bob, buy an add-on, and look at it all; then time passes, and some expires."""
    platform, at = house.platform, house.now
    house.join("bob", brand)
    sending = Sending(TEN, TEN, TEN)
    with platform.store.transact() as conn:
        account.open_balance(conn, brand, "line-bob", "EUR", at)
        adjusting.adjust(conn, brand, "left-too", "line-bob", TEN.micro, "zoe", "left from before", at)
        rules = PrepaidRules(Every.parse("7 days"), marks=(TEN,), sending=sending)
        versions.add(conn, brand, ("prepaid", brand), rules, at)
    pay_in(house, brand)
    balances.send(platform, brand, "sent", LINE, "line-bob", TEN, at)
    balances.buy_addon(platform, brand, LINE, "data-1gb", "bought", at)
    vouchers.void(platform, brand, "spring", "zoe", at)
    topups.finish(platform, brand, at)
    balances.lapse(platform, brand, house.after(days=8))
    statements.show(platform, brand, LINE, house.now)
    statements.show_at(platform, brand, LINE, at)
    statements.history(platform, brand, LINE, 10)


def _reference(conn: Connection) -> str:
    return str(topup.get(conn, "tilleul", "card").reference)


def _is_known(conn: Connection, brand: str) -> bool:
    wanted = posting("topup:shop", LINE, accounts.cash("shop"), TEN.micro, "EUR", "topup", AT, "shop")
    return holding.is_known(conn, brand, wanted)


_PLACE = "mvne_billing.balance"

#: Every public function that reads prepaid money, and how it is asked for what Ada of tilleul has.
QUERIES: dict[str, Any] = {
    "mvne.collecting.payer_of": lambda conn, brand, known: collecting.payer_of(conn, brand, "ada"),
    f"{_PLACE}.account.find": lambda conn, brand, known: account.find(conn, brand, LINE),
    f"{_PLACE}.account.get": lambda conn, brand, known: account.get(conn, brand, LINE),
    f"{_PLACE}.account.having": lambda conn, brand, known: account.having(conn, brand, [LINE]),
    f"{_PLACE}.account.locked": lambda conn, brand, known: account.locked(conn, brand, [LINE]),
    f"{_PLACE}.holding.hold": lambda conn, brand, known: holding.hold(conn, brand, LINE),
    f"{_PLACE}.holding.is_known": lambda conn, brand, known: _is_known(conn, brand),
    f"{_PLACE}.holding.lots_of": lambda conn, brand, known: holding.lots_of(conn, brand, LINE),
    f"{_PLACE}.lapsing.overdue": lambda conn, brand, known: lapsing.overdue(
        conn, brand, account.get(conn, "tilleul", LINE), LATER
    )[0],
    f"{_PLACE}.lapsing.due": lambda conn, brand, known: lapsing.due(conn, brand, LATER),
    f"{_PLACE}.statement.recomputed": lambda conn, brand, known: statement.recomputed(conn, brand, LINE).free,
    f"{_PLACE}.statement.movements": lambda conn, brand, known: statement.movements(conn, brand, LINE, 9),
    f"{_PLACE}.topup.get": lambda conn, brand, known: topup.get(conn, brand, "card"),
    f"{_PLACE}.topup.by_reference": lambda conn, brand, known: topup.by_reference(conn, brand, _reference(conn)),
    f"{_PLACE}.topup.unfinished": lambda conn, brand, known: topup.unfinished(conn, brand),
    f"{_PLACE}.transferring.sent_since": lambda conn, brand, known: transferring.sent_since(
        conn, brand, LINE, AT, "EUR"
    ),
    f"{_PLACE}.voucher.get": lambda conn, brand, known: voucher.get(conn, brand, "spring"),
    f"{_PLACE}.voucher.batches": lambda conn, brand, known: voucher.batches(conn, brand),
    f"{_PLACE}.voucher.redeemed": lambda conn, brand, known: voucher.redeemed(conn, brand, "spring"),
    "mvne_billing.ledger.prepaid.checks": lambda conn, brand, known: list(prepaid.checks(conn, brand, {})),
    "mvne_billing.ledger.prepaid.paid_in": lambda conn, brand, known: prepaid.paid_in(conn, brand),
    "mvne_billing.payments.wallet.can_pay": lambda conn, brand, known: wallet.can_pay(
        conn, brand, known.documents[0].id
    ),
}

#: Of these, a brand in good order has none.
NONE_IN_GOOD_ORDER = {
    f"{_PLACE}.topup.unfinished",
    f"{_PLACE}.transferring.sent_since",
    "mvne_billing.payments.wallet.can_pay",
}

#: Functions with a connection and a brand that write.
WRITES = {
    "mvne.service": {"add_to_line"},
    f"{_PLACE}.account": {"open_balance", "write"},
    f"{_PLACE}.adjusting": {"adjust"},
    f"{_PLACE}.holding": {"store"},
    f"{_PLACE}.lapsing": {"lapse"},
    f"{_PLACE}.topup": {"begin_charge", "record_charge", "take"},
    f"{_PLACE}.transferring": {"send"},
    f"{_PLACE}.voucher": {"make", "void"},
    "mvne_billing.payments.topups": {"record"},
    "mvne_billing.payments.wallet": {"give_back", "pay"},
}

#: How a query says that what it was asked for is not there.
NOT_THERE = (account.NoBalance, topup.TopUpNotFound, voucher.BatchNotFound)
