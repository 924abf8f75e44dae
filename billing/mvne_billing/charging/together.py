"""Charging without an event loop, for scripts and simulations: several requests in one commit, or each by itself."""

from __future__ import annotations

from collections.abc import Sequence

from mvne_billing.charging.asking import Asked, Cold, Entry, entered
from mvne_billing.charging.charger import Charger
from mvne_billing.charging.effects import Effects
from mvne_billing.charging.session import Answer, ChargingRefused, Contended
from mvne_billing.charging.store import Moved, Unwritten

#: How often one request may need something to be read.
_MOST_READS = 5

#: How often a request is tried again because others wrote to its line.
MOST_TRIES = 20


def ask_together(charger: Charger, asked: Sequence[Asked]) -> list[Answer | ChargingRefused | None]:
    """Answer requests in one commit, in order; what cannot be written so is done again, each by itself.

    A request that cannot be is answered with its refusal, a sweep with None.
    """
    entries = [entered(one) for one in asked]
    waiting = [entry for entry in entries if entry.refusal is None]
    for is_last in (False, True):
        try:
            _commit(charger, waiting)
            break
        except (Moved, Unwritten):
            for entry in waiting:
                alone(charger, entry) if is_last else entry.again()
    return [entry.refusal or entry.answer for entry in entries]


def _commit(charger: Charger, entries: Sequence[Entry]) -> None:
    lanes = [Effects() for _ in range(charger.store.lanes)]
    missing = [entry for entry in entries if not charger.knows(entry)]
    if missing:
        charger.learn(charger.read(missing))
    try:
        for entry in entries:
            decide(charger, entry, lanes)
        for lane, effects in enumerate(lanes):
            if effects:
                charger.store.write(lane, effects.flush())
    except (Moved, Unwritten):
        charger.undo(entries)
        raise


def decide(charger: Charger, entry: Entry, lanes: Sequence[Effects]) -> None:
    """Decide what was asked, reading what is missing."""
    for _ in range(_MOST_READS):
        try:
            charger.attempt(entry, lanes[charger.lane_of(entry.asked)])
        except Cold:
            charger.learn(charger.read([entry]))
        else:
            return
    entry.refusal = Contended(f"what session {entry.asked.session} needs cannot be read; send it again")


def alone(charger: Charger, entry: Entry) -> None:
    """Write an entry by itself, as often as it takes; `Contended` is its refusal when that is too often."""
    for _ in range(MOST_TRIES):
        entry.again()
        try:
            _commit(charger, [entry])
        except (Moved, Unwritten):
            continue
        return
    entry.refusal = Contended(f"line {entry.asked.subscription} is written to by others all the time; send it again")
