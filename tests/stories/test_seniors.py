"""A senior's life with tilleul: from the sign-up with a code to the number that rests after the end."""

from __future__ import annotations

import pytest

from mvne import service
from mvne.states import LineState
from tests.mvne.house import CARE_HOME, GB, MINUTE, PARIS_NUMBER, House
from tests.mvne.wholeness import faults


def test_life(tilleul: House) -> None:
    line = tilleul.join("marie", code="BIENVENUE")
    assert line.state is LineState.ACTIVE
    assert [str(one.total) for one in tilleul.documents(line.id)] == ["2.45 EUR"]
    tilleul.use(line.id, "voice", 30 * MINUTE, CARE_HOME)
    tilleul.use(line.id, "voice", 70 * MINUTE, PARIS_NUMBER)
    [loaded] = tilleul.collect_usage()
    assert loaded.charge_micro == 500_000
    tilleul.after(days=31)
    print(tilleul.bill())
    print([(str(one.total), [str(l) for l in one.lines]) for one in tilleul.documents(line.id)])
    print(tilleul.told())
    assert faults(tilleul.platform, "tilleul") == []
