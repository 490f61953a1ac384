"""Whether chances come true in a home: only what was seen, by what counts as success there."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from customering.app.engine import Engine
from customering.app.home import find
from customering.app.report_chances import chances_told, evaluate_chances
from customering.cli.evaluate_chances import print_chances
from customering.decision.model import DecisionSettings
from decided_shop import filled
from town import NOON

SEEN = "learning.exposure='decided'"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chances") / "shop"
    settings = DecisionSettings(exploration_share=0.3, control_share=0.0, seed=2)
    with filled(folder, settings=settings, people=60, days=12):
        pass
    return folder


def opened(folder: Path, *overrides: str) -> Engine:
    found = find(folder, environment={}, overrides=overrides)
    return Engine(found, clock=lambda: NOON * 2)


def test_what_the_shop_expects_comes_true(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(folder, SEEN) as engine:
        done = evaluate_chances(engine)
    assert done.found is not None
    assert done.found.cases == 60 * 12
    assert done.found.people == 60
    assert done.found.real == pytest.approx(done.found.expected, abs=0.05)
    assert done.found.parts[-1].lift > done.found.parts[0].lift
    told = chances_told(done)
    assert len(told.rows) == 10
    assert "expected" in told.headline
    print_chances(done)
    assert "lift" in capsys.readouterr().out


def test_what_nobody_told_as_shown_says_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(folder) as engine:
        done = evaluate_chances(engine)
    assert done.found is None
    assert done.unseen == 60 * 12
    assert "told as shown" in chances_told(done).missing
    print_chances(done)
    assert "were not told as shown" in capsys.readouterr().out


def test_success_is_what_learning_takes_for_it(folder: Path) -> None:
    with opened(folder, SEEN, 'learning.success=["bought"]') as engine:
        done = evaluate_chances(engine)
    assert done.found is not None
    assert done.found.real == 0.0
    assert done.found.off is None


def test_learning_that_made_it_worse_is_a_loss(folder: Path) -> None:
    with opened(folder, SEEN) as engine:
        done = evaluate_chances(engine)
    assert done.found is not None
    assert chances_told(done).losses == ()
    worse = replace(done, found=replace(done.found, surprise=1.0, surprise_before=0.5))
    assert "before learning" in chances_told(worse).losses[0]
