"""Spark, in local mode, runs the same definition: the same rows as the engine in this process, by a hash over all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rating_market import lines, tariffs, world
from benchmarks.rating_usage import make_usage
from mvne_billing.rating.engine import spark
from mvne_billing.rating.engine.api import rate_files
from mvne_billing.rating.engine.hashing import row_hash
from mvne_billing.rating.engine.lines import write_lines
from mvne_billing.rating.engine.port import EngineError
from mvne_billing.rating.engine.spark import LOCAL, SparkCluster
from mvne_billing.rating.engine.summing import counters_of

RECORDS, SUBSCRIBERS = 2_000, 60

#: For small files it is quicker to read plans than to compile them.
SMALL = {
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "1",
}


@pytest.fixture
def cluster() -> Iterator[SparkCluster]:
    one = SparkCluster(settings={**LOCAL, **SMALL})
    yield one
    one.close()


def test_spark_makes_the_same_rows_and_counters(cluster: SparkCluster, tmp_path: Path) -> None:
    usage, known = tmp_path / "usage.parquet", tmp_path / "lines.parquet"
    make_usage(usage, RECORDS, SUBSCRIBERS, abroad=True)
    write_lines(lines("full", SUBSCRIBERS - 10), known)  # the last numbers are nobody's
    here, there = tmp_path / "here", tmp_path / "there"
    inside = rate_files([usage], here, known, tariffs("full"), world())
    outside = rate_files([usage], there, known, tariffs("full"), world(), cluster=cluster)
    assert inside.rated > RECORDS * 8 // 10
    assert inside.suspended
    assert (inside.rated, inside.duplicates, inside.suspended) == (outside.rated, outside.duplicates, outside.suspended)
    assert (inside.charge_micro, inside.cost_micro) == (outside.charge_micro, outside.cost_micro)
    assert row_hash(here / "rated") == row_hash(there / "rated")
    assert row_hash(here / "suspense") == row_hash(there / "suspense")
    assert counters_of(here) == counters_of(there)


def test_without_java_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spark, "which", lambda name: None)
    usage, known = tmp_path / "usage.parquet", tmp_path / "lines.parquet"
    make_usage(usage, 10, 10, abroad=False)
    write_lines(lines("basic", 10), known)
    with pytest.raises(EngineError, match="openjdk-17-jre-headless"):
        rate_files([usage], tmp_path / "out", known, tariffs("basic"), world(), cluster=SparkCluster())
