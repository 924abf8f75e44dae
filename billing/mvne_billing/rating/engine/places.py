"""Where the phone is: countries that every tariff and agreement treats alike share one small number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mvne_plans.agreement import Agreement
from mvne_plans.tariff import Tariff


@dataclass(frozen=True)
class Places:
    """The class of every country that occurs, and one country that stands for each class."""

    classes: Mapping[str, int]
    examples: tuple[str, ...]


def places_of(tariffs: Iterable[Tariff], agreements: Iterable[Agreement], countries: Iterable[str]) -> Places:
    """Return the classes of countries: two are alike if they lie in the same zones and no rule names either."""
    several = tuple(tariffs)
    maps = list({(one.home, tuple(sorted(one.zones.items()))): one for one in several}.values())
    named = {zone for one in agreements for rates in one.rates.values() for zone in rates}
    for tariff in several:
        named |= {one.zone for one in tariff.roaming} | {tariff.home}
        named |= {zone for bucket in tariff.buckets for zone in bucket.within}
    zones = sorted(named)
    known: dict[tuple[object, ...], int] = {}
    examples: list[str] = []
    classes = {}
    for code in countries:
        sort = (tuple(one.in_zone(code, zone) for one in maps for zone in zones), code if code in named else "")
        if sort not in known:
            known[sort] = len(examples)
            examples.append(code)
        classes[code] = known[sort]
    return Places(classes, tuple(examples))
