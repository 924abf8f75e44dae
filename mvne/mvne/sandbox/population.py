"""The people of a simulated life: who signs up when for what, and what will happen to them.

Every share here is an assumption, made up to exercise a brand, not a measurement; docs/sandbox.md lists them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

from mvne.brand import Brand
from mvne.sandbox.chance import happens, level, pick, stream
from mvne.sandbox.simulation import Failure
from mvne_plans.catalogue import Plan
from mvne_plans.quantity import Kind

CODE_SHARE = 0.35  #: take a promotion's code where one is open
FIRST_LANGUAGE = 0.85
LEAVES_PER_MONTH = 0.025
LOSES_PHONE = 0.04
NEW_PHONE = 0.06
GOES_ABROAD = 0.10
CARD_FAILS = 0.06
HAS_CARE_CALLS = 0.35  #: call a number of a group that has a service of its own
CALLS_ABROAD = 0.20

#: What goes wrong while somebody signs up, in turn; one sign-up in six is hit.
SIGN_UP_FAILURES = (
    Failure.HOST_SILENT,
    Failure.CARD_REFUSED,
    Failure.SMDP_ANSWER_LOST,
    Failure.FIRST_PAYMENT_DECLINED,
    Failure.RECORD_EARLY,
    Failure.HOST_ANSWER_LOST,
    Failure.NOTIFICATION_LATE,
    Failure.SMDP_SILENT,
    Failure.GATEWAY_SILENT,
)
ONE_IN = 6

#: How a card that fails is replaced: before the next attempt, once the line is suspended, or never.
REPAIRS = ("early", "late", "never")


@dataclass(frozen=True, slots=True)
class Fate:
    """What will happen to somebody: moments, or None. `repair` is one of `REPAIRS`; `lost_for` is in days."""

    leaves: datetime | None = None
    loses_phone: datetime | None = None
    lost_for: int = 2
    finds_it: bool = True
    new_phone: datetime | None = None
    goes_abroad: datetime | None = None
    stays_days: int = 7
    card_fails: datetime | None = None
    repair: str = "early"
    sign_up_failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs up at `joins`. `levels` is what they use per period, in base units; shares are of calls."""

    number: int
    joins: datetime
    plan: str
    periods: int
    code: str | None
    born: date
    language: str
    region: str | None
    levels: Mapping[Kind, float]
    care_share: float
    abroad_share: float
    fate: Fate = field(default_factory=Fate)

    @property
    def id(self) -> str:
        """The id of the subscriber and of the line."""
        return f"sandbox-{self.number:05d}"


def population(brand: Brand, subscribers: int, seed: int, start: datetime, days: int) -> list[Person]:
    """Return the people of a life of `days` from `start` (local midnight), in the order in which they sign up."""
    chance = stream(seed, "population")
    zone = ZoneInfo(brand.timezone)
    moments = sorted(_joins(chance, start, days, zone) for _ in range(subscribers))
    people = [_person(brand, seed, number, joins) for number, joins in enumerate(moments, 1)]
    return _with_cards(_with_failures(people, chance), start, days, chance)


def _joins(chance: Random, start: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Draw when somebody signs up: many at first, fewer later, by day."""
    day = int(max(days - 2, 1) * 0.9 * chance.random() ** 1.25)
    local = start.astimezone(zone) + timedelta(days=day, seconds=chance.randrange(9 * 3600, 18 * 3600))
    return local.astimezone(UTC)


def _person(brand: Brand, seed: int, number: int, joins: datetime) -> Person:
    chance = stream(seed, "person", number)
    plan = _plan(brand, chance)
    day = joins.astimezone(ZoneInfo(brand.timezone)).date()
    regions = sorted({row.region for row in brand.tax_table})
    others = brand.languages[1:]
    usual = not others or happens(chance, FIRST_LANGUAGE)
    expected = brand.expected_use.get(plan.id, {})
    return Person(
        number=number,
        joins=joins,
        plan=plan.id,
        periods=_periods(plan, chance),
        code=_code(brand, plan, day, chance),
        born=_born(brand, day, chance),
        language=brand.languages[0] if usual else pick(chance, others),
        region=pick(chance, regions) if regions else None,
        levels={kind: level(chance, expected[kind]) for kind in Kind if kind in expected},
        care_share=0.2 if happens(chance, HAS_CARE_CALLS) else 0.0,
        abroad_share=0.1 if happens(chance, CALLS_ABROAD) else 0.0,
        fate=_fate(joins, chance),
    )


def _plan(brand: Brand, chance: Random) -> Plan:
    """Choose a plan: the cheaper, the more likely (the cheapest of three is three times as likely as the dearest)."""
    by_price = sorted(brand.catalogue.plans, key=lambda plan: (_per_period(plan), plan.id))
    weights = range(len(by_price), 0, -1)
    return chance.choices(by_price, weights)[0]


def _per_period(plan: Plan) -> Fraction:
    prices = [Fraction(term.price.minor, term.periods) for term in plan.terms]
    return min([*prices, *([Fraction(plan.price.minor)] if plan.price is not None else [])])


def _periods(plan: Plan, chance: Random) -> int:
    """Choose how many periods to pay at once: the shorter, the more likely."""
    sold = sorted({term.periods for term in plan.terms} | ({1} if plan.price is not None else set()))
    return chance.choices(sold, range(len(sold), 0, -1))[0]


def _code(brand: Brand, plan: Plan, day: date, chance: Random) -> str | None:
    taken = happens(chance, CODE_SHARE)
    codes = [
        one.code
        for one in brand.catalogue.promotions
        if one.code and one.open_on(day) and (not one.plans or plan.id in one.plans)
    ]
    return codes[0] if codes and taken else None


def _born(brand: Brand, day: date, chance: Random) -> date:
    """Draw a birthday: old enough for the brand, at most 95, more often young."""
    least = brand.minimum_age or 18
    days = int(chance.triangular(0, max(95 - least, 1) * 365, 365))
    return date(day.year - least - 1, 1, 1) - timedelta(days=days)


def _fate(joins: datetime, chance: Random) -> Fate:
    def some_day(probability: float, first: int, last: int) -> datetime | None:
        after = timedelta(days=chance.randrange(first, last), minutes=chance.randrange(600))
        return joins + after if happens(chance, probability) else None

    stays = min(int(chance.expovariate(LEAVES_PER_MONTH / 30)), 3650)
    return Fate(
        leaves=joins + timedelta(days=max(stays, 5)),
        loses_phone=some_day(LOSES_PHONE, 10, 60),
        lost_for=chance.randrange(1, 4),
        finds_it=happens(chance, 0.5),
        new_phone=some_day(NEW_PHONE, 20, 90),
        goes_abroad=some_day(GOES_ABROAD, 10, 90),
        stays_days=chance.randrange(3, 15),
    )


def _with_failures(people: Sequence[Person], chance: Random) -> list[Person]:
    """Give one sign-up in six something that goes wrong, each kind in turn."""
    hit = sorted(chance.sample(range(len(people)), -(-len(people) // ONE_IN)))
    failures = dict(zip(hit, SIGN_UP_FAILURES * (len(hit) // len(SIGN_UP_FAILURES) + 1), strict=False))
    return [
        replace(person, fate=replace(person.fate, sign_up_failure=failures.get(place)))
        for place, person in enumerate(people)
    ]


def _with_cards(people: Sequence[Person], start: datetime, days: int, chance: Random) -> list[Person]:
    """Let some cards fail from the third week on, early enough for a renewal, each way of repair in turn."""
    early = [place for place, person in enumerate(people) if person.joins <= start + timedelta(days=days // 3)]
    wanted = min(len(early), max(len(REPAIRS), int(len(people) * CARD_FAILS)))
    hit = {place: REPAIRS[turn % len(REPAIRS)] for turn, place in enumerate(sorted(chance.sample(early, wanted)))}
    return [
        replace(person, fate=_card(person, hit[place])) if place in hit else person
        for place, person in enumerate(people)
    ]


def _card(person: Person, repair: str) -> Fate:
    """Return a fate in which the card fails and its holder stays to see what follows."""
    return replace(person.fate, card_fails=person.joins + timedelta(days=20), repair=repair, leaves=None)
