"""What was asked of a host network that has no memory for keys: a command is begun, then done or refused.

A host's own API usually knows no keys, so its adapter remembers them here: a key that was answered gets the same
answer and has no second effect; one that was begun and never answered is taken up again, told so. Every note is a
transaction of its own, made before the host is called and after it has answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Engine, MetaData, Row, String, Table, select, update

from mvne_provisioning.columns import one_of
from mvne_provisioning.network.port import HostRefused, Refusal
from mvne_provisioning.statements import insert_or_ignore


class CommandState(StrEnum):
    """Where a command stands."""

    BEGUN = "begun"  #: whether the host has done it is not known
    DONE = "done"
    REFUSED = "refused"


COMMAND_MOVES: Mapping[CommandState, frozenset[CommandState]] = {
    CommandState.BEGUN: frozenset({CommandState.DONE, CommandState.REFUSED}),
    CommandState.DONE: frozenset(),
    CommandState.REFUSED: frozenset(),
}

metadata = MetaData()

commands = Table(
    "provisioning_host_command",
    metadata,
    Column("brand", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("command", String, nullable=False),
    Column("content", String, nullable=False),
    Column("state", String, nullable=False),
    Column("code", String),
    Column("message", String),
    one_of("state", CommandState),
)


class CommandJournal:
    """The commands a brand sent to its host, by their keys, in a store; makes its table."""

    def __init__(self, engine: Engine, brand: str) -> None:
        self._engine, self._brand = engine, brand
        metadata.create_all(engine)

    def run(self, command: str, key: str, arguments: Mapping[str, object], effect: Callable[[bool], None]) -> None:
        """Carry out `effect` unless the key was answered; it is told whether the command was begun before.

        Raise `HostRefused`, that of the first time too, or `key_reused`; whatever else `effect` raises leaves the
        command begun.
        """
        row, begun_before = self._begin(command, key, json.dumps(arguments, sort_keys=True))
        if row.state == CommandState.REFUSED:
            raise HostRefused(row.code, row.message)
        if row.state == CommandState.DONE:
            return
        try:
            effect(begun_before)
        except HostRefused as refusal:
            self._end(key, CommandState.REFUSED, refusal.code, refusal.message)
            raise
        self._end(key, CommandState.DONE)

    def _begin(self, command: str, key: str, content: str) -> tuple[Row[Any], bool]:
        new = {"brand": self._brand, "key": key, "command": command, "content": content, "state": CommandState.BEGUN}
        with self._engine.begin() as conn:
            added = conn.execute(insert_or_ignore(conn, commands).returning(*commands.c), new).first()
            row = added or conn.execute(select(commands).where(*self._named(key))).one()
        if (row.command, row.content) != (command, content):
            raise HostRefused(Refusal.KEY_REUSED, f"the key {key!r} was used before with other arguments")
        return row, added is None

    def _end(self, key: str, state: CommandState, code: str | None = None, message: str | None = None) -> None:
        ended = update(commands).where(*self._named(key), commands.c.state == CommandState.BEGUN)
        with self._engine.begin() as conn:
            conn.execute(ended.values(state=state, code=code, message=message))

    def _named(self, key: str) -> tuple[Any, Any]:
        return commands.c.brand == self._brand, commands.c.key == key
