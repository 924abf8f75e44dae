"""Two prepaid lines with empty balances, on each kind of store in turn."""

from __future__ import annotations

import pytest

from tests.billing.balance.purse import Purse
from tests.billing.builders import Books


@pytest.fixture
def purse(books: Books) -> Purse:
    return Purse(books).open()
