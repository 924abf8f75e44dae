"""Options that many commands share, and what they open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mvne.platform import Platform

Command = TypeVar("Command", bound=Callable[..., Any])


class Moment(click.ParamType[datetime]):
    """A moment: an ISO 8601 date (its first second, UTC) or date and time with a zone."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment, aware."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a moment; write it like 2027-02-01 or 2027-02-01T09:30:00+01:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def store_option(command: Command) -> Command:
    """Add `--store`."""
    words = "Database URL of the store (default: MVNE_STORE, mvne.toml, then a file in your data folder)."
    return click.option("--store", metavar="URL", help=words)(command)


def json_option(command: Command) -> Command:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines and nothing else.")(command)


def brand_option(command: Command) -> Command:
    """Add `--brand`."""
    words = "Id of the brand; not needed while the store has only one."
    return click.option("--brand", metavar="ID", help=words)(command)


def at_option(command: Command) -> Command:
    """Add `--at`."""
    words = "Moment at which this happens (default: now); useful in a simulated world."
    return click.option("--at", type=Moment(), help=words)(command)


@contextmanager
def opened(store: str | None) -> Iterator[Platform]:
    """Open the platform for one command."""
    from mvne.bootstrap import connect

    with connect(store) as platform:
        yield platform


def moment(at: datetime | None) -> datetime:
    """Return `at`, or now."""
    from mvne.clock import now

    return at or now()


def which_brand(platform: Platform, brand: str | None) -> str:
    """Return the brand that is meant: the one named, or the only one."""
    from mvne.selling import UnknownBrand, brands

    with platform.store.read() as conn:
        known = brands(conn)
    if brand is None and len(known) == 1:
        return known[0]
    if brand in known:
        return brand
    if not known:
        raise UnknownBrand("the store has no brand yet; launch one: mvne launch plan.yaml")
    listed = ", ".join(known)
    raise UnknownBrand(f"there is no brand {brand!r}; the store has {listed}" if brand else f"say --brand: {listed}")
