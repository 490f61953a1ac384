"""The commands about keys, as typed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from customering.app.home import HOME_VARIABLE, init
from customering.app.key_text import kind_of_text
from customering.app.keys import KeyRing
from customering.app.subject_tokens import mint
from customering.cli.keys import keys
from customering.kernel.errors import Absent, Invalid

NOW_MS = 1_800_000_000_000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    init(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    return tmp_path


def typed(*words: str) -> Result:
    return CliRunner().invoke(keys, words)


def said(*words: str) -> str:
    result = typed(*words)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("write", "--origin", "https://shop.example"), "write"),
        (("server",), "server"),
        (("secret", "--scope", "decide"), "secret"),
    ],
)
def test_a_key_stands_on_a_line_of_its_own(home: Path, words: tuple[str, ...], kind: str) -> None:
    shown = said("create", *words)
    text = shown.splitlines()[0]
    assert kind_of_text(text) == kind
    with KeyRing(f"sqlite:///{home / 'control.sqlite'}", lambda: NOW_MS) as ring:
        found = ring.find(text, ring.list()[0].created_at)
    assert found is not None
    assert found.kind == kind
    assert shown.count(text) == 2  # and in the line of use


def test_a_subject_key_signs_tokens(home: Path) -> None:
    private = said("create", "subject", "--origin", "https://shop.example").splitlines()[0]
    with KeyRing(f"sqlite:///{home / 'control.sqlite'}", lambda: NOW_MS) as ring:
        key, person = ring.subject_of(mint(private, "user_id:ada", NOW_MS), NOW_MS)
    assert (key.kind, person) == ("subject", "user_id:ada")


@pytest.mark.parametrize("kind", ["write", "subject"])
def test_a_key_for_no_page_says_how_to_name_one(home: Path, kind: str) -> None:
    assert "--origin" in said("create", kind)
    assert "--origin" not in said("create", kind, "--origin", "*")


def test_everything_said_of_a_key_is_kept(home: Path) -> None:
    words = (
        "create write --source shop --name Shop --origin http://localhost:* --believed Device"
        " --expires 2127-01-01 --json"
    )
    made = json.loads(said(*words.split()))
    assert made["text"] == made["key"]["public"]
    listed = json.loads(said("list", "--json"))
    assert listed == [made["key"]]
    assert listed[0] | {"key_id": "", "public": "", "created_at": 0} == {
        "key_id": "",
        "kind": "write",
        "name": "Shop",
        "source": "shop",
        "origins": ["http://localhost:*"],
        "scopes": ["collect"],
        "believed": ["device"],
        "public": "",
        "created_at": 0,
        "expires_at": 4_954_435_200_000,
        "revoked_at": None,
        "last_used_at": None,
    }


@pytest.mark.parametrize("kind", ["server", "secret", "subject"])
def test_json_gives_the_text_beside_the_key(home: Path, kind: str) -> None:
    scope = ["--scope", "people"] if kind == "secret" else []
    made = json.loads(said("create", kind, *scope, "--json"))
    assert made["key"]["kind"] == kind
    assert made["text"] != made["key"]["public"]


def test_the_list_shows_public_texts_and_no_others(home: Path) -> None:
    public = said("create", "write").splitlines()[0]
    secret = said("create", "server").splitlines()[0]
    shown = said("list")
    assert public in shown
    assert secret not in shown


def test_a_revoked_key_says_so(home: Path) -> None:
    made = json.loads(said("create", "write", "--json"))
    key_id = made["key"]["key_id"]
    assert key_id in said("revoke", key_id)
    shown = said("list")
    assert "revoked" in shown
    assert made["text"] not in shown
    assert json.loads(said("revoke", key_id, "--json"))["revoked_at"] is not None


def test_an_empty_list_says_what_to_do(home: Path) -> None:
    assert "keys create" in said("list")
    assert json.loads(said("list", "--json")) == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("create write --origin shop.example", Invalid),
        ("create write --expires someday", Invalid),
        ("create server --expires 2001-01-01", Invalid),
        ("create secret --scope everything", Invalid),
        ("revoke key_z", Absent),
    ],
)
def test_what_cannot_be_done_is_one_of_our_errors(
    home: Path, words: str, error: type[Exception]
) -> None:
    assert isinstance(typed(*words.split()).exception, error)
