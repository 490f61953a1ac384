import numpy as np

from customering.taste.discovery import because_of, candidates
from customering.taste.history import histories


def test_nothing_bought_before_is_a_candidate_and_people_stay_apart(taste_town, taste_model):
    past = histories(taste_town)
    found = candidates(past, taste_model.discovery, supported=15, popular=10)
    owned = set(zip(past.pair_person.tolist(), past.pair_item.tolist(), strict=True))
    keys = list(zip(found.person.tolist(), found.item.tolist(), strict=True))
    assert owned.isdisjoint(keys)
    assert keys == sorted(set(keys))
    assert set(found.item.tolist()) <= set(taste_model.discovery.items.tolist())


def test_support_is_the_sum_of_the_kept_weights_of_what_was_bought(taste_town, taste_model):
    discovery = taste_model.discovery
    past = histories(taste_town).of_people(np.array([5]))
    found = candidates(past, discovery, supported=3, popular=0)
    near = discovery.neighbours.toarray()
    rows = [discovery.column[item] for item in past.pair_item if discovery.column[item] >= 0]
    score = near[rows].sum(axis=0)
    score[rows] = 0
    best = np.sort(np.argsort(-score)[:3])
    assert found.item.tolist() == discovery.items[best].tolist()
    assert np.allclose(found.support, score[best], atol=1e-6)


def test_only_popular_items_for_a_person_without_purchases(taste_town, taste_model):
    nobody = taste_town.where(taste_town.person < 0)
    found = candidates(histories(nobody), taste_model.discovery, supported=15, popular=10)
    top = taste_model.discovery.items[taste_model.discovery.popular[:10]]
    assert found.item[found.person == 0].tolist() == sorted(top.tolist())


def test_reasons_are_the_bought_items_with_the_largest_weights(taste_model):
    discovery = taste_model.discovery
    near = discovery.neighbours.toarray()
    bought, wanted = discovery.items[::3], discovery.items[1:8:3]
    reasons = because_of(bought, wanted, discovery, keep=2)
    for item, named in zip(wanted, reasons, strict=True):
        weights = {int(b): near[discovery.column[b], discovery.column[item]] for b in bought}
        best = sorted((b for b in weights if weights[b] > 0), key=lambda b: -weights[b])[:2]
        assert named == best
    assert any(reasons)
