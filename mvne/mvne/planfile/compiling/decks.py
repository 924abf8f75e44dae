"""Rate decks: CSV files of prices by called prefix, with columns of their own for what a price says besides."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from mvne.markets.market import Market
from mvne.planfile.compiling.prices import SESSION_AMOUNTS
from mvne.planfile.findings import DataPath
from mvne.planfile.sheet import Sheet
from mvne.planfile.table import Row, open_table
from mvne_plans.numbering import NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate, plain
from mvne_plans.tariff import DeckRow, RateDeck

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}|[0-9]{2,8}", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_STOP = " stop"
_PERCENT = "percent"


class Decks:
    """Reads each file once, whoever names it. A band's name, or `sms` and a band's name, is a column of its prices."""

    def __init__(self, sheet: Sheet, market: Market, bands: Collection[str] = ()) -> None:
        self.sheet, self.market, self.bands = sheet, market, tuple(bands)
        self.known: dict[str, RateDeck] = {}

    def read(self, path: DataPath, name: str, *, wholesale: bool = False) -> RateDeck:
        """Return the deck in the file `name`; what is wrong with it is noted. The host has no prices by time band."""
        if name not in self.known:
            self.known[name] = self._read(path, name, () if wholesale else self.bands)
        return self.known[name]

    def _read(self, path: DataPath, name: str, bands: tuple[str, ...]) -> RateDeck:
        columns = [column for band in bands for column in (band, f"sms {band}")]
        more = ("increments", "sms", *SESSION_AMOUNTS, _PERCENT, *columns)
        table = open_table(self.sheet, path, name, ("prefix", "to", "price"), more)
        if table is None:
            return RateDeck()
        rows: dict[str, DeckRow] = {}
        for row in table.rows():
            deck_row = self._row(row, bands)
            if deck_row is None:
                continue
            if deck_row.prefix in rows:
                row.note("prefix", "duplicate_prefix", f"the prefix {deck_row.prefix} is here twice; keep one")
            rows[deck_row.prefix] = deck_row
        if not rows and not table.noted:
            table.note((1, 1), "empty_table", "there is no price in this file")
        return RateDeck(tuple(sorted(rows.values(), key=lambda one: one.prefix)))

    def _row(self, row: Row, bands: tuple[str, ...]) -> DeckRow | None:
        prefix = row.text("prefix")
        if not _PREFIX.fullmatch(prefix):
            row.note("prefix", "bad_prefix", f"{prefix[:40]!r} is not a prefix; write it like +44, or a short code")
            return None
        self._allowed(row, prefix)
        voice = self._rate(row, "price", f"{row.text('price')} {row.text('increments')}".strip(), Kind.VOICE)
        sms = self._rate(row, "sms", row.text("sms"), Kind.SMS)
        if not (row.text("price") or row.text("sms")):
            row.note("price", "no_price", f"{prefix} has no price")
        if voice is not None:
            voice = replace(voice, **_session_terms(row, voice), bands=self._bands(row, "", bands, voice, Kind.VOICE))
            if voice.maximum is not None and voice.maximum < max(voice.minimum, voice.setup):
                row.note("maximum", "bad_maximum", "the maximum is below what a call costs at least")
        if sms is not None:
            sms = replace(sms, bands=self._bands(row, "sms ", bands, sms, Kind.SMS))
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

    def _bands(
        self, row: Row, before: str, bands: tuple[str, ...], usual: Rate, kind: Kind
    ) -> tuple[tuple[str, Rate], ...]:
        """Return the prices of the row's columns for time bands; increments that a cell leaves out are the usual."""
        prices = []
        for band in bands:
            column = f"{before}{band}"
            text = row.text(column)
            found = row.read(column, "bad_rate", _reader(text, kind, usual)) if text else None
            if found is not None and not found.by_unit_alone:
                row.note(column, "bad_band_price", "a band has a price per unit; what counts once is the whole call's")
            prices += [(band, found)] if found is not None else []
        return tuple(prices)


def _reader(text: str, kind: Kind, usual: Rate) -> Callable[[], Rate]:
    return lambda: Rate.parse(text, kind, usual.increments)


def _session_terms(row: Row, price: Rate) -> dict[str, Any]:
    """Return what the columns say that counts once per call."""
    terms: dict[str, Any] = {}
    for name in (*SESSION_AMOUNTS, _PERCENT):
        text = row.text(name)
        if name == "maximum" and text.endswith(_STOP):
            text = text.removesuffix(_STOP).strip()
            terms["at_maximum"] = "stop"
        if not text:
            continue
        if not _NUMBER.fullmatch(text):
            row.note(name, "bad_price", f"{text[:20]!r} is not a {name}; write it like 0.10")
        elif getattr(price, name):
            row.note(name, "said_twice", f"the price names the {name} already; keep one of the two")
        else:
            terms[name] = plain(text)
    return terms
