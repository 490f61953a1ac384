import numpy as np
import pytest

from customering.taste.history import gather, histories
from customering.taste.items import item_statistics


def test_statistics_of_a_hand_counted_town():
    # Ada (0): item 0 on days 1, 5, 9; item 1 on day 5. Bo (1): item 0 on day 2, item 1 on day 8.
    purchases = gather(
        np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 0, 1]), np.array([1, 5, 9, 5, 2, 8])
    )
    found = item_statistics(histories(purchases), items=2, recent_after=7)
    assert found.buyers.tolist() == [2, 2, 0]
    assert found.recent_buyers.tolist() == [1, 1, 0]
    assert found.people == 2
    # one of four buyers came back: the general share is 1/4, drawn in with 5 buyers' worth
    assert found.again_share == pytest.approx([(1 + 1.25) / 7, 1.25 / 7, 0.25])
    # after a first purchase Ada had 2 and 1 more baskets, Bo 1 and 0: 2 repeats in 4
    assert found.again_rate == pytest.approx([(2 + 25) / 53, 25 / 51, 0.5])


def test_an_item_never_seen_is_given_the_general_rates():
    found = item_statistics(histories(gather(*np.zeros((3, 1), int))), items=3, recent_after=0)
    assert found.items == 3
    assert found.buyers[-1] == 0
    assert found.trend[-1] == pytest.approx(np.log(1 / 5))
