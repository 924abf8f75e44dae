"""Answers as the text they are kept in, so that a repeat gets the very same one; and what a request says, as a hash."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from mvne_billing.charging.session import Answer, Event, Final, FinalUnit, Granted, Request, Result, Service

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def answer_text(answer: Answer) -> str:
    """Return an answer as JSON; what names the request, and how the answer was made durable, is kept beside it."""
    groups = ",".join([_plain(one) or _encode(_granted(one)) for one in answer.groups])
    free = "null" if answer.free_micro is None else answer.free_micro
    is_open = "true" if answer.is_open else "false"
    return f'["{answer.result}",[{groups}],{answer.charged_micro},"{answer.currency}",{free},{is_open}]'


def _plain(one: Granted) -> str:
    """Return what is granted as JSON where it is nothing but numbers, as most of it is; empty where it is more."""
    if one.final is not None or one.tariff_change is not None or one.message or one.holding_s is not None:
        return ""
    granted = "null" if one.granted is None else one.granted
    threshold = "null" if one.threshold is None else one.threshold
    numbers = f"{granted},{one.valid_s},{threshold},null,null,null,{one.charged_micro}"
    return f'[{one.rating_group},"{one.result}",{numbers},""]'


def answer_from(session: str, sequence: int, text: str, durability: str) -> Answer:
    """Return the answer that `answer_text` wrote."""
    result, groups, charged, currency, free, is_open = json.loads(text)
    granted = tuple(_granted_from(one) for one in groups)
    return Answer(session, sequence, Result(result), granted, charged, currency, free, is_open, durability)


def _granted(one: Granted) -> Sequence[object]:
    final, change = one.final, one.tariff_change
    return (
        one.rating_group,
        one.result,
        one.granted,
        one.valid_s,
        one.threshold,
        one.holding_s,
        None if final is None else (final.action, final.redirect_to, final.filters),
        None if change is None else change.isoformat(),
        one.charged_micro,
        one.message,
    )


def _granted_from(saved: Sequence[Any]) -> Granted:
    group, result, granted, valid, threshold, holding, final, change, charged, message = saved
    last = None if final is None else FinalUnit(Final(final[0]), final[1], tuple(final[2]))
    moment = None if change is None else datetime.fromisoformat(change)
    return Granted(group, Result(result), granted, valid, threshold, holding, last, moment, charged, message)


def digest(asked: Request | Event) -> str:
    """Return a hash of what is asked, equal for a repeat: the client's clock is no part of it."""
    if isinstance(asked, Request):
        said = f"{asked.step}\x1f{asked.subscription}\x1f{asked.msisdn}"
        for units in asked.groups:
            said += f"\x1f{units.rating_group}\x1f{units.requested}\x1f{units.used}\x1f{units.trigger}"
            said += _service(units.service) if units.service is not None else ""
    else:
        said = f"{asked.action}\x1f{asked.subscription}\x1f{asked.msisdn}\x1f{asked.rating_group}\x1f{asked.units}"
        said += f"\x1f{asked.refunds}{_service(asked.service) if asked.service is not None else ''}"
    return sha256(said.encode()).hexdigest()[:32]


def _service(service: Service) -> str:
    return f"\x1f{service.kind}\x1f{service.to}\x1f{service.country}\x1f{service.label}"
