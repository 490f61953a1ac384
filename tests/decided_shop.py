"""A shop that has decided for months: people of two kinds, each with an offer of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from customering.app.engine import Engine
from customering.app.home import find, init
from customering.consent.gate import CompiledPolicy
from customering.decision.decide import decide
from customering.decision.explore import is_control
from customering.decision.model import (
    Action,
    Candidate,
    DecisionRequest,
    DecisionSettings,
    PersonFacts,
)
from customering.decision.policy import DecisionPolicy, compile_policy
from customering.decision.record import event_of
from customering.events.model import Event
from customering.kernel.chance import draw
from customering.kernel.clock import MS_PER_DAY, parse_instant
from customering.kernel.ids import Identifier, stable_id
from customering.outcomes.model import ACTION_ACCEPTED
from town import NOON, PERMITTED

BEGAN = parse_instant("2026-03-01T12:00:00Z")
HOME = DecisionRequest(placement="home", purpose="personalize.web")


class Offered(NamedTuple):
    """An offer, and how often it is taken by whom it suits and by whom it does not."""

    action_id: str
    value_minor: int
    suits: float
    does_not: float


OFFERS = (
    Offered("bread", 200, 0.5, 0.1),
    Offered("wine", 200, 0.5, 0.1),
    Offered("cards", 300, 0.05, 0.05),
)


def candidates(kind: int) -> list[Candidate]:
    """The offers, of each of which is expected what is so."""
    found = []
    for number, offered in enumerate(OFFERS):
        chance = offered.suits if number == kind else offered.does_not
        found.append(
            Candidate(
                action=Action(
                    action_id=offered.action_id,
                    kind="make_offer",
                    title=offered.action_id.title(),
                    purpose="personalize.offers",
                    base_propensity=0.2,
                ),
                propensity=chance,
                value_minor=offered.value_minor,
            )
        )
    return found


def decided(
    policy: CompiledPolicy,
    *,
    people: int,
    days: int,
    settings: DecisionSettings,
    every: int = 1,
    days_before: int = 0,
    more: float = 0.0,
) -> Iterator[Event]:
    """Decisions for everybody, what came of them, and what people buy anyhow.

    Parameters
    ----------
    every
        Days from one decision to the next.
    days_before
        Days of shopping before the first decision.
    more
        By how much people of the first kind, who shop more often anyhow, do so even more when they
        are not in the control group; as a chance a day.
    """
    rules = compile_policy(settings, policy)
    for person in range(people):
        name = Identifier(f"user_id:p{person}")
        person_id = stable_id("per", name)
        kind = person % 2
        held = is_control(settings.seed, person_id, settings.control_share)
        usual = 0.05 if kind else 0.12
        gains = 0.0 if kind or held else more
        for day in range(-days_before, days):
            at = BEGAN + day * MS_PER_DAY
            if day >= 0 and day % every == 0:
                yield from _decision(name, person_id, kind, rules, at)
            if draw(7, "buys", name, str(day)) < usual + (gains if day >= 0 else 0.0):
                yield _event(
                    name,
                    "Order Completed",
                    at + 2,
                    order_id=f"{person}-{day}",
                    revenue_minor=1_000,
                    currency="EUR",
                )


def _decision(
    name: Identifier, person_id: str, kind: int, rules: DecisionPolicy, at: int
) -> Iterator[Event]:
    """One decision, and whether what it offers is taken."""
    facts = PersonFacts(person_id=person_id)
    made = decide(HOME, candidates(kind), facts, rules, at)
    yield event_of(made, (name,), at)
    one = next(one for one in OFFERS if one.action_id == made.chosen[0])
    chance = one.suits if OFFERS.index(one) == kind else one.does_not
    if draw(7, "takes", name, str(at)) < chance:
        yield _event(name, ACTION_ACCEPTED, at + 1, decision_id=made.decision_id)


def fill(engine: Engine, **how: object) -> None:
    """Append all that happened to a home."""
    events = decided(engine.consent, **how)  # type: ignore[arg-type]
    engine.append(sorted(events, key=lambda event: event.occurred_at))


def filled(folder: Path, **how: object) -> Engine:
    """A home in which all this happened; whoever opens it closes it."""
    init(folder)
    stated = "".join(
        f'[consent.defaults."{key}"]\nanswer = "allow"\nground = "a test"\n' for key in PERMITTED
    )
    settings = how["settings"]
    assert isinstance(settings, DecisionSettings)
    decision = f"[decision]\nseed = {settings.seed}\ncontrol_share = {settings.control_share}\n"
    text = f'[clock]\npresent = "2026-06-01"\n[history]\nbuckets = 4\n{decision}{stated}'
    (folder / "customering.toml").write_text(text)
    engine = Engine(find(folder, environment={}), clock=lambda: NOON * 2)
    fill(engine, **how)
    return engine


def _event(name: Identifier, event: str, at: int, **properties: object) -> Event:
    return Event(
        event_id=stable_id("evt", name, event, str(at)),
        kind="track",
        name=event,
        identifiers=(name,),
        occurred_at=at,
        recorded_at=at,
        properties=dict(properties),
        source="test",
    )
