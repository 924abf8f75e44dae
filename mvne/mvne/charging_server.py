"""The charging process of a brand: its doors, its chores, and its orderly end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from mvne.charging import open_charger, open_edge
from mvne.charging_chores import chores
from mvne.clock import now
from mvne.platform import Platform
from mvne_billing.charging.front import Front
from mvne_billing.charging.serving import Chores, Doors, serve
from mvne_billing.charging.session import Policy
from mvne_billing.usage.facts import Conventions


def run_server(
    platform: Platform,
    brand: str,
    doors: Doors,
    policy: Policy,
    conventions: Conventions,
    sweep_every_s: int,
    ready: Callable[[str], None],
) -> None:
    """Serve charging until the process is told to stop by a signal; `ready` hears how answers are made durable."""
    asyncio.run(_serve(platform, brand, doors, policy, conventions, sweep_every_s, ready))


async def _serve(
    platform: Platform,
    brand: str,
    doors: Doors,
    policy: Policy,
    conventions: Conventions,
    sweep_every_s: int,
    ready: Callable[[str], None],
) -> None:
    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    charger = open_charger(platform, policy, apart=True)
    front = Front(charger)
    edge = open_edge(platform, brand, front, now, conventions)
    todo = Chores(chores(platform, brand, charger, front), now, sweep_every_s)
    await serve(edge, doors, todo, stop, lambda: ready(front.durability))
