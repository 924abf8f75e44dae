"""The HTTP of Nchf_ConvergedCharging: statuses, headers, problem documents, and bodies that nobody should send."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mvne_billing.charging import session
from mvne_billing.charging.nchf.app import BASE, MOST_OCTETS
from mvne_billing.charging.nchf.refs import ref
from mvne_billing.charging.session import (
    Answer,
    ChargingRefused,
    Final,
    FinalUnit,
    Granted,
    Result,
)
from tests.billing.edges.bodies import Body, body, call, message, usage
from tests.billing.edges.scripted import ANSWER, AT, IMSI, Scripted, refusals
from tests.billing.edges.web import Answered, Web

NEVER_OPENED = f"{BASE}/{ref('line-ada', 'never')}"


def test_a_life_of_a_session_has_the_statuses_of_the_standard() -> None:
    web = Web()
    opened = web.create(body(0, multipleUnitUsage=[usage(10, {})]))
    assert (opened.status, opened.headers["content-type"]) == (201, "application/json")
    assert opened.headers["location"].startswith(f"http://chf.example{BASE}/")
    assert opened.json["invocationSequenceNumber"] == 0
    updated = web.update(opened, body(1, multipleUnitUsage=[usage(10, {}, {"totalVolume": 5})]))
    assert (updated.status, updated.json["invocationSequenceNumber"]) == (200, 1)
    released = web.release(opened, body(2, multipleUnitUsage=[usage(10, None, {"totalVolume": 5})]))
    assert (released.status, released.content) == (204, b"")


def told(granted: Granted, asked: Body) -> Any:
    answer = ANSWER._replace(groups=(granted,))
    return Web(Scripted([answer])).create(asked).json["multipleUnitInformation"][0]


def test_a_grant_says_how_much_how_long_and_when_to_ask_again() -> None:
    granted = Granted(10, Result.SUCCESS, 5_000_000, 3600, threshold=1_000_000, holding_s=60, tariff_change=AT)
    assert told(granted, body(multipleUnitUsage=[usage(10, {})])) == {
        "resultCode": "SUCCESS",
        "ratingGroup": 10,
        "grantedUnit": {"totalVolume": 5_000_000, "tariffTimeChange": "2027-01-04T09:00:00.000Z"},
        "validityTime": 3600,
        "quotaHoldingTime": 60,
        "volumeQuotaThreshold": 1_000_000,
    }


def test_calls_are_granted_seconds_and_messages_units() -> None:
    granted = Granted(1, Result.SUCCESS, 60, threshold=12)
    spoken = told(granted, call(multipleUnitUsage=[usage(1, {})]))
    assert (spoken["grantedUnit"], spoken["timeQuotaThreshold"]) == ({"time": 60}, 12)
    sent = told(granted, message())
    assert (sent["grantedUnit"], sent["unitQuotaThreshold"]) == ({"serviceSpecificUnits": 60}, 12)


@pytest.mark.parametrize(
    ("final", "indication"),
    [
        (FinalUnit(), {"finalUnitAction": "TERMINATE"}),
        (
            FinalUnit(Final.REDIRECT, "https://top-up.example"),
            {
                "finalUnitAction": "REDIRECT",
                "redirectServer": {
                    "redirectAddressType": "URL",
                    "redirectServerAddress": "https://top-up.example",
                },
            },
        ),
        (
            FinalUnit(Final.RESTRICT, filters=("permit out ip from 192.0.2.1 to any",)),
            {
                "finalUnitAction": "RESTRICT_ACCESS",
                "restrictionFilterRuleList": ["permit out ip from 192.0.2.1 to any"],
            },
        ),
    ],
)
def test_the_end_of_the_quota_says_what_then(final: FinalUnit, indication: Body) -> None:
    granted = Granted(10, Result.SUCCESS, 5, final=final)
    assert told(granted, body(multipleUnitUsage=[usage(10, {})]))["finalUnitIndication"] == indication


def test_a_group_that_is_refused_beside_others_has_its_own_result() -> None:
    refused = Granted(10, Result.QUOTA_LIMIT_REACHED, 0, message="no money")
    found = told(refused, body(multipleUnitUsage=[usage(10, {})]))
    assert found == {"resultCode": "QUOTA_LIMIT_REACHED", "ratingGroup": 10}


@pytest.mark.parametrize(
    ("result", "status", "cause"),
    [
        (Result.END_USER_SERVICE_DENIED, 403, "END_USER_REQUEST_DENIED"),
        (Result.QUOTA_MANAGEMENT_NOT_APPLICABLE, 403, "CHARGING_NOT_APPLICABLE"),
        (Result.QUOTA_LIMIT_REACHED, 403, "QUOTA_LIMIT_REACHED"),
        (Result.RATING_FAILED, 400, "CHARGING_FAILED"),
    ],
)
@pytest.mark.parametrize("asked", [body(multipleUnitUsage=[usage(10, {})]), message()], ids=["session", "event"])
def test_what_is_refused_as_a_whole_is_a_problem_with_the_standard_s_cause(
    result: Result, status: int, cause: str, asked: Body
) -> None:
    refused = ANSWER._replace(result=result, groups=(Granted(10, result, message="why"),), is_open=False)
    found = Web(Scripted([refused])).create(asked)
    assert found.is_problem
    assert (found.status, found.json["cause"], found.json["detail"]) == (status, cause, "why")


CAUSES = {
    session.InvalidRequest: (400, "CHARGING_FAILED"),
    session.UnknownSubscription: (404, "USER_UNKNOWN"),
    session.UnknownSession: (404, "CONTEXT_NOT_FOUND"),
    session.SessionClosed: (404, "CONTEXT_NOT_FOUND"),
    session.SessionExists: (400, "MANDATORY_IE_INCORRECT"),
    session.ForeignSession: (400, "CHARGING_FAILED"),
    session.SequenceConflict: (400, "MANDATORY_IE_INCORRECT"),
    session.SequenceGap: (400, "MANDATORY_IE_INCORRECT"),
    session.ClockBackwards: (400, "MANDATORY_IE_INCORRECT"),
    session.UnknownRatingGroup: (400, "RE_AUTHORIZATION_FAILED"),
    session.NothingToRefund: (400, "CHARGING_FAILED"),
    session.Contended: (503, "NF_CONGESTION"),
}


@pytest.mark.parametrize("refusal", refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_of_charging_is_a_problem_of_its_own(refusal: type[ChargingRefused]) -> None:
    web = Web(Scripted())
    opened = web.create(body())
    web.charging.says.append(refusal("words"))
    found = web.update(opened, body(1))
    assert found.is_problem
    assert (found.status, found.json["cause"]) == CAUSES[refusal]
    assert found.json["detail"] == "words"
    assert ("retry-after" in found.headers) == (found.status == 503)


def test_a_charging_id_that_comes_again_opens_another_session_of_the_connection() -> None:
    web = Web(Scripted([session.SessionExists("other")]))
    assert web.create(body()).status == 201
    first, second = web.charging.asked
    assert first.session == "7@smf-1" != second.session
    repeated = Web(Scripted([session.SessionExists("other")]))
    repeated.create(body())
    assert repeated.charging.asked[-1].session == second.session


def pointers(found: Answered) -> list[str]:
    return [one["param"] for one in found.json.get("invalidParams", [])]


@pytest.mark.parametrize(
    ("asked", "cause", "named"),
    [
        (b"", "INVALID_MSG_FORMAT", []),
        (b"{", "INVALID_MSG_FORMAT", []),
        (b"\xff\xfe", "INVALID_MSG_FORMAT", []),
        (b"[" * 5000, "INVALID_MSG_FORMAT", []),
        (b'{"invocationSequenceNumber": NaN}', "MANDATORY_IE_MISSING", None),
        (b"[]", "INVALID_MSG_FORMAT", [""]),
        (b"null", "INVALID_MSG_FORMAT", [""]),
        (body(invocationTimeStamp=None), "MANDATORY_IE_MISSING", ["/invocationTimeStamp"]),
        (body(invocationSequenceNumber=None), "MANDATORY_IE_MISSING", ["/invocationSequenceNumber"]),
        (body(nfConsumerIdentification=None), "MANDATORY_IE_MISSING", ["/nfConsumerIdentification"]),
        (
            body(nfConsumerIdentification={}),
            "MANDATORY_IE_MISSING",
            ["/nfConsumerIdentification/nodeFunctionality"],
        ),
        (body(multipleUnitUsage=[{}]), "MANDATORY_IE_MISSING", ["/multipleUnitUsage/0/ratingGroup"]),
        (
            body(multipleUnitUsage=[{"ratingGroup": 1, "usedUnitContainer": [{}]}]),
            "MANDATORY_IE_MISSING",
            ["/multipleUnitUsage/0/usedUnitContainer/0/localSequenceNumber"],
        ),
        (body(invocationSequenceNumber=-1), "MANDATORY_IE_INCORRECT", ["/invocationSequenceNumber"]),
        (body(invocationSequenceNumber="1"), "MANDATORY_IE_INCORRECT", ["/invocationSequenceNumber"]),
        (body(invocationSequenceNumber=2**32), "MANDATORY_IE_INCORRECT", ["/invocationSequenceNumber"]),
        (body(invocationTimeStamp="yesterday"), "MANDATORY_IE_INCORRECT", ["/invocationTimeStamp"]),
        (body(invocationTimeStamp="2027-01-04T09:00:00"), "MANDATORY_IE_INCORRECT", ["/invocationTimeStamp"]),
        (
            body(multipleUnitUsage=[usage(10, {"totalVolume": -5})]),
            "OPTIONAL_IE_INCORRECT",
            ["/multipleUnitUsage/0/requestedUnit/totalVolume"],
        ),
        (
            body(multipleUnitUsage=[usage(10, {}, {"totalVolume": 10**30})]),
            "OPTIONAL_IE_INCORRECT",
            ["/multipleUnitUsage/0/usedUnitContainer/0/totalVolume"],
        ),
        (
            body(multipleUnitUsage=[usage(10, {}, {"totalVolume": 1.5})]),
            "OPTIONAL_IE_INCORRECT",
            ["/multipleUnitUsage/0/usedUnitContainer/0/totalVolume"],
        ),
        (body(multipleUnitUsage=[usage(one) for one in range(33)]), "OPTIONAL_IE_INCORRECT", ["/multipleUnitUsage"]),
        (body(subscriberIdentifier="x" * 300), "OPTIONAL_IE_INCORRECT", ["/subscriberIdentifier"]),
    ],
)
def test_a_body_that_is_wrong_says_where(asked: bytes | Body, cause: str, named: list[str] | None) -> None:
    web = Web()
    content = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    found = web.send("POST", BASE, content)
    assert found.is_problem
    assert (found.status, found.json["cause"]) == (400, cause)
    assert named is None or pointers(found) == named
    assert web.charging.asked == []


@pytest.mark.parametrize(
    ("method", "path", "status", "cause"),
    [
        ("GET", BASE, 405, None),
        ("PUT", f"{NEVER_OPENED}/update", 405, None),
        ("POST", NEVER_OPENED, 404, "RESOURCE_URI_STRUCTURE_NOT_FOUND"),
        ("POST", f"{NEVER_OPENED}/amend", 404, "RESOURCE_URI_STRUCTURE_NOT_FOUND"),
        ("POST", "/", 404, "RESOURCE_URI_STRUCTURE_NOT_FOUND"),
        ("POST", BASE.replace("v3", "v9"), 400, "INVALID_API"),
        ("POST", f"{BASE}/made-up/update", 404, "CONTEXT_NOT_FOUND"),
        ("POST", f"{BASE}/%FF%FE/release", 404, "CONTEXT_NOT_FOUND"),
        ("POST", f"{BASE}/..%2F..%2Fetc/update", 404, "RESOURCE_URI_STRUCTURE_NOT_FOUND"),
    ],
)
def test_whatever_is_not_here_is_a_problem_too(method: str, path: str, status: int, cause: str | None) -> None:
    found = Web().send(method, path, json.dumps(body()).encode())
    assert found.is_problem
    assert (found.status, found.json.get("cause")) == (status, cause)


def test_a_body_of_another_type_or_of_any_size_is_not_read() -> None:
    web = Web()
    assert web.send("POST", BASE, b"{}", {"content-type": "text/plain"}).status == 415
    assert web.send("POST", BASE, b"{}", {}).status == 415
    large = web.send("POST", BASE, b" " * (MOST_OCTETS + 1))
    assert (large.status, large.is_problem) == (413, True)
    assert web.send("POST", BASE, json.dumps(body()).encode().ljust(MOST_OCTETS)).status == 201


def test_unknown_attributes_are_left_alone() -> None:
    asked = body(
        somethingNew={"of": ["release", 19]},
        multipleUnitUsage=[usage(10, {"newUnit": 5}) | {"uPFID": "b0e14e16-0000-4000-8000-000000000000"}],
        pDUSessionChargingInformation={"unheardOf": None, "pduSessionInformation": {"ratType": "NR"}},
    )
    assert Web().create(asked).status == 201


def test_a_defect_of_ours_is_answered_with_a_problem_that_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    found = Web(Scripted([ZeroDivisionError("a secret")])).create(body())
    assert found.is_problem
    assert (found.status, found.json["cause"]) == (500, "SYSTEM_FAILURE")
    assert b"secret" not in found.content


def test_nothing_that_is_logged_names_a_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    web = Web(Scripted())
    opened = web.create(body())
    web.create(body(subscriberIdentifier="imsi-208930000000099"))
    web.charging.says.append(session.UnknownSession(f"there is no session of imsi-{IMSI} and +33199001001"))
    web.update(opened, body(1))
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("mvne")]
    assert len(ours) == 2
    assert not re.search(r"[0-9]{8}", " ".join(ours))


def test_health_says_how_charging_is() -> None:
    found = Web().send("GET", "/health", b"", {})
    assert (found.status, found.json) == (200, {"status": "ok"})


#: What may stand anywhere in a body.
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
WHOLE = body(
    multipleUnitUsage=[usage(10, {"totalVolume": 5}, {"totalVolume": 5, "triggers": [{"triggerType": "FINAL"}]})],
    sMSChargingInformation={"recipientInfo": [{"recipientGPSI": "msisdn-33199009999"}]},
    iMSChargingInformation={"calledPartyAddress": "tel:112", "requestedPartyAddress": ["112"]},
    oneTimeEvent=False,
    oneTimeEventType="IEC",
)


def places(found: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return every place in a body."""
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [here, *(place for name, one in inner for place in places(one, (*here, name)))]


def with_other(found: Any, place: tuple[Any, ...], other: Any) -> Any:
    """Return a body in which something else stands at a place."""
    if not place:
        return other
    copy = found.copy()
    copy[place[0]] = with_other(found[place[0]], place[1:], other)
    return copy


@given(some.sampled_from(places(WHOLE)), JSON)
def test_whatever_stands_in_a_body_the_answer_is_a_clear_one(place: tuple[Any, ...], other: Any) -> None:
    web = Web()
    found = web.send("POST", BASE, json.dumps(with_other(WHOLE, place, other)).encode())
    assert found.status < 500
    assert found.status == 201 or found.is_problem


@given(some.binary(max_size=200))
def test_octets_that_are_no_body_are_refused(content: bytes) -> None:
    found = Web().send("POST", BASE, content)
    assert (found.status, found.is_problem) == (400, True)


@given(some.text(some.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_made_up_reference_opens_anything(made_up: str) -> None:
    web = Web()
    path = f"{BASE}/{''.join(f'%{octet:02X}' for octet in made_up.encode())}/update"
    found = web.send("POST", path, json.dumps(body(1)).encode())
    assert (found.status in (400, 404), found.is_problem) == (True, True)
    assert web.charging.asked == []


def test_the_answer_is_the_same_to_the_last_octet_when_a_request_is_repeated() -> None:
    answer: Answer = ANSWER._replace(groups=(Granted(10, Result.SUCCESS, 5, 3600),))
    asked = body(0, multipleUnitUsage=[usage(10, {})])
    web = Web(Scripted([answer, answer]))
    first, again = web.create(asked), web.create(asked | {"retransmissionIndicator": True})
    assert (first.content, first.headers["location"]) == (again.content, again.headers["location"])
    assert web.charging.asked[0] == web.charging.asked[1]
