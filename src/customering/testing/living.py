"""A home in which a town lives: its events taken in, decisions made, and what came of them told."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.app.home import find, init
from customering.app.settings import FILE_NAME, toml_value
from customering.decision.model import LEAVE_ALONE, Action, Decision
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_SECOND, day_of, format_instant
from customering.kernel.errors import Conflict
from customering.kernel.ids import Identifier
from customering.kernel.records import Record
from customering.outcomes.model import (
    ACTION_ACCEPTED,
    ACTION_BOUGHT,
    ACTION_CLICKED,
    ACTION_DISMISSED,
    ACTION_SHOWN,
)
from customering.testing.days import HISTORY_DAYS, events_of_day, joined_on, user_id
from customering.testing.world import FIRST_INSTANT_MS, Response, Town, Visit

PLACEMENT = "home"
_MARK = ".town"
_DAYS_AT_ONCE = 10
_MORNING_MS = 10 * MS_PER_HOUR
_PERMITTED = (
    "analytics.product", "personalize.web", "personalize.offers", "profile.value_scoring",
    "marketing.email", "marketing.push",
)  # fmt: skip
_SETTINGS = """\
# Settings of a town; everything else has its default.

[events]
default_currency = "EUR"

[learning]
# The usual "gate" waits until facts of the person have proved their worth; here we want to watch.
context = "always"

"""
_GROUND = "everybody in this town is simulated"


class LivedDay(Record, frozen=True, kw_only=True):
    """One day of a town as it really was, of which the shop knows only a part.

    Parameters
    ----------
    day
        Day of the town.
    decisions
        How many were made.
    accepted
        How many of them were accepted.
    chosen_minor, uniform_minor, best_minor
        Expected margin of what was chosen, of an offer drawn uniformly, and of the best offer for
        each; the sum over the decisions. Minor units.
    """

    day: int
    decisions: int
    accepted: int
    chosen_minor: float
    uniform_minor: float
    best_minor: float


def captured(days: list[LivedDay]) -> float:
    """Give the share of the way from drawn uniformly to the best for each that was gone.

    Returns
    -------
    float
        1 is as good as knowing everything, 0 as good as drawing; NaN without decisions.
    """
    won = sum(day.chosen_minor - day.uniform_minor for day in days)
    there = sum(day.best_minor - day.uniform_minor for day in days)
    return won / there if there else float("nan")


def make_home(folder: Path, town: Town) -> None:
    """Make a home for a town, in the place of an earlier one; nothing has happened in it yet.

    Raises
    ------
    Conflict
        When the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARK).exists():
            raise Conflict(
                f"{folder} is there already and is not a town",
                hint="name another folder with --home",
            )
        shutil.rmtree(folder)
    init(folder)
    stated = "\n".join(
        f'[consent.defaults."{key}"]\nanswer = "allow"\nground = "{_GROUND}"\n'
        for key in _PERMITTED
    )
    (folder / FILE_NAME).write_text(_SETTINGS + stated, encoding="utf-8")
    actions = "\n".join(map(_toml, town.actions))
    (folder / "actions.toml").write_text(actions, encoding="utf-8")
    (folder / _MARK).touch()


@contextmanager
def opened(folder: Path, town: Town) -> Iterator["Life"]:
    """Open the home of a town with the town's own clock; in the end that clock stands still."""
    life = Life(town)
    with Engine(find(folder, environment={}), clock=lambda: life.now_ms) as engine:
        life.engine = engine
        yield life
    path = folder / FILE_NAME
    text = path.read_text(encoding="utf-8").partition("\n[clock]")[0]
    present = format_instant(day_of(life.now_ms) * MS_PER_DAY + MS_PER_DAY + _MORNING_MS)
    standing = f'\n[clock]\n# It is the morning after.\npresent = "{present}"\n'
    path.write_text(text + standing, encoding="utf-8")


class Life:
    """A town that lives through a home.

    Parameters
    ----------
    town
        The town.

    Attributes
    ----------
    now_ms
        The instant the town has reached. Milliseconds since 1970.
    engine
        The home.
    """

    engine: Engine

    def __init__(self, town: Town) -> None:
        self.now_ms = FIRST_INSTANT_MS - HISTORY_DAYS * MS_PER_DAY
        self._town = town
        self._joined = [joined_on(town, person) for person in range(town.people)]
        self._later: list[tuple[int, dict[str, Any]]] = []

    def remember(self, on_events: Callable[[int], None] = lambda events: None) -> int:
        """Take in the days before day 0, and give the number of events.

        Parameters
        ----------
        on_events
            Told the number of events taken in so far.
        """
        events = 0
        for begins in range(-HISTORY_DAYS, 0, _DAYS_AT_ONCE):
            events += self._end(range(begins, begins + _DAYS_AT_ONCE))
            on_events(events)
        return events

    def live(self, day: int, visits: int) -> LivedDay:
        """Live through a day: people come by, the home decides what to show them, the day is told.

        Parameters
        ----------
        day
            Day of the town; days must be lived in order.
        visits
            How many come by; those whom the shop has never seen are shown nothing.
        """
        town, accepted, made = self._town, 0, 0
        chosen_minor = uniform_minor = best_minor = 0.0
        places = [town.place_of(one) for one in town.on_offer(day)]
        for visit in town.visits(day, visits):
            if self._joined[visit.person] >= day:
                continue
            self.now_ms = visit.at_ms
            decision = self._decide(visit)
            made += 1
            margins = town.rates(visit.person, visit.circumstances, day).margin_minor
            uniform_minor += float(margins[places].mean())
            best_minor += float(margins[places].max())
            first = decision.chosen[0]
            if first != LEAVE_ALONE:
                chosen_minor += float(margins[town.place_of(first)])
                response = town.respond(visit.person, first, visit.circumstances, day)
                accepted += response.accepted
                self._later += _told(visit, decision, response)
        self._end(range(day, day + 1))
        return LivedDay(
            day=day,
            decisions=made,
            accepted=accepted,
            chosen_minor=chosen_minor,
            uniform_minor=uniform_minor,
            best_minor=best_minor,
        )

    def _decide(self, visit: Visit) -> Decision:
        request = replace(request_for(PLACEMENT, "", 1), context=visit.circumstances.as_context())
        return self.engine.decide(Identifier(f"user_id:{user_id(visit.person)}"), request)

    def _end(self, days: range) -> int:
        """End some days: take in what people did, and what came of decisions until now."""
        self.now_ms = max(self.now_ms, FIRST_INSTANT_MS + days.stop * MS_PER_DAY - 1)
        due = [payload for at_ms, payload in self._later if at_ms <= self.now_ms]
        self._later = [one for one in self._later if one[0] > self.now_ms]
        did = [payload for day in days for payload in events_of_day(self._town, day)]
        taken = self.engine.ingest([*did, *due], source="town")
        assert not taken.quarantined, "everything the town tells is well said"
        return len(taken.accepted)


def _told(
    visit: Visit, decision: Decision, response: Response
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give what came of a decision as events, each with the instant at which it happens."""
    seen_ms = visit.at_ms + MS_PER_SECOND
    later_ms = seen_ms + response.delay_ms
    happened = (
        (ACTION_SHOWN, seen_ms, response.shown),
        (ACTION_DISMISSED, seen_ms + MS_PER_SECOND, response.dismissed),
        (ACTION_CLICKED, min(later_ms, seen_ms + 60 * MS_PER_SECOND), response.clicked),
        (ACTION_ACCEPTED, later_ms, response.accepted),
        (ACTION_BOUGHT, later_ms, response.accepted),
    )
    for name, at_ms, has_happened in happened:
        if has_happened:
            properties: dict[str, Any] = {
                "decision_id": decision.decision_id,
                "action_id": decision.chosen[0],
                "placement": decision.placement,
            }
            if name == ACTION_BOUGHT:
                properties |= {"revenue_minor": response.margin_minor, "currency": "EUR"}
            yield (
                at_ms,
                {
                    "type": "track",
                    "event": name,
                    "userId": user_id(visit.person),
                    "messageId": f"{name}-{decision.decision_id}",
                    "timestamp": format_instant(at_ms),
                    "properties": properties,
                },
            )


def _toml(action: Action) -> str:
    """Write an action as people write it."""
    written = {name: value for name, value in asdict(action).items() if value not in (None, "", ())}
    for name in ("valid_from", "valid_until"):
        if name in written:
            written[name] = format_instant(written[name])
    lines = [f"{name} = {toml_value(value)}" for name, value in written.items() if value != {}]
    return "\n".join(["[[action]]", *lines, ""])
