"""Linking a plan to the next one, at which a period goes on beyond the allowance, for a fee instead of overage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from mvne.planfile.compiling.beyond import NextAt, chained
from mvne.planfile.findings import DataPath, did_you_mean
from mvne.planfile.sheet import Sheet
from mvne.tariff_view import chain, included
from mvne_plans.catalogue import Plan
from mvne_plans.quantity import Kind, format_amount
from mvne_plans.tariff import Beyond, NextTier, Stop


def link_next_plans(sheet: Sheet, plans: tuple[Plan, ...], next_at: NextAt) -> tuple[Plan, ...]:
    """Return the plans with the fee, the allowance and the further steps of each next plan that one of them names."""
    if not next_at:
        return plans
    linker = _Linker(sheet, {plan.id: plan for plan in plans}, next_at)
    return tuple(replace(plan, tariff=replace(plan.tariff, beyond=linker.all_beyond(plan))) for plan in plans)


@dataclass(frozen=True)
class _Linker:
    sheet: Sheet
    plans: Mapping[str, Plan]
    next_at: NextAt

    def all_beyond(self, plan: Plan) -> dict[Kind, Beyond]:
        return {kind: self.beyond(plan, kind) for kind in plan.tariff.beyond}

    def beyond(self, plan: Plan, kind: Kind) -> Beyond:
        """Return what happens beyond a plan, linked. Next plans are ever dearer, so that this comes to an end."""
        *steps, last = chain(plan.tariff, kind)
        path = self.next_at.get((plan.id, kind))
        if not isinstance(last, NextTier) or path is None:
            return plan.tariff.beyond[kind]
        return chained([*(one for one in steps if not isinstance(one, Stop)), self._linked(plan, kind, last, path)])

    def _linked(self, plan: Plan, kind: Kind, last: NextTier, path: DataPath) -> Beyond:
        following = self.plans.get(last.plan)
        if following is None:
            if not any(one[:1] == ("plans",) and one[2:] in ((), ("id",)) for one in self.sheet.left_out):
                hint = did_you_mean(last.plan, self.plans) or f"plans here are {', '.join(self.plans)}"
                self.sheet.note(path, "unknown_plan", f"unknown plan {last.plan!r}", hint)
            return Stop()
        fee = self._fee(plan, following, path)
        if fee is None:
            return Stop()
        more = self._more(plan, following, kind, path)
        if more == 0:
            return Stop()
        self._explain(plan, following, kind, fee, more)
        then = None if more is None else self.beyond(following, kind)
        return NextTier(following.id, fee, more, then=then)

    def _explain(self, plan: Plan, following: Plan, kind: Kind, fee: Decimal, more: int | None) -> None:
        setting = f"plans.{plan.id}.then.{kind}.next.fee"
        if not any(one.path == setting for one in self.sheet.defaults):
            value = f"{fee:f} {plan.tariff.currency} more, once, for {format_amount(more, kind)} more"
            self.sheet.default(setting, value, f"what {following.id} costs and includes beyond {plan.id}")

    def _fee(self, plan: Plan, following: Plan, path: DataPath) -> Decimal | None:
        """Return what the next plan costs more in a period; None after noting that it is no such plan."""
        if following.every != plan.every:
            message = (
                f"{following.id} is paid every {following.every}, {plan.id} every {plan.every}; they do not compare"
            )
            self.sheet.note(path, "next_plan", message)
            return None
        here, there = plan.price, following.price
        if here is None or there is None:
            without = plan if here is None else following
            if without.terms:
                message = f"{without.id} has no price per period, from which the fee would come"
                self.sheet.note(path, "next_plan", message, "write price beside its terms")
            return None
        if there <= here:
            message = f"the next plan is dearer, and {following.id} costs {there} where {plan.id} costs {here}"
            self.sheet.note(path, "next_plan", message)
            return None
        return Decimal((there - here).decimal()).normalize() + 0

    def _more(self, plan: Plan, following: Plan, kind: Kind, path: DataPath) -> int | None:
        """Return how much more the next plan includes, None for no limit; 0 after noting that it is not more."""
        here, there = included(plan.tariff, kind), included(following.tariff, kind)
        if here is None:
            self.sheet.note(path, "next_plan", f"{kind} is unlimited here: nothing lies beyond")
            return 0
        if there is not None and there <= here:
            shown = format_amount(there, kind) if there else "none"
            message = f"the next plan includes more {kind}, and {following.id} includes {shown}"
            self.sheet.note(path, "next_plan", message)
            return 0
        return None if there is None else there - here
