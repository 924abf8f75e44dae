"""The store: opened by its URL, refused in words, written in short transactions that hold up no reader."""

from __future__ import annotations

import builtins
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mvne.migrations import HEAD
from mvne.platform import Platform
from mvne.store import Store, StoreError, open_engine, open_store


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("brand.sqlite", r"'brand\.sqlite' is not a database URL; write it like sqlite:///brand\.sqlite"),
        ("", "is not a database URL"),
        ("mysql://me:secret@host/brand", "a store is SQLite or PostgreSQL, not mysql"),
        ("postgresql://me:secret@127.0.0.1:1/brand", r"the store .*127\.0\.0\.1:1/brand cannot be opened"),
        ("sqlite:////proc/nothing/here.sqlite", "the store .*here.sqlite cannot be opened"),
    ],
)
def test_a_store_that_cannot_be_opened_is_named_with_the_reason(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.sqlite"
    path.write_bytes(b"GIF89a" * 1000)
    with pytest.raises(StoreError, match=r"photo\.sqlite cannot be opened: file is not a database"):
        open_store(f"sqlite:///{path}")


def test_without_a_driver_the_way_to_get_one_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_psycopg(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "psycopg":
            raise ModuleNotFoundError("No module named 'psycopg'")
        return real(name, *rest)

    for name in [name for name in sys.modules if name.partition(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without_psycopg)
    with pytest.raises(StoreError, match=r'PostgreSQL needs a driver: pip install "mvne\[postgres\]"'):
        open_engine("postgresql://host/brand")


def test_a_new_store_is_made_ready_and_stays_so(database_url: str) -> None:
    opened = open_store(database_url)
    try:
        assert not opened.is_ready()
        opened.migrate()
        assert opened.is_ready()
        opened.migrate()
        with opened.read() as conn:
            assert conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
    finally:
        opened.close()


def test_a_store_of_a_later_version_is_refused(platform: Platform) -> None:
    with platform.store.transact() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="made by a later version of mvne"):
        platform.store.migrate()


def test_a_transaction_that_fails_leaves_nothing(platform: Platform) -> None:
    insert = text("INSERT INTO mvne_cursor (brand, feed, after) VALUES ('tilleul', 'x', 1)")
    with suppress(TimeoutError), platform.store.transact() as conn:
        conn.execute(insert)
        raise TimeoutError
    assert count(platform.store) == 0
    with platform.store.transact() as conn:
        conn.execute(insert)
    assert count(platform.store) == 1


def test_readers_do_not_wait_for_a_writer(platform: Platform) -> None:
    with platform.store.transact() as writing:
        writing.execute(text("INSERT INTO mvne_cursor (brand, feed, after) VALUES ('tilleul', 'x', 1)"))
        assert count(platform.store) == 0


def test_a_folder_for_a_new_store_is_made(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path / 'a' / 'b' / 'brand.sqlite'}").close()
    assert (tmp_path / "a" / "b" / "brand.sqlite").exists()


def count(opened: Store) -> int:
    with opened.read() as conn:
        return int(conn.execute(text("SELECT count(*) FROM mvne_cursor WHERE feed = 'x'")).scalar_one())


def test_the_settings_of_sqlite_keep_what_was_committed() -> None:
    engine = open_engine("sqlite://")
    with engine.connect() as conn:
        found = {name: conn.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("foreign_keys", "synchronous")}
    engine.dispose()
    assert found == {"foreign_keys": 1, "synchronous": 2}


def test_charging_that_stays_writes_a_file_from_a_process_of_its_own(tmp_path: Path) -> None:
    from mvne.bootstrap import charging_store
    from mvne_billing.charging.sqlite_apart import SqliteApart
    from mvne_billing.charging.sqlite_store import SqliteStore

    for url, apart, kind in (
        (f"sqlite:///{tmp_path / 'brand.sqlite'}", True, SqliteApart),
        (f"sqlite:///{tmp_path / 'brand.sqlite'}", False, SqliteStore),
        ("sqlite://", True, SqliteStore),
    ):
        store = Store(open_engine(url))
        found = charging_store(store, apart)
        assert type(found) is kind
        found.close()
        store.engine.dispose()
