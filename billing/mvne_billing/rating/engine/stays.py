"""Lines by number: one row per number, with the moments at which its account or its terms change.

A record finds its line by one look at its number and a few comparisons; numbers that change more often than that are
joined by their intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mvne_billing.rating.engine.duck import DuckEngine
from mvne_billing.rating.engine.expression import TRUE, Expr, before, case, equals, lit, number, other, within
from mvne_billing.rating.engine.port import EngineError
from mvne_billing.rating.engine.relation import Relation

#: So many changes of a number within the files are compared one by one.
_FEW = 6

#: Numbers of a block of at most so many are looked up by their place in it, which takes no search.
_BLOCK = 900_000

#: What stands in the place of an account that was not found, and where there is more than one.
NOBODY = -1
_TWICE = -2


@dataclass(frozen=True)
class Stays:
    """How records find their lines: the table `line`, how often a number changes in it, and what a line says.

    `says` are the numbers that a line tells (its account first) and what each is like; `cuts` is None where the table
    has a row per interval.
    """

    relation: Relation
    cuts: int | None
    says: Mapping[str, Expr]
    block: range | None = None  #: the block that all numbers lie in

    def found(self, rows: Relation) -> Relation:
        """Add what lines say to records; `account` is below 0 where nobody had the number."""
        lines = self.relation
        same = equals(rows["msisdn"], lines.there("msisdn")) if self.block is None else TRUE
        if self.cuts is None:
            inside = ~before(rows["started"], lines.there("since")) & before(rows["started"], lines.there("until"))
            mine = {name: (name, lit(NOBODY if name == "account" else 0)) for name in self.says}
            return rows.find(lines, same & inside, **mine)
        kept, places = list(rows.columns), range(self.cuts + 1)
        wide = {
            f"{name}_{place}": (f"{name}_{place}", lit(_default(name))) for name in self._varied for place in places
        }
        cut = {f"cut_{place}": (f"cut_{place}", None) for place in places[1:]}
        if self.block is not None:
            number_ = rows["msisdn"]
            known = (number_ >= self.block.start) & (number_ < self.block.stop)
            here = within(number_, self.block.start, self.block.stop - 1)
            place = case((known, here - self.block.start), otherwise=len(self.block))
            names = {name: name for name in lines.columns if name != "place"}
            rows = rows.join(lines, equals(place, lines.there("place")), **names)
        else:
            rows = rows.find(lines, same, **cut, **wide)
        varied = {name: self._now(rows, name) for name in self._varied}
        fixed = {name: like for name, like in self.says.items() if name not in varied}
        rows = rows.extend(**varied, **{name: lit(like.low) for name, like in fixed.items()})
        return rows.keep([*kept, *self.says])

    @property
    def _varied(self) -> list[str]:
        return [name for name, like in self.says.items() if name == "account" or like.low != like.high]

    def _now(self, rows: Relation, name: str) -> Expr:
        later = [
            (~before(rows["started"], rows[f"cut_{place}"]), rows[f"{name}_{place}"])
            for place in range(self.cuts or 0, 0, -1)
        ]
        return case(*later, otherwise=rows[f"{name}_0"])


def _default(name: str) -> int:
    return NOBODY if name == "account" else 0


def by_number(engine: DuckEngine, says: Mapping[str, str], msisdn: str, since: datetime, until: datetime) -> Stays:
    """Make the table `line` from `stay` (a row per interval) for records from `since` to `until`; raise `EngineError`
    where two lines have one number at once.

    `says` are the columns of numbers, each with its type; `msisdn` is the type of numbers in the files.
    """
    extremes = ", ".join(f"min({name}), max({name})" for name in says)
    [bounds] = engine.fetch(f"SELECT {extremes} FROM stay")
    likes = {
        name: number(store, _whole(bounds[2 * place]), _whole(bounds[2 * place + 1]))
        for place, (name, store) in enumerate(says.items())
    }
    key = {"msisdn": number("long", 0, 10**18) if msisdn == "long" else other("text")}
    engine.make("turn", _TURNS.format(since=_moment(since), until=_moment(until), **_columns(says)))
    for who, moment in engine.fetch(f"SELECT msisdn, moment FROM turn WHERE account = {_TWICE} LIMIT 1"):
        raise EngineError(f"two lines have the number {who} at {moment}; end the first before the second begins")
    [(most,)] = engine.fetch("SELECT coalesce(max(place), 1) FROM turn")
    cuts = _whole(most) - 1
    if cuts > _FEW:
        engine.make("line", "SELECT * FROM stay")
        times = {"since": other("time"), "until": other("time")}
        return Stays(Relation({**key, **times, **likes}, name="line"), None, likes)
    stays = Stays(Relation({}, name="line"), cuts, likes)
    made = [f"max(CASE WHEN place = {place + 1} THEN moment END) AS cut_{place}" for place in range(1, cuts + 1)]
    made += [
        f"CAST(coalesce(max(CASE WHEN place = {place + 1} THEN {name} END), {_default(name)}) AS "
        f"{engine.dialect.types[says[name]]}) AS {name}_{place}"
        for name in stays._varied
        for place in range(cuts + 1)
    ]
    columns = {f"cut_{place}": other("time") for place in range(1, cuts + 1)}
    columns |= {
        f"{name}_{place}": number(likes[name].store, min(likes[name].low, _default(name)), likes[name].high)
        for name in stays._varied
        for place in range(cuts + 1)
    }
    grouped = f"SELECT msisdn, {', '.join(made)} FROM turn GROUP BY msisdn"
    block = _block(engine) if msisdn == "long" else None
    if block is None:
        engine.make("line", grouped)
        return Stays(Relation({**key, **columns}, name="line"), cuts, likes)
    shown = [
        f"g.{name}" if like.store == "time" else f"coalesce(g.{name}, {_default(name[: name.rindex('_')])}) AS {name}"
        for name, like in columns.items()
    ]
    places = f"SELECT range AS place FROM range({len(block) + 1})"
    joined = f"FROM ({places}) p LEFT JOIN ({grouped}) g ON g.msisdn = p.place + {block.start}"
    engine.make("line", f"SELECT p.place, {', '.join(shown)} {joined}")
    place = {"place": number("long", 0, len(block))}
    return Stays(Relation({**place, **columns}, name="line"), cuts, likes, block)


def _block(engine: DuckEngine) -> range | None:
    """Return the block of numbers that all lines lie in, None when it is too large."""
    [(first, last)] = engine.fetch("SELECT min(msisdn), max(msisdn) FROM turn")
    block = range(_whole(first), _whole(last) + 1)
    return block if len(block) <= _BLOCK else None


def _columns(says: Mapping[str, str]) -> dict[str, str]:
    defaults = [f"{_default(name)} AS {name}" for name in says]
    twice = [f"{_TWICE if name == 'account' else 0} AS {name}" for name in says]
    return {"says": ", ".join(says), "nobody": ", ".join(defaults), "twice": ", ".join(twice)}


def _moment(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment.isoformat()}'"


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


#: When what a number stands for changes within the files; nobody has it before its first line and between two.
_TURNS = """
WITH here AS (SELECT * FROM stay WHERE until > {since} AND since <= {until}),
after AS (SELECT *, lead(since) OVER (PARTITION BY msisdn ORDER BY since) AS following FROM here)
SELECT *, row_number() OVER (PARTITION BY msisdn ORDER BY moment) AS place FROM (
    SELECT msisdn, greatest(since, {since}) AS moment, {says} FROM here
    UNION ALL SELECT msisdn, {since} AS moment, {nobody} FROM here GROUP BY msisdn HAVING min(since) > {since}
    UNION ALL SELECT msisdn, until AS moment, {nobody} FROM after
        WHERE until <= {until} AND (following IS NULL OR following > until)
    UNION ALL SELECT msisdn, following AS moment, {twice} FROM after WHERE following < until
)
"""
