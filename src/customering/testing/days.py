"""What the people of a town do by themselves on a day, as a Segment SDK would send it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_SECOND, format_instant
from customering.testing.assortment import DEPARTMENTS, PRODUCTS_EACH, Product, products
from customering.testing.residents import AGES
from customering.testing.world import FIRST_INSTANT_MS, Town

HISTORY_DAYS: Final = 90
"""Days before day 0 on which the town lived already; its first day is ``-HISTORY_DAYS``."""

_NEWCOMERS: Final = 0.1
_NEWCOMER_DAYS: Final = HISTORY_DAYS + 60
_PRODUCTS: Final = products()
_QUESTIONS: Final = ("fresh", "offers", "gift", "how long does it keep", "opening hours")


def user_id(person: int) -> str:
    """Give the user id under which the shop knows a person; numbers of persons begin at 0."""
    return f"t{person}"


def joined_on(town: Town, person: int) -> int:
    """Give the day on which a person was first seen: most on the first, a few later."""
    chance = np.random.default_rng([town.seed, 2, person])
    if chance.random() >= _NEWCOMERS:
        return -HISTORY_DAYS
    return int(chance.integers(0, _NEWCOMER_DAYS)) - HISTORY_DAYS


def events_of_day(town: Town, day: int) -> list[dict[str, Any]]:
    """Give what everybody does on a day without being asked, in order of time.

    Purchases follow each person's rhythm and taste and their mood; before most of them they search,
    look and fill the cart, and sometimes leave it standing. Those in a bad mood may ask for help.

    Parameters
    ----------
    town
        The town.
    day
        Day of the town, not before ``-HISTORY_DAYS``.

    Returns
    -------
    list of dict
        Payloads as `customering.events.intake` takes them; the same at every call.
    """
    chance = np.random.default_rng([town.seed, 3, day + HISTORY_DAYS])
    residents = town.residents
    moods = np.array([residents.mood(person, day) for person in range(town.people)])
    weekend = 1.3 if day % 7 >= 5 else 0.88
    buys = chance.random(town.people) < weekend * (1.0 + moods) / residents.gap_days
    strolls = chance.random(town.people) < 0.05
    asks = chance.random(town.people) < 0.02 * (moods < -0.3)
    seeds = chance.integers(0, 1 << 62, town.people)
    payloads: list[dict[str, Any]] = []
    for person in range(town.people):
        first_day = joined_on(town, person)
        if day < first_day or not (
            buys[person] or strolls[person] or asks[person] or day == first_day
        ):
            continue
        one = _Day(town, person, day, np.random.default_rng(int(seeds[person])))
        if day == first_day:
            one.introduces_themselves()
        if buys[person]:
            one.shops()
        elif strolls[person]:
            one.strolls()
        if asks[person]:
            one.track("Ticket Opened", {"topic": "delivery"}, minutes=90)
        payloads += one.payloads
    return sorted(payloads, key=lambda payload: (payload["timestamp"], payload["messageId"]))


class _Day:
    """What one person does on one day."""

    def __init__(self, town: Town, person: int, day: int, chance: np.random.Generator) -> None:
        self._town = town
        self._person = person
        self._day = day
        self._chance = chance
        hour = int(town.residents.hour[person])
        self._begins = FIRST_INSTANT_MS + day * MS_PER_DAY + hour * MS_PER_HOUR
        self.payloads: list[dict[str, Any]] = []

    def introduces_themselves(self) -> None:
        """Sign up, and tell a few facts."""
        residents, person = self._town.residents, self._person
        month, date = 1 + person * 7 % 12, 1 + person * 11 % 28
        self._send(
            {
                "type": "identify",
                "traits": {
                    "email": f"{user_id(person)}@town.example",
                    "age_group": AGES[residents.age[person]],
                    "household_size": int(residents.household_size[person]),
                    "birthday": f"{1950 + person % 55}-{month:02d}-{date:02d}",
                },
            },
            minutes=-5,
        )

    def shops(self) -> None:
        """Search and look, fill the cart, and mostly buy."""
        bought = self._chosen(1 + int(self._chance.poisson(4.0)))
        self._looks(bought[:2])
        self.track("Product Added", _line(bought[0], 0), minutes=6)
        if self._chance.random() < 0.1:
            return
        deal = float(self._town.residents.deal[self._person])
        is_bargain = self._chance.random(len(bought)) < 1.0 / (1.0 + np.exp(1.0 - 1.5 * deal))
        lines = [
            _line(product, product.price_minor // 5 if cheap else 0)
            for product, cheap in zip(bought, is_bargain, strict=True)
        ]
        order_id = f"o{self._day + HISTORY_DAYS}-{self._person}"
        properties = {
            "order_id": order_id,
            "revenue_minor": sum(line["amount_minor"] for line in lines),
            "currency": "EUR",
            "products": lines,
        }
        self.track("Order Completed", properties, minutes=12)
        if is_bargain.any() and self._chance.random() < 0.5:
            coupon = {"order_id": order_id, "coupon_id": f"c{self._day // 7}"}
            self.track("Coupon Redeemed", coupon, minutes=12)

    def strolls(self) -> None:
        """Look around without buying; now and then put something onto the wish list."""
        seen = self._chosen(3)
        self._looks(seen)
        if self._chance.random() < 0.2:
            self.track("Product Added to Wishlist", _line(seen[0], 0), minutes=8)

    def track(self, event: str, properties: dict[str, Any], *, minutes: int) -> None:
        """Do something so many minutes after coming."""
        self._send({"type": "track", "event": event, "properties": properties}, minutes)

    def _looks(self, seen: Sequence[Product]) -> None:
        self._send({"type": "page", "name": "Home"}, minutes=0)
        if self._chance.random() < 0.3:
            query = str(self._chance.choice(_QUESTIONS))
            self.track("Products Searched", {"query": query}, minutes=1)
        for number, product in enumerate(seen):
            self.track("Product Viewed", _line(product, 0), minutes=2 + number)

    def _chosen(self, count: int) -> list[Product]:
        """Draw products by taste; in each department everybody has favourites of their own."""
        shares = self._town.residents.shares[self._person]
        departments = self._chance.choice(len(DEPARTMENTS), count, p=shares)
        favourites = np.minimum(self._chance.geometric(0.4, count) - 1, PRODUCTS_EACH - 1)
        places = (favourites * 3 + self._person) % PRODUCTS_EACH
        found = dict.fromkeys((departments * PRODUCTS_EACH + places).tolist())
        return [_PRODUCTS[place] for place in found]

    def _send(self, payload: dict[str, Any], minutes: int) -> None:
        at_ms = self._begins + minutes * 60 * MS_PER_SECOND + self._person % 60 * MS_PER_SECOND
        number = len(self.payloads)
        self.payloads.append(
            {
                **payload,
                "userId": user_id(self._person),
                "messageId": f"town-{self._town.seed}-{self._day}-{self._person}-{number}",
                "timestamp": format_instant(at_ms),
            }
        )


def history(town: Town) -> Iterator[dict[str, Any]]:
    """Give everything that happened before day 0, in order of time."""
    for day in range(-HISTORY_DAYS, 0):
        yield from events_of_day(town, day)


def _line(product: Product, discount_minor: int) -> dict[str, Any]:
    return {
        "product_id": product.product_id,
        "name": product.name,
        "category": product.department,
        "department": product.department,
        "quantity": 1,
        "price_minor": product.price_minor,
        "amount_minor": product.price_minor - discount_minor,
        "discount_minor": discount_minor,
    }
