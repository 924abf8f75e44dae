"""What a step of an order is: something done, and how it is undone, here or on the other side of the wire.

A local step changes our pools, in the transaction that records it. A remote step calls the host network or the SM-DP+
with its key, outside any transaction. Both return facts: columns of the order that are now known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mvne_provisioning.network.port import HostNetwork
from mvne_provisioning.order.record import Order
from mvne_provisioning.smdp.port import SmdpPlus

Facts = Mapping[str, object]

NOTHING: Facts = {}


@dataclass(frozen=True, slots=True)
class Ports:
    """The two machines an order talks to."""

    host: HostNetwork
    smdp: SmdpPlus


Local = Callable[[Connection, Order, datetime], Facts]
Remote = Callable[[Ports, str, Order], Facts]


@dataclass(frozen=True, slots=True)
class LocalStep:
    """A step within our store."""

    name: str
    do: Local
    undo: Local | None = None


@dataclass(frozen=True, slots=True)
class RemoteStep:
    """A step on the other side of the wire; its functions get the key to call with."""

    name: str
    do: Remote
    undo: Remote | None = None


Step = LocalStep | RemoteStep
