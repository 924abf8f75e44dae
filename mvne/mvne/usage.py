"""Usage of a brand: from a file or the host's feed to priced records, and what the network is told because of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mvne import jobs, lines, outbox, versions
from mvne.platform import Platform
from mvne.selling import Selling, selling
from mvne_billing.mediation import loading
from mvne_billing.mediation.loading import Loaded
from mvne_billing.mediation.meter import Crossing
from mvne_billing.mediation.settling import Rater, Settled
from mvne_billing.usage.readers import BrokenRow, file_id, read_usage
from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind
from mvne_provisioning.inventory.profiles import imsis_of_brand
from mvne_provisioning.network.port import NetworkUsage

_FEED = "usage"
_FEED_BATCH = 1000


def load_file(platform: Platform, brand: str, path: Path, at: datetime) -> Loaded:
    """Load a CSV or Parquet file of usage; the same file again changes nothing.

    Raises `UsageFileError` when the file as a whole is not usage; single rows that are not go to suspense.
    """
    return load_records(platform, brand, file_id(path), path.name, read_usage(path), at)


def load_records(
    platform: Platform,
    brand: str,
    batch: str,
    source: str,
    records: Iterable[UsageRecord | BrokenRow],
    at: datetime,
) -> Loaded:
    """Load usage records under a batch id of the caller's."""
    with platform.store.read() as conn:
        sold = selling(conn, brand)
    transact = platform.store.transact
    return loading.load(transact, brand, batch, source, records, rater(sold), at, noticed(sold, at))


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


def replay_suspense(platform: Platform, brand: str, at: datetime) -> Loaded:
    """Try everything in suspense again, under today's numbers, groups and agreements."""
    with platform.store.read() as conn:
        sold = selling(conn, brand)
    return loading.replay(platform.store.transact, brand, rater(sold), at, noticed(sold, at))


def rater(sold: Selling) -> Rater:
    """Return what pricing needs to know of a brand."""
    return Rater(
        world=sold.world(),
        plan=lambda conn, plan, version: versions.plan_version(conn, sold.brand, plan, version),
        owners=lambda conn, records: lines.owners(conn, sold.brand, records),
    )


def noticed(sold: Selling, at: datetime) -> loading.Noticed:
    """Return what follows from priced usage, in its transaction: events, and work for the network."""

    def notice(conn: Connection, settled: Settled) -> None:
        for crossing in settled.crossings:
            _notice_crossing(conn, sold, crossing, at)
        for held in settled.held:
            content = {"reason": held.reason, "message": held.message, "source": held.source}
            outbox.emit(conn, sold.brand, "usage.suspended", held.id, content, at)

    return notice


def _notice_crossing(conn: Connection, sold: Selling, crossing: Crossing, at: datetime) -> None:
    content = {"name": crossing.name, "period_start": crossing.period_start.isoformat()}
    outbox.emit(conn, sold.brand, f"usage.{crossing.mark}", crossing.subscription, content, at)
    if crossing.mark in ("slow", "stop"):
        name = f"{crossing.subscription}:{crossing.mark}:{crossing.name}:{crossing.record}"
        wanted = content | {"line": crossing.subscription, "kind": crossing.name}
        jobs.ask(conn, sold.brand, name, crossing.mark, wanted, at)


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
