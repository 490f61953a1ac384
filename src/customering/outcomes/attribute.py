"""The act: which outcome belongs to which decision and action, and why.

1. An event that names one of the person's decisions belongs to that one.
2. Another purchase belongs, line by line, to the action about that product that touched the person
   last, if that was at most so many days before.
3. A return belongs to whoever got the purchase of that order.

It is a pure function of what one person did and what was decided for them.
"""

from collections.abc import Iterable, Iterator

from customering.kernel.clock import MS_PER_DAY
from customering.outcomes.model import Attributed, Line, Made, Outcome, OutcomeSettings, Told

_TOUCHES: frozenset[Outcome] = frozenset({"shown", "clicked", "accepted"})
_DEALS: frozenset[Outcome] = frozenset({"bought", "returned"})
_NAMED = "It names this decision."
_RETURNED = "It gives back what this action was credited with."

_Place = tuple[str, str]
"""A decision and one of its actions."""


def attribute(
    told: Iterable[Told], decisions: Iterable[Made], settings: OutcomeSettings
) -> list[Attributed]:
    """Give every outcome its decision, in order of time; outcomes without one are left out.

    Parameters
    ----------
    told
        Everything one person did that may be an outcome, in any order.
    decisions
        What was decided for them, in any order.
    settings
        How long a touch counts.

    Notes
    -----
    A touch is a showing, click or acceptance that was told. Of a decision of which nothing was told
    every action counts as touched when it was made: not every page reports what was seen. Of a
    decision of which something was told only the actions that were seen count. What the person
    dismissed is credited with nothing afterwards. The same outcome of the same action counts once,
    except purchases and returns.
    """
    ledger = _Ledger(decisions, settings)
    found: list[Attributed] = []
    for one in sorted(told, key=lambda one: (one.occurred_at, one.event_id)):
        found += ledger.take(one)
    return found


class _Ledger:
    """What is known so far while the outcomes of one person pass in order of time."""

    def __init__(self, decisions: Iterable[Made], settings: OutcomeSettings) -> None:
        self._made = {made.decision_id: made for made in decisions}
        self._window_ms = settings.window_days * MS_PER_DAY
        self._touched: dict[_Place, int] = {}
        self._reported: set[str] = set()
        self._dismissed: set[_Place] = set()
        self._seen: set[tuple[str, str, Outcome]] = set()
        self._credited: dict[tuple[str, str], _Place] = {}
        self._about: dict[str, list[_Place]] = {}
        for made in self._made.values():
            for action_id, products in made.actions.items():
                for product in products:
                    self._about.setdefault(product, []).append((made.decision_id, action_id))

    def take(self, told: Told) -> Iterator[Attributed]:
        """Take the next outcome, and give what it is attributed to."""
        made = self._made.get(told.decision_id)
        if made is not None:
            yield from self._named(told, made)
        elif told.outcome == "bought":
            yield from self._bought(told)
        elif told.outcome == "returned":
            yield from self._returned(told)

    def _named(self, told: Told, made: Made) -> Iterator[Attributed]:
        """Attribute what names a decision."""
        action_id = _action_meant(told, made)
        places = [action_id] if action_id else list(made.actions)
        for place in [(made.decision_id, one) for one in places]:
            if told.outcome in _TOUCHES:
                self._touched[place] = told.occurred_at
                self._reported.add(made.decision_id)
            elif told.outcome == "dismissed":
                self._dismissed.add(place)
        if told.outcome in _DEALS:
            for line in told.lines:
                self._credited[told.order_id, line.product_id] = (made.decision_id, action_id)
        else:
            outcome = (made.decision_id, action_id, told.outcome)
            if outcome in self._seen:
                return
            self._seen.add(outcome)
        yield _attributed(told, (made.decision_id, action_id), told.revenue_minor)

    def _bought(self, told: Told) -> Iterator[Attributed]:
        """Attribute the lines of a purchase to whoever touched last."""
        lines: dict[_Place, list[Line]] = {}
        days: dict[_Place, int] = {}
        for line in told.lines:
            touches = list(self._touches(line.product_id, told.occurred_at))
            if touches:
                touched_at, place = max(touches)
                lines.setdefault(place, []).append(line)
                days[place] = max(told.occurred_at - touched_at, 0) // MS_PER_DAY
                self._credited[told.order_id, line.product_id] = place
        for place, bought in lines.items():
            words = f"What it is about was bought {_later(days[place])} the person last met it."
            yield _attributed(told, place, _sum(bought), words)

    def _touches(self, product_id: str, at_ms: int) -> Iterator[tuple[int, _Place]]:
        """Give the touches that may be credited with the purchase of a product."""
        for place in self._about.get(product_id, ()):
            decision_id = place[0]
            decided_at = self._made[decision_id].decided_at
            touched_at = self._touched.get(place)
            if touched_at is None and decision_id not in self._reported:
                touched_at = decided_at
            if touched_at is None or place in self._dismissed:
                continue
            # Clocks of senders differ: a touch may be dated before the decision, a purchase not.
            if decided_at <= at_ms <= touched_at + self._window_ms:
                yield touched_at, place

    def _returned(self, told: Told) -> Iterator[Attributed]:
        """Attribute a return to whoever was credited; one without lines gives the order back."""
        if not told.order_id:
            return
        given = {line.product_id: line for line in told.lines}
        back: dict[_Place, list[Line]] = {}
        for (order_id, product_id), place in self._credited.items():
            if order_id == told.order_id and (not given or product_id in given):
                line = given.get(product_id, Line(product_id=product_id))
                back.setdefault(place, []).append(line)
        for place, lines in back.items():
            yield _attributed(told, place, _sum(lines), _RETURNED)


def _action_meant(told: Told, made: Made) -> str:
    """Give the action of a decision that an outcome is about; empty when it is the whole of it."""
    if told.action_id:
        return told.action_id if told.action_id in made.actions else ""
    if len(made.actions) == 1:
        return next(iter(made.actions))
    bought = {line.product_id for line in told.lines}
    about = [action for action, products in made.actions.items() if bought.intersection(products)]
    return about[0] if len(about) == 1 else ""


def _attributed(
    told: Told, place: _Place, revenue_minor: int | None, words: str = ""
) -> Attributed:
    return Attributed(
        decision_id=place[0],
        action_id=place[1],
        outcome=told.outcome,
        occurred_at=told.occurred_at,
        event_id=told.event_id,
        how="last_touch" if words else "named",
        because=told.because,
        revenue_minor=None if revenue_minor is None else abs(revenue_minor),
        currency=told.currency,
        words=words or _NAMED,
    )


def _sum(lines: Iterable[Line]) -> int | None:
    """Add up what lines came to; None when none says so."""
    amounts = [line.amount_minor for line in lines if line.amount_minor is not None]
    return sum(amounts) if amounts else None


def _later(days: int) -> str:
    return {0: "on the day", 1: "1 day after"}.get(days, f"{days} days after")
