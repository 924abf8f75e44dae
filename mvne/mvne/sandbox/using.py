"""What somebody does with a phone on one day: calls, messages, data, as uses of the simulated network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from mvne.sandbox.chance import count, happens, pick
from mvne.sandbox.directory import Directory
from mvne.sandbox.population import Person
from mvne_plans.quantity import Kind
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.network.port import UsageKind
from mvne_provisioning.network.simulated_use import Use

CALL_SECONDS = 360  #: mean length of a call
DATA_SESSIONS = 0.5  #: records a day: the network closes one every other day
DAY_TO_DAY = 0.5  #: spread (sigma) of a day's data around the usual
EMERGENCY_CALL = 0.001  #: of calls
PREMIUM_CALL = 0.001  #: of calls, where the line is barred from them: refused
SLOW_HOURS = 2  #: a slowed line carries data for so long a day


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone on a day: its card, from when until when it can be used, where it is, and how fast its data is."""

    line: str
    imsi: Imsi
    first: datetime
    last: datetime
    country: str | None
    bits_per_second: int | None


def uses(person: Person, directory: Directory, phone: Phone, period_days: int, chance: Random) -> list[Use]:
    """Return what somebody does with a phone between its `first` and `last` moment of a day."""
    seconds = int((phone.last - phone.first).total_seconds())
    if seconds <= 0:
        return []
    stem = f"{phone.line}:{phone.last:%Y%m%d}"
    wanted = [
        *_calls(person, directory, phone, period_days, chance),
        *_data(person, directory, phone, period_days, chance),
    ]
    return [
        Use(
            phone.imsi, kind, phone.first + timedelta(seconds=chance.randrange(seconds)), amount, to, phone.country, id_
        )
        for place, (kind, amount, to) in enumerate(wanted)
        for id_ in (f"{stem}:{place}",)
    ]


_Wanted = tuple[UsageKind, int, str | None]


def _calls(person: Person, directory: Directory, phone: Phone, period_days: int, chance: Random) -> Iterator[_Wanted]:
    if Kind.VOICE in directory.kinds:
        for _ in range(count(chance, person.levels.get(Kind.VOICE, 0) / period_days / CALL_SECONDS)):
            length = max(5, int(chance.expovariate(1 / CALL_SECONDS)))
            yield UsageKind.VOICE, length, _called(person, directory, phone, Kind.VOICE, chance)
    if Kind.SMS in directory.kinds:
        for _ in range(count(chance, person.levels.get(Kind.SMS, 0) / period_days)):
            yield UsageKind.SMS, 1, _called(person, directory, phone, Kind.SMS, chance)


def _called(person: Person, directory: Directory, phone: Phone, kind: Kind, chance: Random) -> str:
    """Choose whom to call; from abroad people call home."""
    if kind is Kind.VOICE and happens(chance, EMERGENCY_CALL):
        return directory.emergency
    if phone.country is None:
        if kind is Kind.VOICE and directory.premium and happens(chance, PREMIUM_CALL):
            return directory.premium
        if kind is Kind.VOICE and directory.groups and happens(chance, person.care_share):
            return directory.groups[person.number % len(directory.groups)]
        if directory.abroad[kind] and happens(chance, person.abroad_share):
            return pick(chance, directory.abroad[kind])
    return pick(chance, directory.home)


def _data(person: Person, directory: Directory, phone: Phone, period_days: int, chance: Random) -> Iterator[_Wanted]:
    if Kind.DATA not in directory.kinds:
        return
    usual = person.levels.get(Kind.DATA, 0) / period_days
    today = usual * chance.lognormvariate(-(DAY_TO_DAY**2) / 2, DAY_TO_DAY)
    if phone.bits_per_second is not None:
        today = min(today, phone.bits_per_second / 8 * 3600 * SLOW_HOURS)
    sessions = count(chance, DATA_SESSIONS)
    for _ in range(sessions):
        amount = int(today / DATA_SESSIONS)
        if amount:
            yield UsageKind.DATA, amount, None
