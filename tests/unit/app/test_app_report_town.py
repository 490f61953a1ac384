"""What a town tells of itself in a report: what was missed, and how rivals fare."""

from pathlib import Path

import pytest

from customering.app.report_model import Report, percent
from customering.app.report_page import page
from customering.app.report_town import (
    FILE,
    OURS,
    RivalFared,
    TownTruth,
    TrueDay,
    keep_truth,
    missed_told,
    read_truth,
    rivals_told,
)
from customering.kernel.errors import Corrupt
from customering.testing.contest import compete
from customering.testing.facts import facts_of
from customering.testing.rivals import Random
from customering.testing.truth import fared, truth_of
from customering.testing.world import Town

DAYS = tuple(
    TrueDay(
        day=day, decisions=10, accepted=1, chosen_minor=50.0 + day, uniform_minor=30.0,
        best_minor=100.0,
    )
    for day in range(14)
)  # fmt: skip


def rival(name: str, captured: float) -> RivalFared:
    return RivalFared(
        name=name, captured=captured, low=captured - 0.05, high=captured + 0.05,
        last_quarter=captured, accepted=0.05, missed_minor=2.0,
    )  # fmt: skip


def test_what_was_missed_is_told_week_by_week_and_in_sum() -> None:
    told = missed_told(DAYS, "EUR")
    assert [row[0] for row in told.rows] == ["1", "2"]
    way = sum(day.chosen_minor - 30.0 for day in DAYS) / (14 * 70.0)
    assert f"{way:.0%}" in told.headline
    regret = told.charts[1]
    assert regret.lines[0].points[-1] == (14.0, pytest.approx(sum(50 - d for d in range(14)) / 100))
    assert "80%" in told.losses[0]
    good = tuple(TrueDay(**{**_fields(day), "chosen_minor": 95.0}) for day in DAYS)
    assert missed_told(good, "EUR").losses == ()


def _fields(day: TrueDay) -> dict[str, float]:
    return {name: getattr(day, name) for name in day.__struct_fields__}


def test_a_rival_that_does_better_is_a_loss() -> None:
    truth = TownTruth(days=DAYS, rivals=(rival(OURS, 0.5), rival("rules", 0.7)), rival_decisions=9)
    told = rivals_told(truth, "EUR")
    assert [row[0] for row in told.rows] == ["rules", OURS]
    assert "rules goes 70%" in told.losses[0]
    assert "chance" not in told.losses[0]
    near = TownTruth(days=DAYS, rivals=(rival(OURS, 0.5), rival("rules", 0.53)), rival_decisions=9)
    assert "may be chance" in rivals_told(near, "EUR").losses[0]
    found = page(Report(title="t", made_at="", summary="", sections=(told,)))
    assert '<a href="#other-policies-in-the-same-town">' in found


def test_the_truth_is_kept_and_read(tmp_path: Path) -> None:
    assert read_truth(tmp_path) is None
    truth = TownTruth(days=DAYS)
    keep_truth(tmp_path, truth)
    assert read_truth(tmp_path) == truth
    (tmp_path / FILE).write_text("{")
    with pytest.raises(Corrupt, match="truth"):
        read_truth(tmp_path)


def test_drawing_goes_none_of_the_way() -> None:
    town = Town(1, people=60)
    found = fared(compete(town, facts_of(town), Random(town), 900))
    assert found.low < 0.0 < found.high
    assert found.captured == pytest.approx(0.0, abs=0.1)
    assert truth_of(town, (), decisions=0) == TownTruth(days=())


def test_a_share_that_rounds_to_nothing_has_no_sign() -> None:
    assert [percent(-0.001), percent(-0.02), percent(0.5)] == ["0%", "-2%", "50%"]
