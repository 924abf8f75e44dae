"""The rules of prepaid money, as the plan file has them."""

from __future__ import annotations

from collections.abc import Collection

from mvne.planfile.compiling.values import every, percent, price
from mvne.planfile.findings import DataPath, Severity, did_you_mean
from mvne.planfile.models.prepaid import BonusSection, PrepaidSection, SendingSection
from mvne.planfile.sheet import Sheet
from mvne_plans.catalogue import Pay, Plan
from mvne_plans.money import Money
from mvne_plans.prepaid import Bonus, PrepaidRules, Sending

_PATH: DataPath = ("prepaid",)


def read_prepaid(
    sheet: Sheet, section: PrepaidSection | None, currency: str, plans: Collection[Plan], addons: Collection[str]
) -> PrepaidRules | None:
    """Return the rules, None when the file has none; `addons` are the ids of the file's add-ons."""
    if section is None:
        return None
    if all(plan.pay is not Pay.PREPAID for plan in plans):
        message = "no plan of the file is prepaid"
        sheet.note(_PATH, "idle_key", message, "remove it", severity=Severity.WARNING, key=True)
    reader = _Reader(sheet, currency)
    topup = section.topup
    least = reader.maybe((*_PATH, "topup", "from"), topup.least if topup else None)
    most = reader.maybe((*_PATH, "topup", "to"), topup.most if topup else None)
    reader.in_order((*_PATH, "topup", "to"), least, most)
    bonuses = [reader.bonus(number, one, addons) for number, one in enumerate(section.bonuses or ())]
    marks = [reader.maybe((*_PATH, "low", number), one) for number, one in enumerate(section.low or ())]
    rules = PrepaidRules(
        lasts=every(sheet, (*_PATH, "lasts"), section.lasts) if section.lasts else None,
        extends=bool(section.renews),
        least=least,
        most=most,
        holds=reader.maybe((*_PATH, "holds"), section.holds),
        bonuses=tuple(one for one in bonuses if one is not None),
        marks=tuple(one for one in marks if one is not None),
        sending=reader.sending(section.sending) if section.sending else None,
        wrong_codes=section.wrong_codes or PrepaidRules().wrong_codes,
    )
    if section.lasts is None:
        sheet.default("prepaid.lasts", "for ever", "default of the language")
    if section.sending is None:
        sheet.default("prepaid.sending", "not possible", "default of the language")
    return rules


class _Reader:
    """Reads the amounts of the section, each mistake noted at its place."""

    def __init__(self, sheet: Sheet, currency: str) -> None:
        self.sheet, self.currency = sheet, currency

    def maybe(self, path: DataPath, text: str | None) -> Money | None:
        """Read an amount that may be absent."""
        return None if text is None else price(self.sheet, path, text, self.currency)

    def in_order(self, path: DataPath, least: Money | None, most: Money | None) -> None:
        """Note an upper bound that lies below the lower one."""
        if least is not None and most is not None and most < least:
            self.sheet.note(path, "bad_range", f"{most} is below {least}; write the larger amount after to")

    def bonus(self, number: int, one: BonusSection, addons: Collection[str]) -> Bonus | None:
        """Read a bonus; None after noting a mistake without which there is none."""
        path = (*_PATH, "bonuses", number)
        above = self.maybe((*path, "from"), one.above)
        share = percent(self.sheet, (*path, "percent"), one.percent) if one.percent else None
        lasts = every(self.sheet, (*path, "lasts"), one.lasts) if one.lasts else None
        if one.percent is None and one.addon is None:
            self.sheet.absent((*path, "percent"), "gives_nothing", "the bonus gives nothing", "write percent or addon")
        if one.addon is not None and one.addon not in addons:
            hint = did_you_mean(one.addon, addons)
            self.sheet.note((*path, "addon"), "unknown_addon", f"there is no add-on {one.addon!r} in the file", hint)
        return None if above is None else Bonus(above, share, lasts, one.addon)

    def sending(self, one: SendingSection) -> Sending | None:
        """Read the limits of sending; None after noting a mistake."""
        path = (*_PATH, "sending")
        written = {"from": one.least, "to": one.most, "per_day": one.per_day}
        least, most, a_day = (self.maybe((*path, key), text) for key, text in written.items())
        self.in_order((*path, "to"), least, most)
        self.in_order((*path, "per_day"), most, a_day)
        return None if least is None or most is None or a_day is None else Sending(least, most, a_day)
