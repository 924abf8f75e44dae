"""What any SM-DP+ must do over ES2+, whoever built it: run on the simulator, and with a key on the real thing.

A subclass gives the fixture `smdp`, with the profiles of `STOCK` in its inventory.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.smdp.port import Es2Failed, FinalState, SmdpPlus

STOCK = [*simulated_batch(1, 2, profile_type="consumer"), *simulated_batch(3, 1, profile_type="business")]
FIRST, SECOND, BUSINESS = (profile.iccid for profile in STOCK)
UNKNOWN = simulated_batch(999, 1)[0].iccid
EID, OTHER_EID = Eid.with_check_digits("8" * 30), Eid.with_check_digits("9" * 30)


def ordered(smdp: SmdpPlus, eid: Eid | None = None) -> Iccid:
    return smdp.download_order("order", iccid=FIRST, eid=eid)


def confirmed(smdp: SmdpPlus) -> Iccid:
    smdp.confirm_order("confirm", ordered(smdp), matching_id="MATCH-1")
    return FIRST


def released(smdp: SmdpPlus) -> Iccid:
    smdp.release_profile("release", confirmed(smdp))
    return FIRST


def cancelled(smdp: SmdpPlus) -> Iccid:
    smdp.cancel_order("cancel", released(smdp), "MATCH-1", FinalState.UNAVAILABLE)
    return FIRST


#: How to get there -> what is then refused, and with which codes.
REFUSED: list[tuple[str, Callable[[SmdpPlus], object], Callable[[SmdpPlus], object], str]] = [
    ("order: nothing named", lambda s: None, lambda s: s.download_order("x"), "1.6/2.3"),
    ("order: unknown ICCID", lambda s: None, lambda s: s.download_order("x", UNKNOWN), "8.2.1/3.9"),
    ("order: ICCID taken", ordered, lambda s: s.download_order("x", FIRST), "8.2.1/3.3"),
    ("order: unknown type", lambda s: None, lambda s: s.download_order("x", None, "gold"), "8.2.5/3.9"),
    ("order: not its type", lambda s: None, lambda s: s.download_order("x", FIRST, "business"), "8.2.5/3.8"),
    (
        "order: none left",
        lambda s: s.download_order("b", profile_type="business"),
        lambda s: s.download_order("x", profile_type="business"),
        "8.2.5/3.7",
    ),
    ("order: cancelled for good", cancelled, lambda s: s.download_order("x", FIRST), "8.2.1/3.3"),
    ("confirm: unknown ICCID", lambda s: None, lambda s: s.confirm_order("x", UNKNOWN), "8.2.1/3.9"),
    ("confirm: not ordered", lambda s: None, lambda s: s.confirm_order("x", FIRST), "8.2.1/3.5"),
    ("confirm: twice", confirmed, lambda s: s.confirm_order("x", FIRST), "8.2.1/3.5"),
    ("confirm: other EID", lambda s: ordered(s, EID), lambda s: s.confirm_order("x", FIRST, OTHER_EID), "8.1.1/3.10"),
    ("confirm: no EID", ordered, lambda s: s.confirm_order("x", FIRST, matching_id=""), "8.1.1/2.2"),
    ("confirm: bad matching id", ordered, lambda s: s.confirm_order("x", FIRST, matching_id="abc"), "8.2.6/2.1"),
    (
        "confirm: matching id in use",
        lambda s: (confirmed(s), s.download_order("o2", SECOND)),
        lambda s: s.confirm_order("x", SECOND, matching_id="MATCH-1"),
        "8.2.6/3.3",
    ),
    ("release: unknown ICCID", lambda s: None, lambda s: s.release_profile("x", UNKNOWN), "8.2.1/3.9"),
    ("release: not confirmed", ordered, lambda s: s.release_profile("x", FIRST), "8.2.1/3.5"),
    ("release: twice", released, lambda s: s.release_profile("x", FIRST), "8.2.1/3.5"),
    (
        "cancel: unknown ICCID",
        lambda s: None,
        lambda s: s.cancel_order("x", UNKNOWN, None, FinalState.AVAILABLE),
        "8.2.1/3.9",
    ),
    (
        "cancel: other matching id",
        confirmed,
        lambda s: s.cancel_order("x", FIRST, "MATCH-2", FinalState.AVAILABLE),
        "8.2.6/3.10",
    ),
    (
        "cancel: other EID",
        lambda s: ordered(s, EID),
        lambda s: s.cancel_order("x", FIRST, None, FinalState.AVAILABLE, OTHER_EID),
        "8.1.1/3.10",
    ),
    (
        "cancel: already for good",
        cancelled,
        lambda s: s.cancel_order("x", FIRST, None, FinalState.AVAILABLE),
        "8.2.1/3.5",
    ),
]


class SmdpContract:
    """Every SM-DP+ keeps these promises."""

    @pytest.mark.parametrize(
        ("prepare", "refused", "codes"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
    )
    def test_a_refusal_has_the_codes_of_sgp_22_and_says_them_in_words(
        self,
        smdp: SmdpPlus,
        prepare: Callable[[SmdpPlus], object],
        refused: Callable[[SmdpPlus], object],
        codes: str,
    ) -> None:
        prepare(smdp)
        with pytest.raises(Es2Failed) as failed:
            refused(smdp)
        assert "/".join(failed.value.codes) == codes
        assert failed.value.explanation in str(failed.value)
        assert "subject" not in failed.value.explanation
        assert "reason" not in failed.value.explanation

    def test_an_order_goes_from_inventory_to_release(self, smdp: SmdpPlus) -> None:
        iccid = smdp.download_order("o", profile_type="business")
        assert iccid == BUSINESS
        answer = smdp.confirm_order("c", iccid)
        assert answer.matching_id
        assert answer.eid is None
        assert answer.smdp_address
        smdp.release_profile("r", iccid)

    def test_an_eid_given_with_the_order_is_kept(self, smdp: SmdpPlus) -> None:
        assert smdp.confirm_order("c", ordered(smdp, EID)).eid == EID

    def test_an_eid_given_with_the_confirmation_is_kept(self, smdp: SmdpPlus) -> None:
        answer = smdp.confirm_order("c", ordered(smdp), eid=EID, matching_id="")
        assert (answer.eid, answer.matching_id) == (EID, "")

    @pytest.mark.parametrize("prepare", [ordered, confirmed, released])
    def test_a_cancelled_order_can_be_placed_again(self, smdp: SmdpPlus, prepare: Callable[[SmdpPlus], Iccid]) -> None:
        smdp.cancel_order("cancel", prepare(smdp), None, FinalState.AVAILABLE)
        smdp.download_order("again", iccid=FIRST, eid=OTHER_EID)
        smdp.confirm_order("confirm again", FIRST, matching_id="MATCH-1", release_flag=True)

    def test_a_repeated_call_id_has_no_second_effect_and_the_first_answer(self, smdp: SmdpPlus) -> None:
        first = smdp.download_order("o", profile_type="consumer")
        assert smdp.download_order("o", profile_type="consumer") == first
        answer = smdp.confirm_order("c", first)
        smdp.release_profile("r", first)
        assert smdp.confirm_order("c", first) == answer
        smdp.release_profile("r", first)
        smdp.cancel_order("x", first, answer.matching_id, FinalState.AVAILABLE)
        smdp.cancel_order("x", first, answer.matching_id, FinalState.AVAILABLE)
        assert smdp.download_order("o", profile_type="consumer") == first
        assert smdp.download_order("o2", iccid=first) == first

    def test_a_refusal_is_remembered_under_its_call_id(self, smdp: SmdpPlus) -> None:
        for _ in range(2):
            with pytest.raises(Es2Failed) as failed:
                smdp.release_profile("r", FIRST)
            assert failed.value.codes == ("8.2.1", "3.5")
            confirmed(smdp)
        smdp.release_profile("r2", FIRST)

    def test_a_call_id_with_other_parameters_is_refused(self, smdp: SmdpPlus) -> None:
        ordered(smdp)
        with pytest.raises(Es2Failed) as failed:
            smdp.download_order("order", iccid=SECOND)
        assert failed.value.codes == ("1.6", "2.1")
