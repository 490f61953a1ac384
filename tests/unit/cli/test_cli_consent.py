"""Proving what people said, from the command line: the ledger, and receipts for the person."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from commanding import Run
from customering.app.engine import Engine
from customering.app.home import find

WHO = "loyalty_card:3"


@pytest.fixture
def proved(run: Run, shop: Path) -> Path:
    """A shop in which somebody allowed something and took it back, with what it published."""
    for answer in ("allow", "deny"):
        assert run("consent", "set", WHO, "marketing.email", answer, "--home", "home").code == 0
    return shop


def change(home: Path, sql: str) -> None:
    with sqlite3.connect(home / "home" / "consent.sqlite") as connection:
        connection.execute(sql)


def listed(run: Run) -> list[Any]:
    found = run("consent", "receipts", WHO, "--home", "home", "--json")
    return list(json.loads(found.out))


def test_a_whole_ledger_is_said_to_be_whole(run: Run, proved: Path) -> None:
    told = run("consent", "verify", "home")
    assert (told.code, told.err) == (0, "")
    assert "2 rows, every one as it was written" in told.out
    verdict = json.loads(run("consent", "verify", "--home", "home", "--json").out)
    assert verdict["rows"] == 2


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DELETE FROM rows WHERE seq = 1", "row 2: row 1 should come before it and is gone"),
        ("DELETE FROM rows WHERE seq = 2", "rows 2 to 2 are gone: the tail was cut off"),
        (
            "UPDATE rows SET record = CAST(replace(record, 'deny', 'dena') AS BLOB) WHERE seq = 2",
            "row 2: its record or its hash was changed",
        ),
    ],
)
def test_tampering_is_named_and_ends_with_one(run: Run, proved: Path, sql: str, words: str) -> None:
    change(proved, sql)
    told = run("consent", "verify", "--home", "home")
    assert told.code == 1
    assert words in told.err
    assert run("consent", "verify", "--home", "home", "--json").code == 1


def test_a_receipt_goes_to_the_person_and_verifies_without_the_home(run: Run, proved: Path) -> None:
    lines = listed(run)
    assert [line["said"] for line in lines] == [
        {"marketing.email": "deny"},
        {"marketing.email": "allow"},
    ]
    number = str(lines[0]["seq"])
    made = run("consent", "receipt", WHO, number, "--out", "receipt.json", "--home", "home")
    assert made.code == 0
    keys = json.loads((proved / "receipt.json").read_bytes())["proof"]
    assert keys["alg"] == "Ed25519"
    told = run("consent", "verify-receipt", "receipt.json", "--home", "home")
    assert (told.code, "genuine" in told.out) == (0, True)
    (proved / "jwks.json").write_text(json.dumps(_jwks(proved)))
    told = run("consent", "verify-receipt", "receipt.json", "--keys", "jwks.json", "--json")
    assert json.loads(told.out) == {"is_genuine": True, "fault": None}
    text = (proved / "receipt.json").read_text().replace("deny", "allow")
    (proved / "receipt.json").write_text(text)
    told = run("consent", "verify-receipt", "receipt.json", "--keys", "jwks.json")
    assert told.code == 1
    assert "the signature does not fit" in told.err


def test_a_kantara_receipt_is_printed(run: Run, proved: Path) -> None:
    number = str(listed(run)[1]["seq"])
    told = run("consent", "receipt", WHO, number, "--kantara", "--home", "home")
    assert json.loads(told.out)["version"] == "KI-CR-v1.1.0"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("receipt", WHO, "99"), "no receipt"),
        (("verify-receipt", "none.json"), "no file"),
        (("verify", "--keys", "orders.csv"), "no JSON object"),
    ],
)
def test_what_is_not_there_is_said_in_a_line(
    run: Run, proved: Path, words: tuple[str, ...], named: str
) -> None:
    told = run("consent", *words, "--home", "home")
    assert told.code == 1
    assert named in told.err


def _jwks(shop: Path) -> Any:
    with Engine(find(shop / "home", environment={})) as engine:
        return engine.receipts.key.jwks()


def test_an_objection_and_a_restriction_hold_until_they_are_taken_back(
    run: Run, proved: Path
) -> None:
    def stands(*words: str) -> list[str]:
        told = run("consent", *words, "--home", "home", "--json")
        assert told.code == 0, told.err
        return list(json.loads(told.out)["stands"])

    assert stands("object", WHO, "marketing") == ["objection:marketing"]
    assert stands("restrict", WHO) == ["objection:marketing", "restriction:all"]
    assert stands("object", WHO, "all") == [
        "objection:*",
        "objection:marketing",
        "restriction:all",
    ]
    assert stands("restrict", WHO, "--lift") == ["objection:*", "objection:marketing"]
    assert stands("object", WHO, "all", "--withdraw") == ["objection:marketing"]
    told = run("consent", "object", WHO, "fishing", "--home", "home")
    assert told.code == 1
    assert "fishing" in told.err
