"""What a plan or an add-on includes: buckets, what narrows them, and how they burn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from mvne.planfile.compiling.common import Common
from mvne.planfile.compiling.values import is_number, quantity, rate
from mvne.planfile.findings import DataPath
from mvne.planfile.models.allowances import Allowance, FairUse, Includes, RolloverSection
from mvne.planfile.sheet import Sheet
from mvne_plans.period import Every
from mvne_plans.quantity import Kind, format_amount
from mvne_plans.rate import BY_UNIT, Increments, Rate
from mvne_plans.tariff import DOMESTIC, MEMBER, ROAMING, Bucket, Limit, Rollover

_LABEL = re.compile(r"[!-~]{1,24}", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3})\s*%?", re.ASCII)


@dataclass(frozen=True)
class Allowances:
    """Reads the allowances of one plan, or of an add-on, whose buckets' ids have `addon` before them."""

    sheet: Sheet
    common: Common
    path: DataPath
    every: Every
    addon: str | None = None

    def buckets(self, includes: Includes | None, fair_use: FairUse | None = None) -> tuple[Bucket, ...]:
        """Return one bucket per allowance, in file order within a kind."""
        reviewed = {kind: self._fair_use(kind, fair_use) for kind in Kind}
        return tuple(
            self._bucket(id, kind, path, one, reviewed[kind])
            for kind in Kind
            for id, path, one in self.written(includes, kind)
        )

    def written(self, includes: Includes | None, kind: Kind) -> Iterator[tuple[str, DataPath, str | Allowance]]:
        """Yield the allowances of a kind as the file writes them, each with its bucket's id and its place."""
        written = getattr(includes, kind, None)
        path: DataPath = (*self.path, "includes", str(kind))
        prefix = f"{self.addon}." if self.addon else ""
        if isinstance(written, list):
            for number, one in enumerate(written):
                yield f"{prefix}{kind}.{number + 1}", (*path, number), one
        elif written is not None:
            yield f"{prefix}{kind}", path, written

    def _bucket(self, id: str, kind: Kind, path: DataPath, one: str | Allowance, fair_use: int | None) -> Bucket:
        if not isinstance(one, Allowance):
            amount = quantity(self.sheet, path, str(one), kind, self.every)
            reviewed = fair_use if amount is None else None
            return Bucket(id, kind, amount, fair_use=reviewed, thresholds=self._usual_thresholds(amount))
        amount = quantity(self.sheet, (*path, "amount"), one.amount, kind, self.every)
        self._consistent(path, one, kind, amount)
        return Bucket(
            id=id,
            kind=kind,
            amount=amount,
            to=self._zones((*path, "to"), one.to, self.common.zones.called),
            within=self._zones((*path, "in"), one.within, [DOMESTIC, *self.common.zones.abroad]),
            fair_use=fair_use if amount is None else None,
            groups=self._groups(path, one.groups),
            bands=self._bands(path, one.bands),
            labels=self._labels(path, one.labels),
            priority=one.priority or 0,
            increments=self._increments(path, one.increments, kind),
            factor=self._factor(path, one.factor),
            rate=self.common.prices.read((*path, "price"), one.price, kind) if one.price is not None else None,
            blocks=bool(one.blocks),
            shared=bool(one.shared),
            limits=tuple(self._limits(path, one, kind, amount)),
            rollover=self._rollover((*path, "rollover"), one.rollover, kind, amount),
            thresholds=self._thresholds((*path, "thresholds"), one.thresholds, amount),
            credit=self._credit((*path, "credit"), one.credit, kind),
        )

    def _consistent(self, path: DataPath, one: Allowance, kind: Kind, amount: int | None) -> None:
        """Note keys that say nothing together, or nothing about this kind of use."""
        for key, written in (("to", one.to), ("groups", one.groups)):
            if kind is Kind.DATA and written is not None:
                message = "data calls nobody; say where the phone is with in"
                self.sheet.note((*path, key), "no_destination", message, key=True)
        if one.groups is not None and one.to is not None:
            message = "groups stand instead of zones; keep one of groups and to"
            self.sheet.note((*path, "to"), "groups_or_zones", message, key=True)
        limited = {"rollover": one.rollover, "thresholds": one.thresholds, "credit": one.credit}
        for key, thing in limited.items():
            if amount is None and thing:
                message = f"of something unlimited nothing is left or passed, so {key} says nothing"
                self.sheet.note((*path, key), "idle_key", message, "remove it, or write an amount", key=True)
        if one.rollover and one.credit is not None:
            message = "what is left rolls over already; keep one of rollover and credit"
            self.sheet.note((*path, "credit"), "left_twice", message, key=True)
        if self.addon is not None:
            for key in ("rollover", "credit"):
                if limited[key]:
                    message = f"an add-on ends when it is no longer valid; {key} belongs to a plan's allowance"
                    self.sheet.note((*path, key), "idle_key", message, "say how long it lasts with valid", key=True)

    def _zones(self, path: DataPath, written: str | list[str] | None, named: list[str]) -> tuple[str, ...]:
        return self.common.zones.read(self.sheet, path, written, named) or (DOMESTIC,)

    def _groups(self, path: DataPath, written: str | list[str] | None) -> tuple[str, ...]:
        names = [written] if isinstance(written, str) else written or []
        for position, name in enumerate(names):
            place = (*path, "groups") if isinstance(written, str) else (*path, "groups", position)
            self.common.known_group(self.sheet, place, name)
        return tuple(dict.fromkeys(names))

    def _bands(self, path: DataPath, written: str | list[str] | None) -> tuple[str, ...]:
        names = [written] if isinstance(written, str) else written or []
        for position, name in enumerate(names):
            place = (*path, "bands") if isinstance(written, str) else (*path, "bands", position)
            self.common.prices.known_band(place, name)
        return tuple(dict.fromkeys(names))

    def _labels(self, path: DataPath, written: str | list[str] | None) -> tuple[str, ...]:
        names = [written] if isinstance(written, str) else written or []
        for position, name in enumerate(names):
            self._label((*path, "labels") if isinstance(written, str) else (*path, "labels", position), name)
        return tuple(dict.fromkeys(names))

    def _label(self, path: DataPath, name: str, key: bool = False) -> None:
        if not _LABEL.fullmatch(name):
            message = f"{name[:40]!r} is not a use label; it is one word of at most 24 letters, such as hotspot"
            self.sheet.note(path, "bad_label", message, key=key)

    def _increments(self, path: DataPath, text: str | None, kind: Kind) -> Increments:
        if text is None:
            return BY_UNIT
        return self.sheet.read((*path, "increments"), lambda: Increments.parse(text, kind)) or BY_UNIT

    def _factor(self, path: DataPath, text: str | None) -> Decimal:
        if text is None:
            return Decimal(1)
        if not is_number(text) or not Decimal(text.strip()):
            message = f"{text[:20]!r} is not a factor above 0; with 2 a minute of use takes two of the allowance"
            self.sheet.note((*path, "factor"), "bad_factor", message)
            return Decimal(1)
        return Decimal(text.strip()).normalize() + 0

    def _limits(self, path: DataPath, one: Allowance, kind: Kind, amount: int | None) -> Iterator[Limit]:
        for of, text in (one.limits or {}).items():
            place = (*path, "limits", of)
            self._label(place, of, key=True)
            if of == MEMBER and not one.shared:
                message = "a member's limit needs an allowance that is shared; write shared: yes"
                self.sheet.note(place, "not_shared", message, key=True)
            if is_auto(text):
                if of != ROAMING or kind is not Kind.DATA or self.addon is not None:
                    message = "auto is the EU's volume of a plan's data abroad; write an amount here"
                    self.sheet.note(place, "bad_quantity", message)
                continue  # The plan knows its price, from which the volume comes.
            found = quantity(self.sheet, place, text, kind, self.every)
            if found is None or (amount is not None and found > amount):
                most = format_amount(amount, kind)
                message = f"a limit of {text} never holds within an allowance of {most}"
                self.sheet.note(place, "limit_above", message, "write less, or leave it out")
            elif found is not None:
                yield Limit(of, found)

    def _rollover(
        self, path: DataPath, written: bool | RolloverSection | None, kind: Kind, amount: int | None
    ) -> Rollover | None:
        if not written:
            return None
        if not isinstance(written, RolloverSection):
            return Rollover()
        limit = None
        if written.limit is not None:
            limit = quantity(self.sheet, (*path, "limit"), written.limit, kind, self.every)
            if limit is not None and amount is not None and limit > amount:
                message = f"no more than {format_amount(amount, kind)} can be left of it"
                self.sheet.note((*path, "limit"), "limit_above", message, "write less, or leave it out")
        return Rollover(written.periods, limit)

    def _thresholds(self, path: DataPath, written: list[str] | None, amount: int | None) -> tuple[int, ...]:
        if written is None:
            return self._usual_thresholds(amount)
        return () if amount is None else read_thresholds(self.sheet, path, written)

    def _usual_thresholds(self, amount: int | None) -> tuple[int, ...]:
        return () if amount is None else self.common.thresholds

    def _credit(self, path: DataPath, text: str | None, kind: Kind) -> Rate | None:
        found = rate(self.sheet, path, text, kind) if text is not None else None
        if found is not None and (not found.by_unit_alone or found.increments != BY_UNIT):
            message = "a credit is an amount per unit that is left, such as 0.50/GB"
            self.sheet.note(path, "bad_credit", message)
        return found

    def _fair_use(self, kind: Kind, fair_use: FairUse | None) -> int | None:
        text = getattr(fair_use, kind, None)
        return quantity(self.sheet, (*self.path, "fair_use", str(kind)), text, kind, self.every) if text else None


def is_auto(text: str) -> bool:
    """Say whether a limit is to be worked out: `auto`, or `auto 2027-01-01`."""
    return text.split()[:1] == ["auto"]


def read_thresholds(sheet: Sheet, path: DataPath, written: list[str]) -> tuple[int, ...]:
    """Return percentages, ascending."""
    found: set[int] = set()
    for position, text in enumerate(written):
        match = _PERCENT.fullmatch(text.strip())
        if not match or not 0 < int(match.group(1)) < 100:
            message = f"{text[:20]!r} is not a whole percentage from 1 to 99; using all of it up is an event anyhow"
            sheet.note((*path, position), "bad_percent", message)
        else:
            found.add(int(match.group(1)))
    return tuple(sorted(found))


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
