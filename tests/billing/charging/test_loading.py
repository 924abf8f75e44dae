"""What is read when a line comes into memory: its own open sessions, found without a look at those that are over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from mvne_billing.charging.session import Units
from tests.billing.builders import open_books
from tests.billing.charging.till import CALL, DATA, Till


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with open_books(f"sqlite:///{tmp_path / 'lines.sqlite'}") as books:
        made = Till(books).plan(buckets=()).line()
        yield made
        made.close()


def test_sessions_that_are_over_are_not_looked_through(till: Till) -> None:
    till.create(Units(1, CALL, 600))
    asked: list[tuple[str, Any]] = []
    engine = till.books.engine

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if "FROM billing_session" in statement and not many:
            asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    till.restart()
    till.update(1, Units(1, used=60, requested=60), at=60)
    event.remove(engine, "before_cursor_execute", note)
    assert len(asked) >= 2
    with engine.connect() as conn:
        for statement, parameters in asked:
            plan = [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            assert "billing_session USING INDEX billing_session_of (brand=? AND subscription=?)" in plan[0], plan


def test_sessions_come_back_in_the_order_of_their_names_whatever_the_store_gives(till: Till) -> None:
    for name in ("c", "a", "b"):
        till.create(Units(1, DATA, 600), session=name)
    till.restart()
    till.update(1, Units(1, used=60, requested=60), at=60, session="a")
    assert till.charger is not None
    (account,) = till.charger._accounts.values()
    assert list(account.sessions) == ["a", "b", "c"]
