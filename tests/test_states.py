"""State machines are tables: complete, reachable, and drawn in the docs as they are."""

from __future__ import annotations

from enum import StrEnum

from scripts.states import PAGE, Machine, draw, machines, page


class Lamp(StrEnum):
    """A lamp in a test."""

    OFF = "off"
    ON = "on"
    BROKEN = "broken"


LAMP = Machine(
    "tests.lamp",
    "MOVES",
    {Lamp.OFF: frozenset({Lamp.ON}), Lamp.ON: frozenset({Lamp.OFF, Lamp.BROKEN}), Lamp.BROKEN: frozenset()},
)


def loose_ends(machine: Machine) -> set[StrEnum]:
    """Return the states that some move leads to and that have no row of their own."""
    return {after for moves in machine.moves.values() for after in moves} - set(machine.states)


def test_every_state_that_is_reached_has_its_row() -> None:
    assert {machine.place: loose_ends(machine) for machine in machines() if loose_ends(machine)} == {}


def test_every_state_can_be_reached_from_the_first() -> None:
    lonely = {machine.place: set(machine.states) - machine.reachable() for machine in machines()}
    assert {place: states for place, states in lonely.items() if states} == {}


def test_every_state_of_an_enumeration_is_in_some_machine() -> None:
    used = {state for machine in machines() for state in machine.states}
    assert {state for machine in machines() for state in machine.enumeration} - used == set()


def test_no_state_machine_is_overlooked() -> None:
    assert {machine.module.split(".")[0] for machine in machines()} >= {"mvne_billing", "mvne_provisioning"}


def test_docs_show_the_state_machines_as_the_code_has_them() -> None:
    assert PAGE.exists(), "run: make docs"
    assert PAGE.read_text() == page(), "the code has moved on; run: make docs"


def test_a_drawing_shows_start_moves_and_ends() -> None:
    assert draw(LAMP) == (
        "## Lamp\n\nA lamp in a test. (`tests.lamp.MOVES`)\n\n```mermaid\nstateDiagram-v2\n    [*] --> off\n"
        "    off --> on\n    on --> off\n    on --> broken\n    broken --> [*]\n```\n\n"
        "| From | To |\n|---|---|\n| `off` | `on` |\n| `on` | `off`, `broken` |\n| `broken` | nothing: final |\n"
    )


def test_a_state_that_nothing_leads_to_is_not_reachable() -> None:
    lonely = Machine("tests.lamp", "MOVES", {**LAMP.moves, Lamp.ON: frozenset({Lamp.OFF})})
    assert lonely.reachable() == {Lamp.OFF, Lamp.ON}


def test_a_state_without_a_row_is_a_loose_end() -> None:
    assert loose_ends(LAMP) == set()
    assert loose_ends(Machine("tests.lamp", "MOVES", {Lamp.OFF: frozenset({Lamp.ON})})) == {Lamp.ON}


def test_a_machine_is_called_after_its_table() -> None:
    assert [Machine("m", name, LAMP.moves).title for name in ("MOVES", "PORT_IN_MOVES")] == ["Lamp", "Port in"]
