"""Every command on a small home: for people, and as JSON for programs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer.core
import typer.main

from commanding import Run
from customering.app.model_registry import ModelRegistry
from customering.cli.main import every_command

WHO, OTHER = "loyalty_card:3", "loyalty_card:4"
COMMANDS: list[tuple[str, tuple[str, ...]]] = [
    ("init", ("new",)),
    ("config show", ()),
    ("import", ("orders.csv", "--mapping", "orders.toml")),
    ("import", ("orders.csv", "--mapping", "orders.toml", "--dry-run")),
    ("rebuild", ()),
    ("learn", ()),
    ("models list", ()),
    ("models promote", ("MODEL",)),
    ("models rollback", ("taste",)),
    ("person", (WHO,)),
    ("person", (WHO, "--as-of", "2026-04-01", "--events", "0")),
    ("decide", (WHO, "--n", "3")),
    ("decide", ("--all", "--out", "decisions.parquet")),
    ("evaluate next-basket", ()),
    ("evaluate value", ()),
    ("evaluate status", ()),
    ("evaluate policy", ()),
    ("evaluate policy", ("uniform", "best-single", "--outcome", "clicked", "--window-days", "0")),
    ("evaluate effect", ()),
    ("evaluate uplift", ()),
    ("evaluate chances", ()),
    ("evaluate fairness", ("--by", "age_group")),
    ("evaluate report", ("--out", "report.html")),
    ("identity explain", (WHO,)),
    ("identity preview", (WHO, OTHER)),
    ("identity preview", (WHO, OTHER, "--split")),
    ("identity merge", (WHO, OTHER)),
    ("identity split", (WHO, OTHER)),
    ("status set", (WHO, "on_a_break", "--until", "2026-07-01")),
    ("status set", (WHO, "none")),
    ("consent set", (WHO, "personalize", "deny")),
    ("consent show", (WHO,)),
    ("consent object", (WHO, "marketing")),
    ("consent restrict", (WHO, "--lift")),
    ("consent receipts", (WHO,)),
    ("consent verify", ()),
    ("audience list", ()),
    ("audience members", ("regulars",)),
    ("trait list", ()),
    ("catalog import", ("offers.csv", "--mapping", "offers.toml")),
    ("catalog list", ()),
    ("catalog products", ("products.csv",)),
    ("journeys list", ()),
    ("journeys add", ("welcome", "back_in_stock")),
    ("journeys restocked", ("a",)),
    ("erase", (WHO, "--yes")),
    ("takeout", (WHO, "--out", "takeout.zip", "--portable")),
    ("rights open", (WHO, "access", "--words", "all of it")),
    ("rights list", ("--all",)),
    ("rights tell", ()),
    ("audit verify", ()),
    ("audit show", (WHO,)),
    ("views", ()),
    ("views", ("SELECT count(*) AS people FROM people_for_essential_service",)),
    ("views", ("--columns", "traits_for_personalize_web")),
    ("log verify", ()),
    ("log tail", ("-n", "3")),
    ("log export", ("out.ndjson",)),
    ("log export", ("out.parquet", "--purpose", "analytics.product")),
    ("quarantine list", ()),
    ("quarantine show", ("QUARANTINED",)),
    ("quarantine replay", ("QUARANTINED", "--with", "mended.json")),
    ("quarantine discard", ("QUARANTINED",)),
    ("keys create write", ("--source", "web", "--origin", "https://shop.example")),
    ("keys create server", ("--source", "backend")),
    ("keys create secret", ("--scope", "decide", "--scope", "people")),
    ("keys create subject", ("--origin", "https://shop.example")),
    ("keys list", ()),
    ("portal link", (WHO, "--minutes", "5")),
    ("portal sign-out", (WHO,)),
    ("backup", ("copy",)),
    ("doctor", ()),
]
NOT_HERE = {
    "demo", "serve", "restore", "keys revoke", "town", "consent receipt", "consent verify-receipt",
    "rights show", "rights fulfil", "rights deny", "rights extend", "rights certificate",
    "rights replay",
}  # fmt: skip
"""Tested by tests of their own: they need the data of the year, a port, a backup, a key, a town."""


def all_commands() -> Iterator[str]:
    def walk(command: Any, path: tuple[str, ...]) -> Iterator[str]:
        if isinstance(command, typer.core.TyperGroup):
            for name, inside in command.commands.items():
                yield from walk(inside, (*path, name))
        else:
            yield " ".join(path)

    return walk(typer.main.get_command(every_command()), ())


def test_no_command_is_left_out() -> None:
    assert {command for command, _ in COMMANDS} | NOT_HERE == set(all_commands())


@pytest.mark.parametrize("command", sorted(all_commands()))
def test_every_command_explains_itself(run: Run, command: str) -> None:
    said = run(*command.split(), "--help")
    assert said.code == 0
    usage, _, rest = said.out.partition("\n\n")
    assert "Usage: customering" in usage
    assert rest.strip()[0].isupper()


@pytest.mark.parametrize("as_json", [False, True], ids=["words", "json"])
@pytest.mark.parametrize(("command", "words"), COMMANDS, ids=lambda part: str(part))
def test_every_command_works(
    run: Run, shop: Path, command: str, words: tuple[str, ...], as_json: bool
) -> None:
    if "QUARANTINED" in words:
        held = json.loads(run("quarantine", "list", "--home", "home", "--json").out)["items"]
        assert len(held) == 1
        words = (held[0]["quarantined"]["quarantine_id"], *words[1:])
        (shop / "mended.json").write_text(json.dumps(MENDED))
    if "MODEL" in words or "rollback" in command:
        registry = ModelRegistry(shop / "home" / "models")
        used = registry.champion("taste")
        assert used is not None
        again = msgspec.structs.replace(used, made_at=used.made_at + 1)
        kept = registry.add(again, registry.read(used), use="rollback" in command)
        words = tuple(kept.model_id if word == "MODEL" else word for word in words)
    where = () if command == "init" else ("--home", "home")
    said = run(*command.split(), *words, *where, *(["--json"] if as_json else []))
    assert (said.code, said.err) == (0, "")
    assert said.out.strip()
    if as_json:
        json.loads(said.out)
    else:
        # The private half of a pair of keys is itself JSON.
        assert not said.out.startswith(("{", "[")) or command == "keys create subject"
    assert "Traceback" not in said.out


MENDED = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "mended",
    "loyaltyCard": "7",
    "userId": "seven",
    "timestamp": "2026-04-01T00:00:00Z",
    "properties": {"order_id": "bad", "revenue_minor": 500, "currency": "EUR"},
}


def test_person_tells_what_the_import_brought(run: Run, shop: Path) -> None:
    person = json.loads(run("person", WHO, "--home", "home", "--json").out)
    orders = {
        line.split(",")[0]
        for line in (shop / "orders.csv").read_text().splitlines()
        if line.split(",")[1] == "3"
    }
    assert person["facts"]["orders_total"]["value"] == len(orders)
    assert person["identifiers"] == [WHO]
    assert len(person["timeline"]) == 5
    found = run("person", WHO, "--home", "home").out
    assert str(len(orders)) in found
    assert person["person_id"] in found
    by_id = json.loads(run("person", person["person_id"], "--home", "home", "--json").out)
    assert by_id == person


def test_importing_again_adds_nothing(run: Run, shop: Path) -> None:
    again = run("import", "orders.csv", "-m", "orders.toml", "--home", "home", "--json")
    report = json.loads(again.out)["import"]
    assert report["duplicates"] > 100
    assert report.get("appended", 0) == 0


def test_a_dry_run_writes_nothing(run: Run, shop: Path) -> None:
    run("init", "empty")
    said = run("import", "orders.csv", "-m", "orders.toml", "--dry-run", "--home", "empty")
    assert said.code == 0
    assert "would be refused" not in said.out  # the bad row is not among the first ten
    assert json.loads(run("log", "tail", "--home", "empty", "--json").out) == []


def test_merge_then_split_is_as_before(run: Run, shop: Path) -> None:
    def orders() -> int:
        told = json.loads(run("person", WHO, "--home", "home", "--json").out)
        return int(told["facts"]["orders_total"]["value"])

    before = orders()
    assert run("identity", "merge", WHO, OTHER, "--home", "home").code == 0
    assert orders() > before
    assert run("identity", "split", WHO, OTHER, "--home", "home").code == 0
    assert orders() == before


def test_a_refusal_is_obeyed_by_the_next_command(run: Run, shop: Path) -> None:
    run("consent", "set", WHO, "profile.value_scoring", "deny", "--home", "home")
    told = json.loads(run("person", WHO, "--home", "home", "--json").out)
    assert "profile.value_scoring" in told["refused_purposes"]
    assert "orders_total" not in told["facts"]
    assert "Not permitted: " in run("consent", "show", WHO, "--home", "home").out


def test_the_home_may_be_the_current_folder_or_a_variable(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMERING_HOME", str(shop / "home"))
    named = run("log", "verify", "--json")
    monkeypatch.delenv("CUSTOMERING_HOME")
    monkeypatch.chdir(shop / "home")
    assert run("log", "verify", "--json") == named
    assert json.loads(named.out)["events"] > 100


def test_settings_come_from_file_variable_and_flag(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def row(*words: str) -> dict[str, Any]:
        rows = json.loads(run("config", "show", "--home", "home", "--json", *words).out)
        return next(row for row in rows if row["key"] == "fold.checkpoint_events")

    assert row() | {"meaning": ""} == {
        "key": "fold.checkpoint_events",
        "value": 50_000,
        "origin": "default",
        "meaning": "",
    }
    with (shop / "home" / "customering.toml").open("a") as file:
        file.write("\n[fold]\ncheckpoint_events = 60\n")
    assert row()["value"] == 60
    assert row()["origin"].endswith("customering.toml")
    monkeypatch.setenv("CUSTOMERING__FOLD__CHECKPOINT_EVENTS", "70")
    assert row()["value"] == 70
    assert row()["origin"] == "variable CUSTOMERING__FOLD__CHECKPOINT_EVENTS"
    flagged = row("--set", "fold.checkpoint_events=80")
    assert (flagged["value"], flagged["origin"]) == (80, "flag --set")


def test_config_show_explains_every_setting(run: Run, shop: Path) -> None:
    rows = json.loads(run("config", "show", "--home", "home", "--json").out)
    assert all(row["meaning"] for row in rows)
    shown = run("config", "show", "--home", "home").out
    assert "fold.checkpoint_events" in shown
