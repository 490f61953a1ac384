import pytest

from customering.aggregates.counts import Count
from customering.aggregates.decayed import Decayed
from customering.aggregates.distinct import Distinct
from customering.aggregates.registry import KINDS, build, parameters_of
from customering.aggregates.windowed import Windowed
from customering.kernel.errors import InvalidDefinition


def test_names_and_parameters_make_aggregates() -> None:
    assert build("count") == Count()
    assert build("count", window_days=None) == Count()
    assert build("distinct", bound=64, window_days=30) == Windowed(Distinct(64), 30)
    assert build("decayed_count", half_life_days=7) == Decayed(7, counting=True)
    assert build("histogram", edges=[1, 2]).finish([1, 0, 2], 0) == [1, 0, 2]


def test_parameters_of_each_kind_can_be_listed() -> None:
    assert parameters_of("rhythm") == ("statistic", "last")
    assert parameters_of("histogram") == ("edges",)
    assert {name for kind in KINDS for name in parameters_of(kind)} == {
        "k", "bound", "half_life_days", "edges", "statistic", "last", "last_days"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "parameters", "message", "hint"),
    [
        ("cuont", {}, "no aggregate 'cuont'", "Did you mean count?"),
        ("zzz", {}, "no aggregate 'zzz'", "Known are count, sum"),
        ("count", {"window_day": 3}, "no parameter 'window_day'", "Did you mean window_days?"),
        ("top_k", {}, "lacks its parameter 'k'", "Add k"),
        ("top_k", {"k": 0}, "k = 0 is out of range", "from 1 to 1000"),
        ("top_k", {"k": "3"}, "wrong type", "without quotes"),
        ("top_k", {"k": 2.5}, "k = 2.5 is not a whole number", "whole number"),
        ("top_k", {"k": True}, "k = True is not a whole number", "whole number"),
        ("count", {"window_days": 0}, "window_days = 0 is out of range", "from 1 to 3660"),
        ("count", {"window_days": "7"}, "wrong type", "without quotes"),
        ("decayed_sum", {"half_life_days": 0}, "out of range", "days"),
        ("decayed_sum", {"half_life_days": 7, "window_days": 7}, "within a window", "Leave out"),
        ("rhythm", {"statistic": "days", "window_days": 7}, "within a window", "Leave out"),
        ("rhythm", {"statistic": "gap"}, "'gap' is not a statistic", "mean_gap_days"),
        ("histogram", {"edges": []}, "do not ascend", "at least one edge"),
        ("histogram", {"edges": [2, 1]}, "do not ascend", "larger"),
        ("histogram", {"edges": [1, float("nan")]}, "do not ascend", "larger"),
        ("histogram", {"edges": ["a", "b"]}, "wrong type", "list of numbers"),
        ("distinct", {"bound": 3}, "out of range", "from 16 to 4096 values"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_hint(
    kind: str, parameters: dict[str, object], message: str, hint: str
) -> None:
    with pytest.raises(InvalidDefinition) as refusal:
        build(kind, **parameters)
    assert message in refusal.value.message
    assert hint in refusal.value.hint


def test_windows_do_not_nest() -> None:
    with pytest.raises(InvalidDefinition):
        Windowed(Windowed(Count(), 7), 30)
