"""Rate decks: CSV files of prices by called prefix."""

from __future__ import annotations

import re

from mvne.markets.market import Market
from mvne.planfile.findings import DataPath
from mvne.planfile.sheet import Sheet
from mvne.planfile.table import Row, open_table
from mvne_plans.numbering import NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import DeckRow, RateDeck

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}|[0-9]{2,8}", re.ASCII)


class Decks:
    """Reads each file once, whoever names it."""

    def __init__(self, sheet: Sheet, market: Market) -> None:
        self.sheet, self.market = sheet, market
        self.known: dict[str, RateDeck] = {}

    def read(self, path: DataPath, name: str) -> RateDeck:
        """Return the deck in the file `name`; what is wrong with it is noted."""
        if name not in self.known:
            self.known[name] = self._read(path, name)
        return self.known[name]

    def _read(self, path: DataPath, name: str) -> RateDeck:
        table = open_table(self.sheet, path, name, ("prefix", "to", "price"), ("increments", "sms"))
        if table is None:
            return RateDeck()
        rows: dict[str, DeckRow] = {}
        for row in table.rows():
            deck_row = self._row(row)
            if deck_row is None:
                continue
            if deck_row.prefix in rows:
                row.note("prefix", "duplicate_prefix", f"the prefix {deck_row.prefix} is here twice; keep one")
            rows[deck_row.prefix] = deck_row
        if not rows and not table.noted:
            table.note((1, 1), "empty_table", "there is no price in this file")
        return RateDeck(tuple(sorted(rows.values(), key=lambda one: one.prefix)))

    def _row(self, row: Row) -> DeckRow | None:
        prefix = row.text("prefix")
        if not _PREFIX.fullmatch(prefix):
            row.note("prefix", "bad_prefix", f"{prefix[:40]!r} is not a prefix; write it like +44, or a short code")
            return None
        self._allowed(row, prefix)
        voice = self._rate(row, "price", f"{row.text('price')} {row.text('increments')}".strip(), Kind.VOICE)
        sms = self._rate(row, "sms", row.text("sms"), Kind.SMS)
        if not (row.text("price") or row.text("sms")):
            row.note("price", "no_price", f"{prefix} has no price")
        return DeckRow(prefix, row.text("to"), voice, sms)

    def _allowed(self, row: Row, prefix: str) -> None:
        found = self.market.numbering.classify(prefix)
        if found is None:
            return
        if found.kind is NumberKind.EMERGENCY:
            row.note("prefix", "emergency_number", f"{prefix} is an emergency number; such calls are always free")
        elif found.kind is NumberKind.ORDINARY and found.country == self.market.code and prefix.startswith("+"):
            message = f"{prefix} is an ordinary number of {self.market.name}; then says what it costs"
            row.note("prefix", "domestic_prefix", message, "a deck prices calls abroad and special numbers")

    def _rate(self, row: Row, column: str, text: str, kind: Kind) -> Rate | None:
        return row.read(column, "bad_rate", lambda: Rate.parse(text, kind)) if row.text(column) else None
