"""Who gets the places without chance, and what is told of them.

Of whom the same remains, and the same is worth as much, the same is arranged: where many people
are offered the same, it is kept with what it is worth.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from customering.decision.arbitrate import Slate, fill
from customering.decision.explain import FOR_ALL
from customering.decision.offer import Offer, View
from customering.decision.policy import Case
from customering.decision.sift import Sifted
from customering.decision.stance import Stance

Places = NDArray[np.intp]


class Told(NamedTuple):
    """What is told of the chosen, best place first.

    Parameters
    ----------
    ids, reasons
        Their ids, and why each was chosen, as a person reads it.
    contents
        Their texts by id; those without any are left out.
    ends
        The first instant at which one of them may not be done any more; None for none.
        Milliseconds since 1970.
    """

    ids: tuple[str, ...]
    reasons: Sequence[str]
    contents: dict[str, dict[str, str]]
    ends: int | None


class Arranged(NamedTuple):
    """Who gets the places.

    Parameters
    ----------
    order
        The places of those that remain, best first.
    slate
        Who got the places, without chance.
    told
        What is told of them; None where it is not kept, for chance may choose others.
    """

    order: Places
    slate: Slate
    told: Told | None


def arrange(case: Case, stance: Stance, sifted: Sifted, view: View) -> Arranged:
    """Fill the places by score."""
    settings, kept = case.policy.settings, view.arranged
    if kept is None:
        order = case.offer.ranked(view.scores, sifted.codes == 0)
        return Arranged(order, filled(case, stance, sifted, view, order), None)
    key = (
        sifted.codes.tobytes(),
        case.request.slots,
        None if stance.is_essential else stance.quiet_score_minor,
        settings.most_per_group,
        settings.discovery_slots,
    )
    found: Arranged | None = kept.get(key)
    if found is None:
        if len(kept) >= case.offer.keeps:
            kept.clear()
        order = case.offer.ranked(view.scores, sifted.codes == 0)
        slate = filled(case, stance, sifted, view, order)
        told = told_of(case.offer, slate, is_common=stance.is_common)
        found = kept[key] = Arranged(order, slate, told)
    return found


def filled(
    case: Case,
    stance: Stance,
    sifted: Sifted,
    view: View,
    order: Places,
    first: int | None = None,
) -> Slate:
    """Fill the places from the best down.

    Parameters
    ----------
    order
        The places of those that remain, best first.
    first
        The candidate that chance gave the first place; None for the best.
    """
    settings = case.policy.settings
    return fill(
        order,
        case.offer,
        view.scores,
        sifted.codes,
        slots=case.request.slots,
        quiet_score=-math.inf if stance.is_essential else stance.quiet_score_minor,
        most_per_group=settings.most_per_group,
        discovery_slots=settings.discovery_slots,
        first=first,
    )


def fallen_back(case: Case, slate: Slate, sifted: Sifted) -> Slate:
    """Put in what the operator wants where nothing is worth it; nothing forbidden, no contact."""
    action_id = case.policy.settings.fallbacks.get(case.request.placement)
    if action_id is None or case.request.is_contact:
        return slate
    place = case.offer.place_of(action_id)
    if place is None or sifted.codes[place]:
        return slate
    codes = slate.codes.copy()
    codes[place] = 0
    return Slate([place], codes)


def told_of(offer: Offer, slate: Slate, *, is_common: bool) -> Told:
    """Give what is told of the chosen; others are not looked at.

    Parameters
    ----------
    is_common
        Whether they were chosen without regard to the person.
    """
    ids, reasons, ends = [], [], None
    contents: dict[str, dict[str, str]] = {}
    for place in slate.chosen:
        table, row = offer.at(place)
        action_id, end = table.columns.action_id[row], table.columns.valid_until[row]
        ids.append(action_id)
        reasons.append(FOR_ALL if is_common else offer.reasons(place))
        if end is not None:
            ends = end if ends is None else min(end, ends)
        if table.actions and table.actions[row].content:
            contents[action_id] = table.actions[row].content
    return Told(tuple(ids), reasons, contents, ends)
