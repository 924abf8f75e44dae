"""A private PostgreSQL server for the tests, and the engines of the product for SQLite and PostgreSQL.

The server listens on a free loopback port, keeps its data in a temporary folder, asks for a password that only this run
knows, and belongs to an unprivileged user, because PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import Engine

from mvne import store
from scripts.system_needs import server_programs

__all__ = ["Server", "ServerDidNotStart", "open_engine", "running_server"]


_FIRST: dict[str, Engine] = {}


def share_compiled(engine: Engine) -> Engine:
    """Let an engine use what SQLAlchemy compiled for the others of its kind in this process: half of the time."""
    first = _FIRST.setdefault(engine.dialect.name, engine)
    engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine


def open_engine(url: str) -> Engine:
    """Open a database as the roof does, quickly."""
    return share_compiled(store.open_engine(url))


#: Who runs the server when we are root: Debian's own user for it, else the user that owns nothing.
UNPRIVILEGED = ("postgres", "nobody")
STARTS_AT_MOST = 5
READY_SECONDS_MAX = 60
#: Speed over durability: the data is thrown away. The number of connections leaves room for tests with many threads.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "timezone": "UTC",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}


class ServerDidNotStart(RuntimeError):
    """The tests' own PostgreSQL server did not start; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL server of our own, and the process that it is."""

    port: int
    password: str
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of `database`."""
        return f"postgresql+psycopg://mvne:{self.password}@127.0.0.1:{self.port}/{database}"

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Open a connection to the maintenance database, outside any transaction."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="mvne",
            password=self.password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )

    @contextmanager
    def fresh_database(self, template: str = "template1") -> Iterator[str]:
        """Make a database, empty or a copy of `template` (nobody may be in that), give its URL, drop it afterwards."""
        name = f"test_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield self.url(name)
        finally:
            with self.connect() as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def unprivileged_user() -> str | None:
    """Return the user to run the server as: None (ourselves) unless we are root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(user for user in UNPRIVILEGED if user in known)


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running_server(settings: Mapping[str, str] = SETTINGS) -> Iterator[Server]:
    """Start a server of our own, give it once it answers, and stop it and remove its data at the end.

    Raises `ServerDidNotStart` when there are no server programs or the server does not come up.
    """
    programs = server_programs()
    if programs is None:
        raise ServerDidNotStart("no PostgreSQL server programs here; run: python -m scripts.system_needs")
    user = unprivileged_user()
    home = Path(tempfile.mkdtemp(prefix="mvne-postgresql-"))
    try:
        password = secrets.token_hex(16)
        _initialise(programs, home, user, password)
        server = _start(programs, home, user, password, settings)
        try:
            yield server
        finally:
            _stop(server.process)
    finally:
        shutil.rmtree(home)


def _initialise(programs: Path, home: Path, user: str | None, password: str) -> None:
    """Make the cluster in `home`: UTF-8, text ordered by code point as SQLite orders it, a password on every door."""
    secret = home / "password"
    secret.write_text(password)
    for path in (home, secret):
        os.chown(path, *_owner(user))
    command = [str(programs / "initdb"), "--pgdata", str(home / "data"), "--username=mvne", f"--pwfile={secret}"]
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
    log = home / "log"
    if _spawn([*command, *options], home, user, log).wait() != 0:
        raise ServerDidNotStart(f"initdb failed: {log.read_text().strip()}")
    secret.unlink()


def _start(programs: Path, home: Path, user: str | None, password: str, chosen: Mapping[str, str]) -> Server:
    """Start the server; try another port when somebody took ours between the look and the start."""
    log = home / "log"
    for _ in range(STARTS_AT_MOST):
        port = free_port()
        settings = [f"--{name}={value}" for name, value in {**chosen, "port": str(port)}.items()]
        command = [*_die_with_us(), str(programs / "postgres"), "-D", str(home / "data"), *settings]
        server = Server(port, password, _spawn(command, home, user, log))
        if _answers(server):
            return server
        _stop(server.process)
    raise ServerDidNotStart(f"PostgreSQL did not start: {log.read_text()[-2000:]}")


def _spawn(command: list[str], home: Path, user: str | None, log: Path) -> subprocess.Popen[bytes]:
    """Run `command` in `home` as `user` with an environment that nobody's shell has touched; its words go to `log`."""
    environment = {"PATH": os.defpath, "LANG": "C", "HOME": str(home)}
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _owner(user: str | None) -> tuple[int, int]:
    if user is None:
        return os.geteuid(), os.getegid()
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def _die_with_us() -> list[str]:
    """On Linux the kernel stops the server when the test process dies, even by SIGKILL."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT", "--"] if setpriv else []


def _answers(server: Server) -> bool:
    """Wait until the server takes a connection; return False when it ended or stayed silent instead."""
    until = time.monotonic() + READY_SECONDS_MAX
    while server.process.poll() is None and time.monotonic() < until:
        try:
            server.connect().close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask for a fast shutdown, which closes what tests left open; insist after ten seconds."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
