"""What a process that charges sets up around its work, and leaves as it was."""

from __future__ import annotations

import gc

from mvne_billing.charging.serving import collecting_seldom


def test_garbage_is_looked_for_less_often_while_serving_and_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with collecting_seldom():
        assert all(seldom > often for seldom, often in zip(gc.get_threshold(), before, strict=True))
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
