"""A session as the text it is kept in: enough to go on with it in another process, and for the books to be proved by.

`open` is what was charged and is in no row of usage yet, by kind of use; `paid` says whether it came out of a wallet;
`held` are the units that each rating group holds: whose counter, which, since when, how many.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

from mvne_billing.charging import plain
from mvne_billing.charging.account import Account, Leg, Live, Segment
from mvne_billing.charging.moments import read_stamp, stamp
from mvne_billing.charging.routing import Terms, settle
from mvne_billing.charging.session import Service
from mvne_billing.charging.spots import Place
from mvne_billing.mediation.shelves import Slot
from mvne_billing.rating.result import Part, Rule, parts_text
from mvne_billing.rating.walk import Stretch
from mvne_billing.states import SessionState
from mvne_plans.quantity import Kind


def session_text(session: Live) -> str:
    """Return a session as JSON."""
    legs = session.legs.values()
    held = ",".join([f"[{leg.group},{_places(leg.held)}]" for leg in legs if leg.held])
    paid = "true" if session.account.is_prepaid else "false"
    charged = ",".join([f'"{kind}":{micro}' for kind, micro in session.kinds.items()])
    numbers = f'"charged":{session.charged},"lost":{session.lost},"rows":{session.rows},"paid":{paid}'
    return (
        f'{{"at":"{session.stamp}","msisdn":{quoted(session.msisdn)},{numbers},"open":{{{charged}}},'
        f'"held":[{held}],"legs":[{",".join([_leg(session, leg) for leg in legs])}]}}'
    )


def _leg(session: Live, leg: Leg) -> str:
    segment = leg.segment
    if not leg.said:
        service = leg.service
        to = "null" if service.to is None else quoted(service.to)
        what = f"[{quoted(leg.kind)},{to},{quoted(service.country)},{quoted(service.label)}]"
        leg.said = f'{leg.group},{what},"{stamp(leg.start)}"'
    if leg.plan is not None:
        spots = leg.plan.spots
        rows = ",".join([f'[{spots[place].said},{units},""]' for place, units in leg.walked])
    else:
        rows = ",".join([f"[{_rule(one)},{one.units},{quoted(one.band)}]" for one in leg.stretches])
    since = session.stamp if leg.since is session.at else stamp(leg.since)
    begun = since if segment.start is leg.since else stamp(segment.start)
    parts = parts_text(tuple(segment.parts)) if segment.parts else "[]"
    taken = _taken(leg.taken)
    # Until the first row of usage is written the segment is the leg.
    fresh = taken if segment.units == leg.units > 0 else _taken(segment.taken)
    return (
        f'[{leg.said},"{since}",{leg.charged},{leg.granted},{leg.held_micro},[{rows}],[{taken}],'
        f'"{begun}",{segment.units},{segment.charge},{parts},[{fresh}]]'
    )


def _rule(one: Stretch) -> str:
    return f"{quoted(one.rule)},{quoted(one.name)}"


def _places(held: Sequence[tuple[Slot, int]]) -> str:
    return ",".join([f"[{_place(slot.counters.holder, slot.counter, slot.start)},{units}]" for slot, units in held])


def _taken(taken: Mapping[Place, int]) -> str:
    return ",".join([f"[{_place(*place)},{units}]" for place, units in taken.items()]) if taken else ""


@lru_cache(maxsize=65_536)  # a line's counters are named with every step of its sessions
def _place(holder: str, counter: str, start: datetime) -> str:
    return f'{quoted(holder)},{quoted(counter)},"{stamp(start)}"'


def stretches(leg: Leg) -> tuple[Stretch, ...]:
    """Return the stretches of a leg, whichever way it is priced."""
    return leg.stretches if leg.plan is None else leg.plan.stretches(leg.walked)


def session_from(account: Account, terms: Terms, row: Any) -> Live:
    """Return the session of a row of its table, its legs as they stood; `account` has its counters already."""
    kept: dict[str, Any] = json.loads(row.content)
    session = Live(account, row.id, row.opened_at, kept["msisdn"])
    session.moves_to(read_stamp(kept["at"]))
    session.valid_until = row.valid_until
    session.state = SessionState(row.state)
    session.sequence = row.sequence
    session.reserved = row.reserved_micro
    session.charged = kept["charged"]
    session.lost = kept["lost"]
    session.kinds = kept["open"]
    session.rows = kept["rows"]
    for saved in kept["legs"]:
        leg = _leg_from(account, terms, saved)
        session.legs[leg.group] = leg
    for group, *held in kept["held"]:
        session.legs[group].held = tuple((_slot(account, *where), units) for *where, units in held)
    return session


def called(content: str) -> list[str]:
    """Return the numbers that a session kept as text called, as dialled."""
    kept = json.loads(content)
    return [leg[1][1] for leg in kept.get("legs", ()) if leg[1][1] is not None]


def _leg_from(account: Account, terms: Terms, saved: Sequence[Any]) -> Leg:
    group, (kind, *said), start, since, charged, granted, held_micro, rows, taken, *segment = saved
    leg = Leg(group, Service(Kind(kind), *said), read_stamp(start))
    leg.since, leg.charged, leg.granted, leg.held_micro = read_stamp(since), charged, granted, held_micro
    leg.taken = _taken_from(taken)
    leg.units = sum(units for _, _, units, _ in rows)
    leg.segment = _segment_from(segment)
    settle(account, terms, leg)
    leg.stretches = tuple(
        Stretch(Rule(rule), name, units, plain.rate_of(leg.route, leg.shelves, Rule(rule), name), band)
        for rule, name, units, band in rows
    )
    take_up(leg)
    return leg


def take_up(leg: Leg) -> None:
    """Let a leg go on by its compiled plan, if that has all of its rules and knows all that was used, else plainly."""
    plan = leg.plan
    walked = plan.walked(leg.stretches) if plan is not None and leg.segment.units == leg.units else None
    if plan is None or walked is None:
        leg.plan = None
        return
    leg.walked, leg.stretches = walked, ()
    leg.through = plan.price(walked)[0]
    leg.paid = plan.rounded(leg.through)
    leg.segment.parts = []


def lay_down(leg: Leg) -> None:
    """Let a leg go on the plain way: its stretches, and the parts of what was used since the last row of usage."""
    if leg.plan is not None:
        leg.segment.parts = list(leg.plan.parts(leg.route, leg.walked))
        leg.stretches = leg.plan.stretches(leg.walked)
        leg.plan, leg.walked, leg.through, leg.paid = None, [], 0, 0


def _segment_from(saved: Sequence[Any]) -> Segment:
    start, units, charge, parts, taken = saved
    segment = Segment(read_stamp(start))
    segment.units, segment.charge = units, charge
    segment.parts = [Part(Rule(rule), *rest) for rule, *rest in parts]
    segment.taken = _taken_from(taken)
    return segment


def _taken_from(taken: Sequence[Any]) -> dict[Place, int]:
    return {(holder, name, read_stamp(start)): units for holder, name, start, units in taken}


def _slot(account: Account, holder: str, counter: str, start: str) -> Slot:
    return Slot(account.of(holder).counters, counter, read_stamp(start))
