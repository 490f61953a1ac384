import numpy as np
import pytest

from customering.kernel.errors import Invalid
from customering.relationship.transitions import (
    STATUSES,
    UNKNOWN,
    explained_share,
    followings,
    passages,
)

NEW, LOYAL, LOST = (STATUSES.index(name) for name in ("new", "loyal", "lost"))


def test_passages_are_counted_over_all_dates_with_shares_of_the_row():
    dates = [
        np.array([NEW, NEW, LOYAL, UNKNOWN]),
        np.array([LOYAL, NEW, LOYAL, NEW]),
        np.array([LOYAL, LOST, LOST, UNKNOWN]),
    ]
    found = {(one.before, one.after): (one.people, one.share) for one in passages(dates)}
    assert found == {
        ("new", "loyal"): (1, pytest.approx(1 / 3)),
        ("new", "new"): (1, pytest.approx(1 / 3)),
        ("new", "lost"): (1, pytest.approx(1 / 3)),
        ("loyal", "loyal"): (2, pytest.approx(2 / 3)),
        ("loyal", "lost"): (1, pytest.approx(1 / 3)),
    }


def test_one_date_has_no_passages_and_two_must_speak_of_the_same_people():
    assert passages([np.array([NEW])]) == ()
    with pytest.raises(Invalid):
        passages([np.array([NEW]), np.array([NEW, LOYAL])])


def test_what_followed_is_told_of_each_status_the_best_first():
    standing = np.array([LOYAL, LOYAL, LOST, LOST, LOST])
    found = followings(standing, np.array([4.0, 0, 0, 0, 3]), np.array([5.0, 3, 0, 0, 0]))
    assert [one.status for one in found] == ["loyal", "lost"]
    assert (found[0].people, found[0].bought_share) == (2, 0.5)
    assert (found[0].purchase_days, found[0].purchase_days_before) == (2.0, 4.0)
    assert (found[1].bought_share, found[1].purchase_days) == (pytest.approx(1 / 3), 1.0)


def test_groups_explain_all_or_nothing_or_a_part():
    after = np.array([1.0, 1, 5, 5])
    assert explained_share(np.array([0, 0, 1, 1]), after) == pytest.approx(1.0)
    assert explained_share(np.array([0, 1, 0, 1]), after) == pytest.approx(0.0)
    part = explained_share(np.array([0, 0, 0, 1]), after)
    assert part is not None
    assert 0 < part < 1
    assert explained_share(np.array([0, 1]), np.array([2.0, 2.0])) is None
    assert explained_share(np.array([], dtype=np.int64), np.array([])) is None
