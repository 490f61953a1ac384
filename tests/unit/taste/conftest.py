"""A small town where people come back for their own staples and explore within one taste."""

import numpy as np
import pytest

from customering.taste.history import Purchases, gather
from customering.taste.model import TasteModel, TasteSettings
from customering.taste.train import train

PEOPLE, ITEMS, TASTES, DAYS = 240, 80, 4, 240

SETTINGS = TasteSettings(
    discovery_items_max=60, neighbours_kept=20, supported_candidates=15, popular_candidates=10
)


def town(seed: int) -> Purchases:
    """Shop every fourth day or so: due staples, and now and then something of one's taste."""
    chance = np.random.default_rng(seed)
    rows = []
    for person in range(PEOPLE):
        mine = np.flatnonzero(np.arange(ITEMS) % TASTES == person % TASTES)
        liked = 1.0 / (1 + np.arange(len(mine)))
        staples = chance.choice(mine, size=4, replace=False)
        every = chance.integers(5, 40, size=4)
        due = chance.integers(0, 30, size=4)
        for day in np.cumsum(chance.integers(1, 8, size=DAYS)):
            if day >= DAYS:
                break
            basket = [int(item) for item in staples[due <= day]]
            due = np.where(due <= day, day + every, due)
            if chance.random() < 0.5 or not basket:
                basket.append(int(chance.choice(mine, p=liked / liked.sum())))
            rows += [(person, item, int(day)) for item in basket]
    person, item, day = np.array(rows).T
    return gather(person, item, day, people=PEOPLE, items=ITEMS)


def products() -> list[str]:
    return [f"sku-{item:02d}" for item in range(ITEMS)]


@pytest.fixture(scope="session")
def taste_town() -> Purchases:
    return town(7)


@pytest.fixture(scope="session")
def taste_model(taste_town: Purchases) -> TasteModel:
    known = taste_town.where(taste_town.day < DAYS - 28)
    return train(known, products(), through_day=DAYS - 29, settings=SETTINGS)
