"""Random tariffs, lines and records through the reference and through an engine: every row equal to the micro-unit.

Here are the same few cases at every run; `make soak` tries new ones for as long as it is given.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, event, given, settings

from tests.billing.engine.comparing import Case, assert_equal, by_engine, by_reference
from tests.billing.engine.strategies import cases

ANYTHING = list(HealthCheck)
#: A round of a soak; a case takes half a second, and a soak looks at its clock between two tests only.
SOAK = settings(settings.get_profile("soak"), max_examples=300, suppress_health_check=ANYTHING)
QUICK = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=ANYTHING,
)


@(SOAK if settings.default == settings.get_profile("soak") else QUICK)
@given(cases())
def test_every_row_is_that_of_the_reference(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found, run = by_engine(case, Path(folder))
    assert_equal(by_reference(case), found)
    for reason in run.reasons or ["none is left to the reference"]:
        event(reason)
