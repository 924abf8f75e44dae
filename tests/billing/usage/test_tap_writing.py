"""TAP files written back: the same octets where the form is the shortest, else the reasons why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvne_billing.usage.readers import UsageFileError, open_usage
from mvne_billing.usage.tap.reading import TapFile
from mvne_billing.usage.tap.writing import rewrite_tap, write_tap
from tests.billing.usage import taps
from tests.billing.usage.taps import batch, call, data, message, octets, saved

EVENTS = (call(), message(), data(), call(name="mobileTerminatedCall"), call(duration=-1))


def rewritten(folder: Path, content: bytes) -> tuple[bytes, list[str]]:
    target = folder / "again"
    findings = rewrite_tap(saved(folder, content), target)
    return target.read_bytes(), [f"{one.place}: {one.message}" for one in findings.kept]


@pytest.mark.parametrize(
    "content",
    [
        octets(batch(*EVENTS)),
        octets(batch()),
        octets(batch(call(), callEventDetails=None)),
        octets(batch(call(), messageDescriptionInfo=[{"messageDescriptionCode": 1, "messageDescription": b"a call"}])),
        octets(batch(*(call(reference=f"{place:06x}") for place in range(400)))),
        taps.notification(),
    ],
    ids=["events", "no events", "no list", "descriptions", "many events", "notification"],
)
def test_a_file_of_shortest_definite_lengths_is_written_back_octet_for_octet(tmp_path: Path, content: bytes) -> None:
    assert rewritten(tmp_path, content) == (content, [])


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"ENC_LUNDEF": 1}, "indefinite length"),
        ({"ENC_LLONG": 4}, "longer tag or length than needed"),
        ({"ENC_TAG_LEXT": 3}, "longer tag or length than needed"),
        ({"ENC_OSTR_FRAG": 3}, "string in pieces"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_a_file_of_another_form_is_written_shortest_and_the_reasons_are_told(
    tmp_path: Path, form: dict[str, int], reason: str
) -> None:
    again, reasons = rewritten(tmp_path, taps.octets_in_form(batch(*EVENTS), **form))
    assert again == octets(batch(*EVENTS))
    assert reasons
    assert all(reason in one for one in reasons)
    assert any(one.startswith("callEventDetails[3]: ") for one in reasons)
    assert any("the batch: " in one for one in reasons) is (form != {"ENC_OSTR_FRAG": 3} and "ENC_TAG_LEXT" not in form)


def test_stray_octets_after_the_end_are_told_and_not_written(tmp_path: Path) -> None:
    content = octets(batch(call()))
    again, reasons = rewritten(tmp_path, content + b"\x00\x00")
    assert again == content
    assert reasons == [f"CDESPXXFRAYY00042: 2 stray octets after the end at octet {len(content)}"]


def test_parts_out_of_order_are_told(tmp_path: Path) -> None:
    whole, without = octets(batch(call())), octets(batch(call(), accountingInfo=None))
    part = octets({"accountingInfo": batch(call())["accountingInfo"]})[2:]
    body = without[4:] + part
    moved = b"\x61\x82" + len(body).to_bytes(2, "big") + body
    again, reasons = rewritten(tmp_path, moved)
    assert again == whole
    assert reasons == ["CDESPXXFRAYY00042: the parts of the batch are out of order"]


def test_a_longer_number_is_told_with_its_event(tmp_path: Path) -> None:
    # The charge 1200 (04b0) of a length one longer, in the event and in all that holds it.
    events = (call(reference="000001"), call(reference="000002", duration=2**15 + 5))
    content = octets(batch(*events))
    number = bytes.fromhex("5f815f03008005")
    assert content.count(number) == 1
    longer = content.replace(number, bytes.fromhex("5f815f03000085"))
    again, reasons = rewritten(tmp_path, longer)
    assert len(again) == len(content) - 1
    assert [one.split(" at octet")[0] for one in reasons] == ["callEventDetails[2]: longer number than needed"]


def test_an_event_that_cannot_be_decoded_goes_out_as_it_came(tmp_path: Path) -> None:
    content = octets(batch(call(), call(reference="000001")))
    place = content.index(bytes.fromhex("000001")) - 1
    damaged = content[:place] + b"\x7f" + content[place + 1 :]
    assert rewritten(tmp_path, damaged) == (damaged, [])


def test_a_file_that_was_cut_off_is_not_said_to_be_the_same(tmp_path: Path) -> None:
    content = octets(batch(*EVENTS))
    for share in range(5, 10):
        cut = content[: len(content) * share // 10]
        again, reasons = rewritten(tmp_path, cut)
        assert again != cut
        assert reasons == ["CDESPXXFRAYY00042: the file is damaged: it cannot be written back"]


def test_events_can_be_written_under_another_head(tmp_path: Path) -> None:
    source = TapFile(saved(tmp_path, octets(batch(*EVENTS))))
    fewer = TapFile(saved(tmp_path, octets(batch(call(), data())), "other"))
    target = tmp_path / "written"
    write_tap(target, fewer.head, (event for event in source.events() if event.place in (1, 3)))
    assert target.read_bytes() == octets(batch(call(), data()))


def test_what_is_not_tap_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UsageFileError):
        rewrite_tap(saved(tmp_path, b"id,msisdn\n"), tmp_path / "again")
    assert not (tmp_path / "again").exists()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_read_to_an_end_and_never_written_as_if_it_were_sound(
    tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(octets(batch(*EVENTS)))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    path = saved(tmp_path, damaged)
    try:
        file = open_usage(path)
        rows = list(file.rows)
    except UsageFileError:
        return
    assert len(rows) <= 50
    assert len({row.id for row in rows}) == len(rows)
    if file.format == "tap":
        findings = rewrite_tap(path, tmp_path / "again")
        assert ((tmp_path / "again").read_bytes() == damaged) is not bool(findings.kept)
