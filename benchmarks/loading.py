"""Loading usage into SQLite, against the same records only priced. Run: python -m benchmarks.loading [RECORDS]."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import mvne
from benchmarks.measuring import report, seconds
from benchmarks.one_line import records
from mvne import phone
from mvne.selling import selling
from mvne.usage import load_records
from mvne_billing.rating.reference import rate
from scripts.packages import ROOT


def main(count: int) -> None:
    """Measure and print."""
    start = datetime(2026, 12, 31, tzinfo=UTC)
    at = start + timedelta(days=30)  # when the records come in: after what they tell of
    brand, made = mvne.load(ROOT / "examples" / "tilleul" / "plan.yaml"), records(count)
    with (
        tempfile.TemporaryDirectory() as folder,
        mvne.connect(f"sqlite:///{Path(folder) / 'store.sqlite'}") as platform,
    ):
        mvne.launch(brand, platform, start)
        person = mvne.Subscriber("ada", "Ada Martin", "ada@example.com", "fr", born=date(1950, 1, 1))
        mvne.sign_up(platform, brand.id, mvne.SignUp(person, "ada-1", "douceur", "pm_card_visa"), start)
        phone.install(platform, brand.id, "ada-1", start)
        with platform.store.read() as conn:
            sold = selling(conn, brand.id)
        world, tariff = sold.world(), sold.plan("douceur")[1].tariff
        priced = seconds(lambda: [rate(record, tariff, world) for record in made])
        took = seconds(lambda: load_records(platform, brand.id, "bench", "bench", made, at), runs=1)
        report("loading, first time", count, "records", took, "pricing alone", priced)
        took = seconds(lambda: load_records(platform, brand.id, "again", "bench", made, at), runs=1)
        report("loading duplicates", count, "records", took, "pricing alone", priced)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
