"""What people somebody knows speak for, and how it comes into a list."""

import numpy as np
import pytest

from customering.kernel.clock import MS_PER_DAY
from customering.kernel.ids import Identifier
from customering.taste.friends import Shown, identifier_of, latest_words, shown_to, tips
from customering.taste.list_settings import ListSettings
from customering.taste.rank import Shortlist
from customering.taste.sources import Found, joined

NOW = 20_000 * MS_PER_DAY + 1
SETTINGS = ListSettings()


def ago(days: float, product: str) -> tuple[int, str]:
    return int(NOW - days * MS_PER_DAY), product


def test_buying_liking_and_sharing_count_once_a_person() -> None:
    friends = [
        Shown(bought=(ago(3, "lamp"), ago(4, "lamp"))),
        Shown(liked=(ago(2, "lamp"),), shared=(ago(2, "lamp"),)),
        Shown(),
        Shown(),
    ]
    assert tips(friends, NOW, SETTINGS) == ()
    (found,) = tips([*friends, Shown(shared=(ago(9, "lamp"),))], NOW, SETTINGS)
    assert found.words == "At least 3 people you know bought or liked it lately."


def test_the_words_do_not_tell_how_many() -> None:
    many = [Shown(bought=(ago(3, "lamp"),)) for _ in range(9)]
    assert len({tips([*many[:n], Shown()], NOW, SETTINGS)[0].words for n in (3, 5, 9)}) == 1


def test_what_was_shown_to_one_fades_and_is_told_of_first() -> None:
    at_once, later = (
        tips([Shown(to_you=(ago(days, "lamp"),))], NOW, SETTINGS)[0].lift for days in (0, 6)
    )
    assert later == pytest.approx(at_once / 4)
    assert tips([Shown(to_you=(ago(40, "lamp"),))], NOW, SETTINGS) == ()
    group = [Shown(bought=(ago(3, "cup"),)) for _ in range(3)]
    both = tips([*group, Shown(to_you=(ago(0, "lamp"),))], NOW, SETTINGS)
    assert [one.product_id for one in both] == ["lamp", "cup"]


def test_a_hidden_category_is_left_out() -> None:
    hidden = ListSettings(friends_hidden_categories=("health",))
    friend = Shown(to_you=(ago(1, "test"), ago(1, "lamp")))
    found = tips([friend], NOW, hidden, lambda product: "health" if product == "test" else "")
    assert [one.product_id for one in found] == ["lamp"]


def test_the_latest_word_about_a_person_counts_under_whatever_name() -> None:
    def person_of(name: Identifier) -> str:
        return "ben" if name in ("user_id:b", "email:ben@example.org") else name

    said = latest_words([(1, "user_id:b"), (5, "c")], [(3, "Ben@example.org"), (5, "c")], person_of)
    assert said == {
        "ben": ("email:ben@example.org", False),
        "user_id:c": ("user_id:c", False),
    }
    again = latest_words([(1, "user_id:b"), (4, "b")], [(3, "ben@example.org")], person_of)
    assert again["ben"] == ("user_id:b", True)
    assert latest_words([(1, "no kind: "), (2, "@")], [], person_of) == {}


def test_what_cannot_name_anybody_names_nobody() -> None:
    assert identifier_of("9 kinds:x") is None
    assert identifier_of("") is None


def test_only_what_was_shared_at_that_instant_was_shown() -> None:
    shared = ((1, "lamp"), (2, "cup"), (2, "tea"))
    recipients = [(2, "Ada@example.org"), (1, "someone@example.org")]
    mine = {Identifier("email:ada@example.org"): None}
    assert shown_to(shared, recipients, mine) == ((2, "cup"), (2, "tea"))


LISTED = Shortlist(
    products=["tea", "cup", "jam"],
    probability=[0.3, 0.1, 0.02],
    kinds=["repeat", "discover", "popular"],
    items=[0, 1, 2],
    bought=np.array([0]),
)


class Model:
    """Only the numbers of the products."""

    index = {"tea": 0, "cup": 1, "jam": 2}  # noqa: RUF012 - read only


def test_what_is_found_joins_and_rises_in_a_list_of_the_same_length() -> None:
    found = [
        Found("jam", "friends", "They like it.", 3.0),
        Found("lamp", "arrival", "It is new.", chance=0.01),
        Found("tea", "friends", "They like tea.", 0.5),
    ]
    made = joined(Model(), LISTED, found, 3)
    assert made.products == ["tea", "jam", "lamp"]
    assert made.kinds == ["repeat", "friends", "arrival"]
    assert made.items == [0, 2, -1]
    assert made.probability[0] > 0.3
    assert made.probability[1] == pytest.approx(0.29, abs=0.01)
    assert made.probability[2] == pytest.approx(0.01)
    assert made.words == {
        "jam": "They like it.",
        "lamp": "It is new.",
        "tea": "They like tea.",
    }


def test_without_anything_found_the_list_is_the_list() -> None:
    assert joined(Model(), LISTED, [], 3) is LISTED
