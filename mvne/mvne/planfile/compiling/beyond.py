"""What happens beyond an allowance: one rule, or steps that follow each other up to another plan's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from mvne.planfile.compiling.common import Common
from mvne.planfile.compiling.values import quantity
from mvne.planfile.findings import DataPath, Severity
from mvne.planfile.models.allowances import StepSection, Then
from mvne.planfile.sheet import Sheet
from mvne_plans.period import Every
from mvne_plans.quantity import Kind, QuantityError, format_amount, parse_bit_rate
from mvne_plans.tariff import Beyond, Bucket, NextTier, Priced, Slow, Stop

#: Where a file names a next plan: by plan and kind of use.
NextAt = dict[tuple[str, Kind], DataPath]


@dataclass(frozen=True)
class BeyondReader:
    """Reads the `then` of one plan. Where it names a next plan, the place goes into `next_at`: it is linked later."""

    sheet: Sheet
    common: Common
    path: DataPath
    plan: str
    every: Every
    next_at: NextAt = field(default_factory=dict)

    def read(self, then: Then | None, buckets: tuple[Bucket, ...]) -> dict[Kind, Beyond]:
        """Return what happens, by kind; a limited allowance must say it, what is not sold is stopped."""
        beyond: dict[Kind, Beyond] = {}
        for kind in Kind:
            written = getattr(then, kind, None)
            mine = [bucket for bucket in buckets if bucket.kind is kind]
            if written is not None:
                beyond[kind] = self._chain((*self.path, "then", str(kind)), written, kind)
                continue
            if any(bucket.amount is not None for bucket in mine):
                self._no_then(kind)
            reason = "unlimited: nothing lies beyond" if mine else "not sold by this plan"
            self.sheet.default(f"plans.{self.plan}.then.{kind}", "stop", reason)
            beyond[kind] = Stop()
        return beyond

    def _no_then(self, kind: Kind) -> None:
        if any(place[:4] == (*self.path, "then", str(kind)) for place in self.sheet.left_out):
            return
        choice = "a price, slow 128 kbit/s or stop" if kind is Kind.DATA else "a price or stop"
        message = f"{kind} is limited, and nothing says what happens beyond"
        place, hint = (*self.path, "includes", str(kind)), f"write then: {{{kind}: …}} with {choice}"
        self.sheet.note(place, "no_then", message, hint, key=True)

    def _chain(self, path: DataPath, written: object, kind: Kind) -> Beyond:
        listing = list(written) if isinstance(written, list) else [written]
        places = [(*path, number) for number in range(len(listing))] if isinstance(written, list) else [path]
        steps: list[Beyond] = []
        noted = len(self.sheet.findings)
        for place, one in zip(places, listing, strict=True):
            if steps and (isinstance(steps[-1], Stop | NextTier) or steps[-1].amount is None):
                message = "the step before this one never ends, so that none comes after it"
                hint = "say how much of the period it is for, as in {slow: 1 Mbit/s, for: 10 GB}"
                self.sheet.note(place, "unreachable_step", message, hint)
                break
            steps.append(self._step(place, one, kind))
        if len(self.sheet.findings) == noted:
            self._open_end(places[-1], steps[-1], kind)
        return chained(steps)

    def _open_end(self, path: DataPath, last: Beyond, kind: Kind) -> None:
        if isinstance(last, Priced | Slow) and last.amount is not None:
            message = f"after {format_amount(last.amount, kind)} nothing is said: the network is told to stop"
            self.sheet.note(path, "open_chain", message, "write a last step, such as stop", severity=Severity.WARNING)

    def _step(self, path: DataPath, one: object, kind: Kind) -> Beyond:
        return self._of_keys(path, one, kind) if isinstance(one, StepSection) else self._of_text(path, str(one), kind)

    def _of_keys(self, path: DataPath, one: StepSection, kind: Kind) -> Beyond:
        ways = {"slow": one.slow, "next": one.next, "price": one.price, "tiers": one.tiers}
        named = [key for key, value in ways.items() if value is not None]
        if named not in (["slow"], ["next"], ["price"], ["tiers"], ["price", "tiers"]):
            if not any(place[:-1] == path for place in self.sheet.left_out):
                message = "a step is one thing: a price, slow or next" if named else "the step does nothing"
                self.sheet.note(path, "bad_step", message, "write one of price, slow and next, or the word stop")
            return Stop()
        amount = quantity(self.sheet, (*path, "for"), one.lasts, kind, self.every) if one.lasts is not None else None
        if named in (["slow"], ["next"]):
            for key in self._idle_keys(one, named[0]):
                message = f"{key} says nothing about {'a slow speed' if named == ['slow'] else 'the next plan'}"
                self.sheet.note((*path, key), "idle_key", message, "remove it", key=True)
        if one.slow is not None:
            slow = self._slow(path, one.slow, kind, (*path, "slow"))
            return replace(slow, amount=amount) if isinstance(slow, Slow) else slow
        if one.next is not None:
            self.next_at[self.plan, kind] = (*path, "next")
            return NextTier(one.next, Decimal(0), None)
        rate = self.common.prices.read(path, one, kind)
        return Priced(rate, amount=amount) if rate else Stop()

    def _idle_keys(self, one: StepSection, used: str) -> list[str]:
        allowed = {used, *(["lasts"] if used == "slow" else [])}
        written = [name for name in type(one).model_fields if getattr(one, name) is not None and name not in allowed]
        return [type(one).model_fields[name].alias or name for name in written]

    def _of_text(self, path: DataPath, text: str, kind: Kind) -> Beyond:
        words = text.split(maxsplit=1)
        if words == ["stop"]:
            return Stop()
        if words[:1] == ["slow"]:
            return self._slow(path, words[1] if len(words) > 1 else "", kind, path)
        if text[:1].isalpha():
            slow = ", slow" if kind is Kind.DATA else ""
            hint = "the next plan is written {next: PLAN}" if words[0].rstrip(":") == "next" else ""
            message = f"expected a price, stop{slow} or {{next: PLAN}}, found {text[:40]!r}"
            self.sheet.note(path, "bad_value", message, hint)
            return Stop()
        found = self.common.prices.read(path, text, kind)
        return Priced(found) if found else Stop()

    def _slow(self, path: DataPath, speed: str, kind: Kind, place: DataPath) -> Beyond:
        if kind is not Kind.DATA:
            self.sheet.note(path, "bad_value", f"only data can be slow; write a price of {kind} or stop")
            return Stop()
        try:
            return Slow(parse_bit_rate(speed))
        except QuantityError:
            message = f"{speed!r} does not say how slow; write it like slow 128 kbit/s"
            self.sheet.note(place, "bad_speed", message)
            return Stop()


def chained(steps: Sequence[Beyond]) -> Beyond:
    """Return steps, one at least, as the first of a chain."""
    first, *rest = steps
    if not rest or isinstance(first, Stop):
        return first
    return replace(first, then=chained(rest))
