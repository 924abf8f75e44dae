"""What the protocols share: whose use it is, what was measured, where the phone is, what a session is called."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mvne_billing.charging.edges.measured import Measured, WrongUnit
from mvne_billing.charging.edges.names import invocation, short
from mvne_billing.charging.edges.numbers import NotANumber, called
from mvne_billing.charging.edges.people import (
    NotAnIdentity,
    Party,
    RememberedSubscribers,
    Subscriber,
    masked,
    party,
)
from mvne_billing.charging.edges.places import NoCountry, country
from mvne_billing.charging.nchf import app
from mvne_billing.charging.nchf.refs import NotARef, read_ref, ref
from mvne_billing.charging.session import MOST_SESSION
from mvne_billing.usage.facts import Conventions
from mvne_plans.quantity import MOST, Kind
from tests.billing.edges.bodies import Body, body, message, usage
from tests.billing.edges.scripted import ADA, AT, Scripted, edge_of
from tests.billing.edges.web import Web


class Register:
    """Looks lines up, counts how often, and has a clock."""

    def __init__(self, most: int = 100) -> None:
        self.now = AT
        self.known: dict[Party, Subscriber] = {}
        self.asked: list[Party] = []
        self.subscribers = RememberedSubscribers(self._lookup, lambda: self.now, timedelta(minutes=1), most)

    def _lookup(self, wanted: Party, at: datetime) -> Subscriber | None:
        self.asked.append(wanted)
        return self.known.get(wanted)

    def find(self, wanted: Party) -> Subscriber | None:
        return asyncio.run(self._find(wanted))

    async def _find(self, wanted: Party) -> Subscriber | None:
        return await self.subscribers(wanted, self.now)


ONE, TWO = party("msisdn-33199001001"), party("msisdn-33199001002")


def test_a_line_that_was_found_is_remembered_for_a_minute() -> None:
    register = Register()
    register.known[ONE] = ADA
    assert (register.find(ONE), register.find(ONE)) == (ADA, ADA)
    assert register.asked == [ONE]
    del register.known[ONE]
    register.now += timedelta(seconds=61)
    assert register.find(ONE) is None
    assert register.asked == [ONE, ONE]


def test_a_line_that_was_not_found_may_begin_at_any_moment() -> None:
    register = Register()
    assert register.find(ONE) is None
    register.known[ONE] = ADA
    assert register.find(ONE) == ADA


def test_no_more_lines_are_remembered_than_there_is_room_for() -> None:
    register = Register(most=1)
    register.known |= {ONE: ADA, TWO: ADA}
    for wanted in (ONE, TWO, ONE):
        assert register.find(wanted) == ADA
    assert register.asked == [ONE, TWO, ONE]


@pytest.mark.parametrize(
    "text",
    ["", "imsi-", "imsi-1234", "imsi-1234567890123456", "nai-a@b", "msisdn-+33199001001", "imsi-20893000000001x"],
)
def test_what_names_no_line_of_ours_is_no_identity(text: str) -> None:
    with pytest.raises(NotAnIdentity):
        party(text)


def test_a_short_number_is_masked_too() -> None:
    assert party("msisdn-33123").masked == "msisdn-331****"


@given(some.from_regex(r"(imsi|msisdn)-[0-9]{8,15}", fullmatch=True))
def test_what_is_logged_of_an_identity_is_too_little_to_call_it(text: str) -> None:
    found = party(text)
    for shown in (found.masked, masked(f"line {text} is unknown")):
        assert found.digits not in shown
        assert found.digits[-2:] in shown


@pytest.mark.parametrize(
    "address", ["", "sip:ada@example.org", "tel:", "mailto:a@b", "x" * 300, "tel:+" + "9" * 40, "tel:½"]
)
def test_an_address_without_a_number_is_refused(address: str) -> None:
    with pytest.raises(NotANumber):
        called(address)


@pytest.mark.parametrize(
    ("measured", "kind", "amount"),
    [
        (Measured(total=5), Kind.DATA, 5),
        (Measured(uplink=2), Kind.DATA, 2),
        (Measured(total=5, uplink=2, downlink=2), Kind.DATA, 5),
        (Measured(seconds=5), Kind.VOICE, 5),
        (Measured(specific=5), Kind.SMS, 5),
        (Measured(), Kind.DATA, None),
        (Measured(seconds=0), Kind.DATA, None),
    ],
)
def test_an_amount_is_read_in_the_unit_of_its_kind(measured: Measured, kind: Kind, amount: int | None) -> None:
    assert measured.of(kind) == amount


@pytest.mark.parametrize(
    ("measured", "kind"),
    [(Measured(seconds=5), Kind.DATA), (Measured(total=5), Kind.VOICE), (Measured(seconds=5), Kind.SMS)],
)
def test_an_amount_in_another_unit_alone_is_never_taken_as_nothing(measured: Measured, kind: Kind) -> None:
    with pytest.raises(WrongUnit):
        measured.of(kind)


def test_what_is_asked_for_is_bounded_and_nothing_is_whatever_we_think_fit() -> None:
    assert (Measured().wanted(Kind.DATA), Measured(total=2**64 - 1).wanted(Kind.DATA)) == (0, MOST)


@given(some.text(max_size=300))
def test_every_name_fits_and_two_names_stay_two(name: str) -> None:
    kept = short(name + "a")
    assert len(kept) <= MOST_SESSION
    assert kept.isprintable()
    assert kept == short(name + "a")
    assert kept != short(name + "b")


def test_an_invocation_is_known_by_all_that_identifies_it() -> None:
    assert invocation("a", 1) == invocation("a", 1) != invocation("a", 2)
    assert invocation("a", "b") != invocation("ab", "")


def test_a_country_is_that_of_the_first_network_named() -> None:
    assert country(["", "26201", "20801"], Conventions()) == "DE"
    assert country([], Conventions(home="FR")) == "FR"
    assert country(["90114"], Conventions(countries={"901": "XZ"})) == "XZ"
    for networks in ([], [""], ["90114"]):
        with pytest.raises(NoCountry):
            country(networks, Conventions())


@given(some.text(min_size=1, max_size=80), some.text(min_size=1, max_size=100))
def test_a_reference_gives_back_what_it_was_made_of(line: str, session: str) -> None:
    line, session = line.replace("\x1f", "x"), session.replace("\x1f", "x")
    try:
        made = ref(line, session)
    except UnicodeEncodeError:
        return
    assert read_ref(made) == (line, session)
    assert made.isascii()
    assert "/" not in made


@pytest.mark.parametrize("text", ["", "!", "abc", "YWJj", "_" * 400, "é"])
def test_what_was_not_given_here_is_no_reference(text: str) -> None:
    with pytest.raises(NotARef):
        read_ref(text)


@pytest.mark.parametrize(
    ("moment", "is_new", "later"),
    [
        ("2027-01-04T09:09:59Z", 201, 200),
        ("2027-01-04T09:10:01Z", 400, 400),
        ("2027-01-03T09:00:01Z", 201, 200),
        ("2027-01-03T08:59:59Z", 400, 200),
        ("2199-01-01T00:00:00Z", 400, 400),
        ("2000-01-01T00:00:00Z", 400, 200),
    ],
)
def test_a_clock_far_from_ours_is_not_believed(moment: str, is_new: int, later: int) -> None:
    """What begins may be a day old, because nodes send again; a report may be of any age: it was used."""
    web = Web()
    opened = web.create(body())
    told: Body = {"invocationTimeStamp": moment}
    found = [web.create(body(**told)), web.update(opened, body(1, **told)), web.create(message(**told))]
    assert [one.status for one in found] == [is_new, later, is_new]
    refused = [one for one in found if one.status == 400]
    assert all(one.json["invalidParams"][0]["param"] == "/invocationTimeStamp" for one in refused)


def test_a_body_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "PATIENCE_S", 0)
    told: list[dict[str, object]] = []

    async def asking() -> None:
        async def receive() -> dict[str, object]:
            await asyncio.sleep(5)
            raise AssertionError("it waited")

        async def send(part: dict[str, object]) -> None:
            told.append(part)

        web = app.application(edge_of(Scripted()), lambda: (True, {}))
        scope = {"type": "http", "method": "POST", "path": app.BASE, "query_string": b"", "root_path": ""}
        scope |= {"headers": [(b"content-type", b"application/json"), (b"host", b"x")], "server": ("x", 80)}
        await web(scope, receive, send)  # type: ignore[arg-type]  # as loose as the standard leaves it

    asyncio.run(asking())
    assert told[0]["status"] == 408
    assert json.loads(bytes(told[1]["body"]))["status"] == 408  # type: ignore[call-overload]  # octets


def test_a_request_that_asks_for_nothing_opens_a_session_that_holds_nothing() -> None:
    web = Web()
    assert web.create(body(multipleUnitUsage=[usage(10)])).status == 201
    assert web.charging.request.groups[0].requested is None
