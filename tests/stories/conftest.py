"""Stories are told in the houses of the roof's tests."""

from __future__ import annotations

from tests.mvne.conftest import both, comet, kind, platform, stores, tilleul

__all__ = ["both", "comet", "kind", "platform", "stores", "tilleul"]
