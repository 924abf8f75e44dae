"""The report of a simulated life: one HTML page that needs nothing else, charts and tables side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mvne.sandbox.charts import Frame, Series, bar_chart, line_chart
from mvne.sandbox.simulation import Result, Simulation
from mvne.sandbox.words import Words, words

_COST, _PROFIT = "#b4512d", "#4a6fa5"
#: Events that a reader cares about; the rest are steps on the way to them.
_SHOWN = (
    "subscriber.signed_up", "line.suspended", "line.resumed", "line.cancelled", "line.ended", "addon.bought",
    "usage.used_up", "usage.slow", "usage.stop", "usage.fair_use", "payment.succeeded", "payment.failed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its caption, the names of its columns, its rows as text; the first cell names the row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: a chart or none, and its tables."""

    title: str
    chart: Markup | None
    tables: tuple[Table, ...]


def render(simulation: Simulation) -> str:
    """Return the report as HTML5, in the brand's first language; the same simulation gives the same text."""
    say = words(simulation.language, simulation.currency)
    page = Environment(
        loader=PackageLoader("mvne.sandbox", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    ).get_template("report.html.j2")  # fmt: skip
    return page.render(
        s=simulation,
        say=say,
        key=key_numbers(simulation, say),
        basis=basis(simulation, say),
        made_with=made_with(simulation, say),
        sections=list(_sections(simulation, say)),
    )


def basis(simulation: Simulation, say: Words) -> str:
    """Say what was simulated."""
    asked = simulation.asked
    return say.say(
        "basis",
        subscribers=say.number(asked.subscribers),
        months=asked.months,
        start=say.day(asked.begins.date()),
        end=say.day(asked.ends.date() - timedelta(days=1)),
        timezone=simulation.timezone,
        seed=asked.seed,
    )


def made_with(simulation: Simulation, say: Words) -> str:
    """Say which versions made it: with the same ones it comes out the same."""
    return say.say(
        "made_with",
        version=simulation.version,
        hash=simulation.hash,
        market=simulation.market,
        pack=simulation.pack.isoformat(),
        agreements=", ".join(day.isoformat() for day in simulation.agreements),
    )


def key_numbers(simulation: Simulation, say: Words) -> list[tuple[str, str]]:
    """Return the numbers that matter most, each with its name."""
    total, last = simulation.total, simulation.days[-1]
    money: Callable[[int], str] = lambda micro: f"{say.money(micro)} {simulation.currency}"  # noqa: E731 - local shorthand
    ended = sum(month.ended for month in simulation.months)
    return [
        (say.say("lines_end"), say.number(last.active + last.suspended)),
        (say.say("churn"), f"{say.number(ended)} ({say.share(ended, simulation.asked.subscribers)})"),
        (say.say("revenue"), money(total.revenue)),
        (say.say("host"), money(total.host)),
        (say.say("minimum"), money(total.minimum)),
        (say.say("profit"), f"{money(total.profit)} ({say.share(total.profit, total.revenue)})"),
        (say.say("cash"), money(simulation.cash)),
        (say.say("owed"), money(simulation.owed)),
        (say.say("unbilled"), money(simulation.unbilled)),
    ]


def _sections(simulation: Simulation, say: Words) -> Iterator[Section]:
    yield _lines(simulation, say)
    yield _months(simulation, say)
    yield _plans(simulation, say)
    yield Section(say.say("failures"), None, (failures(simulation, say),))
    yield Section(say.say("use"), None, (_use(simulation, say), _events(simulation, say)))
    yield Section(say.say("assumptions"), None, tuple(_books(simulation, say)))


def _lines(simulation: Simulation, say: Words) -> Section:
    days = simulation.days
    frame = Frame(
        id="lines",
        title=say.say("lines_title"),
        description=say.say("lines_desc", days=len(days), last=days[-1].active),
        labels=[say.month(f"{day.day:%Y-%m}") if day.day.day == 1 else "" for day in days],
        written=say.number,
    )
    series = [
        Series(say.say("active"), simulation.colour, [day.active for day in days]),
        Series(say.say("suspended"), _COST, [day.suspended for day in days]),
        Series(say.say("waiting"), _PROFIT, [day.waiting for day in days]),
    ]
    last_days = [day for day, after in zip(days, [*days[1:], None], strict=True) if not after or after.day.day == 1]
    rows = tuple(
        (say.day(day.day), *(say.number(count) for count in (day.active, day.suspended, day.waiting)))
        for day in last_days
    )
    head = (say.say("day"), say.say("active"), say.say("suspended"), say.say("waiting"))
    return Section(frame.title, line_chart(frame, series), (Table(frame.title, head, rows),))


def _months(simulation: Simulation, say: Words) -> Section:
    months, total = simulation.months, simulation.total
    sold, ended = sum(month.sold for month in months), sum(month.ended for month in months)
    labels = [say.month(month.month) for month in months]
    amounts = {name: say.money(getattr(total, name)) for name in ("revenue", "host", "profit")}
    money = bar_chart(
        Frame("money", say.say("money_title"), say.say("money_desc", **amounts), labels, _short(say)),
        [
            Series(say.say("revenue"), simulation.colour, [month.result.revenue for month in months]),
            Series(say.say("host"), _COST, [month.result.host + month.result.minimum for month in months]),
            Series(say.say("profit"), _PROFIT, [month.result.profit for month in months]),
        ],
    )
    moves = bar_chart(
        Frame("moves", say.say("moves_title"), say.say("moves_desc", sold=sold, ended=ended), labels, say.number),
        [
            Series(say.say("sold"), simulation.colour, [month.sold for month in months]),
            Series(say.say("ended"), _COST, [month.ended for month in months]),
        ],
    )
    head = ("month", "sold", "ended", "in_service", "churn_rate", "revenue", "host", "minimum", "profit", "margin")
    before = [0, *(month.lines for month in months)]
    rows = tuple(
        (
            say.month(month.month),
            say.number(month.sold),
            say.number(month.ended),
            say.number(month.lines),
            say.share(month.ended, lines),
            *_result(month.result, say),
        )
        for month, lines in zip(months, before, strict=False)
    )
    foot = (say.say("total"), say.number(sold), say.number(ended), "", say.share(ended, sold), *_result(total, say))
    table = Table(say.say("months"), tuple(map(say.say, head)), rows, foot)
    return Section(say.say("months"), money + moves, (table,))


def _plans(simulation: Simulation, say: Words) -> Section:
    plans = simulation.plans
    chart = bar_chart(
        Frame("plans", say.say("margin_title"), say.say("margin_desc"), [plan.name for plan in plans], _short(say)),
        [
            Series(say.say("revenue"), simulation.colour, [plan.result.revenue for plan in plans]),
            Series(say.say("host"), _COST, [plan.result.host for plan in plans]),
            Series(say.say("profit"), _PROFIT, [plan.result.profit for plan in plans]),
        ],
    )
    head = ("plan", "sold", "in_service", "revenue", "host", "minimum", "profit", "margin", "owed")
    rows = [
        (plan.name, say.number(plan.sold), say.number(plan.lines), *_result(plan.result, say), say.money(plan.owed))
        for plan in plans
    ]
    below = Result(minimum=simulation.total.minimum)
    rows += [
        (say.say("below"), "", "", *_result(below, say), ""),
        (say.say("trial"), "", "", *_result(simulation.trial, say), ""),
    ]
    sold, lines = sum(plan.sold for plan in plans), sum(plan.lines for plan in plans)
    total = (say.say("total"), say.number(sold), say.number(lines), *_result(simulation.total, say))
    table = Table(say.say("plans"), tuple(map(say.say, head)), tuple(rows), (*total, say.money(simulation.owed)))
    return Section(say.say("plans"), chart, (table, *_accounts(simulation, say)))


def _accounts(simulation: Simulation, say: Words) -> Iterator[Table]:
    for key, amounts in (("earned", simulation.earned), ("spent", simulation.spent)):
        head = (say.say("what"), say.say("amount", currency=simulation.currency))
        rows = tuple((say.name(name), say.money(micro)) for name, micro in amounts.items())
        yield Table(say.say(key), head, rows, (say.say("total"), say.money(sum(amounts.values()))))


def failures(simulation: Simulation, say: Words) -> Table:
    """Return what went wrong, how often, and how often it was made good."""
    rows = tuple(
        (say.failure(one.failure), *(say.number(count) for count in (one.happened, one.handled, one.under_way)))
        for one in simulation.failures
    )
    sums = [sum(getattr(one, name) for one in simulation.failures) for name in ("happened", "handled", "under_way")]
    head = tuple(map(say.say, ("failure", "happened", "handled", "open")))
    return Table(say.say("failures"), head, rows, (say.say("total"), *map(say.number, sums)))


def _use(simulation: Simulation, say: Words) -> Table:
    rows = [
        (say.say("tried"), simulation.tried),
        *((say.say("refused", reason=say.reason(reason)), count) for reason, count in simulation.refused.items()),
        (say.say("priced"), simulation.priced),
        *((say.say("held", reason=say.reason(reason)), count) for reason, count in simulation.suspense.items()),
        (say.say("documents"), simulation.documents),
        (say.say("transfers"), simulation.transfers),
    ]
    return _counted(say.say("use"), rows, say)


def _events(simulation: Simulation, say: Words) -> Table:
    rows = [(say.name(name), simulation.events[name]) for name in _SHOWN if name in simulation.events]
    return _counted(say.say("events"), rows, say)


def _counted(caption: str, rows: Sequence[tuple[str, int]], say: Words) -> Table:
    written = tuple((name, say.number(count)) for name, count in rows)
    return Table(caption, (say.say("what"), say.say("count")), written)


def _books(simulation: Simulation, say: Words) -> Iterator[Table]:
    for currency, held in simulation.books.items():
        head = (say.say("what"), say.say("amount", currency=currency))
        own = words(simulation.language, currency)
        rows = tuple((own.name(name), own.money(micro)) for name, micro in held.items())
        yield Table(say.say("books", currency=currency), head, rows, (say.say("total"), own.money(sum(held.values()))))


def _result(result: Result, say: Words) -> tuple[str, ...]:
    amounts = (result.revenue, result.host, result.minimum, result.profit)
    return (*map(say.money, amounts), say.share(result.profit, result.revenue))


def _short(say: Words) -> Callable[[int], str]:
    """Return how a chart writes money: in whole units."""
    return lambda micro: say.number(micro // 10**6)


__all__ = ["basis", "failures", "key_numbers", "made_with", "render"]
