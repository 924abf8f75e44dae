"""Whatever operators and phones do in whatever order: states move as the table says, and nothing is given twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.smdp.server.tables import profiles
from mvne_provisioning.smdp.states import SMDP_MOVES, ProfileState
from tests.database import open_engine
from tests.provisioning.server.world import World, outcome

EIDS = ("89049032123451234512345678901235", "89049032000000000000000000000066")
ICCIDS = 3


@dataclass(frozen=True)
class Offer:
    """What a phone was offered: of which order, and with what."""

    eid: str
    answer: dict[str, str]


def reachable() -> dict[ProfileState, set[ProfileState]]:
    """Return for each state all that may come after it, at any distance, and itself."""
    found = {state: {state, *after} for state, after in SMDP_MOVES.items()}
    for _ in found:
        for state in found:
            found[state] = found[state].union(*(found[after] for after in found[state]))
    return found


REACHABLE = reachable()


class Orders(RuleBasedStateMachine):
    """Operators and phones around one server with few profiles."""

    certificates: ClassVar[Certificates]
    ordered, offers, packages = Bundle("ordered"), Bundle("offers"), Bundle("packages")

    @initialize()
    def begin(self) -> None:
        self.engine = open_engine("sqlite://")
        self.world = World(self.engine, self.certificates).stocked(ICCIDS)
        self.cards = {eid: self.world.card(None, eid) for eid in EIDS}
        self.before = dict.fromkeys(self.states(), ProfileState.AVAILABLE)
        self.installs: dict[str, int] = {}

    def states(self) -> dict[str, ProfileState]:
        with self.engine.begin() as conn:
            return {row.iccid: ProfileState(row.state) for row in conn.execute(select(profiles))}

    @rule(target=ordered, eid=st.none() | st.sampled_from(EIDS))
    def order(self, eid: str | None) -> str:
        said = {"eid": eid} if eid else {}
        told = self.world.es2("downloadOrder", profileType="consumer", **said)
        assert outcome(told) in ("ok", "8.2.5/3.7")
        return str(told.get("iccid", ""))

    @rule(iccid=ordered, is_released=st.booleans(), code=st.sampled_from([None, "1"]))
    def confirm(self, iccid: str, is_released: bool, code: str | None) -> None:
        self.world.es2("confirmOrder", iccid=iccid, releaseFlag=is_released, confirmationCode=code)

    @rule(iccid=ordered)
    def release(self, iccid: str) -> None:
        self.world.es2("releaseProfile", iccid=iccid)

    @rule(iccid=ordered, final=st.sampled_from(["Available", "Available", "Unavailable"]))
    def cancel(self, iccid: str, final: str) -> None:
        before = self.states().get(iccid.rstrip("F"))
        told = outcome(self.world.es2("cancelOrder", iccid=iccid, finalProfileStatusIndicator=final))
        assert told != "ok" or before in ("Allocated", "Linked", "Confirmed", "Released", "Available")

    @rule(target=offers, iccid=ordered, eid=st.sampled_from(EIDS))
    def authenticate(self, iccid: str, eid: str) -> Offer | None:
        if not iccid:
            return None
        row = self.world.profile(iccid.rstrip("F"))
        answer = self.world.offered(self.cards[eid].says(matching_id=row.matching_id))
        if outcome(answer) != "ok":
            return None
        assert row.eid in (None, eid)
        assert row.state in ("Released", "Downloaded")
        return Offer(eid, answer)

    @rule(target=packages, offer=offers, code=st.sampled_from([None, "1", "2"]))
    def get(self, offer: Offer | None, code: str | None) -> Offer | None:
        told = self.world.package(self.cards[offer.eid], offer.answer, code) if offer else None
        return offer if offer and outcome(told) == "ok" else None

    @rule(offer=packages, failure=st.sampled_from([None, None, (5, 10), (5, 9)]))
    def tell(self, offer: Offer | None, failure: tuple[int, int] | None) -> None:
        if offer:
            request = self.cards[offer.eid].installed(bytes.fromhex(offer.answer["transactionId"]), None, failure)
            before = self.states()
            assert self.world.es9("handleNotification", request) is None
            for iccid, state in self.states().items():
                if state == "Installed" != before[iccid]:
                    self.installs[iccid] = self.installs.get(iccid, 0) + 1

    @rule(offer=offers | packages, reason=st.integers(0, 5))
    def give_up(self, offer: Offer | None, reason: int) -> None:
        if offer:
            self.world.es9("cancelSession", self.cards[offer.eid].cancel(offer.answer, reason))

    @rule(hours=st.sampled_from([0, 1, 24 * 100]))
    def wait(self, hours: int) -> None:
        self.world.at += timedelta(hours=hours)
        self.world.sweep()

    @invariant()
    def moves_are_those_of_the_table(self) -> None:
        after = self.states()
        assert set(after) == set(self.before)
        for iccid, state in after.items():
            assert state in REACHABLE[self.before[iccid]], (iccid, self.before[iccid], state)
        self.before = after

    @invariant()
    def limits_hold_and_a_profile_is_installed_once(self) -> None:
        with self.engine.begin() as conn:
            for row in conn.execute(select(profiles)):
                assert row.downloads <= self.world.settings.limits.downloads
                assert row.wrong_codes < self.world.settings.limits.wrong_codes
                assert (row.state == "Available") == (row.caller is None) or row.state == "Unavailable"
                assert row.eid is not None or row.state not in ("Downloaded", "Installed", "Linked")
        assert all(count == 1 for count in self.installs.values())

    def teardown(self) -> None:
        self.engine.dispose()


def test_no_order_of_events_gives_a_profile_twice(certificates: Certificates) -> None:
    few = settings(max_examples=8, stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow])
    Orders.certificates = certificates
    run_state_machine_as_test(Orders, settings=few)
