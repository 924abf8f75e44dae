"""The store: one database over all rooms, opened, migrated, and used in short transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    PoolProxiedConnection,
    StaticPool,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DatabaseError

from mvne.errors import MvneError
from mvne.migrations import HEAD, migrate, revision

_READ = "mvne_read"

#: Statements that the SQLite driver keeps prepared: more than there are different ones.
_STATEMENTS = 1024

#: The advisory lock of whoever makes tables: any number that nobody else in the database uses.
_BUILDING = 0x6D766E65


class StoreError(MvneError):
    """The store cannot be used."""


@dataclass(frozen=True)
class Store:
    """An open store. Every use case takes one; `transact` commits when its block ends well."""

    engine: Engine

    @contextmanager
    def transact(self) -> Iterator[Connection]:
        """Open one short transaction that may write; rolled back when the block fails."""
        with self.engine.begin() as conn:
            yield conn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads: writers are not held up."""
        with self.engine.connect() as conn:
            held = conn.connection.info
            held[_READ] = True
            try:
                yield conn
            finally:
                held.pop(_READ, None)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Let one process at a time make tables; SQLite has only one writer anyway."""
        if self.engine.dialect.name != "postgresql":
            yield
            return
        with self.engine.begin() as conn:
            conn.execute(select(func.pg_advisory_xact_lock(_BUILDING)))
            yield

    def migrate(self) -> None:
        """Bring the tables up to date; nothing happens when they are. Raises `StoreError` when they are ahead of us."""
        with self.read() as conn:
            found = revision(conn)
        if found is not None and found > HEAD:
            raise StoreError(f"the store {self.engine.url} was made by a later version of mvne; upgrade mvne")
        if found != HEAD:
            migrate(self.engine)

    def is_ready(self) -> bool:
        """Say whether the tables are up to date."""
        with self.read() as conn:
            return revision(conn) == HEAD

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_store(url: str) -> Store:
    """Open the store at a database URL; raise `StoreError` when it cannot be reached.

    SQLite (`sqlite:///brand.sqlite`) and PostgreSQL (`postgresql+psycopg://…`) are known.
    """
    engine = open_engine(url)
    try:
        with engine.connect():
            return Store(engine)
    except DatabaseError as error:
        engine.dispose()
        raise StoreError(f"the store {engine.url} cannot be opened: {error.orig}") from None


def open_engine(url: str) -> Engine:
    """Return an engine for a store or a simulator; SQLite waits for its one writer, in WAL mode."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(f"{url!r} is not a database URL; write it like sqlite:///brand.sqlite") from None
    if parsed.get_backend_name() == "postgresql":
        try:
            return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
        except ModuleNotFoundError:
            raise StoreError('PostgreSQL needs a driver: pip install "mvne[postgres]"') from None
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"a store is SQLite or PostgreSQL, not {parsed.get_backend_name()}")
    if parsed.database in (None, "", ":memory:"):
        shared = {"check_same_thread": False, "cached_statements": _STATEMENTS}
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args=shared)
    else:
        try:
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the store {parsed} cannot be opened: {error}") from None
        engine = create_engine(parsed, connect_args={"cached_statements": _STATEMENTS})
    event.listen(engine, "connect", _prepare)
    # Not a listener: an engine with listeners asks them at every statement, which costs a tenth of everything.
    engine.dialect.do_begin = _begin  # type: ignore[assignment]  # the hook that a dialect of ours would override
    return engine


def _prepare(connection: Any, _record: object) -> None:
    # The driver's own transaction handling is off: BEGIN is said here, at once for writers.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "busy_timeout=20000", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: PoolProxiedConnection) -> None:
    driver: Any = connection.driver_connection
    driver.execute("BEGIN" if connection.info.get(_READ) else "BEGIN IMMEDIATE").close()
