"""The command that makes a simulated town."""

import json
from pathlib import Path

import pytest

from commanding import Run


def test_a_town_is_a_home_like_any_other(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("--people", "20", "--days", "2", "--visits", "6", "--warmth", "3")
    made = json.loads(run("town", "--home", "town", *words, "--json").out)
    assert [day["day"] for day in made["days"]] == [0, 1]
    assert made["events"] > 100
    assert len(json.loads(run("catalog", "list", "--home", "town", "--json").out)) == 36
    person = json.loads(run("person", "user_id:t1", "--home", "town", "--json").out)
    assert person["facts"]["birthday"]["provenance"] == "declared"
    added = run("journeys", "add", "all", "--home", "town")
    assert "abandoned_cart" in added.out
    asked = ("decide", "user_id:t1", "--home", "town", "--channel", "email", "--json")
    assert json.loads(run(*asked).out)
    told = run("town", "--home", "town", *words)
    assert "captured" in told.out
    assert "customering decide user_id:t1" in told.out
