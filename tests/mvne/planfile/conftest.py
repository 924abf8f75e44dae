"""Fixtures for tests of the plan file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mvne.planfile.writing import Plans


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    return Plans(tmp_path)
