"""Where the phone is: the country of the network that serves it, by the same conventions as in the host's files."""

from __future__ import annotations

from collections.abc import Iterable

from mvne_billing.usage.countries import country_of_mcc
from mvne_billing.usage.facts import Conventions


class NoCountry(ValueError):
    """Nobody says in which country the phone is."""


def country(networks: Iterable[str], conventions: Conventions) -> str:
    """Return the country of the first network that is named (MCC and MNC in digits).

    Where none is, use is at home if that was agreed with the host. Raises `NoCountry`.
    """
    network = next((one for one in networks if one), None)
    if network is None:
        if conventions.home is None:
            raise NoCountry("no serving network is named, and no home country was agreed")
        return conventions.home
    found = conventions.countries.get(network) or country_of_mcc(network[:3], conventions.countries)
    if found is None:
        raise NoCountry(f"network {network[:6]} is in no known country")
    return found
