"""What a plan or an add-on includes, and what happens beyond."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mvne.planfile.compiling.values import quantity, rate
from mvne.planfile.compiling.zones import Zones
from mvne.planfile.findings import DataPath
from mvne.planfile.models import Allowance, FairUse, Includes, Then
from mvne.planfile.sheet import Sheet
from mvne_plans.period import Every
from mvne_plans.quantity import Kind, QuantityError, parse_bit_rate
from mvne_plans.tariff import DOMESTIC, Beyond, Bucket, Priced, Slow, Stop


@dataclass(frozen=True)
class Allowances:
    """Reads the allowances of one plan or add-on; `prefix` goes before each bucket's id."""

    sheet: Sheet
    zones: Zones
    path: DataPath
    every: Every
    prefix: str = ""

    def buckets(self, includes: Includes | None, fair_use: FairUse | None = None) -> tuple[Bucket, ...]:
        """Return one bucket per allowance, in file order within a kind."""
        return tuple(
            bucket
            for kind in Kind
            for bucket in self._of_kind(kind, getattr(includes, kind, None), self._fair_use(kind, fair_use))
        )

    def _of_kind(self, kind: Kind, written: object, fair_use: int | None) -> Iterator[Bucket]:
        path = (*self.path, "includes", str(kind))
        several = isinstance(written, list)
        for number, one in enumerate(written if isinstance(written, list) else [] if written is None else [written]):
            place = (*path, number) if several else path
            name = f"{kind}.{number + 1}" if several else str(kind)
            yield self._bucket(f"{self.prefix}{name}", kind, place, one, fair_use)

    def _bucket(self, id: str, kind: Kind, path: DataPath, one: object, fair_use: int | None) -> Bucket:
        if not isinstance(one, Allowance):
            amount = quantity(self.sheet, path, str(one), kind, self.every)
            return Bucket(id, kind, amount, fair_use=fair_use if amount is None else None)
        if kind is Kind.DATA and one.to is not None:
            self.sheet.note(
                (*path, "to"), "no_destination", "data calls nobody; say where the phone is with in", key=True
            )
        amount = quantity(self.sheet, (*path, "amount"), one.amount, kind, self.every)
        return Bucket(
            id,
            kind,
            amount,
            self._named((*path, "to"), one.to, self.zones.called),
            self._named((*path, "in"), one.within, [DOMESTIC, *self.zones.abroad]),
            fair_use if amount is None else None,
        )

    def _named(self, path: DataPath, written: str | list[str] | None, known: list[str]) -> tuple[str, ...]:
        if written is None:
            return (DOMESTIC,)
        if isinstance(written, str):
            self.zones.check(self.sheet, path, written, known)
            return (written,)
        for position, zone in enumerate(written):
            self.zones.check(self.sheet, (*path, position), zone, known)
        return tuple(dict.fromkeys(written)) or (DOMESTIC,)

    def _fair_use(self, kind: Kind, fair_use: FairUse | None) -> int | None:
        text = getattr(fair_use, kind, None)
        return quantity(self.sheet, (*self.path, "fair_use", str(kind)), text, kind, self.every) if text else None


def check_fair_use(sheet: Sheet, path: DataPath, fair_use: FairUse | None, buckets: tuple[Bucket, ...]) -> None:
    """Note a fair use of something that is not unlimited, or that limits nothing."""
    for kind in Kind:
        text = getattr(fair_use, kind, None)
        place = (*path, "fair_use", str(kind))
        if text is None:
            continue
        if text.strip() == "unlimited":
            sheet.note(place, "bad_quantity", "fair use says what unlimited means; write an amount")
        if not any(bucket.kind is kind and bucket.amount is None for bucket in buckets):
            message = f"{kind} is not unlimited in this plan, so fair use says nothing"
            sheet.absent(place, "idle_fair_use", message, "remove it, or include unlimited", key=False)


def read_beyond(
    sheet: Sheet, path: DataPath, plan: str, then: Then | None, buckets: tuple[Bucket, ...]
) -> dict[Kind, Beyond]:
    """Return what happens beyond, by kind; a limited allowance must say it, what is not sold is stopped."""
    beyond: dict[Kind, Beyond] = {}
    for kind in Kind:
        text = getattr(then, kind, None)
        mine = [bucket for bucket in buckets if bucket.kind is kind]
        if text is not None:
            beyond[kind] = _beyond(sheet, (*path, "then", str(kind)), text, kind)
            continue
        if any(bucket.amount is not None for bucket in mine):
            _no_then(sheet, path, kind)
        reason = "unlimited: nothing lies beyond" if mine else "not sold by this plan"
        sheet.default(f"plans.{plan}.then.{kind}", "stop", reason)
        beyond[kind] = Stop()
    return beyond


def _no_then(sheet: Sheet, path: DataPath, kind: Kind) -> None:
    if any(place == (*path, "then", str(kind)) for place in sheet.left_out):
        return
    choice = "a price, slow 128 kbit/s or stop" if kind is Kind.DATA else "a price or stop"
    message = f"{kind} is limited, and nothing says what happens beyond"
    sheet.note((*path, "includes", str(kind)), "no_then", message, f"write then: {{{kind}: …}} with {choice}", key=True)


def _beyond(sheet: Sheet, path: DataPath, text: str, kind: Kind) -> Beyond:
    words = text.split(maxsplit=1)
    if words == ["stop"]:
        return Stop()
    if words[:1] == ["slow"]:
        if kind is not Kind.DATA:
            sheet.note(path, "bad_value", f"only data can be slow; write a price of {kind} or stop")
            return Stop()
        try:
            return Slow(parse_bit_rate(words[1] if len(words) > 1 else ""))
        except QuantityError:
            sheet.note(path, "bad_speed", f"{text!r} does not say how slow; write it like slow 128 kbit/s")
            return Stop()
    if text[:1].isalpha():
        sheet.note(
            path, "bad_value", f"expected a price, stop{' or slow' if kind is Kind.DATA else ''}, found {text!r}"
        )
        return Stop()
    found = rate(sheet, path, text, kind)
    return Priced(found) if found else Stop()
