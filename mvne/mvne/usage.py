"""Usage of a brand: from a file or the host's feed to priced records, and what the network is told because of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mvne import jobs, lines, outbox, versions
from mvne.errors import MvneError
from mvne.number_lists import world_at
from mvne.platform import Platform
from mvne.selling import Selling, selling
from mvne.warning import warn
from mvne_billing.mediation import loading, mending, rerating, unloading
from mvne_billing.mediation.duplicates import BY_ID, Duplicates
from mvne_billing.mediation.files import NO_FACTS, Facts, facts_of
from mvne_billing.mediation.loading import Loaded
from mvne_billing.mediation.marks import Crossing
from mvne_billing.mediation.rater import Rater
from mvne_billing.mediation.rerating import Rerated, Wanted
from mvne_billing.mediation.settled import Settled
from mvne_billing.mediation.suspense import EVERYTHING, Held, Which
from mvne_billing.mediation.unloading import Unloading
from mvne_billing.usage.facts import PLAIN, Conventions, Severity
from mvne_billing.usage.mapping.model import CsvMapping
from mvne_billing.usage.readers import BrokenRow, file_id, open_usage
from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind
from mvne_provisioning.inventory.profiles import imsis_of_brand
from mvne_provisioning.network.port import NetworkUsage

_FEED = "usage"
_FEED_BATCH = 1000

#: Marks after which the network treats a line otherwise.
_FREED = "freed"
_HELD = ("slow", "stop", "next", _FREED)
_GUARD = "guard_stop"


class FileRefused(MvneError):
    """The file does not agree with itself; nothing of it was loaded."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a host's files are to be read: `mapping` for its own CSV, `conventions` agreed with it, what is a duplicate.

    `anyway` loads a file that says something else of itself than it holds.
    """

    mapping: CsvMapping | None = None
    conventions: Conventions = PLAIN
    duplicates: Duplicates = BY_ID
    anyway: bool = False


#: What holds where nothing was agreed.
USUAL = Terms()


def load_file(platform: Platform, brand: str, path: Path, at: datetime, terms: Terms = USUAL) -> Loaded:
    """Load a file of usage; the same file again changes nothing.

    Raises `UsageFileError` when the file as a whole is not usage; single rows that are not go to suspense. Raises
    `FileRefused` when what it declares and what it holds do not agree so far that it should not be loaded.
    """
    file = open_usage(path, terms.mapping, terms.conventions)

    def facts() -> Facts:
        if file.findings.is_fatal and not terms.anyway:
            wrong = next(one for one in file.findings.kept if one.severity is Severity.FATAL)
            raise FileRefused(f"{path}: {wrong.message} ({wrong.code} at {wrong.place}); ask the host for it again")
        return facts_of(file)

    return load_records(platform, brand, file_id(path), path.name, file.rows, at, terms.duplicates, facts)


def load_records(
    platform: Platform,
    brand: str,
    batch: str,
    source: str,
    records: Iterable[UsageRecord | BrokenRow],
    at: datetime,
    duplicates: Duplicates = BY_ID,
    facts: Callable[[], Facts] = lambda: NO_FACTS,
) -> Loaded:
    """Load usage records under a batch id of the caller's."""
    sold, pricing = _pricing(platform, brand, duplicates)
    transact = platform.store.transact
    return loading.load(transact, brand, batch, source, records, pricing, at, noticed(sold, at), facts)


def collect_feed(platform: Platform, brand: str, at: datetime) -> list[Loaded]:
    """Load what the host network's feed has for this brand since it was last asked.

    The feed is the host's, for all brands on it: a record belongs to the brand whose profile made it.
    """
    loaded: list[Loaded] = []
    with platform.store.read() as conn:
        host = platform.ports(selling(conn, brand).settings.market).host
    while True:
        with platform.store.read() as conn:
            after = outbox.position(conn, brand, _FEED)
        batch = host.usage_feed(after, _FEED_BATCH)
        if not batch.records:
            return loaded
        with platform.store.read() as conn:
            mine = imsis_of_brand(conn, brand, {record.imsi for record in batch.records})
        records = [_normalised(record) for record in batch.records if record.imsi in mine]
        loaded.append(load_records(platform, brand, f"feed-{after}", "host feed", records, at))
        with platform.store.transact() as conn:
            outbox.advance(conn, brand, _FEED, batch.next)


def replay_suspense(platform: Platform, brand: str, at: datetime, which: Which = EVERYTHING) -> Loaded:
    """Try what is in suspense again, all or a slice of it: by who had the number, the lists and prices of its day."""
    sold, pricing = _pricing(platform, brand)
    return loading.replay(platform.store.transact, brand, pricing, at, noticed(sold, at), which)


def mend(
    platform: Platform, brand: str, held_id: str, changes: Mapping[str, str], actor: str, reason: str, at: datetime
) -> Held:
    """Change a record in suspense; it waits to be tried again. See `mending.mend` for what is raised."""
    with platform.store.transact() as conn:
        mended = mending.mend(conn, brand, held_id, changes, actor, reason, at)
        content = {"was": held_id, "changes": dict(changes), "actor": actor, "why": reason}
        outbox.emit(conn, brand, "usage.mended", mended.id, content, at)
        return mended


def drop(platform: Platform, brand: str, held_id: str, actor: str, reason: str, at: datetime) -> Held:
    """Write a record in suspense off. See `mending.drop` for what is raised."""
    with platform.store.transact() as conn:
        dropped = mending.drop(conn, brand, held_id, actor, reason, at)
        outbox.emit(conn, brand, "usage.dropped", held_id, {"actor": actor, "why": reason}, at)
        return dropped


def rerate(platform: Platform, brand: str, wanted: Wanted, dry_run: bool = False) -> Rerated:
    """Price a slice of use again and book the differences; see `rerating.rerate`."""
    sold, pricing = _pricing(platform, brand)
    store = platform.store
    return rerating.rerate(store.transact, store.read, brand, pricing, wanted, noticed(sold, wanted.at), dry_run)


def unload(platform: Platform, brand: str, wanted: Unloading, dry_run: bool = False) -> Rerated:
    """Take everything back that a batch brought; see `unloading.unload`."""
    sold, pricing = _pricing(platform, brand)
    store = platform.store
    return unloading.unload(store.transact, store.read, brand, pricing, wanted, noticed(sold, wanted.at), dry_run)


def _pricing(platform: Platform, brand: str, duplicates: Duplicates = BY_ID) -> tuple[Selling, Rater]:
    """Return what a brand sells, and what pricing its use takes: each record by the number lists of its day."""
    with platform.store.read() as conn:
        sold = selling(conn, brand)
        return sold, replace(rater(sold), duplicates=duplicates, world_at=world_at(conn, sold))


def rater(sold: Selling) -> Rater:
    """Return what pricing needs to know of a brand today."""
    return Rater(
        world=sold.world(),
        plan=lambda conn, plan, version: versions.plan_version(conn, sold.brand, plan, version),
        owners=lambda conn, records: lines.owners(conn, sold.brand, records),
        on_net=lambda conn, numbers: lines.holdings(conn, sold.brand, numbers),
    )


def noticed(sold: Selling, at: datetime) -> loading.Noticed:
    """Return what follows from priced usage, in its transaction: events, and work for the network."""

    def notice(conn: Connection, settled: Settled) -> None:
        for crossing in settled.crossings:
            content = {"name": crossing.name, "period_start": crossing.period_start.isoformat()}
            outbox.emit(conn, sold.brand, f"usage.{crossing.mark}", crossing.subscription, content, at)
        for crossing in _last_of_each(settled.crossings):
            _tell_network(conn, sold, crossing, at)
        for told in ("late", "out_of_order", "matched", "dropped"):
            if ids := getattr(settled, told):
                outbox.emit(
                    conn, sold.brand, f"usage.{told}", settled.batch, {"records": len(ids), "first": ids[0]}, at
                )
        for change in settled.balances:
            warn(conn, sold, change, at)
        for held in settled.held:
            content = {"reason": held.reason, "message": held.message, "source": held.source}
            outbox.emit(conn, sold.brand, "usage.suspended", held.id, content, at)

    return notice


def _last_of_each(crossings: Iterable[Crossing]) -> Iterable[Crossing]:
    """Return what the network has to act on: of several steps of a kind of use that were passed at once, the last."""
    last: dict[tuple[str, str], Crossing] = {}
    for crossing in crossings:
        if crossing.mark in _HELD:
            last[crossing.subscription, crossing.name.partition(":")[0]] = crossing
        elif crossing.mark == _GUARD:
            last[crossing.subscription, f"{_GUARD}:{crossing.name}"] = crossing
    return last.values()


def _tell_network(conn: Connection, sold: Selling, crossing: Crossing, at: datetime) -> None:
    wanted: dict[str, object] = {"line": crossing.subscription, "period_start": crossing.period_start.isoformat()}
    name = f"{crossing.subscription}:{crossing.mark}:{crossing.name}:{crossing.record}"
    if crossing.mark == _GUARD:
        jobs.ask(conn, sold.brand, name, "guard", wanted | {"guard": crossing.name}, at)
        return
    # `data:1` is the second step beyond the allowance of data.
    kind, _, place = crossing.name.partition(":")
    step = int(place or 0)
    if crossing.mark != _FREED:
        jobs.ask(conn, sold.brand, name, crossing.mark, wanted | {"kind": kind, "step": step}, at)
        return
    jobs.ask(conn, sold.brand, name, "lift", wanted | {"kinds": [kind]}, at)
    if step:
        # The line falls back to the step before, which may be a slow one.
        jobs.ask(conn, sold.brand, f"{name}:back", "slow", wanted | {"kind": kind, "step": step - 1}, at)


def _normalised(record: NetworkUsage) -> UsageRecord:
    return UsageRecord(
        id=record.id,
        msisdn=record.msisdn,
        kind=Kind(record.kind.value),
        start=record.start,
        amount=record.amount,
        country=record.country,
        to=record.called,
        source="host feed",
    )
