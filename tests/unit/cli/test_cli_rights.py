"""The commands of rights, as an operator types them."""

import json
import zipfile
from pathlib import Path
from typing import Any

from commanding import Run

WHO = "loyalty_card:3"


def told(run: Run, *words: str) -> Any:
    said = run(*words, "--home", "home", "--json")
    assert said.code == 0, said
    return json.loads(said.out)


def test_who_was_erased_stays_erased_when_the_file_is_imported_again(run: Run, shop: Path) -> None:
    before = told(run, "log", "verify")["events"]
    certificate = told(run, "erase", WHO, "--yes")
    gone = {one["store"]: one["rows_deleted"] for one in certificate["per_store"]}
    assert gone["log"] == gone["history"] > 5
    kept = run("rights", "certificate", certificate["request_id"], "--home", "home").out
    assert json.loads(kept) == certificate
    assert told(run, "log", "verify")["events"] == before
    again = run("import", "orders.csv", "--mapping", "orders.toml", "--home", "home")
    assert again.code == 0
    assert told(run, "log", "verify")["events"] == before
    nobody = run("person", WHO, "--home", "home", "--json")
    assert json.loads(nobody.out)["error"]["code"] == "no_such_person"
    assert run("person", "loyalty_card:4", "--home", "home").code == 0
    ended = told(run, "rights", "list", "--all")[0]
    assert (ended["kind"], ended["status"]) == ("erase", "fulfilled")


def test_without_yes_it_asks_and_does_nothing_when_the_answer_is_no(
    run: Run, shop: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: "n")
    assert run("erase", WHO, "--home", "home").code == 1
    assert run("person", WHO, "--home", "home").code == 0


def test_a_request_by_letter_runs_its_course(run: Run, shop: Path) -> None:
    details = '{"facts": {"city": "Ulm"}}'
    asked = told(run, "rights", "open", WHO, "rectify", "--details", details)
    at = asked["request_id"]
    assert told(run, "rights", "extend", at, "--words", "holidays")["is_extended"]
    done = told(run, "rights", "fulfil", at)
    assert [step["act"] for step in done["steps"]] == ["open", "extend", "fulfil"]
    assert told(run, "person", WHO)["facts"]["city"]["value"] == "Ulm"
    assert "Ulm" in run("rights", "show", at, "--home", "home", "--json").out
    other = told(run, "rights", "open", WHO, "access")["request_id"]
    assert run("rights", "deny", other, "--reason", "because", "--home", "home").code == 1
    denied = told(run, "rights", "deny", other, "--reason", "no_match")
    assert denied["status"] == "denied"
    assert told(run, "rights", "list") == []


def test_a_takeout_is_written_and_both_it_and_a_look_are_in_the_trail(run: Run, shop: Path) -> None:
    run("takeout", WHO, "--out", "it.zip", "--home", "home")
    with zipfile.ZipFile(shop / "it.zip") as package:
        assert json.loads(package.read("profile.json"))["identifiers"] == [WHO]
    run("person", WHO, "--home", "home")
    looks = told(run, "audit", "show", WHO)
    # The models were fitted when the shop was made, with the data of everybody who permits it.
    assert [look["act"] for look in looks] == ["read", "export", "many"]
    assert (looks[2]["words"], looks[2]["profiles"] > 30) == ("customering learn", True)
    assert told(run, "audit", "verify")["rows"] == 3
    assert "customering learn" in run("audit", "show", WHO, "--home", "home").out


def test_a_restored_home_takes_over_what_was_erased_since(run: Run, shop: Path) -> None:
    run("backup", "old", "--home", "home")
    told(run, "erase", WHO, "--yes")
    run("restore", "old", "again")
    assert run("person", WHO, "--home", "again").code == 0
    said = run("rights", "replay", "home", "--home", "again", "--json")
    assert json.loads(said.out) == {"erased_again": 1}
    assert run("person", WHO, "--home", "again").code == 1


def test_a_part_is_erased_by_category_and_a_model_is_left(run: Run, shop: Path) -> None:
    certificate = told(run, "erase", WHO, "--category", "purchases", "--yes")
    assert certificate["scope"] == {"category": "purchases"}
    gone = {one["store"]: one["rows_deleted"] for one in certificate["per_store"]}
    assert gone["log"] == gone["history"] > 5
    again = run("import", "orders.csv", "--mapping", "orders.toml", "--home", "home")
    assert again.code == 0
    left = told(run, "erase", "loyalty_card:4", "--model", "taste", "--yes")
    assert (left["status"], left["details"]) == ("in_progress", {"scope": {"model": "taste"}})
    assert "null" in run("rights", "certificate", left["request_id"], "--home", "home").out
    wrong = run("erase", WHO, "--category", "nonsense", "--yes", "--home", "home")
    assert wrong.code == 1
    assert "visits" in wrong.err
    assert told(run, "rights", "tell") == {"calls": 0}
