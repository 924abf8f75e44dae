"""The tests' own stores: empty, apart from each other, and as strict as the product's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from tests import database
from tests.database import Server, ServerDidNotStart, open_engine, running_server


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("visit", ["first", "second"])
def test_every_test_gets_an_empty_database(engine: Engine, visit: str) -> None:
    assert inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE seen (visit VARCHAR(10))"))
        connection.execute(text("INSERT INTO seen VALUES (:visit)"), {"visit": visit})
    with engine.begin() as connection:
        assert connection.execute(text("SELECT visit FROM seen")).scalars().all() == [visit]


def test_foreign_keys_are_enforced(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE child (parent INTEGER REFERENCES parent (id))"))
    with engine.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text("INSERT INTO child VALUES (7)"))


def test_a_transaction_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE once (id INTEGER PRIMARY KEY)"))
    with pytest.raises(IntegrityError):
        _insert_one_twice(engine)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM once")).scalar_one() == 0


def _insert_one_twice(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO once VALUES (1)"))
        connection.execute(text("INSERT INTO once VALUES (1)"))


def test_two_writers_wait_for_each_other_instead_of_losing_an_update(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (n INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))

    def add() -> None:
        for _ in range(10):
            with engine.begin() as connection:
                connection.execute(text("UPDATE counter SET n = n + 1"))

    writers = [threading.Thread(target=add) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with engine.begin() as connection:
        assert connection.execute(text("SELECT n FROM counter")).scalar_one() == 40


def test_text_is_ordered_by_code_point_on_both_stores(engine: Engine) -> None:
    query = "SELECT word FROM (SELECT 'a' AS word UNION SELECT 'B' UNION SELECT 'é') AS words ORDER BY word"
    with engine.begin() as connection:
        assert connection.execute(text(query)).scalars().all() == ["B", "a", "é"]


def test_the_server_runs_as_somebody_unprivileged(postgresql_server: Server) -> None:
    assert Path(f"/proc/{postgresql_server.process.pid}").stat().st_uid != 0


def test_the_server_listens_on_the_loopback_only_and_asks_for_a_password(postgresql_server: Server) -> None:
    with postgresql_server.connect() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        rules = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert rules == [("scram-sha-256",)]


def test_a_server_that_cannot_start_is_an_error_with_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(database.SETTINGS, "max_connections", "none")
    monkeypatch.setattr(database, "STARTS_AT_MOST", 1)
    with pytest.raises(ServerDidNotStart, match="max_connections"), running_server():
        pass


def test_missing_server_programs_are_an_error_that_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "server_programs", lambda: None)
    with pytest.raises(ServerDidNotStart, match=r"python -m scripts\.system_needs"), running_server():
        pass


def test_a_port_taken_between_look_and_start_is_not_the_end(
    monkeypatch: pytest.MonkeyPatch, postgresql_server: Server
) -> None:
    ports = iter([postgresql_server.port, database.free_port()])
    monkeypatch.setattr(database, "free_port", lambda: next(ports))
    with running_server() as second, second.connect() as connection:
        assert second.port != postgresql_server.port
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_nothing_stays_behind_when_the_server_stops() -> None:
    with running_server() as server, server.connect() as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    assert not Path(str(row[0])).exists()
    assert server.process.poll() is not None


def test_root_becomes_the_first_user_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(database, "UNPRIVILEGED", ("no-such-user", "nobody"))
    assert database.unprivileged_user() == "nobody"


def test_the_server_dies_with_a_test_run_that_is_killed(tmp_path: Path) -> None:
    """A SIGKILL leaves no time to clean up; the kernel stops the server then."""
    program = tmp_path / "killed.py"
    program.write_text(
        "import os, signal\n"
        "from tests.database import running_server\n"
        "with running_server() as server:\n"
        "    print(server.process.pid, server.connect().execute('SHOW data_directory').fetchone()[0], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, env=environment)
    pid, data = done.stdout.split()
    assert done.returncode < 0
    assert _gone(int(pid))
    shutil.rmtree(Path(data).parent)


def _gone(pid: int, seconds: int = 20) -> bool:
    """Wait for the process to leave; one that only waits for its parent to notice (Z) has left."""
    pause = threading.Event()
    for _ in range(seconds * 20):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        pause.wait(0.05)
    return False
