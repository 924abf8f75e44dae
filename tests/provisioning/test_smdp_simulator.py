"""The simulated SM-DP+: the contract of all, the phone's side, and what only a simulator can do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from mvne_provisioning.activation import InvalidActivationCode
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.profile import Profile
from mvne_provisioning.smdp.port import (
    DownloadProgress,
    Es2Failed,
    FinalState,
    NotificationPoint,
    NotificationStatus,
    SmdpUnavailable,
)
from mvne_provisioning.smdp.simulated_phone import Es9Failed
from mvne_provisioning.smdp.simulator import SimulatedSmdpPlus
from mvne_provisioning.smdp.simulator_delivery import DeliveryConflict
from mvne_provisioning.smdp.states import ProfileState
from mvne_provisioning.smdp.tokens import unguessable_token
from tests.provisioning.contract_smdp import (
    BUSINESS,
    EID,
    FIRST,
    OTHER_EID,
    SECOND,
    STOCK,
    UNKNOWN,
    SmdpContract,
    released,
)

CODE = "LPA:1$smdp.simulated.example$MATCH-1"


@pytest.fixture
def smdp(smdp: SimulatedSmdpPlus) -> SimulatedSmdpPlus:
    smdp.load(STOCK)
    return smdp


def told(smdp: SimulatedSmdpPlus) -> list[tuple[NotificationPoint, NotificationStatus, str | None]]:
    pending = smdp.pending_notifications()
    return [(one.progress.point, one.progress.status, one.progress.reason_code) for one in pending]


DOWNLOADED = (NotificationPoint.DOWNLOADED, NotificationStatus.SUCCESS, None)
INSTALLED = (NotificationPoint.INSTALLED, NotificationStatus.SUCCESS, None)


class TestSimulatedSmdpPlus(SmdpContract):
    """The simulator keeps the contract."""


def test_a_delivery_can_be_repeated_and_not_contradicted(smdp: SimulatedSmdpPlus, engine: Engine) -> None:
    assert smdp.load([*STOCK, *simulated_batch(50, 2)]) == 2
    with pytest.raises(DeliveryConflict):
        smdp.load([Profile(STOCK[0].iccid, STOCK[0].imsi, "gold")])
    with pytest.raises(DeliveryConflict):
        SimulatedSmdpPlus(engine, requester="another").load(STOCK)


def test_an_operator_cannot_touch_the_profiles_of_another(smdp: SimulatedSmdpPlus, engine: Engine) -> None:
    another = SimulatedSmdpPlus(engine, requester="another")
    with pytest.raises(Es2Failed) as by_iccid:
        another.download_order("order", iccid=FIRST)
    with pytest.raises(Es2Failed) as by_type:
        another.download_order("order 2", profile_type="consumer")
    assert (by_iccid.value.codes, by_type.value.codes) == (("8.2.1", "1.2"), ("8.2.5", "1.2"))
    smdp.download_order("order", iccid=FIRST)


def test_a_phone_downloads_and_installs_and_the_operator_is_told_in_order(
    smdp: SimulatedSmdpPlus, at: datetime
) -> None:
    released(smdp)
    assert smdp.state(FIRST) is ProfileState.RELEASED
    installed = smdp.download(CODE, EID, at)
    assert (installed.iccid, installed.imsi, installed.eid) == (FIRST, STOCK[0].imsi, EID)
    assert smdp.state(FIRST) is ProfileState.INSTALLED
    heard: list[DownloadProgress] = []
    assert smdp.deliver(heard.append) == 2
    assert [progress.point for progress in heard] == [NotificationPoint.DOWNLOADED, NotificationPoint.INSTALLED]
    assert {(progress.iccid, progress.profile_type, progress.eid, progress.at) for progress in heard} == {
        (FIRST, "consumer", EID, at)
    }
    assert all(progress.succeeded and not progress.explanation for progress in heard)
    assert smdp.deliver(heard.append) == 0


def test_a_phone_without_matching_id_is_found_by_its_eid(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    smdp.download_order("o", iccid=FIRST)
    smdp.confirm_order("c", FIRST, eid=EID, matching_id="", release_flag=True)
    with pytest.raises(Es9Failed) as failed:
        smdp.download("1$smdp.simulated.example$", OTHER_EID, at)
    assert failed.value.codes == ("8.1.1", "3.8")
    assert smdp.download("1$smdp.simulated.example$", EID, at).iccid == FIRST


@pytest.mark.parametrize(
    ("code", "codes"),
    [
        ("1$smdp.simulated.example$MATCH-2", ("8.2.6", "3.8")),
        ("1$smdp.another.example$MATCH-1", ("8.8.1", "3.8")),
    ],
)
def test_a_wrong_activation_code_gets_no_profile(
    smdp: SimulatedSmdpPlus, at: datetime, code: str, codes: tuple[str, str]
) -> None:
    released(smdp)
    with pytest.raises(Es9Failed) as failed:
        smdp.download(code, EID, at)
    assert failed.value.codes == codes
    assert (smdp.state(FIRST), told(smdp)) == (ProfileState.RELEASED, [])


def test_what_is_not_an_activation_code_is_refused_as_such(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    with pytest.raises(InvalidActivationCode):
        smdp.download("hello", EID, at)


def test_a_profile_that_is_not_released_is_not_handed_out(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    smdp.download_order("o", iccid=FIRST)
    smdp.confirm_order("c", FIRST, matching_id="MATCH-1")
    with pytest.raises(Es9Failed) as early:
        smdp.download(CODE, EID, at)
    smdp.release_profile("r", FIRST)
    smdp.download(CODE, EID, at)
    with pytest.raises(Es9Failed) as again:
        smdp.download(CODE, EID, at)
    assert early.value.codes == again.value.codes == ("8.2", "1.2")


def test_a_profile_for_one_eid_is_refused_to_another(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    smdp.download_order("o", iccid=FIRST, eid=EID)
    smdp.confirm_order("c", FIRST, matching_id="MATCH-1", release_flag=True)
    with pytest.raises(Es9Failed) as failed:
        smdp.download(CODE, OTHER_EID, at)
    assert failed.value.codes == ("8.1.1", "3.8")
    smdp.download(CODE, EID, at)


def test_an_interrupted_installation_is_tried_again_by_the_same_phone_only(
    smdp: SimulatedSmdpPlus, at: datetime
) -> None:
    released(smdp)
    with pytest.raises(Es9Failed):
        smdp.download(CODE, EID, at, install_error=11)
    assert smdp.state(FIRST) is ProfileState.DOWNLOADED
    with pytest.raises(Es9Failed) as other:
        smdp.download(CODE, OTHER_EID, at)
    assert other.value.codes == ("8.1.1", "3.8")
    smdp.download(CODE, EID, at)
    failed = (NotificationPoint.INSTALLED, NotificationStatus.FAILED, "4.2")
    assert told(smdp) == [DOWNLOADED, failed, DOWNLOADED, INSTALLED]


def test_too_many_downloads_put_the_profile_aside(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    released(smdp)
    for _ in range(3):
        with pytest.raises(Es9Failed):
            smdp.download(CODE, EID, at, install_error=10)
    with pytest.raises(Es9Failed) as failed:
        smdp.download(CODE, EID, at)
    assert failed.value.codes == ("8.8.5", "6.4")
    assert smdp.state(FIRST) is ProfileState.ERROR
    assert told(smdp)[-1] == (NotificationPoint.ELIGIBILITY, NotificationStatus.FAILED, "6.4")
    assert "was tried too often" in smdp.pending_notifications()[-1].progress.explanation


def test_an_installation_that_fails_for_good_ends_the_profile(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    released(smdp)
    with pytest.raises(Es9Failed):
        smdp.download(CODE, EID, at, install_error=9)
    assert smdp.state(FIRST) is ProfileState.ERROR
    with pytest.raises(Es2Failed) as failed:
        smdp.cancel_order("x", FIRST, None, FinalState.AVAILABLE)
    assert failed.value.codes == ("8.2.1", "3.3")


def test_a_confirmation_code_is_asked_for_and_wrong_ones_are_counted(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    smdp.download_order("o", iccid=FIRST)
    smdp.confirm_order("c", FIRST, matching_id="MATCH-1", confirmation_code="4711", release_flag=True)
    seen = []
    for code in (None, "1", None, "2", "3", "4711"):
        with pytest.raises(Es9Failed) as failed:
            smdp.download(CODE, EID, at, confirmation_code=code)
        seen.append("/".join(failed.value.codes))
    assert seen == ["8.2.7/2.2", "8.2.7/3.8", "8.2.7/2.2", "8.2.7/3.8", "8.2.7/6.4", "8.2/1.2"]
    assert told(smdp) == [(NotificationPoint.CONFIRMATION, NotificationStatus.FAILED, "6.4")]


def test_the_right_confirmation_code_opens(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    smdp.download_order("o", iccid=FIRST)
    smdp.confirm_order("c", FIRST, matching_id="MATCH-1", confirmation_code="4711", release_flag=True)
    assert smdp.download(CODE, EID, at, confirmation_code="4711").iccid == FIRST


@pytest.mark.parametrize("final_state", FinalState)
def test_a_cancelled_order_leads_a_phone_nowhere(
    smdp: SimulatedSmdpPlus, at: datetime, final_state: FinalState
) -> None:
    smdp.cancel_order("x", released(smdp), None, final_state)
    with pytest.raises(Es9Failed):
        smdp.download(CODE, EID, at)
    assert str(smdp.state(FIRST)) == str(final_state)


def test_a_downloaded_profile_cannot_be_cancelled(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    released(smdp)
    smdp.download(CODE, EID, at)
    with pytest.raises(Es2Failed) as failed:
        smdp.cancel_order("x", FIRST, "MATCH-1", FinalState.UNAVAILABLE)
    assert failed.value.codes == ("8.2.1", "3.3")


def test_what_the_user_does_on_the_phone_is_told(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    released(smdp)
    smdp.download(CODE, EID, at)
    smdp.enable(FIRST, EID, at)
    with pytest.raises(Es9Failed) as failed:
        smdp.delete(FIRST, EID, at)
    assert failed.value.codes == ("8.2", "3.5")
    smdp.disable(FIRST, EID, at)
    smdp.delete(FIRST, EID, at)
    with pytest.raises(Es9Failed):
        smdp.enable(FIRST, OTHER_EID, at)
    with pytest.raises(Es9Failed):
        smdp.enable(UNKNOWN, EID, at)
    points = [point for point, _, _ in told(smdp)][2:]
    assert points == [NotificationPoint.ENABLED, NotificationPoint.DISABLED, NotificationPoint.DELETED]
    assert smdp.state(FIRST) is ProfileState.DELETED


def test_a_notification_is_delivered_until_the_listener_took_it(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    released(smdp)
    smdp.download(CODE, EID, at)
    heard: list[NotificationPoint] = []

    def listener(progress: DownloadProgress) -> None:
        heard.append(progress.point)
        if len(heard) == 2:
            raise ConnectionError("the operator went away")

    with pytest.raises(ConnectionError):
        smdp.deliver(listener)
    assert smdp.deliver(listener) == 1
    assert heard == [NotificationPoint.DOWNLOADED, NotificationPoint.INSTALLED, NotificationPoint.INSTALLED]


def test_another_operator_hears_nothing_and_can_acknowledge_nothing(
    smdp: SimulatedSmdpPlus, engine: Engine, at: datetime
) -> None:
    released(smdp)
    smdp.download(CODE, EID, at)
    another = SimulatedSmdpPlus(engine, requester="another")
    assert another.pending_notifications() == ()
    another.acknowledge(smdp.pending_notifications()[0].sequence)
    assert len(smdp.pending_notifications()) == 2


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_call_without_answer_can_be_repeated(smdp: SimulatedSmdpPlus, after_effect: bool) -> None:
    smdp.fail_next("download_order", SmdpUnavailable("no answer"), after_effect=after_effect)
    with pytest.raises(SmdpUnavailable):
        smdp.download_order("o", iccid=FIRST)
    assert smdp.state(FIRST) is (ProfileState.ALLOCATED if after_effect else ProfileState.AVAILABLE)
    assert smdp.download_order("o", iccid=FIRST) == FIRST
    smdp.fail_next("confirm_order", Es2Failed("1.2", "4.2", "internal"))
    for _ in range(2):
        with pytest.raises(Es2Failed, match="the server failed while executing: internal"):
            smdp.confirm_order("c", FIRST)


def test_latency_comes_before_every_answer(engine: Engine) -> None:
    waited: list[float] = []
    smdp = SimulatedSmdpPlus(engine, latency=0.5, sleep=waited.append)
    smdp.load(STOCK)
    smdp.download_order("o", iccid=BUSINESS)
    assert waited == [0.5]


def test_it_remembers_when_our_side_starts_again(smdp: SimulatedSmdpPlus, engine: Engine, at: datetime) -> None:
    released(smdp)
    smdp.download(CODE, EID, at)
    again = SimulatedSmdpPlus(engine)
    assert again.state(FIRST) is ProfileState.INSTALLED
    assert again.pending_notifications() == smdp.pending_notifications()


def test_own_matching_ids_cannot_be_guessed_and_are_accepted(engine: Engine) -> None:
    smdp = SimulatedSmdpPlus(engine)
    smdp.load(STOCK)
    for iccid in (FIRST, SECOND):
        smdp.download_order(f"o{iccid}", iccid=iccid)
    ids = {smdp.confirm_order(f"c{iccid}", iccid).matching_id for iccid in (FIRST, SECOND)}
    assert {len(matching_id) for matching_id in ids} == {32}
    assert len({unguessable_token() for _ in range(100)}) == 100


def test_eight_threads_never_get_the_same_profile(smdp: SimulatedSmdpPlus) -> None:
    smdp.load(simulated_batch(100, 80, profile_type="crowd"))
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda n: smdp.download_order(f"o{n}", profile_type="crowd"), range(80)))
    assert len(set(taken)) == 80


def test_eight_phones_with_one_code_install_one_profile(smdp: SimulatedSmdpPlus, at: datetime) -> None:
    released(smdp)

    def download(second: int) -> bool:
        try:
            smdp.download(CODE, EID, at + timedelta(seconds=second))
        except Es9Failed:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(download, range(16))) == 1
    assert told(smdp) == [DOWNLOADED, INSTALLED]
