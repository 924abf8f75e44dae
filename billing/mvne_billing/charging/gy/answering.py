"""From charging's answer to the AVPs of a credit-control answer."""

from __future__ import annotations

from collections.abc import Sequence

from mvne_billing.charging.gy import avps
from mvne_billing.charging.gy.codes import RESULTS, Code
from mvne_billing.charging.gy.currencies import NUMBERS
from mvne_billing.charging.gy.wire import Pair
from mvne_billing.charging.session import Answer, Final, FinalUnit, Granted, Result
from mvne_plans.quantity import Kind

_GRANTED = {
    Kind.VOICE: avps.CC_TIME,
    Kind.DATA: avps.CC_TOTAL_OCTETS,
    Kind.SMS: avps.CC_SERVICE_SPECIFIC_UNITS,
}
_THRESHOLD = {
    Kind.VOICE: avps.TIME_QUOTA_THRESHOLD,
    Kind.DATA: avps.VOLUME_QUOTA_THRESHOLD,
    Kind.SMS: avps.UNIT_QUOTA_THRESHOLD,
}
_ACTIONS = {Final.TERMINATE: 0, Final.REDIRECT: 1, Final.RESTRICT: 2}  # RFC 8506, 8.35
_URL = 2  # Redirect-Address-Type, RFC 8506, 8.38
_MOST_32 = (1 << 32) - 1


def code_of(answer: Answer) -> Code:
    """Return the code of the whole request: a session that goes on was successful, its groups say more."""
    return Code.SUCCESS if answer.is_open else RESULTS[answer.result]


def session_pairs(answer: Answer, kind: Kind, has_groups: bool) -> list[Pair]:
    """Return what answers a session's request: a group each, or at the top where the request had none."""
    pairs: list[Pair] = []
    if has_groups:
        pairs += [(avps.MULTIPLE_SERVICES_CREDIT_CONTROL, service_pairs(one, kind)) for one in answer.groups]
    else:
        pairs += [
            pair
            for one in answer.groups
            for pair in service_pairs(one, kind)
            if pair[0] not in (avps.RATING_GROUP, avps.RESULT_CODE)
        ]
    return [*pairs, *cost_pairs(answer)]


def service_pairs(one: Granted, kind: Kind) -> list[Pair]:
    """Return what answers one rating group."""
    pairs: list[Pair] = [(avps.RATING_GROUP, one.rating_group), (avps.RESULT_CODE, int(RESULTS[one.result]))]
    if one.granted is not None and one.result is Result.SUCCESS:
        granted: list[Pair] = [(_GRANTED[kind], one.granted)]
        if one.tariff_change is not None:
            granted.insert(0, (avps.TARIFF_TIME_CHANGE, one.tariff_change))
        pairs.append((avps.GRANTED_SERVICE_UNIT, granted))
    if one.valid_s:
        pairs.append((avps.VALIDITY_TIME, one.valid_s))
    if one.final is not None:
        pairs.append((avps.FINAL_UNIT_INDICATION, _final(one.final)))
    if one.threshold is not None:
        pairs.append((_THRESHOLD[kind], min(one.threshold, _MOST_32)))
    if one.holding_s is not None:
        pairs.append((avps.QUOTA_HOLDING_TIME, one.holding_s))
    return pairs


def cost_pairs(answer: Answer) -> Sequence[Pair]:
    """Return what a session has cost so far, or an event: micro-units are a number with the exponent -6."""
    currency = NUMBERS.get(answer.currency)
    if currency is None:
        return []
    digits: list[Pair] = [(avps.VALUE_DIGITS, answer.charged_micro), (avps.EXPONENT, -6)]
    return [(avps.COST_INFORMATION, [(avps.UNIT_VALUE, digits), (avps.CURRENCY_CODE, currency)])]


def _final(final: FinalUnit) -> list[Pair]:
    pairs: list[Pair] = [(avps.FINAL_UNIT_ACTION, _ACTIONS[final.action])]
    pairs += [(avps.RESTRICTION_FILTER_RULE, one.encode()) for one in final.filters]
    if final.action is Final.REDIRECT:
        server: list[Pair] = [
            (avps.REDIRECT_ADDRESS_TYPE, _URL),
            (avps.REDIRECT_SERVER_ADDRESS, final.redirect_to),
        ]
        pairs.append((avps.REDIRECT_SERVER, server))
    return pairs
