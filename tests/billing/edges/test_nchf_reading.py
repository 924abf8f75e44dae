"""What a charging data request means: each attribute of TS 32.291 that charging goes by, in charging's own words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mvne_billing.charging.session import Action, Service, Step, Trigger, Units
from mvne_billing.usage.facts import INCOMING, Conventions
from mvne_plans.quantity import Kind
from tests.billing.edges.bodies import GERMANY, IMS, Body, body, call, message, pdu, usage
from tests.billing.edges.scripted import ADA, IMSI, MSISDN
from tests.billing.edges.web import Answered, Web

DATA = Service(Kind.DATA, None, "FR")


def created(body_: Body, conventions: Conventions | None = None) -> Web:
    web = Web(conventions=conventions)
    answer = web.create(body_)
    assert answer.status == 201, answer.content
    return web


def test_a_session_is_opened_for_the_line_with_all_that_is_known_of_it() -> None:
    asked = created(body(3, multipleUnitUsage=[usage(10, {})])).charging.request
    assert (asked.brand, asked.step, asked.sequence) == ("tilleul", Step.CREATE, 3)
    assert (asked.subscription, asked.msisdn) == (ADA.subscription, ADA.msisdn)
    assert asked.at == datetime(2027, 1, 4, 9, tzinfo=UTC)
    assert asked.groups == (Units(10, DATA, 0),)


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ({"subscriberIdentifier": f"imsi-{IMSI}"}, 201),
        ({"subscriberIdentifier": f"msisdn-{MSISDN}"}, 201),
        (
            {
                "subscriberIdentifier": None,
                "pDUSessionChargingInformation": pdu(userInformation={"servedGPSI": f"msisdn-{MSISDN}"}),
            },
            201,
        ),
        ({"subscriberIdentifier": "imsi-208930000000099"}, 404),
        ({"subscriberIdentifier": "nai-ada@example.org"}, 400),
        ({"subscriberIdentifier": None}, 400),
    ],
)
def test_a_line_is_found_by_its_imsi_or_its_number(who: dict[str, Any], found: int) -> None:
    assert Web().create(body(**who)).status == found


@pytest.mark.parametrize(
    ("requested", "wanted"),
    [
        (None, None),
        ({}, 0),
        ({"totalVolume": 5_000_000}, 5_000_000),
        ({"uplinkVolume": 1, "downlinkVolume": 2}, 3),
        ({"totalVolume": 2**64 - 1}, 10**15),
        ({"totalVolume": 7, "time": 60}, 7),
    ],
)
def test_what_is_asked_for_is_read(requested: Body | None, wanted: int | None) -> None:
    web = created(body(multipleUnitUsage=[usage(10, requested)]))
    assert web.charging.request.groups[0].requested == wanted


@pytest.mark.parametrize(
    ("containers", "used"),
    [
        ([], 0),
        ([{"totalVolume": 5}], 5),
        ([{"uplinkVolume": 2, "downlinkVolume": 3}], 5),
        ([{"totalVolume": 5, "uplinkVolume": 2, "downlinkVolume": 3, "time": 9}], 5),
        ([{"totalVolume": 5}, {"uplinkVolume": 4}, {"time": 0}], 9),
    ],
)
def test_all_that_was_used_is_counted_whatever_containers_it_is_in(containers: list[Body], used: int) -> None:
    web = Web()
    opened = web.create(body(multipleUnitUsage=[usage(10, {})]))
    web.update(opened, body(1, multipleUnitUsage=[usage(10, None, *containers)]))
    assert web.charging.request.groups[0].used == used


def test_a_rating_group_that_two_user_planes_report_is_one() -> None:
    groups = [usage(10, {"totalVolume": 5}, {"totalVolume": 1}), usage(20), usage(10, {}, {"totalVolume": 2})]
    asked = created(body(multipleUnitUsage=groups)).charging.request
    assert [(one.rating_group, one.requested, one.used) for one in asked.groups] == [(10, 5, 3), (20, None, 0)]


@pytest.mark.parametrize(
    ("changes", "country"),
    [
        ({}, "FR"),
        ({"pDUSessionChargingInformation": pdu(GERMANY)}, "DE"),
        (
            {
                "pDUSessionChargingInformation": pdu(
                    None, userLocationinfo={"nrLocation": {"tai": {"plmnId": GERMANY, "tac": "1"}}}
                )
            },
            "DE",
        ),
        (
            {
                "pDUSessionChargingInformation": {
                    "pduSessionInformation": {
                        "servingNetworkFunctionID": {"servingNetworkFunctionInformation": {"nFPLMNID": GERMANY}}
                    }
                }
            },
            "DE",
        ),
        ({"pDUSessionChargingInformation": pdu(None)}, "FR"),
        ({"pDUSessionChargingInformation": pdu(None, userInformation={"roamerInOut": "OUT_BOUND"})}, None),
        ({"pDUSessionChargingInformation": pdu({"mcc": "901", "mnc": "14"})}, None),
    ],
    ids=["serving", "abroad", "location", "node", "consumer", "abroad-unsaid", "satellite"],
)
def test_the_country_is_where_the_serving_network_is_and_never_guessed(changes: Body, country: str | None) -> None:
    web = Web()
    answer = web.create(body(multipleUnitUsage=[usage(10, {})], **changes))
    if country is None:
        assert (answer.status, answer.json["cause"]) == (400, "CHARGING_FAILED")
        assert web.charging.asked == []
        return
    service = web.charging.request.groups[0].service
    assert service is not None
    assert service.country == country


def test_what_was_agreed_with_the_host_holds_here_too() -> None:
    agreed = Conventions(countries={"90114": "XZ"}, labels={20: "hotspot"}, home="FR")
    at_sea = pdu({"mcc": "901", "mnc": "14"})
    asked = created(
        body(multipleUnitUsage=[usage(20, {})], pDUSessionChargingInformation=at_sea), agreed
    ).charging.request
    assert asked.groups[0].service == Service(Kind.DATA, None, "XZ", "hotspot")


@pytest.mark.parametrize(
    ("told", "trigger"),
    [
        (["QUOTA_THRESHOLD"], Trigger.QUOTA_THRESHOLD),
        (["QOS_CHANGE", "VALIDITY_TIME"], Trigger.VALIDITY_TIME),
        (["SOMETHING_NEW"], None),
        ([], None),
    ],
)
def test_the_reason_of_a_report_is_kept_where_charging_has_a_word_for_it(
    told: list[str], trigger: Trigger | None
) -> None:
    triggers = [{"triggerType": one, "triggerCategory": "IMMEDIATE_REPORT"} for one in told]
    web = Web()
    opened = web.create(body(multipleUnitUsage=[usage(10, {})]))
    web.update(opened, body(1, multipleUnitUsage=[usage(10, {}, {"totalVolume": 1, "triggers": triggers})]))
    assert web.charging.request.groups[0].trigger is trigger


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("tel:+33-1-99-00-99-99", "+33199009999"),
        ("sip:+33199009999@ims.mnc093.mcc208.3gppnetwork.org;user=phone", "+33199009999"),
        ("112", "112"),
        ("urn:service:sos.police", "112"),
    ],
)
def test_a_call_is_to_the_number_in_its_address(address: str, number: str) -> None:
    asked = created(call(to=address, multipleUnitUsage=[usage(1, {"time": 60})])).charging.request
    assert asked.groups == (Units(1, Service(Kind.VOICE, number, "FR"), 60),)


def test_a_call_that_reaches_the_line_costs_it_nothing_unless_that_was_agreed() -> None:
    received: Body = {"calledPartyAddress": f"tel:+{MSISDN}", "roleOfNode": "TERMINATING"}
    asked = call(
        subscriberIdentifier=f"msisdn-{MSISDN}",
        iMSChargingInformation=received,
        multipleUnitUsage=[usage(1, {"time": 60})],
    )
    refused = Web().create(asked)
    assert (refused.status, refused.json["cause"]) == (403, "CHARGING_NOT_APPLICABLE")
    service = created(asked, Conventions(incoming=True)).charging.request.groups[0].service
    assert service == Service(Kind.VOICE, f"+{MSISDN}", "FR", INCOMING)


def test_a_message_is_an_event_that_is_charged_at_once() -> None:
    event = created(message(4)).charging.event
    assert (event.action, event.units, event.sequence) == (Action.CHARGE, 1, 4)
    assert event.service == Service(Kind.SMS, "+33199009999", "FR")
    assert (event.subscription, event.msisdn) == (ADA.subscription, ADA.msisdn)


def test_a_long_message_is_as_many_as_its_parts() -> None:
    told: Body = {"recipientInfo": [{"recipientGPSI": "msisdn-33199009999"}], "numberofMessagesSent": 3}
    assert created(message(sMSChargingInformation=told)).charging.event.units == 3
    asked = message(sMSChargingInformation=told, multipleUnitUsage=[usage(9, {"serviceSpecificUnits": 2})])
    event = created(asked).charging.event
    assert (event.units, event.rating_group) == (2, 9)


def test_what_has_happened_already_is_a_session_that_ends_as_it_begins() -> None:
    web = created(message(4, oneTimeEventType="PEC", multipleUnitUsage=[usage(9, None, {"serviceSpecificUnits": 2})]))
    opening, closing = web.charging.asked
    assert (opening.session, opening.sequence) == (closing.session, closing.sequence - 1)
    assert web.charging.request.step is Step.RELEASE
    assert web.charging.request.groups == (Units(9, None, None, 2),)


def test_a_session_is_called_what_the_host_s_records_call_it() -> None:
    assert created(body()).charging.request.session == "7@smf-1"
    other = created(body(pDUSessionChargingInformation=pdu(charging_id=None), chargingId=12)).charging.request
    assert other.session == "12@smf-1"
    spoken = call(iMSChargingInformation={"calledPartyAddress": "112", "imsChargingIdentifier": "icid-1"})
    assert created(spoken).charging.request.session == "icid-1@as-1"


def test_a_session_without_a_charging_id_is_called_by_what_identifies_the_request() -> None:
    unnamed = body(pDUSessionChargingInformation=pdu(charging_id=None))
    first, again = created(unnamed).charging.request, created(unnamed | {"retransmissionIndicator": True})
    later = created(unnamed | {"invocationTimeStamp": "2027-01-04T09:00:01Z"}).charging.request
    assert first.session == again.charging.request.session != later.session


def test_two_messages_of_a_moment_are_two_and_a_repeat_is_one() -> None:
    def sent(**changes: Any) -> str:
        told = {"recipientInfo": [{"recipientGPSI": "msisdn-33199009999"}], "messageReference": "1"} | changes
        return created(message(sMSChargingInformation=told)).charging.event.session

    other = [{"recipientGPSI": "msisdn-33199009998"}]
    names = [sent(), sent(messageReference="2"), sent(sMSequenceNumber=2), sent(recipientInfo=other)]
    assert len(set(names)) == 4
    assert sent() == names[0]


def test_an_event_is_not_mistaken_for_a_session_of_the_same_moment() -> None:
    told = call(iMSChargingInformation={"calledPartyAddress": "112"}, multipleUnitUsage=[usage(1, {"time": 5})])
    opened = created(told).charging.request.session
    assert created(told | {"oneTimeEvent": True, "oneTimeEventType": "IEC"}).charging.event.session != opened


def test_a_later_request_finds_line_and_session_by_its_path_alone() -> None:
    web = Web()
    opened = web.create(body(multipleUnitUsage=[usage(10, {})]))
    answer = web.update(opened, body(1, subscriberIdentifier=None, multipleUnitUsage=[usage(10, {})]))
    assert answer.status == 200
    assert (web.charging.request.subscription, web.charging.request.session) == (ADA.subscription, "7@smf-1")


def test_another_subscriber_s_identity_with_this_session_is_refused() -> None:
    web = Web()
    opened = web.create(body())
    answer = web.update(opened, body(1, subscriberIdentifier="imsi-208930000000018"))
    assert (answer.status, answer.json["invalidParams"][0]["param"]) == (400, "/subscriberIdentifier")
    assert len(web.charging.asked) == 1


def test_a_border_crossed_is_told_with_the_report_of_before() -> None:
    web = Web()
    opened = web.create(body(multipleUnitUsage=[usage(10, {})]))
    reported = [usage(10, {}, {"totalVolume": 5})]
    web.update(opened, body(1, multipleUnitUsage=reported, pDUSessionChargingInformation=pdu(GERMANY)))
    assert web.charging.request.groups == (Units(10, Service(Kind.DATA, None, "DE"), 0, 5),)


def test_a_report_that_says_nothing_of_the_connection_leaves_it_as_it_was() -> None:
    web = Web()
    opened = web.create(body(multipleUnitUsage=[usage(10, {})]))
    web.update(
        opened, body(1, pDUSessionChargingInformation=None, multipleUnitUsage=[usage(10, {}, {"totalVolume": 5})])
    )
    assert web.charging.request.groups == (Units(10, None, 0, 5),)


@pytest.mark.parametrize(
    "node",
    [IMS | {"nodeFunctionality": "CEF"}, IMS | {"nodeFunctionality": "AMF"}],
    ids=lambda one: one["nodeFunctionality"],
)
def test_a_service_that_no_tariff_prices_is_refused(node: Body) -> None:
    answer = Web().create(body(pDUSessionChargingInformation=None, nfConsumerIdentification=node))
    assert (answer.status, answer.json["cause"]) == (400, "CHARGING_FAILED")


def answer_of(body_: Body) -> Answered:
    return Web().create(body_)


@pytest.mark.parametrize(
    ("asked", "cause", "pointer"),
    [
        (
            body(multipleUnitUsage=[usage(10, {}, {"time": 60})]),
            "RE_AUTHORIZATION_FAILED",
            "/multipleUnitUsage/0/usedUnitContainer/0",
        ),
        (
            body(multipleUnitUsage=[usage(10, {}, {"totalVolume": 10**15}, {"totalVolume": 1})]),
            "RE_AUTHORIZATION_FAILED",
            "/multipleUnitUsage/0/usedUnitContainer",
        ),
        (
            body(multipleUnitUsage=[usage(10, {"serviceSpecificUnits": 1})]),
            "CHARGING_FAILED",
            "/multipleUnitUsage/0/requestedUnit",
        ),
        (
            call(to="sip:ada@example.org", multipleUnitUsage=[usage(1, {})]),
            "CHARGING_FAILED",
            "/iMSChargingInformation/calledPartyAddress",
        ),
        (
            message(sMSChargingInformation={"recipientInfo": [{"recipientGPSI": "msisdn-33199009999"}] * 2}),
            "CHARGING_FAILED",
            "/sMSChargingInformation/recipientInfo",
        ),
        (message(sMSChargingInformation={}), "CHARGING_FAILED", "/sMSChargingInformation/recipientInfo"),
        (message(multipleUnitUsage=[usage(1), usage(2)]), "CHARGING_FAILED", "/multipleUnitUsage"),
        (body(oneTimeEvent=True, oneTimeEventType="IEC"), "CHARGING_FAILED", "/multipleUnitUsage"),
    ],
)
def test_use_that_cannot_be_charged_as_it_is_told_is_refused_by_name(asked: Body, cause: str, pointer: str) -> None:
    answer = answer_of(asked)
    assert (answer.status, answer.json["cause"]) == (400, cause)
    assert [one["param"] for one in answer.json["invalidParams"]] == [pointer]


def test_the_network_s_own_country_may_be_home_by_agreement() -> None:
    unsaid = {name: value for name, value in IMS.items() if name != "nFPLMNID"}
    asked = call(nfConsumerIdentification=unsaid, multipleUnitUsage=[usage(1, {})])
    assert answer_of(asked).status == 400
    service = created(asked, Conventions(home="FR")).charging.request.groups[0].service
    assert service is not None
    assert service.country == "FR"
