"""Every table bears the prefix of its room, begins its key with the brand, and refers to no other room's table."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, PrimaryKeyConstraint, String, Table

from scripts.packages import PACKAGES, modules

PREFIXES = {"mvne_billing": "billing_", "mvne_provisioning": "provisioning_", "mvne": "mvne_"}
#: What stands for the other side of a wire has no brand of ours, and its tables say so by their name.
SIMULATED = "simulated_"
#: The SM-DP+ is a deployment of its own that serves operators, and operators are not brands of ours.
OF_ITS_OWN = {"smdp_": "mvne_provisioning.smdp.server."}


def table_problems(table: Table, homes: set[str]) -> list[str]:
    """Say what is wrong with a table that the modules `homes` hold: its prefix, its key, its references."""
    if table.name.startswith(SIMULATED) and any("simulator" in home for home in homes):
        return []
    if any(
        table.name.startswith(prefix) and home.startswith(its) for prefix, its in OF_ITS_OWN.items() for home in homes
    ):
        return []
    rooms = {home.split(".")[0] for home in homes}
    room = next((room for room in ("mvne_billing", "mvne_provisioning") if room in rooms), "mvne")
    problems = []
    if not table.name.startswith(PREFIXES[room]):
        problems.append(f"{table.name}: a table of {room} is named {PREFIXES[room]}…")
    if [column.name for column in table.primary_key.columns][:1] != ["brand"]:
        problems.append(f"{table.name}: brand comes first in the primary key")
    if any(not key.target_fullname.startswith(PREFIXES[room]) for key in table.foreign_keys):
        problems.append(f"{table.name}: rooms refer to each other by id, not by foreign key")
    return problems


def our_tables() -> Iterator[tuple[Table, set[str]]]:
    """Give every table of the four packages and the modules that hold it or its metadata."""
    homes: dict[Table, set[str]] = {}
    for module in [module for package in PACKAGES for module in modules(package)]:
        for value in vars(importlib.import_module(module)).values():
            held = value.tables.values() if isinstance(value, MetaData) else [value] if isinstance(value, Table) else []
            for table in held:
                homes.setdefault(table, set()).add(module)
    yield from homes.items()


def table(name: str, *parts: Column[str] | Column[int] | PrimaryKeyConstraint) -> Table:
    return Table(name, MetaData(), *parts)


BRAND = "brand"


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (table("invoice", Column(BRAND, String, primary_key=True)), "is named billing_"),
        (table("provisioning_line", Column(BRAND, String, primary_key=True)), "is named billing_"),
        (table("billing_x", Column("id", String, primary_key=True)), "brand comes first"),
        (table("billing_x", Column(BRAND, String)), "brand comes first"),
        (
            table("billing_x", Column(BRAND, String), Column("id", Integer), PrimaryKeyConstraint("id", BRAND)),
            "brand comes",
        ),
        (table("simulated_x", Column(BRAND, String, primary_key=True)), "is named billing_"),
        (
            table("billing_x", Column(BRAND, ForeignKey("provisioning_line.brand"), primary_key=True)),
            "not by foreign key",
        ),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_table_that_breaks_the_rule_is_seen(bad: Table, problem: str) -> None:
    assert [line for line in table_problems(bad, {"mvne_billing.tables", "mvne.store"}) if problem in line]


def test_a_table_that_keeps_the_rule_is_left_alone() -> None:
    good = table("billing_x", Column(BRAND, String), Column("id", Integer), PrimaryKeyConstraint(BRAND, "id"))
    assert table_problems(good, {"mvne_billing.tables", "mvne.store"}) == []


def test_only_a_simulator_may_keep_tables_without_a_brand() -> None:
    other_side = table("simulated_host_line", Column("imsi", String, primary_key=True))
    assert table_problems(other_side, {"mvne_provisioning.network.simulator"}) == []
    assert table_problems(other_side, {"mvne_provisioning.network.port"}) != []


def test_only_the_server_itself_may_keep_the_tables_of_an_sm_dp() -> None:
    its = table("smdp_profile", Column("iccid", String, primary_key=True))
    assert table_problems(its, {"mvne_provisioning.smdp.server.tables"}) == []
    assert table_problems(its, {"mvne_provisioning.smdp.port"}) != []


def test_every_table_of_ours_has_its_prefix_and_its_brand() -> None:
    tables = list(our_tables())
    assert tables, "no table was found, so nothing was checked"
    assert [problem for table, homes in tables for problem in table_problems(table, homes)] == []
