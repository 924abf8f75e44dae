"""Open5GS: subscriptions as the documents of its database, as JSON for `mongoimport` or as commands for `mongosh`.

One document per IMSI in the collection `subscribers`, schema version 1 (TS 29.272 for what its numbers mean). Both
forms say the size of every number, because Open5GS reads whole numbers of 32 bits only and SQN of 64 bits only. They
hold K and OPc in clear, as the database does: write them where only the core network's own account can read.

What Open5GS counts itself, the SQN, is set when a subscriber is new; a command leaves it alone afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.network.subscription import Apn, BadSubscription, HssRecord, IpVersion
from mvne_provisioning.sequence_numbers import next_sqn

_IP_VERSIONS: Mapping[IpVersion, int] = {IpVersion.IPV4: 1, IpVersion.IPV6: 2, IpVersion.IPV4V6: 3}
_DISABLED, _ENABLED = 1, 2
_GRANTED, _BARRED = 0, 1
_INT32 = (1 << 31) - 1
#: Speeds come as a value with a unit: bit/s, and each next unit a thousand of the one before.
_UNITS = range(5)
#: Handover to non-3GPP access not allowed, and the time between location updates in minutes: the defaults of Open5GS.
_ACCESS_RESTRICTION, _RAU_TAU_TIMER = 32, 12


def subscriber_document(record: HssRecord, sst: int = 1, sd: str | None = None) -> dict[str, Any]:
    """Return a subscription as an Open5GS document, numbers as `int`.

    `sst` and `sd` name the network slice (TS 23.003 28.4.2): a number of 1 to 255 and six hexadecimal digits. The SQN
    is the next to give, since that is what Open5GS keeps. Raise `BadSubscription`.
    """
    slice_ = {"sst": sst, **({} if sd is None else {"sd": sd}), "default_indicator": True}
    return {
        "schema_version": 1,
        "imsi": str(record.imsi),
        "msisdn": [record.msisdn.removeprefix("+")] if record.msisdn else [],
        "imeisv": [],
        "security": {
            "k": record.keys.k.hex(),
            "op": None,
            "opc": record.keys.opc.hex(),
            "amf": record.amf.hex(),
            "sqn": next_sqn(record.sqn),
        },
        "ambr": _speeds(record.downlink, record.uplink),
        "slice": [{**slice_, "session": [_session(apn) for apn in record.apns]}],
        "access_restriction_data": _ACCESS_RESTRICTION,
        "subscriber_status": _BARRED if record.barred else _GRANTED,
        "operator_determined_barring": 0,  # all packet services, looked at only when the status says barred
        "network_access_mode": 0,
        "subscribed_rau_tau_timer": _RAU_TAU_TIMER,
    }


def as_json(documents: Iterable[Mapping[str, Any]]) -> str:
    """Return documents one a line, in MongoDB's extended JSON.

    For new subscribers: `mongoimport --db open5gs --collection subscribers FILE`, which keeps those that are there.
    """
    return "".join(json.dumps(_typed(document, _json_number)) + "\n" for document in documents)


def as_commands(documents: Iterable[Mapping[str, Any]]) -> str:
    """Return one command a line for `mongosh open5gs`: adds a subscriber or brings it to this content."""
    return "".join(_upsert(document) + "\n" for document in documents)


def removal_command(imsi: Imsi) -> str:
    """Return the command that removes a subscriber, with its line end.

    >>> removal_command(Imsi("999700000000001"))
    'db.subscribers.deleteOne({"imsi": "999700000000001"});\\n'
    """
    return f"db.subscribers.deleteOne({json.dumps({'imsi': str(imsi)})});\n"


def _upsert(document: Mapping[str, Any]) -> str:
    security = {f"security.{name}": value for name, value in document["security"].items()}
    first = {"security.sqn": security.pop("security.sqn")}
    always = {name: value for name, value in document.items() if name not in ("imsi", "security")} | security
    key = json.dumps({"imsi": document["imsi"]})
    change = _shell(_typed({"$set": always, "$setOnInsert": first}, _Number))
    return f"db.subscribers.updateOne({key}, {change}, {{upsert: true}});"


def _session(apn: Apn) -> dict[str, Any]:
    arp = {
        "priority_level": apn.priority,
        "pre_emption_capability": _ENABLED if apn.may_preempt else _DISABLED,
        "pre_emption_vulnerability": _ENABLED if apn.preemptible else _DISABLED,
    }
    return {
        "name": apn.name,
        "type": _IP_VERSIONS[apn.ip_version],
        "qos": {"index": apn.qci, "arp": arp},
        "ambr": _speeds(apn.downlink, apn.uplink),
        "pcc_rule": [],
    }


def _speeds(downlink: int, uplink: int) -> dict[str, dict[str, int]]:
    return {"downlink": _speed(downlink), "uplink": _speed(uplink)}


def _speed(bits_per_second: int) -> dict[str, int]:
    """Return the speed in the smallest unit that a 32-bit number holds: exact up to 2 Gbit/s, then rounded down."""
    for unit in _UNITS:
        value = bits_per_second // 1000**unit
        if 0 < value <= _INT32:
            return {"value": value, "unit": unit}
    raise BadSubscription(f"{bits_per_second} bit/s is no speed: it must be 1 or more, and fewer than 2e21")


class _Number(str):
    """A number as the shell writes it, which is no text there."""

    __slots__ = ()

    def __new__(cls, value: int, wide: bool) -> _Number:
        return super().__new__(cls, f'NumberLong("{value}")' if wide else f"NumberInt({value})")


def _json_number(value: int, wide: bool) -> dict[str, str]:
    return {"$numberLong" if wide else "$numberInt": str(value)}


def _typed(value: Any, number: Callable[[int, bool], Any], name: str = "") -> Any:
    """Return a document with each of its numbers as `number` writes it, of 64 bits or of 32."""
    if isinstance(value, Mapping):
        return {key: _typed(inner, number, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner, number) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value, name.endswith("sqn"))
    return value


def _shell(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: {_shell(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shell, value)) + "]"
    return str(value) if isinstance(value, _Number) else json.dumps(value)
