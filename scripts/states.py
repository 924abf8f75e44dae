"""Draws every state machine of the house into `docs/states.md`, from the tables that the code obeys.

Run as `python -m scripts.states` (or `make docs`). A state machine is a module's table `…MOVES`, which maps each state
to the states that may follow it; its first row is where it starts.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from scripts.packages import PACKAGES, ROOT, modules

PAGE = ROOT / "docs" / "states.md"
HEAD = """# States

Every state machine of the house, drawn from the code by `make docs`. A move that no arrow shows is refused, by the code
and by the database.
"""

Moves = Mapping[StrEnum, frozenset[StrEnum]]


@dataclass(frozen=True, slots=True)
class Machine:
    """A table of moves, the module and the name it stands under, and the states that it is about."""

    module: str
    name: str
    moves: Moves

    @property
    def states(self) -> list[StrEnum]:
        """The states that have a row, in the order of the table."""
        return list(self.moves)

    @property
    def place(self) -> str:
        """Where the table stands: module and name."""
        return f"{self.module}.{self.name}"

    @property
    def enumeration(self) -> type[StrEnum]:
        """What the states are members of; several machines may share it."""
        return type(self.states[0])

    @property
    def title(self) -> str:
        """`Payment` for `PAYMENT_MOVES`; the enumeration's name when the table is just called `MOVES`."""
        words = self.name.removesuffix("MOVES").replace("_", " ").strip()
        return words.capitalize() or self.enumeration.__name__

    def reachable(self) -> set[StrEnum]:
        """Return the states that can be reached from the first one, itself included."""
        seen: set[StrEnum] = set()
        ahead = [self.states[0]]
        while ahead:
            state = ahead.pop()
            if state not in seen:
                seen.add(state)
                ahead.extend(self.moves.get(state, frozenset()))
        return seen


def machines() -> list[Machine]:
    """Return every state machine of the four packages, each once, in the order of their modules."""
    found = [machine for package in PACKAGES for module in modules(package) for machine in machines_of(module)]
    homes = {id(machine.moves): machine for machine in reversed(found)}
    homes |= {id(machine.moves): machine for machine in found if machine.enumeration.__module__ == machine.module}
    return sorted(homes.values(), key=lambda machine: machine.place)


def machines_of(module: str) -> Iterator[Machine]:
    """Give the state machines that `module` holds, its own and those that it imports."""
    for name, value in vars(importlib.import_module(module)).items():
        if name.endswith("MOVES") and isinstance(value, Mapping):
            yield Machine(module, name, value)


def draw(machine: Machine) -> str:
    """Return the section of one machine: what it is about, a diagram, and the same as a table."""
    arrows = [f"    {state} --> {after}" for state in machine.states for after in _sorted(machine, state)]
    ends = [f"    {state} --> [*]" for state in machine.states if not machine.moves[state]]
    rows = [
        f"| `{state}` | {', '.join(f'`{after}`' for after in _sorted(machine, state)) or 'nothing: final'} |"
        for state in machine.states
    ]
    return "\n".join(
        [
            f"## {machine.title}",
            "",
            f"{(machine.enumeration.__doc__ or '').strip().splitlines()[0]} (`{machine.place}`)",
            "",
            *("```mermaid", "stateDiagram-v2", f"    [*] --> {machine.states[0]}", *arrows, *ends, "```"),
            "",
            *("| From | To |", "|---|---|", *rows),
            "",
        ]
    )


def _sorted(machine: Machine, state: StrEnum) -> list[StrEnum]:
    """Order the states after `state` as the table does: a set has no order to print."""
    return [after for after in machine.states if after in machine.moves[state]]


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(draw(machine) for machine in machines())])


if __name__ == "__main__":
    PAGE.write_text(page())
