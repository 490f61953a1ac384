"""What the town's shop sells, and the offers and messages it may choose from."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from customering.decision.model import Action
from customering.kernel.clock import MS_PER_DAY

Floats = NDArray[np.float64]

DEPARTMENTS: Final = ("bread", "dairy", "produce", "wine", "household", "garden")
PRODUCTS_EACH: Final = 8
PAGES: Final = ("home", *DEPARTMENTS, "cart")
PARTS: Final = ("night", "morning", "midday", "evening")
_MESSAGE_CHANNELS: Final = ("email", "email", "email", "email", "push", "push")
_DEALS: Final = ("a fifth off", "two for one", "one more free", "new this week", "our favourites")
_ARRIVALS: Final = {5: 20, 11: 40, 17: 60}  # action number: day on which it arrives
_RETIREMENTS: Final = {2: 30, 8: 50, 14: 70}  # action number: day on which it is over


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the shop; the price in minor units."""

    product_id: str
    name: str
    department: str
    price_minor: int


@dataclass(frozen=True, slots=True, eq=False)
class Supply:
    """The actions of a town, and what nobody but the town knows of them.

    Parameters
    ----------
    actions
        What may be done, as a decision takes it.
    department
        Which department each is about, as a place in `DEPARTMENTS`; shape (actions,).
    discount
        How much each is a bargain, in [0, 1].
    appeal
        What makes each better or worse for everybody, standard deviation 1.
    by_part, by_page, by_age
        How much better each does in a part of the day, on a page, with an age group; logits before
        scaling; shape (parts, pages or ages, actions).
    values_minor, costs_minor
        Margin when it is accepted, and what of it is given away. Minor units.
    channels
        The channel each belongs to; empty when it fits any.
    """

    actions: tuple[Action, ...]
    department: NDArray[np.int64]
    discount: Floats
    appeal: Floats
    by_part: Floats
    by_page: Floats
    by_age: Floats
    values_minor: Floats
    costs_minor: Floats
    channels: tuple[str, ...]


def products() -> tuple[Product, ...]:
    """Give the products of the shop: the same in every town."""
    return tuple(
        Product(
            f"{name}-{number}", f"{name.title()} {number}", name, 150 + 70 * number + 90 * place
        )
        for place, name in enumerate(DEPARTMENTS)
        for number in range(1, PRODUCTS_EACH + 1)
    )


def supply_of(chance: np.random.Generator, offers: int, ages: int, first_ms: int) -> Supply:
    """Make offers that fit any channel, and six messages that belong to e-mail or push.

    Parameters
    ----------
    chance
        Where their hidden qualities are drawn from.
    offers
        How many offers.
    ages
        How many age groups there are.
    first_ms
        The instant at which day 0 begins, milliseconds since 1970; a few arrive and retire later.
    """
    channels = ("",) * offers + _MESSAGE_CHANNELS
    count = len(channels)
    department = np.arange(count) % len(DEPARTMENTS)
    discount = np.round(chance.choice([0.0, 0.1, 0.2, 0.3], count), 2)
    values = np.round(chance.uniform(80, 140, count), 0)
    on_own_page = np.array(
        [[page == DEPARTMENTS[one] for one in department] for page in PAGES], dtype=np.float64
    )
    return Supply(
        actions=tuple(
            _action(number, channel, int(values[number]), first_ms)
            for number, channel in enumerate(channels)
        ),
        department=department,
        discount=discount,
        appeal=_spread(chance, count),
        # Bread in the morning and wine in the evening: mostly the same for a whole department.
        by_part=chance.normal(0.0, 0.35, (len(PARTS), len(DEPARTMENTS)))[:, department]
        + chance.normal(0.0, 0.08, (len(PARTS), count)),
        by_page=0.8 * on_own_page,
        by_age=chance.normal(0.0, 0.08, (ages, count)),
        values_minor=values,
        costs_minor=np.round(values * discount * 0.5, 0),
        channels=channels,
    )


def _spread(chance: np.random.Generator, count: int) -> Floats:
    """Give evenly spread qualities in random order, so that towns differ in who, not in how far."""
    even = (np.arange(count) + 0.5) / count * 2.0 - 1.0
    return chance.permutation(even / even.std())


def _action(number: int, channel: str, value_minor: int, first_ms: int) -> Action:
    department = DEPARTMENTS[number % len(DEPARTMENTS)]
    what = _DEALS[number // len(DEPARTMENTS) % len(_DEALS)]
    arrives, retires = _ARRIVALS.get(number), _RETIREMENTS.get(number)
    name = f"{channel or 'offer'}_{department}_{number}"
    return Action(
        action_id=name,
        kind="send_message" if channel else "make_offer",
        title=f"{department.title()}: {what}",
        purpose=f"marketing.{channel}" if channel else "personalize.offers",
        channel=channel,
        group=department,
        categories=(department,),
        value_minor=value_minor,
        base_propensity=0.035,
        valid_from=None if arrives is None else first_ms + arrives * MS_PER_DAY,
        valid_until=None if retires is None else first_ms + retires * MS_PER_DAY,
    )
