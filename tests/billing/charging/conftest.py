"""A charging process in front of books, on each kind of store in turn; at the end the books must agree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.billing.builders import Books
from tests.billing.charging.till import Till


@pytest.fixture
def till(books: Books) -> Iterator[Till]:
    opened = Till(books)
    yield opened
    opened.close()
    assert books.faults() == ()
