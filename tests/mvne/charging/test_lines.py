"""Which line an identity of the network is, at a moment."""

from __future__ import annotations

from datetime import timedelta

from mvne import service
from mvne.charging import find_line
from mvne_billing.charging.edges.people import Party, Subscriber, party
from tests.mvne.charging.conftest import Home


def found(home: Home, wanted: Party, days: int = 0) -> Subscriber | None:
    with home.house.platform.store.read() as conn:
        return find_line(conn, "tilleul", wanted, home.house.now + timedelta(days=days))


def test_a_line_is_found_by_its_card_and_by_its_number(home: Home) -> None:
    known = Subscriber(home.line.id, str(home.line.msisdn))
    assert found(home, party(home.imsi)) == known
    assert found(home, party(f"msisdn-{str(home.line.msisdn).removeprefix('+')}")) == known


def test_nobody_is_found_who_is_not_here(home: Home) -> None:
    assert found(home, party("imsi-208930000000099")) is None
    assert found(home, party("imsi-20893")) is None
    assert found(home, party("msisdn-33199009999")) is None
    number = party(f"msisdn-{str(home.line.msisdn).removeprefix('+')}")
    assert found(home, number, days=-1) is None


def test_a_swapped_card_is_the_same_line_and_the_old_one_nobody_s(home: Home) -> None:
    old = party(home.imsi)
    from mvne import phone

    service.swap_sim(home.house.platform, "tilleul", home.line.id, home.house.now)
    swapped = phone.install(home.house.platform, "tilleul", home.line.id, home.house.now)
    assert swapped.imsi != home.line.imsi
    assert found(home, old) is None
    assert found(home, party(f"imsi-{swapped.imsi}")) == Subscriber(home.line.id, str(home.line.msisdn))


def test_a_line_that_ended_has_no_card_and_no_number(home: Home) -> None:
    number = party(f"msisdn-{str(home.line.msisdn).removeprefix('+')}")
    service.cancel(home.house.platform, "tilleul", home.line.id, home.house.now, now=True)
    from mvne import workers

    workers.work(home.house.platform, "tilleul", home.house.now)
    assert (found(home, party(home.imsi)), found(home, number)) == (None, None)
