"""Charts and pages of a report: what is drawn, that it is safe, and that losses are told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.app.effect_evaluation import UpliftReport
from customering.app.evaluating import BasketEvaluation, MethodGrades
from customering.app.policy_evaluation import PolicyEvaluation
from customering.app.report_charts import drawn, ticks
from customering.app.report_decisions import effect_told, policies_told, uplift_told
from customering.app.report_model import Bar, Grid, IntervalChart, Line, LineChart, Report, Section
from customering.app.report_page import page
from customering.app.report_predictions import baskets_told

EVIL = '<script>alert("x")</script>'


@given(low=st.floats(-1e4, 1e4), width=st.floats(1e-3, 1e6))
@settings(max_examples=100, deadline=None)
def test_ticks_are_few_and_within(low: float, width: float) -> None:
    found = ticks(low, low + width)
    assert 1 <= len(found) <= 8
    room = width * 1e-6
    assert all(low - room <= one <= low + width + room for one in found)


def test_ticks_are_round() -> None:
    assert ticks(1, 10) == [2, 4, 6, 8, 10]
    assert ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(3, 3) == [3]


@pytest.mark.parametrize(
    "chart",
    [
        IntervalChart(title=EVIL, bars=(Bar(label=EVIL, value=None, text=EVIL),), alt=EVIL),
        IntervalChart(title="t", bars=(), reference=0.0, alt="nothing"),
        LineChart(
            title=EVIL,
            across=EVIL,
            upward=EVIL,
            lines=(Line(label=EVIL, points=((0, 1), (1, 1)), band=((0, 0, 2), (1, 1, 1))),),
            alt=EVIL,
        ),
        LineChart(title="t", across="x", upward="y", lines=(), alt="nothing"),
        Grid(title=EVIL, names=(EVIL, "b"), shares=((0.5, None), (1.0, 0.0)), alt=EVIL),
    ],
)
def test_nothing_in_a_chart_becomes_markup(chart: IntervalChart | LineChart | Grid) -> None:
    found = drawn(chart)
    assert "<script" not in found
    assert found.startswith("<figure>")
    assert 'class="alt"' in found


def test_a_page_tells_the_command_and_what_was_lost() -> None:
    section = Section(
        title=EVIL,
        command="customering evaluate value",
        finding=EVIL,
        columns=(EVIL,),
        rows=((EVIL,),),
        losses=("Value: something simpler is better.",),
        missing=EVIL,
    )
    text = page(Report(title=EVIL, made_at="", summary=EVIL, sections=(section, section)))
    assert "<script" not in text
    assert text.count("customering evaluate value") == 2
    assert "Where we lose" in text
    assert 'name="viewport"' in text
    clean = Section(title="a", command="b")
    assert "Where we lose" not in page(Report(title="t", made_at="", summary="", sections=(clean,)))


def graded(method: str, ndcg: float, explore: float) -> MethodGrades:
    return MethodGrades(
        method=method,
        recall=ndcg,
        ndcg=ndcg,
        ndcg_low=ndcg - 0.01,
        ndcg_high=ndcg + 0.01,
        hit=ndcg,
        repeat_recall=None,
        explore_recall=explore,
    )


def test_what_a_baseline_does_better_is_told() -> None:
    grades = [graded("customering", 0.2, 0.01), graded("popularity", 0.1, 0.05)]
    done = BasketEvaluation(
        held_out_days=7, people=10, products=5, next_basket=grades, discovery=grades[:1]
    )
    basket, discovery = baskets_told(done)
    assert len(basket.losses) == 1
    assert "popularity finds more new products" in basket.losses[0]
    assert discovery.losses == ()


def test_sections_without_anything_to_tell_say_why() -> None:
    nothing = PolicyEvaluation(
        decisions=0, people=0, left_out={}, currency="EUR", rows=(), gate=None, missing=("Wait.",)
    )
    assert policies_told(nothing).missing == "Wait."
    assert effect_told(()).rows == ()
    none = UpliftReport(title="t", features=(), uplift=None, missing="Nobody yet.")
    assert uplift_told(none).missing == "Nobody yet."
