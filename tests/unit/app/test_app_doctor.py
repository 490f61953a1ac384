"""The doctor: a sound home gets no problem, and each thing that is broken is found and named."""

import json
import os
import sqlite3
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from customering.app.doctor import examine
from customering.app.engine import Engine
from customering.app.findings import Finding
from customering.app.keys import KeyRing
from customering.cli.doctor import doctor
from customering.kernel.clock import MS_PER_DAY
from town import OpenShop, order

ADA = {"userId": "ada"}


def look(engine: Engine, *, deep: bool = False) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in examine(engine, deep=deep):
        found.setdefault(one.what, []).append(one)
    return found


def levels(found: dict[str, list[Finding]], what: str) -> list[str]:
    return [one.level for one in found[what]]


@pytest.fixture
def sound(open_shop: OpenShop) -> Path:
    """A home with events, profiles and history, closed; gives its folder."""
    engine = open_shop()
    engine.ingest([order(ADA, day, "bread") for day in range(5)])
    engine.copy_to_history()
    engine.__exit__(None, None, None)
    return engine.home.folder


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_home_has_no_problem(sound: Path, open_shop: OpenShop, deep: bool) -> None:
    found = look(open_shop(), deep=deep)
    assert not [one for some in found.values() for one in some if one.level == "problem"]
    assert "5 events" in found["log"][0].words
    assert "5 of 5" in found["profiles"][0].words
    assert "5 of 5" in found["history"][0].words


def test_a_home_without_anything_is_told_how_to_begin(open_shop: OpenShop) -> None:
    engine = open_shop()
    found = look(engine)
    assert levels(found, "log") == ["note"]
    assert "serve" in found["log"][0].todo
    assert "keys create" in found["keys"][0].todo
    assert not engine.home.log_path.exists(), "looking makes nothing"


def test_a_damaged_log_is_found(sound: Path, open_shop: OpenShop) -> None:
    with sqlite3.connect(sound / "log.sqlite") as connection:
        connection.execute("UPDATE blocks SET payload = zeroblob(length(payload))")
    connection.close()
    found = look(open_shop(), deep=True)
    assert levels(found, "log") == ["problem"]
    assert found["log"][0].todo


def test_a_log_that_was_cut_is_found(sound: Path, open_shop: OpenShop) -> None:
    with sqlite3.connect(sound / "log.sqlite") as connection:
        connection.execute("DELETE FROM blocks")
    connection.close()
    found = look(open_shop())
    assert levels(found, "profiles") == ["problem"]
    assert "backup" in found["profiles"][0].todo
    assert levels(found, "history") == ["problem"]


def test_a_damaged_history_is_found_and_can_be_made_anew(sound: Path, open_shop: OpenShop) -> None:
    part = next((sound / "history").glob("*/*.parquet"))
    whole = part.read_bytes()
    part.write_bytes(whole[: len(whole) // 2])
    assert levels(look(open_shop()), "history") == ["ok"], "a quick look reads no file"
    deep = look(open_shop(), deep=True)
    assert levels(deep, "history") == ["problem"]
    part.unlink()
    assert "missing" in look(open_shop())["history"][0].words
    (sound / "history" / "manifest.json").write_text("{")
    found = look(open_shop())["history"][0]
    assert found.level == "problem"
    assert "delete" in found.todo


def test_definitions_and_settings_that_make_no_sense_are_found(
    sound: Path, open_shop: OpenShop
) -> None:
    (sound / "audiences.toml").write_text('[[audience]]\nname = "x"\nwhere = "nonsense >"\n')
    (sound / "webhooks.toml").write_text("till = 1\n")
    found = look(open_shop())
    assert levels(found, "definitions") == ["problem"]
    assert levels(found, "webhooks") == ["problem"]
    assert levels(found, "log") == ["ok"], "one fault does not hide the rest"


def test_changed_definitions_are_noted(sound: Path, open_shop: OpenShop) -> None:
    engine = open_shop(overrides=("identity.shared_above=7",))
    found = look(engine)
    assert levels(found, "profiles") == ["note"]
    assert "rebuild" in found["profiles"][0].todo


def test_who_writes_is_named(sound: Path, open_shop: OpenShop) -> None:
    writing = open_shop()
    _ = writing.log
    words = look(open_shop())["writer"][0].words
    assert "it is being written by" in words
    writing.__exit__(None, None, None)
    assert "nobody" in look(open_shop())["writer"][0].words


def test_keys_that_end_soon_are_noted(sound: Path, open_shop: OpenShop) -> None:
    engine = open_shop()
    now_ms = engine.clock()
    with KeyRing(engine.home.control_url, engine.clock) as keys:
        keys.create_server(name="till", source="till")
        keys.create_server(name="old", source="till", expires_at=now_ms + 3 * MS_PER_DAY)
        revoked = keys.create_server(name="gone", source="till")[0]
        keys.revoke(revoked.key_id)
    found = look(engine)["keys"]
    assert [one.level for one in found] == ["ok", "note"]
    assert "2 hold" in found[0].words
    assert "(old) ends in 3 days" in found[1].words


def test_quarantine_and_silent_webhooks_are_noted(sound: Path, open_shop: OpenShop) -> None:
    engine = open_shop()
    engine.ingest([{"type": "track"}])
    engine.__exit__(None, None, None)
    (sound / "webhooks.toml").write_text(
        '[till]\nsignature = "standard"\nsecret_file = "absent"\n'
        'event = [{ event = "Seen", identifiers = { user_id = "who" } }]\n'
    )
    found = look(open_shop())
    assert "1 payloads" in found["quarantine"][0].words
    assert "till" in found["webhooks"][0].words


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_folder_open_to_everybody_is_noted(sound: Path, open_shop: OpenShop) -> None:
    sound.chmod(0o755)
    found = look(open_shop())["permissions"]
    assert "chmod 700" in found[0].todo
    sound.chmod(0o700)
    assert levels(look(open_shop()), "permissions") == ["ok"]


def test_the_command_exits_1_on_a_problem(sound: Path) -> None:
    app = Typer()
    app.command()(doctor)
    runner = CliRunner()
    fine = runner.invoke(app, ["--home", str(sound), "--json"])
    assert fine.exit_code == 0
    assert {one["what"] for one in json.loads(fine.stdout)} >= {"log", "keys", "disk"}
    (sound / "history" / "manifest.json").write_text("{")
    broken = runner.invoke(app, ["--home", str(sound)])
    assert broken.exit_code == 1
    assert "1 problems" in broken.stdout
