"""Whatever goes wrong is one clear line with a hint and exit code 1, never a traceback."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from commanding import Run, Said
from town import same

WHO = "loyalty_card:3"
HOME = ("--home", "home")


def assert_error(said: Said, *told: str, hint: str = "") -> None:
    assert said.code == 1
    assert said.out == ""
    error, *rest = said.err.splitlines()
    assert error.startswith("error: ")
    for word in told:
        assert word in error
    assert len(rest) == 1
    assert rest[0].startswith("hint: ")
    assert hint in rest[0]


@pytest.mark.parametrize(
    ("words", "told", "hint"),
    [
        (("person", WHO, "--home", "nowhere"), ("no customering home", "nowhere"), "init"),
        (("person", WHO), ("no customering home", "the current folder"), "init"),
        (("person", "loyalty_card:none", *HOME), ("loyalty_card:none",), "log tail"),
        (("person", "per_nobody", *HOME), ("per_nobody",), "identifier"),
        (("person", "ada", *HOME), ("'ada'",), "type:value"),
        (("person", WHO, "--as-of", "soon", *HOME), ("'soon'", "date"), "2017-06-01"),
        (("person", WHO, "--as-of", "1999-01-01", *HOME), ("at that time",), ""),
        (("status", "set", WHO, "bored", *HOME), ("'bored'",), "on_a_break"),
        (("status", "set", WHO, "on_a_break", "--until", "x", *HOME), ("'x'",), "2017"),
        (("status", "set", "loyalty_card:none", "none", *HOME), ("loyalty_card:none",), ""),
        (("consent", "set", WHO, "selling", "allow", *HOME), ("'selling'",), "purposes"),
        (("consent", "set", WHO, "personalize", "maybe", *HOME), ("personalize",), "deny"),
        (("consent", "show", "loyalty_card:none", *HOME), ("loyalty_card:none",), ""),
        (("identity", "merge", WHO, WHO, *HOME), ("same identifier",), "different"),
        (("audience", "members", "nobody", *HOME), ("nobody",), "regulars"),
        (("decide", *HOME), ("one person",), "--out"),
        (("decide", "--all", *HOME), ("--out",), "--all --out"),
        (("decide", WHO, "--all", "--out", "x.parquet", *HOME), ("--all",), "--out"),
        (("decide", WHO, "--out", "x.parquet", *HOME), ("--all",), "--out"),
        (("decide", "--all", "--out", "none/x.parquet", *HOME), ("none/x.parquet",), ""),
        (("decide", WHO, "--channel", "pigeon", *HOME), ("'pigeon'",), "email"),
        (("import", "orders.csv", "-m", "none.toml", *HOME), ("none.toml",), "mapping"),
        (("import", "none.csv", "-m", "orders.toml", *HOME), ("none.csv",), ""),
        (("import", "orders.csv", "-m", "orders.csv", *HOME), ("TOML",), ""),
        (("import", "latin.csv", "-m", "latin.toml", *HOME), ("latin.toml",), ""),
        (("catalog", "import", "none.csv", "-m", "offers.toml", *HOME), ("none.csv",), ""),
        (("catalog", "import", "offers.csv", "-m", "orders.toml", *HOME), ("orders.toml",), ""),
        (("log", "export", "out.txt", *HOME), (".ndjson",), "name of the file"),
        (("log", "export", "none/out.ndjson", *HOME), ("none/out.ndjson",), "path"),
        (("log", "export", "none/out.parquet", *HOME), ("none/out.parquet",), ""),
        (("log", "export", "o.ndjson", "--purpose", "x", *HOME), ("x",), ""),
        (("quarantine", "show", "none", *HOME), ("none",), ""),
        (("quarantine", "replay", "none", *HOME), ("none",), ""),
        (("quarantine", "replay", "none", "--with", "none.json", *HOME), ("none.json",), "path"),
        (("quarantine", "replay", "none", "--with", "orders.csv", *HOME), ("orders.csv",), ""),
        (("quarantine", "discard", "none", *HOME), ("none",), ""),
        (("init", "home"), ("already",), "another folder"),
        (("init", "orders.csv"), ("orders.csv",), ""),
        (("init", "orders.csv/home"), ("orders.csv",), ""),
        (("rebuild", "--home", "orders.csv"), ("orders.csv",), "init"),
        (("config", "show", *HOME, "--set", "fold"), ("--set 'fold'",), "section.key=value"),
        (
            ("config", "show", *HOME, "--set", "fold.checkpoint_event=3"),
            ("flag --set", "'fold.checkpoint_event'"),
            "did you mean 'fold.checkpoint_events'?",
        ),
        (
            ("config", "show", *HOME, "--set", "fold.checkpoint_events=many"),
            ("flag --set", "fold.checkpoint_events"),
            "config show",
        ),
        (
            ("config", "show", *HOME, "--set", "fold.checkpoint_events=0"),
            ("flag --set", "fold.checkpoint_events"),
            "config show",
        ),
        (("config", "show", *HOME, "--set", "fold=3"), ("flag --set", "fold"), ""),
        (("config", "show", *HOME, "--set", "=3"), ("flag --set",), ""),
        (("person", WHO, *HOME, "--set", "clock.present=soon"), ("'soon'",), "2018-01-01"),
        (("person", WHO, *HOME, "--set", "identity.priorities=3"), ("identity",), ""),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else part,
)
def test_one_clear_line(
    run: Run, shop: Path, words: tuple[str, ...], told: tuple[str, ...], hint: str
) -> None:
    (shop / "latin.toml").write_bytes(MAPPING_IN_LATIN)
    (shop / "latin.csv").write_bytes(b"order\n1\n")
    assert_error(run(*words), *told, hint=hint)


MAPPING_IN_LATIN = 'name = "caf\xe9"\n'.encode("latin-1")


def test_an_error_as_json(run: Run, shop: Path) -> None:
    said = run("person", "loyalty_card:none", *HOME, "--json")
    assert said.code == 1
    error = json.loads(said.out)["error"]
    assert error["code"] == "no_such_person"
    assert error["message"]
    assert error["hint"]


def test_a_misspelt_setting_names_file_and_key(run: Run, shop: Path) -> None:
    with (shop / "home" / "customering.toml").open("a") as file:
        file.write("\n[decision]\ncontrol_shore = 0.1\n")
    said = run("log", "tail", *HOME)
    assert_error(said, "customering.toml", "'decision.control_shore'", hint="control_share")


def test_a_misspelt_variable_is_named(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMERING__DECISION__CONTROL_SHORE", "0.1")
    said = run("log", "tail", *HOME)
    assert_error(said, "CUSTOMERING__DECISION__CONTROL_SHORE", hint="decision.control_share")


def overwritten(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def damaged(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE blocks SET payload = substr(payload, 1, length(payload) - 9)")
    connection.close()


BINARY = b"\xff\xfe" * 5_000
NO_SUCH_TRAIT = b'[[audience]]\nname = "x"\nwhere = "y > 1"\nwords = "z"\n'
IMPORT = ("import", "orders.csv", "-m", "orders.toml")
DAMAGES: dict[str, tuple[str, Callable[[Path], object], tuple[str, ...]]] = {
    "settings, no TOML": ("customering.toml", overwritten(b"[fold"), ("log", "tail")),
    "settings, no text": ("customering.toml", overwritten(BINARY), ("log", "tail")),
    "traits, no TOML": ("traits.toml", overwritten(b"[[trait"), ("trait", "list")),
    "traits, no text": ("traits.toml", overwritten(BINARY), ("trait", "list")),
    "an unknown trait": ("audiences.toml", overwritten(NO_SUCH_TRAIT), ("audience", "list")),
    "half an action": ("actions.toml", overwritten(b"[[action]]"), ("decide", WHO)),
    "plan, no TOML": ("plan.toml", overwritten(b"[["), IMPORT),
    "log, no database": ("log.sqlite", overwritten(BINARY), ("log", "verify")),
    "log, a block cut off": ("log.sqlite", damaged, ("log", "verify")),
    "state, no database": ("state.sqlite", overwritten(BINARY), ("person", WHO)),
    "manifest, no JSON": ("history/manifest.json", overwritten(b"{"), ("rebuild",)),
    "value model": ("models/value.json", overwritten(b"{"), ("person", WHO)),
    "taste model": ("models/taste.bin", overwritten(BINARY), ("decide", WHO)),
    "items": ("models/items.json", overwritten(b"{}"), ("decide", WHO)),
    "catalogue": ("catalog/actions.json", overwritten(b"{"), ("catalog", "list")),
}
TOLD = {
    "an unknown trait": "y",
    "log, a block cut off": "block",
    "state, no database": "state",
    "value model": "value model",
    "taste model": "taste model",
}
"""What the line says, where it is not the name of the file."""


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_told(run: Run, shop: Path, what: str) -> None:
    name, harm, command = DAMAGES[what]
    harm(shop / "home" / name)
    assert_error(run(*command, *HOME), TOLD.get(what, Path(name).name))


@pytest.mark.parametrize("name", ["history", "state.sqlite", "models"])
def test_what_is_derived_may_be_deleted(run: Run, shop: Path, name: str) -> None:
    before = json.loads(run("person", WHO, *HOME, "--json").out)
    gone = shop / "home" / name
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    assert run("rebuild", *HOME).code == 0
    if name == "models":
        assert run("learn", *HOME).code == 0
    assert same(json.loads(run("person", WHO, *HOME, "--json").out), before)


def started(*words: str, folder: Path) -> subprocess.Popen[str]:
    # A shell that runs the tests in the background makes its children deaf to SIGINT: undo that.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from customering.cli.main import main; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_in_a_process_of_its_own(shop: Path) -> None:
    with started("person", "loyalty_card:none", *HOME, folder=shop) as process:
        out, err = process.communicate(timeout=60)
    assert_error(Said(process.returncode, out, err), "loyalty_card:none")
    with started("import", "orders.csv", "-m", "orders.toml", *HOME, folder=shop) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")  # no progress bar where nobody looks
    assert "already here" in out


def test_interrupted(shop: Path) -> None:
    rows = (shop / "orders.csv").read_text().splitlines()
    many = [rows[0], *(f"{n}-{row}" for n in range(300) for row in rows[1:])]
    (shop / "many.csv").write_text("\n".join(many))
    log = shop / "home" / "log.sqlite-wal"
    with started("import", "many.csv", "-m", "orders.toml", *HOME, folder=shop) as process:
        while not log.exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err == "interrupted; everything acknowledged so far is kept\n"
