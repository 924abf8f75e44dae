"""Use that is put right: late, out of order, by a list of another day, a wrong file, a record mended by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mvne import sharing, usage, workers
from mvne.lines import BY_IMSI
from mvne.number_lists import world_at
from mvne.outbox import events
from mvne.rated import UsageNotFound, explain_usage
from mvne.selling import selling
from mvne.sharing import NoSuchList, NotANumber, NotShared
from mvne.usage import FileRefused, Terms
from mvne_billing.mediation import suspense
from mvne_billing.mediation.rerating import Wanted
from mvne_billing.mediation.scope import Scope
from mvne_billing.mediation.unloading import Unloading
from mvne_billing.subscription.own_numbers import ListIsFull, NoMoreChanges
from mvne_billing.subscription.pools import PoolError
from mvne_billing.usage.facts import Format, Severity, UsageFile
from mvne_billing.usage.record import UsageRecord
from mvne_plans.catalogue import NumberGroup
from mvne_plans.quantity import Kind
from tests.mvne.house import CARE_HOME, GB, MINUTE, PARIS_NUMBER, House, Stores, example, open_house
from tests.mvne.wholeness import faults


@pytest.fixture
def house(tilleul: House) -> Iterator[House]:
    """A house with tilleul; whatever is put right, in the end everything is in order."""
    yield tilleul
    assert faults(tilleul.platform, "tilleul") == []


@pytest.fixture
def atlas(kind: str, stores: Stores) -> Iterator[House]:
    """A house with atlas: its plans share data and keep lists of friends."""
    with stores.copy(kind, "atlas") as url, open_house(url) as opened:
        yield opened
        assert faults(opened.platform, "atlas") == []


def use(house: House, amount: int, kind: Kind = Kind.VOICE, name: str = "r", ago: int = 1, **more: str) -> UsageRecord:
    """Return use of ada's line that began `ago` hours before now."""
    msisdn = more.pop("msisdn", "") or str(house.line("line-ada", more.pop("brand", "tilleul")).msisdn)
    to = None if kind is Kind.DATA else more.pop("to", PARIS_NUMBER)
    start = house.now - timedelta(hours=ago)
    return UsageRecord(name, msisdn, kind, start, amount, "FR", to, "a test", **more)


def load(house: House, *records: UsageRecord, batch: str = "b1", brand: str = "tilleul") -> dict[str, int]:
    loaded = usage.load_records(house.platform, brand, batch, "a test", records, house.now)
    workers.work(house.platform, brand, house.now)
    return dict(loaded.suspended)


def rerate(house: House, name: str = "again", **which: str) -> int:
    """Price use again, do what follows, and return by how much prices changed."""
    wanted = Wanted(name, Scope(**which), "a test", "tester", house.now)  # type: ignore[arg-type]  # texts
    done = usage.rerate(house.platform, "tilleul", wanted)
    workers.work(house.platform, "tilleul", house.now)
    return done.charge_micro


def unload(house: House, batch: str) -> None:
    wanted = Unloading(f"un-{batch}", batch, "the host sent it twice", "tester", house.now)
    usage.unload(house.platform, "tilleul", wanted)
    workers.work(house.platform, "tilleul", house.now)


def test_a_line_that_a_wrong_file_slowed_is_fast_again_when_it_is_unloaded(house: House) -> None:
    house.join("ada")
    house.after(hours=2)
    load(house, use(house, 2 * GB, Kind.DATA))
    assert house.line("line-ada").bits_per_second == 128_000
    unload(house, "b1")
    assert house.line("line-ada").bits_per_second is None
    assert "usage.freed" in house.told(subject="line-ada")


def test_a_late_record_is_said_and_rating_again_puts_it_in_order(house: House) -> None:
    house.join("ada")
    house.after(days=3)
    load(house, use(house, 60 * MINUTE, name="r1", ago=1), use(house, 10 * MINUTE, name="r2", ago=0))
    load(house, use(house, 60 * MINUTE, name="early", ago=40), batch="late")
    said = [one for one in _events(house) if one[0] == "usage.out_of_order"]
    assert said == [("usage.out_of_order", "late", {"records": 1, "first": "early"})]
    assert rerate(house, batch="late") == 0
    assert explain_usage(house.platform, "tilleul", "early")["price"] == "0.00 EUR"
    assert explain_usage(house.platform, "tilleul", "r1")["price"] == "3.00 EUR"


def _events(house: House, brand: str = "tilleul") -> list[tuple[str, str, dict[str, object]]]:
    with house.platform.store.read() as conn:
        return [(one.type, one.subject, dict(one.content)) for one in events(conn, brand, limit=10_000)]


def test_the_next_bill_has_what_rating_again_changed_of_the_last_one(house: House) -> None:
    house.join("ada")
    house.after(days=3)
    load(house, use(house, 60 * MINUTE, name="r1"), use(house, 10 * MINUTE, name="r2", ago=0))
    house.after(days=31)
    house.bill()
    load(house, replace(use(house, 5 * MINUTE, name="fix"), start=datetime(2027, 1, 7, 9, tzinfo=UTC), corrects="r2"))
    house.after(days=31)
    house.bill()
    lines = [(line.kind.value, str(line.amount)) for line in house.documents("line-ada")[-1].lines]
    assert lines == [("recurring", "4.90 EUR"), ("correction", "-0.25 EUR")]
    why = explain_usage(house.platform, "tilleul", "fix")
    assert (why["corrects"], why["price"]) == ("r2", "0.25 EUR")
    assert [row["by"] for row in why["corrections of bills"]] == ["0.25 EUR"]
    was = explain_usage(house.platform, "tilleul", "r2")
    assert (was["stands"], was["price"]) == ("another record corrects it", "0.00 EUR")
    assert [row["price"] for row in was["earlier prices"]] == ["0.50 EUR"]


def test_number_groups_are_those_of_the_day_also_when_rated_later(house: House) -> None:
    """A care home joins the list on the third day; a call before it costs, whenever it is priced."""
    house.join("ada")
    brand = example("tilleul")
    new = "+33199007777"
    house.after(days=2)
    groups = tuple(NumberGroup(one.id, (*one.numbers, new)) for one in brand.catalogue.groups)
    house.launch(replace(brand, catalogue=replace(brand.catalogue, groups=groups)))
    house.after(hours=5)
    before, after = use(house, 60, name="before", ago=20, to=new), use(house, 60, name="after", ago=1, to=new)
    load(house, before, after)
    rules = {name: explain_usage(house.platform, "tilleul", name)["parts"][0]["rule"] for name in ("before", "after")}
    assert rules == {"before": "bucket voice", "after": "service care_calls"}
    assert rerate(house) == 0
    with house.platform.store.read() as conn:
        worlds = world_at(conn, selling(conn, "tilleul"))
    assert worlds is not None
    assert new not in worlds(house.now - timedelta(days=30)).groups["care_homes"]
    assert CARE_HOME in worlds(house.now - timedelta(days=30)).groups["care_homes"]


def test_a_brand_whose_lists_never_changed_has_one_world(house: House) -> None:
    with house.platform.store.read() as conn:
        assert world_at(conn, selling(conn, "tilleul")) is None


def test_a_record_without_a_number_is_the_line_s_whose_profile_it_names(house: House) -> None:
    line = house.join("ada")
    house.after(hours=2)
    mine = use(house, 60, msisdn=f"{BY_IMSI}{line.imsi}")
    assert load(house, mine, use(house, 60, name="x", msisdn=f"{BY_IMSI}999700000009999")) == {"unknown_subscriber": 1}
    assert explain_usage(house.platform, "tilleul", "r")["line"] == "line-ada"
    usage.drop(house.platform, "tilleul", _held(house), "ada", "nobody's", house.now)


def _held(house: House) -> str:
    with house.platform.store.read() as conn:
        [held] = suspense.waiting(conn, "tilleul")
    return held.id


def test_what_is_mended_by_hand_leaves_an_event_and_is_priced(house: House) -> None:
    house.join("ada")
    house.after(hours=2)
    load(house, use(house, 60, msisdn="+33600000000"))
    number = str(house.line("line-ada").msisdn)
    usage.mend(house.platform, "tilleul", _held(house), {"msisdn": number}, "ada", "a typing error", house.now)
    assert usage.replay_suspense(house.platform, "tilleul", house.now).rated == 1
    content = next(one[2] for one in _events(house) if one[0] == "usage.mended")
    assert (content["actor"], content["why"], content["changes"]) == ("ada", "a typing error", {"msisdn": number})


def test_a_file_that_contradicts_itself_is_refused_unless_it_is_wanted_anyway(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    house.join("ada")
    house.after(hours=2)
    path = tmp_path / "x.csv"
    path.write_text("x")

    def opened(*_: object) -> UsageFile:
        file = UsageFile("x.csv", Format.TAP, iter([use(house, 60)]), "HOST", sequence=7)
        file.findings.add(Severity.FATAL, "auditControlInfo.100", "the end", "it declares 3 records and holds 1")
        return file

    monkeypatch.setattr(usage, "open_usage", opened)
    with pytest.raises(FileRefused, match="declares 3 records and holds 1"):
        usage.load_file(house.platform, "tilleul", path, house.now)
    with pytest.raises(UsageNotFound):
        explain_usage(house.platform, "tilleul", "r")
    loaded = usage.load_file(house.platform, "tilleul", path, house.now, Terms(anyway=True))
    assert loaded.rated == 1


def test_everything_that_made_a_price_is_told(house: House) -> None:
    house.join("ada")
    house.after(hours=2)
    first = use(house, 59 * MINUTE, name="p1", session="s")
    load(house, first, replace(first, id="p2", amount=2 * MINUTE, start=first.start + timedelta(minutes=59)))
    why = explain_usage(house.platform, "tilleul", "p2")
    assert why["plan"] == "douceur version 1"
    assert (why["price"], why["margin"]) == ("0.05 EUR", "0.043 EUR")
    assert why["rounding"].startswith("the session's running total, once,")
    assert why["session"].startswith("s, report 2:")
    assert [(row["rule"], row["used"], row["at"], row["once per session"]) for row in why["parts"]] == [
        ("bucket voice", "1 min", "no charge", ""),
        ("price voice", "1 min", "0.05/min", "counted 1/1"),
    ]
    assert why["parts"][0]["which is"] == "voice 60 min"
    assert [(row["counter"], row["added"]) for row in why["counted"]] == [("voice", "1 min")]
    assert [(row["record"], row["price"]) for row in why["reports of the session"]] == [
        ("p1", "0.00 EUR"),
        ("p2", "0.05 EUR"),
    ]
    unload(house, "b1")
    why = explain_usage(house.platform, "tilleul", "p2")
    assert why["stands"] == "taken back: its file was unloaded"
    assert [(row["price"], row["why"]) for row in why["earlier prices"]] == [
        ("0.05 EUR", "the host sent it twice (unload, by tester)")
    ]


def test_lines_share_what_a_plan_shares(atlas: House) -> None:
    atlas.join("ada", "atlas", "expedition")
    atlas.join("ben", "atlas", "trek")
    platform, now = atlas.platform, atlas.after(hours=1)
    sharing.join_pool(platform, "atlas", "line-ben", "line-ada", {"data": "2 GB"}, now)
    [member] = sharing.pool(platform, "atlas", "line-ben", now)
    assert (member["line"], member["owner"], member["limits"]) == ("line-ben", "line-ada", "data: 2 GB")
    with pytest.raises(NotShared, match="shares no voice"):
        sharing.join_pool(platform, "atlas", "line-ben", "line-ada", {"voice": "2 min"}, now)
    with pytest.raises(NotShared, match="shares: nothing"):
        sharing.join_pool(platform, "atlas", "line-ada", "line-ben", {}, now)
    sharing.leave_pool(platform, "atlas", "line-ben", atlas.after(hours=1))
    assert sharing.pool(platform, "atlas", "line-ada", atlas.now) == []
    with pytest.raises(PoolError):
        sharing.leave_pool(platform, "atlas", "line-ben", atlas.now)
    assert {"pool.joined", "pool.left"} <= set(atlas.told("atlas", "line-ben"))


def test_a_member_s_data_is_the_owner_s(atlas: House) -> None:
    atlas.join("ada", "atlas", "trek")
    atlas.join("ben", "atlas", "expedition")
    atlas.after(hours=1)
    sharing.join_pool(atlas.platform, "atlas", "line-ada", "line-ben", {}, atlas.now)
    atlas.after(hours=2)
    # A weekday: trek's own 30 GB serve first, then the pool's.
    load(atlas, use(atlas, 31 * GB, Kind.DATA, brand="atlas"), brand="atlas")
    parts = explain_usage(atlas.platform, "atlas", "r")["parts"]
    assert [(part["which is"].split()[0], part["used"]) for part in parts] == [("data", "30 GB"), ("the", "1 GB")]


def test_friends_are_kept_within_the_list_s_limits(atlas: House) -> None:
    atlas.join("ada", "atlas", "trek")
    platform = atlas.platform
    for place in range(5):
        sharing.add_friend(platform, "atlas", "line-ada", "friends", f"019900900{place}", atlas.now)
    with pytest.raises(ListIsFull):
        sharing.add_friend(platform, "atlas", "line-ada", "friends", "0199009009", atlas.now)
    atlas.after(days=1)
    for place in range(2):
        sharing.remove_friend(platform, "atlas", "line-ada", "friends", f"019900900{place}", atlas.now)
    with pytest.raises(NoMoreChanges):
        sharing.remove_friend(platform, "atlas", "line-ada", "friends", "0199009002", atlas.now)
    rows = sharing.friends(platform, "atlas", "line-ada", atlas.now)
    assert [row["number"] for row in rows] == ["+33199009002", "+33199009003", "+33199009004", "free", "free"]
    with pytest.raises(NoSuchList, match="it has: friends"):
        sharing.add_friend(platform, "atlas", "line-ada", "family", "0199009002", atlas.now)
    with pytest.raises(NotANumber):
        sharing.add_friend(platform, "atlas", "line-ada", "friends", "grandma", atlas.now)


def test_calls_to_friends_come_out_of_the_friends_allowance(atlas: House) -> None:
    atlas.join("ada", "atlas", "trek")
    sharing.add_friend(atlas.platform, "atlas", "line-ada", "friends", PARIS_NUMBER, atlas.now)
    atlas.after(hours=2)
    load(atlas, use(atlas, 60, brand="atlas"), use(atlas, 60, name="x", to="0199008888", brand="atlas"), brand="atlas")
    which = {name: explain_usage(atlas.platform, "atlas", name)["parts"][0]["which is"] for name in ("r", "x")}
    assert "to friends" in which["r"]
    assert "to friends" not in which["x"]


def test_a_number_of_the_brand_is_on_net(atlas: House) -> None:
    atlas.join("ada", "atlas", "trek")
    other = atlas.join("ben", "atlas", "trek")
    atlas.after(hours=2)
    load(atlas, use(atlas, 60, to=str(other.msisdn), brand="atlas"), brand="atlas")
    assert "to on_net" in explain_usage(atlas.platform, "atlas", "r")["parts"][0]["which is"]
