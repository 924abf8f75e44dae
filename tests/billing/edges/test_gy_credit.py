"""Credit control over Diameter: each AVP that charging goes by, each result code, spoken by another implementation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

# The library has no types.
from diameter.message import Message  # type: ignore[import-untyped]
from diameter.message.avp.grouped import RequestedServiceUnit, SubscriptionId  # type: ignore[import-untyped]

from mvne_billing.charging import session
from mvne_billing.charging.gy.currencies import NUMBERS
from mvne_billing.charging.session import (
    Action,
    ChargingRefused,
    Final,
    FinalUnit,
    Granted,
    Result,
    Service,
    Step,
    Trigger,
    Units,
)
from mvne_billing.usage.facts import INCOMING, Conventions
from mvne_plans.money import EXPONENTS
from mvne_plans.quantity import Kind
from tests.billing.edges.diameter import (
    EVENT,
    INITIAL,
    TERMINATION,
    UPDATE,
    Client,
    call,
    ccr,
    packet,
    service,
    talk,
    text,
)
from tests.billing.edges.scripted import ADA, ANSWER, AT, MSISDN, Scripted, refusals

DATA = Service(Kind.DATA, None, "FR")


def told(
    *messages: Any, charging: Scripted | None = None, conventions: Conventions | None = None
) -> tuple[Scripted, list[Any]]:
    """Return what charging was asked and what a client was answered."""
    asked, answers = charging or Scripted(), []

    async def said(client: Client) -> None:
        for message in messages:
            answers.append(await client.ask(message))

    talk(asked, said, conventions)
    return asked, answers


def test_a_life_of_a_session() -> None:
    asked, answers = told(
        ccr(INITIAL, 0, service(10, {})),
        ccr(UPDATE, 1, service(10, {"cc_total_octets": 7}, {"cc_total_octets": 5, "reporting_reason": 3})),
        ccr(TERMINATION, 2, service(10, None, {"cc_input_octets": 1, "cc_output_octets": 2})),
    )
    first, second, third = asked.asked
    assert isinstance(first, session.Request)
    assert (first.step, first.sequence, first.session) == (Step.CREATE, 0, "pgw;1;7")
    assert (first.subscription, first.msisdn, first.at) == (ADA.subscription, ADA.msisdn, AT)
    assert first.groups == (Units(10, DATA, 0),)
    assert isinstance(second, session.Request)
    assert second.groups == (Units(10, DATA, 7, 5, Trigger.QUOTA_EXHAUSTED),)
    assert isinstance(third, session.Request)
    assert (third.step, third.groups) == (Step.RELEASE, (Units(10, DATA, None, 3),))
    assert [(one.result_code, one.cc_request_type, one.cc_request_number) for one in answers] == [
        (2001, 1, 0),
        (2001, 2, 1),
        (2001, 3, 2),
    ]
    assert {one.session_id for one in answers} == {"pgw;1;7"}


def test_a_grant_says_how_much_how_long_and_when_to_ask_again() -> None:
    granted = Granted(10, Result.SUCCESS, 5_000_000, 3600, threshold=1_000_000, holding_s=60, tariff_change=AT)
    charging = Scripted([ANSWER._replace(groups=(granted,), charged_micro=12)])

    async def said(client: Client) -> None:
        answer = await client.ask(ccr(INITIAL, 0, service(10, {})))
        (one,) = answer.multiple_services_credit_control
        assert (one.rating_group, one.result_code, one.validity_time) == (10, 2001, 3600)
        assert one.granted_service_unit.cc_total_octets == 5_000_000
        assert (one.volume_quota_threshold, one.quota_holding_time) == (1_000_000, 60)
        cost = answer.cost_information
        assert (cost.unit_value.value_digits, cost.unit_value.exponent, cost.currency_code) == (12, -6, 978)
        # The library's grants know nothing of Tariff-Time-Change: seconds since 1900.
        plain = Message.from_bytes(client.octets, plain_msg=True)
        (change,) = plain.find_avps((456, 0), (431, 0), (451, 0))
        assert int.from_bytes(change.payload, "big") == (AT - datetime(1900, 1, 1, tzinfo=UTC)).total_seconds()

    talk(charging, said)


@pytest.mark.parametrize(
    ("final", "action", "server", "filters"),
    [
        (FinalUnit(), 0, None, []),
        (FinalUnit(Final.REDIRECT, "https://top-up.example"), 1, (2, "https://top-up.example"), []),
        (
            FinalUnit(Final.RESTRICT, filters=("permit out ip from 192.0.2.1 to any",)),
            2,
            None,
            [b"permit out ip from 192.0.2.1 to any"],
        ),
    ],
)
def test_the_end_of_the_quota_says_what_then(
    final: FinalUnit, action: int, server: tuple[int, str] | None, filters: list[bytes]
) -> None:
    granted = Granted(10, Result.SUCCESS, 5, final=final)
    _, (answer,) = told(ccr(INITIAL, 0, service(10, {})), charging=Scripted([ANSWER._replace(groups=(granted,))]))
    found = answer.multiple_services_credit_control[0].final_unit_indication
    assert (found.final_unit_action, found.restriction_filter_rule) == (action, filters)
    redirect = found.redirect_server
    assert (redirect and (redirect.redirect_address_type, redirect.redirect_server_address)) == server


CODES = {
    Result.END_USER_SERVICE_DENIED: 4010,
    Result.QUOTA_MANAGEMENT_NOT_APPLICABLE: 4011,
    Result.QUOTA_LIMIT_REACHED: 4012,
    Result.RATING_FAILED: 5031,
}


@pytest.mark.parametrize(("result", "code"), CODES.items())
def test_a_session_that_is_refused_has_the_code_and_one_that_goes_on_has_it_by_group(result: Result, code: int) -> None:
    refused = ANSWER._replace(result=result, groups=(Granted(10, result),))
    _, (closed, going_on) = told(
        ccr(INITIAL, 0, service(10, {})),
        ccr(UPDATE, 1, service(10, {})),
        charging=Scripted([refused._replace(is_open=False), refused]),
    )
    assert closed.result_code == code
    assert (going_on.result_code, going_on.multiple_services_credit_control[0].result_code) == (2001, code)


def test_the_end_of_a_session_is_always_taken_note_of() -> None:
    failed = ANSWER._replace(result=Result.RATING_FAILED, groups=(Granted(10, Result.RATING_FAILED),), is_open=False)
    _, (answer,) = told(ccr(TERMINATION, 1, service(10)), charging=Scripted([failed]))
    assert (answer.result_code, answer.multiple_services_credit_control[0].result_code) == (2001, 5031)


REFUSALS = {
    session.InvalidRequest: 5004,
    session.UnknownSubscription: 5030,
    session.UnknownSession: 5002,
    session.SessionClosed: 5002,
    session.SessionExists: 5004,
    session.ForeignSession: 5003,
    session.SequenceConflict: 5004,
    session.SequenceGap: 5004,
    session.ClockBackwards: 5004,
    session.UnknownRatingGroup: 5031,
    session.NothingToRefund: 5003,
    session.Contended: 3004,
}


@pytest.mark.parametrize("refusal", refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_of_charging_has_a_code_and_words(refusal: type[ChargingRefused]) -> None:
    _, (answer,) = told(ccr(UPDATE, 1, service(10, {})), charging=Scripted([refusal("words")]))
    assert answer.result_code == REFUSALS[refusal]
    assert answer.find_avps((281, 0))[0].value == "words"
    assert answer.header.is_error == (3000 <= answer.result_code < 4000)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (ccr(INITIAL, 0, service(10, {}), subscription_id=[]), 5005),
        (ccr(INITIAL, 0, service(10, {}), cc_request_number=None), 5005),
        (ccr(INITIAL, 0, service(10, {}), service_context_id=None), 5005),
        (ccr(INITIAL, 0, service(10, {}), service_context_id="32270@3gpp.org"), 5031),
        (ccr(9, 0, service(10, {})), 5004),
        (ccr(INITIAL, 0, service(10, {"cc_time": 60})), 5004),
        (ccr(INITIAL, 0, service(10, {}), service(10, {})), 5004),
        (ccr(INITIAL, 0, service(10, {}), service_information=packet(None)), 5031),
        (ccr(INITIAL, 0, service(10, {}), service_information=packet("90114")), 5031),
        (ccr(INITIAL, 0, service(1, {}), of="voice", service_information=call("sip:ada@example.org")), 5031),
        (ccr(INITIAL, 0, service(10, {}), at=AT + timedelta(hours=1)), 5004),
        (ccr(INITIAL, 0, service(10, {}), at=AT - timedelta(days=2)), 5004),
        (ccr(INITIAL, 0, service(10, {}), destination_realm=b"elsewhere.example"), 3003),
        (ccr(INITIAL, 0, service(10, {}), destination_host=b"other.mvne.example"), 3002),
        (ccr(EVENT, 0, service(10, {})), 5005),
        (ccr(EVENT, 0, service(10, {}), requested_action=7), 5004),
        (ccr(EVENT, 0, service(10), requested_action=0), 5005),
        (ccr(EVENT, 0, service(10, {}), requested_action=1), 5005),
    ],
)
def test_a_request_that_is_wrong_has_the_code_that_says_how(message: Any, code: int) -> None:
    asked, (answer,) = told(message)
    assert answer.result_code == code
    assert asked.asked == []


def test_an_amount_that_cannot_be_read_is_an_error_and_never_nothing() -> None:
    message = ccr(UPDATE, 1, service(10, {}, {"cc_total_octets": 5_000_000}))
    octets = message.as_bytes()
    place = octets.index((421).to_bytes(4, "big"))
    # The number is said to have 6 octets instead of 8.
    broken = octets[: place + 4] + (0x40000000 | 14).to_bytes(4, "big") + octets[place + 8 :]
    asked, answers = Scripted(), []

    async def said(client: Client) -> None:
        client.send_octets(broken)
        answers.append(await client.receive())

    talk(asked, said)
    assert answers[0].result_code == 5004
    assert asked.asked == []


def test_a_line_is_found_by_its_imsi_or_its_number_and_later_by_its_session() -> None:
    nobody = ccr(INITIAL, 0, service(10, {}), subscription_id=[SubscriptionId(1, "208930000000099")], session="b")
    by_number = ccr(INITIAL, 0, service(10, {}), subscription_id=[SubscriptionId(0, MSISDN)])
    unnamed = ccr(UPDATE, 1, service(10, {}), subscription_id=[])
    unheard_of = ccr(UPDATE, 1, service(10, {}), subscription_id=[], session="c")
    asked, answers = told(nobody, by_number, unnamed, unheard_of)
    assert [one.result_code for one in answers] == [5030, 2001, 2001, 5002]
    assert {one.subscription for one in asked.asked} == {ADA.subscription}


def test_a_data_session_is_called_what_the_host_s_records_call_it() -> None:
    known = packet(charging_id=77)
    asked, _ = told(
        ccr(INITIAL, 0, service(10, {}), service_information=known),
        ccr(UPDATE, 1, service(10, {})),
    )
    assert [one.session for one in asked.asked] == ["77@192.0.2.7", "77@192.0.2.7"]


def test_a_charging_id_that_comes_again_is_another_session_of_the_connection() -> None:
    known = packet(charging_id=77)
    asked, answers = told(
        ccr(INITIAL, 0, service(10, {}), service_information=known),
        ccr(UPDATE, 1, service(10, {}), service_information=known),
        charging=Scripted([session.SessionExists("other")]),
    )
    assert [one.result_code for one in answers] == [2001, 2001]
    assert [one.session for one in asked.asked] == ["77@192.0.2.7", "pgw;1;7", "pgw;1;7"]


def test_a_restarted_server_finds_a_session_under_either_name() -> None:
    known = packet(charging_id=77)
    asked, answers = told(
        ccr(UPDATE, 1, service(10, {}), service_information=known),
        charging=Scripted([session.UnknownSession("never")]),
    )
    assert answers[0].result_code == 2001
    assert [one.session for one in asked.asked] == ["77@192.0.2.7", "pgw;1;7"]


def test_what_was_agreed_with_the_host_holds_here_too() -> None:
    agreed = Conventions(countries={"90114": "XZ"}, labels={20: "hotspot"})
    asked, _ = told(ccr(INITIAL, 0, service(20, {}), service_information=packet("90114")), conventions=agreed)
    assert asked.request.groups[0].service == Service(Kind.DATA, None, "XZ", "hotspot")


def test_calls_are_granted_seconds() -> None:
    message = ccr(INITIAL, 0, service(1, {"cc_time": 60}), of="voice", service_information=call("tel:+33199009999"))
    asked, (answer,) = told(message)
    assert asked.request.groups == (Units(1, Service(Kind.VOICE, "+33199009999", "FR"), 60),)
    assert answer.multiple_services_credit_control[0].granted_service_unit.cc_time == 60


def test_a_call_that_reaches_the_line_costs_it_nothing_unless_that_was_agreed() -> None:
    received = call("tel:+33199001001", role=1)
    message = ccr(INITIAL, 0, service(1, {"cc_time": 60}), of="voice", service_information=received)
    _, (answer,) = told(message)
    assert answer.result_code == 4011
    asked, _ = told(message, conventions=Conventions(incoming=True))
    assert asked.request.groups[0].service == Service(Kind.VOICE, "+33199001001", "FR", INCOMING)


def test_a_request_without_services_is_answered_at_the_top() -> None:
    asked, (answer,) = told(ccr(INITIAL, 0, requested_service_unit=RequestedServiceUnit(cc_total_octets=5)))
    assert asked.request.groups == (Units(0, DATA, 5),)
    assert answer.granted_service_unit.cc_total_octets == 5
    assert answer.multiple_services_credit_control == []


def event(action: int, *services: Any, **more: Any) -> Any:
    information = more.pop("service_information", text("+33199009999"))
    return ccr(EVENT, 0, *services, of="sms", requested_action=action, service_information=information, **more)


def test_a_message_is_debited_at_once_and_its_answer_says_how_to_give_it_back() -> None:
    asked, (answer,) = told(event(0, service(9, {"cc_service_specific_units": 2})))
    assert (asked.event.action, asked.event.units, asked.event.rating_group) == (Action.CHARGE, 2, 9)
    assert asked.event.service == Service(Kind.SMS, "+33199009999", "FR")
    (one,) = answer.multiple_services_credit_control
    assert (answer.result_code, one.granted_service_unit.cc_service_specific_units) == (2001, 2)
    assert one.refund_information == b"pgw;1;7"


def test_a_message_without_a_number_of_units_is_one_or_as_many_as_its_parts() -> None:
    asked, _ = told(event(0))
    assert asked.event.units == 1
    asked, _ = told(event(0, service_information=text("+33199009999", parts=3)))
    assert asked.event.units == 3


@pytest.mark.parametrize(
    ("refund", "units"),
    [
        (event(1, service(9, None, refund_information=b"pgw;1;6")), 0),
        (event(1, service(9, {"cc_service_specific_units": 1}, refund_information=b"pgw;1;6")), 1),
        (event(1, service(9, {}), cc_correlation_id=b"pgw;1;6"), 0),
    ],
)
def test_a_refund_names_what_it_gives_back(refund: Any, units: int) -> None:
    asked, (answer,) = told(refund)
    assert (asked.event.action, asked.event.refunds, asked.event.units) == (Action.REFUND, "pgw;1;6", units)
    assert answer.result_code == 2001


def test_a_balance_check_says_whether_there_is_enough() -> None:
    none_left = ANSWER._replace(result=Result.QUOTA_LIMIT_REACHED, is_open=False)
    barred = ANSWER._replace(result=Result.END_USER_SERVICE_DENIED, is_open=False)
    asked, answers = told(
        event(2), event(2), event(2), charging=Scripted([ANSWER._replace(is_open=False), none_left, barred])
    )
    assert asked.event.action is Action.CHECK
    assert [(one.result_code, one.check_balance_result) for one in answers] == [(2001, 0), (2001, 1), (4010, 1)]


def test_a_price_enquiry_says_what_it_would_cost() -> None:
    asked, (answer,) = told(event(3), charging=Scripted([ANSWER._replace(charged_micro=60_000, is_open=False)]))
    assert asked.event.action is Action.PRICE
    cost = answer.cost_information
    assert (cost.unit_value.value_digits, cost.unit_value.exponent, cost.currency_code) == (60_000, -6, 978)


def test_a_request_without_a_time_of_its_own_happens_now() -> None:
    asked, _ = told(ccr(INITIAL, 0, service(10, {}), at=None))
    assert asked.request.at == AT


def test_every_currency_has_a_number() -> None:
    assert set(NUMBERS) == set(EXPONENTS)
    assert len(set(NUMBERS.values())) == len(NUMBERS)


def test_many_requests_of_one_peer_are_worked_on_at_once() -> None:
    charging = Scripted()
    waiting: list[asyncio.Event] = []

    async def slowly(asked: session.Request | session.Event) -> session.Answer:
        waiting.append(asyncio.Event())
        if len(waiting) == 2:
            for one in waiting:
                one.set()
        await waiting[-1 if len(waiting) == 2 else 0].wait()
        return ANSWER._replace(session=asked.session, sequence=asked.sequence)

    charging.ask = slowly  # type: ignore[method-assign]  # stands in for a busy disk

    async def said(client: Client) -> None:
        numbers = {client.send(ccr(INITIAL, 0, session="a")), client.send(ccr(INITIAL, 0, session="b"))}
        found = [await client.receive(), await client.receive()]
        assert {one.header.hop_by_hop_identifier for one in found} == numbers

    talk(charging, said)
