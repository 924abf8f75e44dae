"""What the simulators share: they remember every keyed call they answered, and fail on demand.

A simulator stands for a machine on the other side of the wire. It keeps its state in tables of its own, in transactions
of its own, so it remembers what it was told when our side crashes. A call that is repeated with its key gets the first
answer, a refusal too, and has no second effect.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import JSON, Column, Connection, Engine, MetaData, String, Table, select, update
from sqlalchemy.exc import IntegrityError

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.statements import insert_or_ignore

#: What a call answers, as JSON can hold it.
Answer = Mapping[str, Any]

R = TypeVar("R", bound=ProvisioningError)


class ImpossibleFault(ProvisioningError, ValueError):
    """No such failure can be ordered."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure to order: the error, and whether the call takes effect before its answer is lost."""

    error: ProvisioningError
    after_effect: bool


class Faults:
    """The failures ordered for each command, first ordered first served."""

    def __init__(self, commands: frozenset[str]) -> None:
        self._ordered: dict[str, deque[Fault]] = {command: deque() for command in commands}
        self._lock = threading.Lock()

    def order(self, command: str, fault: Fault, times: int) -> None:
        """Order `fault` for the next `times` calls of `command`; raise `ImpossibleFault` for an unknown command."""
        if command not in self._ordered:
            raise ImpossibleFault(f"there is no command {command!r}; choose one of {', '.join(sorted(self._ordered))}")
        with self._lock:
            self._ordered[command].extend([fault] * times)

    def take(self, command: str) -> Fault | None:
        """Return the failure ordered for this call, if any; it is used up."""
        with self._lock:
            return self._ordered[command].popleft() if self._ordered[command] else None


def answers_table(metadata: MetaData, name: str) -> Table:
    """Return the table in which a simulator remembers its answers: key, content of the call, answer."""
    return Table(
        name,
        metadata,
        Column("key", String, primary_key=True),
        Column("command", String, nullable=False),
        Column("content", String, nullable=False),
        Column("answer", JSON, nullable=False),
    )


class Wire(Generic[R]):
    """The way into a simulator: one transaction per call, each key answered once, faults on demand.

    `refused` is the simulator's error for a refusal, rebuilt from its `args` when a key is replayed; `unavailable`
    makes its error for an answer that did not come; `reused` makes the refusal of a key with another content.
    """

    def __init__(
        self,
        engine: Engine,
        answers: Table,
        commands: frozenset[str],
        refused: type[R],
        unavailable: Callable[[str], ProvisioningError],
        reused: Callable[[str], R],
        pause: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._answers = answers
        self._faults = Faults(commands)
        self._refused = refused
        self._unavailable = unavailable
        self._reused = reused
        self._pause = pause

    def fail_next(self, command: str, error: ProvisioningError, times: int, after_effect: bool) -> None:
        """Order a failure; only an answer can be lost after the effect, so a refusal then is an `ImpossibleFault`."""
        if after_effect and isinstance(error, self._refused):
            raise ImpossibleFault("a refusal has no effect, so it cannot come after one; use after_effect=False")
        self._faults.order(command, Fault(error, after_effect), times)

    def call(
        self, command: str, key: str, arguments: Mapping[str, object], effect: Callable[[Connection], Answer]
    ) -> Answer:
        """Answer one call: the remembered answer, or that of `effect`, undone if it refuses."""
        fault = self._faults.take(command)
        self._pause()
        if fault and not fault.after_effect:
            if not isinstance(fault.error, self._refused):
                raise fault.error
            effect = _raising(fault.error)
        answer = self._answer(command, key, json.dumps(arguments, sort_keys=True), effect)
        if fault and fault.after_effect:
            raise fault.error
        if "refused" in answer:
            raise self._refused(*answer["refused"])
        return answer

    def _answer(self, command: str, key: str, content: str, effect: Callable[[Connection], Answer]) -> Answer:
        try:
            with self._engine.begin() as conn:
                return self._answer_once(conn, command, key, content, effect)
        except IntegrityError as collision:
            # Another call took the same number or card meanwhile. Nothing of this one is kept: the retry will see it.
            raise self._unavailable("two commands collided; retry with the same key") from collision

    def _answer_once(
        self, conn: Connection, command: str, key: str, content: str, effect: Callable[[Connection], Answer]
    ) -> Answer:
        table = self._answers
        row = {"key": key, "command": command, "content": content, "answer": {}}
        if conn.execute(insert_or_ignore(conn, table).returning(table.c.key), row).first() is None:
            return self._remembered(conn, command, key, content)
        try:
            with conn.begin_nested():
                answer = effect(conn)
        except self._refused as refusal:
            answer = {"refused": list(refusal.args)}
        if answer:
            conn.execute(update(table).where(table.c.key == key).values(answer=answer))
        return answer

    def _remembered(self, conn: Connection, command: str, key: str, content: str) -> Answer:
        first = conn.execute(select(self._answers).where(self._answers.c.key == key)).one()
        if (first.command, first.content) != (command, content):
            raise self._reused(key)
        answer: Answer = first.answer
        return answer


def _raising(error: ProvisioningError) -> Callable[[Connection], Answer]:
    def effect(conn: Connection) -> Answer:
        raise error

    return effect
