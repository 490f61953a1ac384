"""Acts on many people's data are in the trail: which, for what, how many, and whose if few."""

import sqlite3
from pathlib import Path

import pytest

from canary import fill, of_others
from customering.app.auditing_name import command, doing
from customering.app.engine import Engine
from customering.app.exporting import export_parquet
from customering.app.rights_home import subjects_of
from customering.events.model import CONSENT_UPDATED
from customering.kernel.ids import Identifier
from town import OpenShop

BEN, CLEO = Identifier("user_id:ben"), Identifier("user_id:cleo")


@pytest.fixture(autouse=True)
def name_stays() -> object:
    token = command.set("program")
    yield
    command.reset(token)


def many(engine: Engine, who: Identifier) -> list[tuple[str, tuple[str, ...], int | None, object]]:
    found = engine.rights.looks_at_many(subjects_of(engine, who), 10)
    return [(one.words, one.purposes, one.profiles, was_in) for one, was_in in found]


def test_one_act_is_one_row_with_purposes_and_how_many(open_shop: OpenShop) -> None:
    engine = open_shop()
    fill(engine, of_others())
    assert many(engine, BEN) == []
    doing("learn")
    engine.learn()
    engine.__exit__(None, None, None)
    again = open_shop()
    ((words, purposes, profiles, was_in),) = many(again, BEN)
    assert words == "customering learn"
    assert set(purposes) >= {"personalize.offers", "profile.value_scoring"}
    assert profiles == 3
    assert was_in is None
    assert again.rights.verify().rows == 1


def test_of_few_it_is_kept_whose_they_were(open_shop: OpenShop, tmp_path: Path) -> None:
    engine = open_shop()
    fill(engine, of_others())
    engine.note(CONSENT_UPDATED, (BEN,), {"purposes": {"marketing.email": "allow"}})
    doing("export")
    export_parquet(engine, tmp_path / "out.parquet", "marketing.email", lambda events: None)
    engine.uses.write()
    assert many(engine, BEN) == [("customering export", ("marketing.email",), 1, True)]
    assert many(engine, CLEO) == [("customering export", ("marketing.email",), 1, False)]
    assert engine.rights.verify().fault == ""
    with sqlite3.connect(engine.home.folder / "rights.sqlite") as connection:
        connection.execute("DELETE FROM audit_members")
    assert engine.rights.verify().fault == "row 1 is not what was written"


def test_an_act_that_reads_everybody_is_noted_also_when_it_fails(open_shop: OpenShop) -> None:
    engine = open_shop()
    fill(engine, of_others())
    doing("audience list")

    def fails() -> None:
        for _ in engine.everybody():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    engine.members()
    engine.uses.write()
    assert [(words, profiles) for words, _, profiles, _ in many(engine, BEN)] == [
        ("customering audience list", 3)
    ]
