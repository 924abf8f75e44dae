"""Marks: a subscriber is warned when a balance falls below one of them. Pure.

What a balance holds counts, free and reserved: that an open session holds money, and gives it back, is no news.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvne_plans.money import Money


def passed(before_micro: int, after_micro: int, marks: Iterable[Money]) -> list[Money]:
    """Return the marks below which a balance just fell, the highest first; a mark at 0 is passed when all is gone.

    >>> [str(one) for one in passed(5_000_000, 0, (Money(500, "EUR"), Money(0, "EUR")))]
    ['5.00 EUR', '0.00 EUR']
    """
    found = [one for one in marks if _is_below(after_micro, one) and not _is_below(before_micro, one)]
    return sorted(found, key=lambda one: -one.minor)


def _is_below(held_micro: int, mark: Money) -> bool:
    return held_micro < mark.micro or held_micro <= 0
