"""Deciding for everybody: by one process or several the same, kept, folded, and in the file."""

import shutil
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from customering.app.deciding import request_for
from customering.app.deciding_all import decide_for_all
from customering.app.engine import Engine
from customering.app.home import find, init
from customering.events.model import DECISION_MADE
from customering.kernel.errors import Invalid, Unavailable
from customering.kernel.ids import Identifier

ACTIONS = "".join(
    f'''
[[action]]
action_id = "offer-{number}"
kind = "show_item"
title = "Offer {number}"
purpose = "personalize.offers"
value_minor = {100 + number}
base_propensity = 0.0{1 + number % 9}
eligibility = "{("", "products_viewed_7d > 1")[number % 2]}"
'''
    for number in range(30)
)
ALLOWED = "".join(
    f'[consent.defaults."{key}"]\nanswer = "allow"\nground = "a test"\n'
    for key in ("analytics.product", "personalize.web", "personalize.offers")
)
PEOPLE = 600
HOME = request_for("home", "", 2)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home whose people looked at something, every third of them under two names."""
    folder = tmp_path_factory.mktemp("everybody") / "home"
    init(folder)
    (folder / "customering.toml").write_text(ALLOWED)
    (folder / "actions.toml").write_text(ACTIONS)
    with Engine(find(folder, environment={})) as engine:
        engine.ingest(
            {
                "type": "track",
                "event": "Product Viewed",
                "messageId": f"{number}-{turn}",
                "anonymousId": f"a{number}",
                **({"userId": f"u{number}"} if number % 3 == 0 and turn else {}),
                "properties": {"product_id": f"p{number % 7}"},
            }
            for number in range(PEOPLE)
            for turn in range(1 + number % 2)
        )
        engine.catch_up()
    return folder


def decided(town: Path, folder: Path, processes: int) -> tuple[list[dict], list[tuple]]:
    """Decide on a copy of the town; give the file and the decisions of the log."""
    shutil.copytree(town, folder)
    with Engine(find(folder, environment={}), clock=lambda: 1_800_000_000_000) as engine:
        told: list[int] = []
        people, chosen = decide_for_all(
            engine, HOME, folder / "out.parquet", told.append, processes=processes
        )
        assert people == PEOPLE == told[-1]
        kept = [
            (event.identifiers, event.recorded_at, event.properties)
            for block in engine.reading_log.read()
            for event in block.events()
            if event.name == DECISION_MADE
        ]
        folded = {name: engine.state.get([name]) for name in engine.state.anchors()}
        learned = engine.learner.offset
        engine.rebuild()
        assert folded == {name: engine.state.get([name]) for name in engine.state.anchors()}
        assert learned == engine.reading_log.end
    rows = pq.read_table(folder / "out.parquet").to_pylist()
    assert len(rows) == chosen
    return rows, kept


def test_several_processes_decide_as_one_does_and_all_is_kept(town: Path, tmp_path: Path) -> None:
    alone_rows, alone = decided(town, tmp_path / "alone", 1)
    rows, kept = decided(town, tmp_path / "several", 2)
    assert rows == alone_rows
    assert kept == alone
    assert len(kept) == len({names for names, *_ in kept}) == PEOPLE
    linked = Identifier("user_id:u3")
    assert any(names == (linked,) for names, *_ in kept)


def test_a_channel_that_does_not_exist_is_refused_before_anything_is_written(
    town: Path, tmp_path: Path
) -> None:
    with Engine(find(town, environment={})) as engine, pytest.raises(Invalid):
        decide_for_all(engine, request_for("home", "pigeon", 1), tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_a_process_that_ends_is_told_with_what_to_do(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[None]:
        raise BrokenProcessPool
        yield

    monkeypatch.setattr("customering.app.deciding_all._in_order", broken)
    shutil.copytree(town, tmp_path / "home")
    with (
        Engine(find(tmp_path / "home", environment={})) as engine,
        pytest.raises(Unavailable, match="came to its end"),
    ):
        decide_for_all(engine, HOME, tmp_path / "out.parquet", processes=2)
