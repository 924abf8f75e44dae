"""Open5GS documents: what its reader expects of each field, as JSON and as commands."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.milenage import Keys
from mvne_provisioning.network.open5gs import as_commands, as_json, removal_command, subscriber_document
from mvne_provisioning.network.subscription import Apn, BadSubscription, HssRecord, IpVersion

FIRST, SECOND = simulated_batch(1, 2)
RECORD = HssRecord(
    FIRST.imsi,
    Keys(bytes(range(16)), bytes(range(16, 32))),
    Msisdn("+33199000001"),
    FIRST.iccid,
    (
        Apn("internet", IpVersion.IPV4, downlink=3_000_000_000, uplink=50_000_000),
        Apn("ims", IpVersion.IPV6, qci=5, priority=1, may_preempt=True, preemptible=False),
    ),
    sqn=33,
)


def test_a_subscription_becomes_the_document_that_open5gs_reads() -> None:
    assert subscriber_document(RECORD) == {
        "schema_version": 1,
        "imsi": "999700000000001",
        "msisdn": ["33199000001"],
        "imeisv": [],
        "security": {
            "k": "000102030405060708090a0b0c0d0e0f",
            "op": None,
            "opc": "101112131415161718191a1b1c1d1e1f",
            "amf": "8000",
            "sqn": 66,
        },
        "ambr": {"downlink": {"value": 1_000_000_000, "unit": 0}, "uplink": {"value": 1_000_000_000, "unit": 0}},
        "slice": [
            {
                "sst": 1,
                "default_indicator": True,
                "session": [
                    {
                        "name": "internet",
                        "type": 1,
                        "qos": {
                            "index": 9,
                            "arp": {
                                "priority_level": 8,
                                "pre_emption_capability": 1,
                                "pre_emption_vulnerability": 2,
                            },
                        },
                        "ambr": {
                            "downlink": {"value": 3_000_000, "unit": 1},
                            "uplink": {"value": 50_000_000, "unit": 0},
                        },
                        "pcc_rule": [],
                    },
                    {
                        "name": "ims",
                        "type": 2,
                        "qos": {
                            "index": 5,
                            "arp": {
                                "priority_level": 1,
                                "pre_emption_capability": 2,
                                "pre_emption_vulnerability": 1,
                            },
                        },
                        "ambr": {
                            "downlink": {"value": 1_000_000_000, "unit": 0},
                            "uplink": {"value": 1_000_000_000, "unit": 0},
                        },
                        "pcc_rule": [],
                    },
                ],
            }
        ],
        "access_restriction_data": 32,
        "subscriber_status": 0,
        "operator_determined_barring": 0,
        "network_access_mode": 0,
        "subscribed_rau_tau_timer": 12,
    }


def test_a_barred_subscription_without_number_in_a_slice_of_its_own() -> None:
    document = subscriber_document(replace(RECORD, barred=True, msisdn=None), sst=2, sd="00000a")
    assert (document["subscriber_status"], document["msisdn"]) == (1, [])
    assert (document["slice"][0]["sst"], document["slice"][0]["sd"]) == (2, "00000a")
    assert subscriber_document(replace(RECORD, apns=(Apn("x"),)))["slice"][0]["session"][0]["type"] == 3


@given(st.integers(1, 10**15))
@settings(max_examples=60)
def test_a_speed_fits_into_32_bits_and_is_never_more_than_was_sold(speed: int) -> None:
    written = subscriber_document(replace(RECORD, downlink=speed))["ambr"]["downlink"]
    assert 0 < written["value"] < 1 << 31
    told = written["value"] * 1000 ** written["unit"]
    assert told <= speed < told + 1000 ** written["unit"]
    assert speed >= 1 << 31 or told == speed


@pytest.mark.parametrize("speed", [0, -1, 10**30])
def test_what_is_no_speed_is_refused(speed: int) -> None:
    with pytest.raises(BadSubscription, match="no speed"):
        subscriber_document(replace(RECORD, uplink=speed))


def plain(value: Any) -> Any:
    """Read MongoDB's extended JSON back: what says its size becomes a number again."""
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if not isinstance(value, dict):
        assert not isinstance(value, int) or isinstance(value, bool), "a number without its size"
        return value
    if set(value) == {"$numberInt"}:
        assert abs(int(value["$numberInt"])) < 1 << 31
        return int(value["$numberInt"])
    if set(value) == {"$numberLong"}:
        return int(value["$numberLong"])
    return {key: plain(inner) for key, inner in value.items()}


def test_json_has_a_document_a_line_and_says_the_size_of_each_number() -> None:
    documents = [subscriber_document(RECORD), subscriber_document(replace(RECORD, imsi=SECOND.imsi, sqn=1 << 40))]
    lines = as_json(documents).splitlines()
    assert [plain(json.loads(line)) for line in lines] == documents
    assert json.loads(lines[0])["security"]["sqn"] == {"$numberLong": "66"}
    assert json.loads(lines[0])["ambr"]["downlink"]["value"] == {"$numberInt": "1000000000"}


def test_a_command_sets_all_but_the_sequence_number_of_a_known_subscriber() -> None:
    document = subscriber_document(RECORD)
    command = as_commands([document])
    parts = re.fullmatch(r'db\.subscribers\.updateOne\((\{"imsi": "\d+"\}), (.*), \{upsert: true\}\);\n', command)
    assert parts is not None
    assert '"security.sqn": NumberLong("66")' in parts[2]
    assert '"value": NumberInt(1000000000)' in parts[2]
    as_extended = re.sub(r"NumberInt\((\d+)\)", r'{"$numberInt": "\1"}', parts[2])
    change = plain(json.loads(re.sub(r'NumberLong\(("\d+")\)', r'{"$numberLong": \1}', as_extended)))
    assert json.loads(parts[1]) == {"imsi": document["imsi"]}
    assert change["$setOnInsert"] == {"security.sqn": 66}
    assert not {name for name in change["$set"] if name == "imsi" or name.endswith("sqn") or name == "security"}
    security = {name: change["$set"].pop(f"security.{name}") for name in ("k", "op", "opc", "amf")}
    assert {"imsi": document["imsi"], "security": {**security, "sqn": 66}, **change["$set"]} == document


def test_many_subscribers_become_many_commands_and_one_can_be_removed() -> None:
    documents = [subscriber_document(replace(RECORD, imsi=profile.imsi)) for profile in simulated_batch(1, 3)]
    assert as_commands(documents).count("updateOne") == as_commands(documents).count("\n") == 3
    assert json.dumps(str(FIRST.imsi)) in removal_command(FIRST.imsi)
