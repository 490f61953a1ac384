"""How much of what could be had is had: policies in simulated towns whose true wishes are known.

A place on a page is filled for whoever comes by, over 90 days, in each of several towns. Every
policy meets the same people on the same days with the same luck. Told are the share of the way from
drawing uniformly (0 %) to knowing everything (100 %) that was gone in margin, overall and in the
last quarter, and by the policy as it stands at the end, over the next five days without learning,
with its draws and without; what was accepted; the margin missed a decision; and, of the policies
that keep exact chances, how far the value of drawing uniformly, estimated from their own decisions,
is from the truth (relative error, root of the mean square over towns).

In a second round every policy may write to people by e-mail or leave them alone: told are messages,
people who ended the channel, and the margin that would not have come anyway, less what was given
away and the worth of who left.

Ours is `customering.decision.decide` with its record and the fold of the feedback; nothing is done
for it that is not done for a shop. "Greedy" is the same without any exploration, and "without
facts" the same that sees only the actions. "Best by sight" is no policy but a bound: it knows the
truth as far as that is linear in what can be seen of people. Vowpal Wabbit takes part when the
package ``vowpalwabbit`` can be imported; it gets the same features.

Sketch before measuring: 40,000 decisions at some 0.4 ms with their record, and as many rows of
truth at 60 us, make 20 to 30 seconds of a core for ours, and 5 for a policy of a few lines.

Run: ``python bench/bench_policies.py`` for one town of 12,000 decisions a policy (about a minute);
in full ``python bench/bench_policies.py --seeds 20 --decisions 40000`` (about an hour of a core).
What an outcome costs: ``python bench/bench_policies.py --learning`` (seconds).
"""

import argparse
import importlib.util
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from customering.decision.features import FeatureSpec
from customering.decision.learner import Example, Learner
from customering.decision.learning_settings import LearningSettings
from customering.decision.settings import DecisionSettings
from customering.outcomes.off_policy import estimate_all
from customering.outcomes.policies import uniform
from customering.outcomes.trials import trials_of
from customering.testing.contest import (
    Choice,
    Policy,
    Result,
    Turn,
    compete,
    compete_by_mail,
    standing,
)
from customering.testing.facts import facts_of
from customering.testing.ours import Ours
from customering.testing.rivals import Flood, Popularity, Random, Rules, Thompson
from customering.testing.world import Response, Town

Maker = Callable[[Town], Policy]
ALWAYS = LearningSettings(context="always")


def ours(**settings: Any) -> Maker:
    """Ours with some settings of learning or decisions changed."""
    name = settings.pop("name", "customering")
    learning = settings.pop("learning", ALWAYS)
    decision = DecisionSettings(control_share=0.0, **settings)
    return lambda town: Ours(town, decision=decision, learning=learning, name=name)


class Squarecb:
    """Vowpal Wabbit: contextual bandit with action features and SquareCB exploration."""

    name = "Vowpal Wabbit"

    def __init__(self, town: Town) -> None:
        from vowpalwabbit import Workspace

        self._model = Workspace(
            "--cb_explore_adf --squarecb --gamma_scale 100 -q UA --quiet"
            f" --random_seed {town.seed} -l 0.5 --power_t 0.5"
        )
        self._spec = FeatureSpec(ALWAYS.features)
        self._chance = np.random.default_rng([town.seed, 5])
        self._actions = {one.action_id: one for one in town.actions}

    def _lines(self, turn: Turn, choice: Choice | None = None, cost: float = 0.0) -> list[str]:
        features = self._spec.of(turn.facts, turn.circumstances.as_context(), turn.at_ms)
        told = " ".join(
            f"{name.replace(' ', '_').replace(':', '_').replace('=', '_')}:{value:.4f}"
            for name, value in features.items()
        )
        lines = [f"shared |U {told}"]
        for place, one in enumerate(turn.ids):
            label = ""
            if choice is not None and one == choice.action_id:
                label = f"0:{cost}:{choice.chances[place]} "
            lines.append(f"{label}|A id_{one} group_{self._actions[one].group}")
        return lines

    def choose(self, turn: Turn) -> Choice:
        """Draw from the chances that it gives."""
        chances = np.array(self._model.predict(self._lines(turn)), dtype=np.float64)
        chances /= chances.sum()
        return Choice(turn.ids[int(self._chance.choice(len(chances), p=chances))], chances)

    def learn(self, turn: Turn, choice: Choice, response: Response) -> None:
        """Learn the margin, as a cost between -1 and 0."""
        self._model.learn(self._lines(turn, choice, -response.margin_minor / 140.0))

    def end_day(self, day: int) -> None:
        """Do nothing."""


class Seeing:
    """The best that can be seen: it knows the truth as far as that is linear in what is seen."""

    name = "best by sight"

    def __init__(self, town: Town) -> None:
        self._spec = FeatureSpec(ALWAYS.features)
        self._town = town
        self._columns: dict[str, int] = {}
        self._weights: np.ndarray | None = None
        self._facts: Sequence[Mapping[str, Any]] = facts_of(town)

    def _row(self, turn: Turn) -> np.ndarray:
        features = self._spec.of(turn.facts, turn.circumstances.as_context(), turn.at_ms)
        row = np.zeros(128)
        for name, value in features.items():
            row[self._columns.setdefault(name, len(self._columns))] = value
        return row

    def _learn_truth(self) -> np.ndarray:
        rows, logits = [], []
        for day in range(0, 90, 3):
            for visit in self._town.visits(day, 150):
                person, here = visit.person, visit.circumstances
                turn = Turn(person, visit.at_ms, day, here, self._facts[person], ())
                rates = self._town.rates(person, here, day).accepted
                rows.append(self._row(turn))
                logits.append(np.log(rates / (1.0 - rates)))
        return np.linalg.lstsq(np.array(rows), np.array(logits), rcond=None)[0]

    def choose(self, turn: Turn) -> Choice:
        """Take the best."""
        if self._weights is None:
            self._weights = self._learn_truth()
        chances = 1.0 / (1.0 + np.exp(-(self._row(turn) @ self._weights)))
        scores = chances * self._town.supply.values_minor
        return Choice(max(turn.ids, key=lambda one: float(scores[self._town.place_of(one)])))

    def learn(self, turn: Turn, choice: Choice, response: Response) -> None:
        """Know it already."""

    def end_day(self, day: int) -> None:
        """Do nothing."""


ON_A_PAGE: list[Maker] = [
    Random, Popularity, Rules, Thompson,
    ours(name="greedy", exploration="best", exploration_share=0.0),
    ours(name="without facts", learning=LearningSettings(context="never")),
    ours(),
    Seeing,
]  # fmt: skip
BY_MAIL: list[Maker] = [Flood, Random, Popularity, Rules, Thompson, ours()]


def off_policy_error(result: Result) -> tuple[float, float] | None:
    """Give the relative errors, by IPS and SNIPS, of the value of drawing uniformly.

    None for a policy that does not tell its chances, or never does some of what is on offer.
    """
    rows = result.rows
    every = [row.chances for row in rows]
    if any(not len(chances) or chances.min() <= 0.0 for chances in every):
        return None
    rewards = np.array([float(row.accepted) for row in rows])
    people = np.array([row.person for row in rows])
    trials = trials_of(every, [row.place for row in rows], rewards, people=people)
    found = estimate_all(trials, uniform(trials))
    truth = float(np.mean([row.uniform_rate for row in rows]))
    return found["IPS"].value / truth - 1.0, found["SNIPS"].value / truth - 1.0


def interval(values: Sequence[float]) -> str:
    """Give mean and half width of the 95 % interval over towns."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return f"{mean:6.1%}        "
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return f"{mean:6.1%} ±{half:5.1%}"


def on_a_page(makers: Sequence[Maker], seeds: Sequence[int], decisions: int) -> None:
    """Print the table of the first round."""
    print(f"\nA place on a page: {decisions:,} decisions a town, towns {seeds[0]} to {seeds[-1]}")
    head = ("policy", "captured", "last quarter", "at the end", "its best", "accepted", "missed")
    print("{:<15} {:>14} {:>14} {:>14} {:>14} {:>9} {:>7}".format(*head), end="")
    print("{:>12} {:>7} {:>6}".format("uniform IPS", "SNIPS", "s"))
    facts = {seed: facts_of(Town(seed)) for seed in seeds}
    for maker in makers:
        begun = time.process_time()
        results, stands = [], []
        for seed in seeds:
            policy = maker(Town(seed))
            results.append(compete(Town(seed), facts[seed], policy, decisions))
            stands.append(standing(Town(seed), facts[seed], policy))
        seconds = (time.process_time() - begun) / len(seeds)
        errors = [error for one in results if (error := off_policy_error(one)) is not None]
        ips, snips = (
            (f"{math.sqrt(np.mean([one[place] ** 2 for one in errors])):.1%}" for place in (0, 1))
            if errors
            else ("-", "-")
        )
        print(
            f"{results[0].name:<15} {interval([one.captured() for one in results]):>14}"
            f" {interval([one.captured(last_quarter=True) for one in results]):>14}"
            f" {interval([one.drawn for one in stands]):>14}"
            f" {interval([one.best for one in stands]):>14}"
            f" {np.mean([one.column('rate').mean() for one in results]):>9.2%}"
            f" {np.mean([one.regret_minor for one in results]):>7.2f} {ips:>12} {snips:>7}"
            f" {seconds:>6.1f}",
            flush=True,
        )


def by_mail(makers: Sequence[Maker], seeds: Sequence[int], decisions: int) -> None:
    """Print the table of the second round."""
    print(f"\nBy e-mail: {decisions:,} occasions a town; margins in whole units of money a town")
    head = ("policy", "messages", "left", "margin", "net margin")
    print("{:<20} {:>9} {:>6} {:>9} {:>11}".format(*head))
    facts = {seed: facts_of(Town(seed)) for seed in seeds}
    for maker in makers:
        results = [
            compete_by_mail(Town(seed), facts[seed], maker(Town(seed)), decisions) for seed in seeds
        ]
        sums = {
            field: np.mean([one.column(field).sum() for one in results])
            for field in ("contacted", "unsubscribed", "margin", "net")
        }
        print(
            f"{results[0].name:<20} {sums['contacted']:>9,.0f} {sums['unsubscribed']:>6.1f}"
            f" {sums['margin'] / 100:>9,.0f} {sums['net'] / 100:>11,.0f}",
            flush=True,
        )


def cost_of_learning(outcomes: int = 20_000) -> None:
    """Print what an outcome costs the learner, and what it costs the slow twin of the tests.

    The outcomes are those of offers drawn uniformly in the first town; the twin, which solves all
    weights at once, gets the first 300 of them.
    """
    town, spec = Town(1), FeatureSpec(ALWAYS.features)
    facts, chance = facts_of(town), np.random.default_rng(1)
    told = []
    for day in range(90):
        for visit in town.visits(day, outcomes // 90):
            action = town.actions[int(chance.integers(30))]
            here = visit.circumstances
            features = spec.of(facts[visit.person], here.as_context(), visit.at_ms)
            example = Example(
                ":home", action.group, action.action_id, "catalogue", 0.035, 1, features
            )
            accepted = town.respond(visit.person, action.action_id, here, day).accepted
            told.append((day, example, accepted))
    learner, half = Learner(ALWAYS), len(told) // 2
    spent = []
    for some in (told[:half], told[half:]):
        begun = time.process_time()
        for day, example, accepted in some:
            learner.begin_day(day)
            learner.learn(example, accepted)
        spent.append((time.process_time() - begun) / len(some) * 1e6)
    print(
        f"\nOne outcome: {spent[0]:.0f} us at first, {spent[1]:.0f} us of {half:,} later ones",
        end="",
    )
    sys.path.append(str(Path(__file__).parents[1] / "tests" / "oracles"))
    from learner_twin import Twin

    twin = Twin()
    begun = time.process_time()
    for _, example, accepted in told[:300]:
        twin.learn(example, accepted)
    print(f"; the slow twin {(time.process_time() - begun) / 300 * 1e6:,.0f} us (first 300)")


def main() -> None:
    """Run both rounds."""
    told = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    told.add_argument("--seeds", type=int, default=1, help="how many towns, from the first")
    told.add_argument("--first", type=int, default=1, help="the seed of the first town")
    told.add_argument("--decisions", type=int, default=12_000, help="decisions a town and policy")
    told.add_argument("--only", nargs="*", help="names of policies; all when left out")
    told.add_argument("--no-mail", action="store_true", help="leave out the second round")
    told.add_argument("--learning", action="store_true", help="only what an outcome costs")
    given = told.parse_args()
    if given.learning:
        cost_of_learning()
        return
    seeds = range(given.first, given.first + given.seeds)
    makers = list(ON_A_PAGE)
    if importlib.util.find_spec("vowpalwabbit") is None:
        print("Vowpal Wabbit does not take part: the package vowpalwabbit is not installed.")
    else:
        makers.insert(-2, Squarecb)
    small = Town(given.first, people=10)

    def wanted(some: Sequence[Maker]) -> list[Maker]:
        return [one for one in some if given.only is None or one(small).name in given.only]

    on_a_page(wanted(makers), seeds, given.decisions)
    if not given.no_mail:
        by_mail(wanted(BY_MAIL), seeds, given.decisions // 4)


if __name__ == "__main__":
    main()
