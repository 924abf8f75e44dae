"""What usage would bring and cost under a plan file: rated in bulk, without a store, before anything is sold.

Lines are given as a table (see `LineSpan`), or every number in the files is taken as a line of one plan, with an
allowance period a calendar month in the brand's time zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mvne.brand import Brand
from mvne.errors import MvneError
from mvne_billing.rating.engine.api import Limits, rate_files
from mvne_billing.rating.engine.duck import opened
from mvne_billing.rating.engine.lines import LineSpan, line_table
from mvne_billing.rating.engine.results import EngineRun
from mvne_billing.rating.engine.sources import read_source
from mvne_billing.rating.engine.supports import engine_supports
from mvne_billing.rating.result import World

if TYPE_CHECKING:
    import pyarrow as pa

#: So many months are told apart at most when every number is a line of one plan.
_MONTHS = 24


class NoEstimate(MvneError):
    """This usage cannot be estimated; the message says why."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What became of the records, in the brand's currency, and why a plan is left to the reference, if one is."""

    run: EngineRun
    currency: str
    by_reference: dict[str, tuple[str, ...]]


def estimate(
    brand: Brand, usage: Sequence[Path], lines: Path | str, output: Path, limits: Limits | None = None
) -> Estimate:
    """Rate usage files by the plans of a brand; `lines` is a file of lines, or the id of the plan of every number.

    What is written into the folder `output` says `rate_files`. Raises `NoEstimate` for a plan that the file does not
    sell, and `EngineError` for files that are no usage and no lines.
    """
    catalogue = brand.catalogue
    groups = {group.id: frozenset(group.numbers) for group in catalogue.groups}
    world = World(brand.market.numbering, groups, catalogue.agreements, brand.timezone)
    tariffs = {plan.id: plan.tariff for plan in catalogue.plans}
    known = lines if isinstance(lines, Path) else _everybody(brand, usage, lines)
    run = rate_files(usage, output, known, tariffs, world, limits=limits)
    refused = {name: reasons for name, one in tariffs.items() if (reasons := engine_supports(one, world))}
    return Estimate(run, brand.currency, refused)


def _everybody(brand: Brand, usage: Sequence[Path], plan: str) -> pa.Table:
    """Return every number in usage files as a line of one plan."""
    sold = [one.id for one in brand.catalogue.plans]
    if plan not in sold:
        raise NoEstimate(f"{brand.id} has no plan {plan!r}; it has {', '.join(sold)}")
    with opened() as duck:
        source = read_source(duck, usage)
        if source.since is None or source.until is None:
            raise NoEstimate("the files hold no usage")
        numbers = [_number(one) for (one,) in duck.fetch("SELECT DISTINCT msisdn FROM usage WHERE msisdn IS NOT NULL")]
    months = list(_months(source.since, source.until, ZoneInfo(brand.timezone)))
    if len(months) > _MONTHS:
        raise NoEstimate(f"the files hold use of {len(months)} months; give at most {_MONTHS} at once, or --lines")
    return line_table(
        LineSpan(one, since, until, one, plan, brand.timezone, since, until)
        for one in sorted(numbers)
        for since, until in months
    )


def _number(msisdn: object) -> str:
    return f"+{msisdn}" if isinstance(msisdn, int) else str(msisdn)


def _months(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Yield the calendar months, in UTC, that hold everything from `since` to `until`."""
    day, last = since.astimezone(zone).date().replace(day=1), until.astimezone(zone).date()
    while day <= last:
        following = (day + timedelta(days=31)).replace(day=1)
        yield _midnight(day, zone), _midnight(following, zone)
        day = following


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)
