"""`mvne --help` answers at once: it imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("stripe", "sqlalchemy", "fastapi", "weasyprint", "duckdb", "pydantic", "alembic", "rich", "pyarrow", "jinja2")


@pytest.mark.parametrize("statement", ["import mvne", "import mvne.cli.main"])
def test_nothing_heavy_is_imported_before_it_is_needed(statement: str) -> None:
    probe = f"{statement}; import sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_help_imports_nothing_heavy() -> None:
    probe = f"""
import sys
from mvne.cli.main import main
sys.argv = ["mvne", "--help"]
try:
    main()
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "launch" in ran.stdout
    assert ran.stderr.strip() == "[]"


def test_every_public_name_can_be_imported_and_is_no_module() -> None:
    import types

    import mvne

    assert {name for name in mvne.__all__ if isinstance(getattr(mvne, name), types.ModuleType)} == set()
    assert sorted(mvne.__all__) == list(mvne.__all__) == sorted(mvne._HOMES)
    with pytest.raises(AttributeError, match="no attribute 'lunch'"):
        mvne.lunch  # noqa: B018  # the access is the test
