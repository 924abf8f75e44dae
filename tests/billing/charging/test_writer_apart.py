"""The writer of a SQLite file as a process of its own: the same batches, and what happens when one is gone."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mvne_billing.charging.effects import Batch
from mvne_billing.charging.session import Units
from mvne_billing.charging.sqlite_apart import SqliteApart
from mvne_billing.charging.sqlite_store import WriterFailed
from mvne_billing.charging.sqlite_writer import CARRIED_AFTER, receive, send
from mvne_billing.charging.store import Moved
from mvne_billing.tables import session_request
from tests.billing.builders import open_books
from tests.billing.charging.till import CALL, A, Till

EUR = 1_000_000


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with open_books(f"sqlite:///{tmp_path / 'apart.sqlite'}") as books:
        made = Till(books).plan(buckets=()).line()
        made.store = SqliteApart(str(tmp_path / "apart.sqlite"), made.reading, books.transact)
        yield made
        made.close()
        assert books.faults() == ()


def process(till: Till) -> Any:
    return till.store._process  # type: ignore[union-attr]  # what the tests look into


def test_a_session_goes_through_a_writer_apart(till: Till) -> None:
    till.create(Units(1, CALL, 600))
    told = till.release(1, Units(1, used=60), at=60)
    assert (told.charged_micro, till.money()) == (50_000, (10 * EUR - 50_000, 0))
    assert told.durability == "sqlite wal synchronous=FULL group-commit"
    till.pay_in("1")
    assert till.create(Units(1, CALL, 600), session="t").is_open


def test_a_writer_that_is_killed_is_started_again_and_nothing_is_done_twice(till: Till) -> None:
    till.create(Units(1, CALL, 600))
    process(till).send_signal(signal.SIGKILL)
    process(till).wait()
    told = till.update(1, Units(1, used=60, requested=60), at=60)
    assert (told.charged_micro, till.money()) == (50_000, (10 * EUR - 100_000, 50_000))


def test_what_cannot_be_written_is_told_apart_as_it_is_here(till: Till) -> None:
    assert till.store is not None
    brand = till.books.brand
    batch = Batch()
    batch.balances.append((10 * EUR, 0, 9, brand, A, 8))
    with pytest.raises(Moved):
        till.store.write(0, batch)
    batch.balances = [(-1, 0, 2, brand, A, 1)]
    with pytest.raises(WriterFailed, match="not_overdrawn"):
        till.store.write(0, batch)
    batch.balances = [(10 * EUR, 0, 2, brand, A, 1)]
    batch.requests.append((brand, "s", 2**70, "0" * 32, "[]", "2027-03-05 10:00:00.000000"))
    with pytest.raises(WriterFailed, match="Overflow"):
        till.store.write(0, batch)
    assert till.rows(session_request) == []


def test_what_is_in_the_log_is_carried_over_while_the_writer_goes_on(tmp_path: Path, till: Till) -> None:
    """The file itself, without its log beside it, comes to hold what was written."""
    assert till.store is not None
    brand, file, alone = till.books.brand, tmp_path / "apart.sqlite", tmp_path / "alone.sqlite"
    for number in range(CARRIED_AFTER):
        batch = Batch()
        batch.requests.append((brand, "s", number, "0" * 32, "[]", "2027-03-05 10:00:00.000000"))
        till.store.write(0, batch)
    deadline = time.monotonic() + 20
    shutil.copy(file, alone)
    while (held := _requests(alone)) < CARRIED_AFTER and time.monotonic() < deadline:
        time.sleep(0.05)
        shutil.copy(file, alone)
    assert held == CARRIED_AFTER


def _requests(file: Path) -> int:
    """Count the requests in a file that may be in the middle of being written."""
    with closing(sqlite3.connect(file)) as driver:
        try:
            count: int = driver.execute("SELECT count(*) FROM billing_session_request").fetchone()[0]
        except sqlite3.DatabaseError:
            return 0
        return count


def test_a_writer_ends_with_whoever_started_it(tmp_path: Path, till: Till) -> None:
    words = [sys.executable, "-m", "mvne_billing.charging.sqlite_writer", str(tmp_path / "apart.sqlite")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert receive(writer.stdout)[0] == "ready"  # type: ignore[arg-type]  # a pipe is binary
        writer.stdin.close()
        assert writer.wait(10) == 0


def test_a_message_that_was_cut_off_is_the_end(tmp_path: Path) -> None:
    path = tmp_path / "cut"
    with path.open("wb") as out:
        send(out, ("whole", 1))
        send(out, ("cut", 2))
    path.write_bytes(path.read_bytes()[:-1])
    with path.open("rb") as source:
        assert receive(source) == ("whole", 1)
        assert receive(source) is None


def test_a_writer_that_cannot_start_says_so(tmp_path: Path, till: Till) -> None:
    with pytest.raises(WriterFailed, match="does not start"):
        SqliteApart(str(tmp_path / "none" / "x.sqlite"), till.reading, till.books.transact)
