"""What cannot be asked: refused before anything is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from mvne_billing.charging.session import MOST_GROUPS, MOST_SESSION, Event, InvalidRequest, Request, Service, Units
from mvne_billing.usage.record import YEARS
from mvne_plans.quantity import MOST, Kind

#: The longest called number, use label and line number, as in a usage record.
_LONGEST = {"to": 24, "label": 24, "country": 2}
_MOST_MSISDN = 20
_MOST_NUMBER = 2**63 - 1


def check(asked: Request | Event) -> None:
    """Raise `InvalidRequest` when this is no request, with what is wrong."""
    if isinstance(asked, Request) and _is_plain(asked):
        return
    for problem in _problems(asked):
        raise InvalidRequest(problem)


def _is_plain(asked: Request) -> bool:
    """Say whether nothing is wrong with a request of one rating group, as most are; others are looked at in full."""
    if len(asked.groups) != 1:
        return False
    units, session, at = asked.groups[0], asked.session, asked.at
    return (
        0 < len(session) <= MOST_SESSION
        and session.isprintable()
        and 0 <= asked.sequence <= _MOST_NUMBER
        and at.tzinfo is not None
        and at.year in YEARS
        and len(asked.msisdn) <= _MOST_MSISDN
        and asked.msisdn.isprintable()
        and 0 <= units.rating_group <= _MOST_NUMBER
        and 0 <= units.used <= MOST
        and (units.requested is None or 0 <= units.requested <= MOST)
        and (units.service is None or not any(_service(units.service)))
    )


def _problems(asked: Request | Event) -> Iterator[str]:
    session = asked.session
    if not 0 < len(session) <= MOST_SESSION or not session.isprintable():
        yield f"a session id is plain text of 1 to {MOST_SESSION} characters, not {session[:MOST_SESSION]!r}"
    if not 0 <= asked.sequence <= _MOST_NUMBER:
        yield f"a sequence number is a whole number from 0, not {asked.sequence}"
    if asked.at.tzinfo is None:
        yield f"at {asked.at.isoformat()} has no time zone; write it like 2027-03-01T10:00:00Z"
    if asked.at.year not in YEARS:
        yield f"at {asked.at.isoformat()} is not in the years {YEARS[0]} to {YEARS[-1]}"
    if len(asked.msisdn) > _MOST_MSISDN or not asked.msisdn.isprintable():
        yield f"msisdn {asked.msisdn[:_MOST_MSISDN]!r} is not a number of at most {_MOST_MSISDN} characters"
    if isinstance(asked, Event):
        yield from _event(asked)
        return
    if len(asked.groups) > MOST_GROUPS or len({one.rating_group for one in asked.groups}) < len(asked.groups):
        yield f"a request has at most {MOST_GROUPS} rating groups, each once"
    for units in asked.groups:
        yield from _units(units)


def _event(asked: Event) -> Iterator[str]:
    if not 0 <= asked.units <= MOST:
        yield f"units {asked.units} are not a whole number from 0 to {MOST}"
    if asked.service is not None:
        yield from _service(asked.service)


def _units(units: Units) -> Iterator[str]:
    if not 0 <= units.rating_group <= _MOST_NUMBER:
        yield f"rating group {units.rating_group} is not a whole number from 0"
    if not 0 <= units.used <= MOST:
        yield f"used units {units.used} are not a whole number from 0 to {MOST}"
    if units.requested is not None and not 0 <= units.requested <= MOST:
        yield f"requested units {units.requested} are not a whole number from 0 to {MOST}"
    if units.service is not None:
        yield from _service(units.service)


def _service(service: Service) -> Iterator[str]:
    for name, longest in _LONGEST.items():
        text = getattr(service, name) or ""
        if len(text) > longest or not text.isprintable():
            yield f"{name} {text[:longest]!r} is not plain text of at most {longest} characters"
    if (service.to is None) != (service.kind is Kind.DATA):
        yield "voice and sms need the called number (to), data has none"
