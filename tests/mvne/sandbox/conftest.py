"""Fixtures of the sandbox: one life of each example brand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mvne.sandbox.lives import Lived, example, lived


@pytest.fixture(scope="session")
def seniors() -> Iterator[Lived]:
    """Three months of sixty seniors: long enough for everything to go wrong."""
    with lived(example("tilleul"), 60, 3, 7) as life:
        yield life


@pytest.fixture(scope="session")
def fans() -> Iterator[Lived]:
    """Two months of a dozen fans, who pay in advance."""
    with lived(example("comet"), 12, 2, 3) as life:
        yield life
