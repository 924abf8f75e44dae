"""What a person does at the terminal, from the first file to the last bill."""

from __future__ import annotations

from pathlib import Path

from scripts.packages import ROOT
from tests.mvne.cli.conftest import Mvne

ADD = ("subscriber", "add", "--name", "Jeanne Martin", "--email", "jeanne@example.com", "--born", "1950-04-12")
AT = ("--at", "2026-12-01T09:00:00+01:00")


def test_a_first_file_is_written_checked_and_launched(mvne: Mvne, tmp_path: Path) -> None:
    said = mvne("init", "Chez Nous", "--market", "fr", "--template", "seniors")
    assert said.status == 0
    assert "next: mvne check plan.yaml" in said.out
    assert (tmp_path / "plan.yaml").read_text().startswith("# yaml-language-server")
    assert (tmp_path / "plan.schema.json").exists()
    again = mvne("init", "Chez Nous")
    assert again.status == 1
    assert "--force" in again.err
    checked = mvne("check", "plan.yaml")
    assert checked.status == 0
    assert "Margin per line" in checked.out
    assert mvne("diff", "plan.yaml", "--detailed-exitcode").status == 4
    launched = mvne("launch", "plan.yaml", "--json").json
    assert [step["name"] for step in launched["steps"]][-1] == "try journey remove"
    assert mvne("diff", "plan.yaml", "--detailed-exitcode").status == 0
    assert "no changes" in mvne("launch", "plan.yaml").out


def test_the_file_that_uses_the_whole_language_is_checked_compared_and_explained(mvne: Mvne) -> None:
    atlas = ROOT / "examples" / "atlas" / "plan.yaml"
    assert "expedition" in mvne("check", atlas).out
    changes = {one["id"]: one["words"] for one in mvne("diff", atlas, "--json").json["changes"]}
    assert changes["friends"] == "every subscriber's own list of 5 numbers, 2 changes per month"
    settings = mvne("explain", "plan", "trek", "--file", atlas, "--json").json["settings"]
    reasons = {one["path"]: one["reason"] for one in settings}
    assert "Regulation (EU) 2022/612" in reasons["plans.trek.guards.eu_roaming_limit.spend"]


def test_a_subscriber_s_life(tilleul: Mvne, tmp_path: Path) -> None:
    added = tilleul(*ADD, "--plan", "douceur", "--code", "BIENVENUE", *AT, "--json").json
    line = added["line"]
    assert added["state"] == "active"
    assert added["activation_code"].count("$") == 2
    assert f"LPA:{added['activation_code']}" in tilleul("subscriber", "code", line).out
    assert tilleul("subscriber", "code", line, "--svg", "c.svg", "--png", "c.png").status == 0
    assert (tmp_path / "c.svg").read_text().count("<svg") == 1
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert tilleul("subscriber", "code", line, "--json").json["activation_code"].startswith("LPA:1$")
    (tmp_path / "use.csv").write_text(
        "id,msisdn,kind,start,amount,country,to\n"
        f"c1,{added['msisdn']},voice,2026-12-02T10:00:00+01:00,3540,FR,0199001111\n"
        f"c2,{added['msisdn']},voice,2026-12-03T10:00:00+01:00,120,FR,0199001111\n"
    )
    loaded = tilleul("usage", "load", "use.csv", "--at", "2026-12-04", "--json").json
    assert (loaded["rated"], loaded["suspended"]) == (2, {})
    shown = tilleul("subscriber", "show", added["msisdn"]).out
    assert "60 min" in shown
    used = tilleul("subscriber", "usage", line, "--json").json["usage"]
    assert [one["price"] for one in used] == ["0.05 EUR", "0.00 EUR"]
    why = tilleul("explain", "usage", "c2", "--json").json
    assert [part["rule"] for part in why["parts"]] == ["bucket voice", "price voice"]
    assert "1 min" in tilleul("explain", "usage", "c2").out
    assert "good until" in tilleul("subscriber", "addon", line, "data-1gb", "--at", "2026-12-05").out
    assert "suspended" in tilleul("subscriber", "suspend", line).out
    assert "active" in tilleul("subscriber", "resume", line).out
    assert tilleul("subscriber", "swap", line).status == 2
    swapped = tilleul("subscriber", "swap", line, "--consent", "--json").json
    assert swapped["iccid"] != added["iccid"]
    ran = tilleul("bill", "run", "--as-of", "2027-01-02", "--json").json
    assert (ran["issued"], ran["paid"], ran["failed"]) == (1, 1, 0)
    number = tilleul("subscriber", "show", line, "--json").json["bills"][-1]["number"]
    assert number in tilleul("bill", "show", number).out
    assert tilleul("bill", "show", number, "--html", "bill.html", "--pdf", "bill.pdf").status == 0
    assert (tmp_path / "bill.pdf").read_bytes().startswith(b"%PDF")
    assert "2027-02-01" in tilleul("subscriber", "cancel", line, "--at", "2027-01-10").out
    assert "ends at 2027-01-11" in tilleul("subscriber", "cancel", line, "--now", "--at", "2027-01-11").out
    assert tilleul("subscriber", "suspend", line).status == 1
    assert "the books agree" in tilleul("ledger", "verify").out
    assert tilleul("ledger", "verify", "--json").json["faults"] == []
    assert tilleul("doctor").status == 0
    assert tilleul("status", "--json").json["lines"] == {"ended": 2}


def test_a_declined_card_is_said_and_another_card_goes_on(tilleul: Mvne) -> None:
    declined = tilleul(*ADD, "--plan", "serenite", "--method", "pm_card_chargeCustomerFail")
    assert declined.status == 6
    paid = tilleul(*ADD, "--plan", "serenite")
    assert paid.status == 0
    assert "active" in paid.out
    assert tilleul(*ADD, "--plan", "serenite").status == 0
    assert tilleul("status", "--json").json["lines"] == {"active": 1, "ended": 1}


def test_usage_collected_replayed_and_shown_empty(tilleul: Mvne) -> None:
    tilleul(*ADD, "--plan", "douceur")
    assert "0 records" in tilleul("usage", "collect").out
    assert "nothing waits" in tilleul("usage", "suspense").out
    assert "0 records" in tilleul("usage", "replay").out
    line = tilleul("subscriber", "show", "+33639980001", "--json").json["line"]
    assert "nothing yet" in tilleul("subscriber", "usage", line).out


def test_a_plan_is_explained_setting_by_setting(mvne: Mvne) -> None:
    plan = ROOT / "examples" / "tilleul" / "plan.yaml"
    said = mvne("explain", "plan", "serenite", "--file", plan, "--json").json["settings"]
    assert any(one["path"].endswith("price") and "12.90" in one["value"] for one in said)
    assert "because" in mvne("explain", "plan", "serenite", "--file", plan).out
    assert mvne("explain", "plan", "nothing", "--file", plan).status == 1


def test_a_changed_price_says_who_stays_and_a_removal_is_refused(tilleul: Mvne, tmp_path: Path) -> None:
    tilleul(*ADD, "--plan", "douceur")
    for file in (ROOT / "examples" / "tilleul").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    plan = (tmp_path / "plan.yaml").read_text()
    (tmp_path / "plan.yaml").write_text(plan.replace("price: 4.90", "price: 5.90"))
    assert "1 subscriber stays on version 1" in tilleul("diff", "plan.yaml").out
    assert tilleul("launch", "plan.yaml").status == 0
    start, end = plan.index("  - id: douceur"), plan.index("  - id: serenite")
    (tmp_path / "plan.yaml").write_text(plan[:start] + plan[end:])
    refused = tilleul("launch", "plan.yaml")
    assert refused.status == 1
    assert "--retire douceur" in refused.err
    assert tilleul("launch", "plan.yaml", "--retire", "douceur").status == 0
    assert tilleul("status", "--json").json["plans"] == {"serenite": "version 1"}


def test_the_schema_is_json_on_standard_output(mvne: Mvne) -> None:
    assert mvne("schema").json["title"]
