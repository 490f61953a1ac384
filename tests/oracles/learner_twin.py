"""The straightforward learner: every weight by its name, one matrix of all, solved whole."""

import math
from collections.abc import Mapping

import numpy as np

from customering.decision.learner import Example

Weight = tuple[str, ...]
Told = tuple[Example, bool, bool]


class Twin:
    """Keeps the sums of both models, and solves them when as many wait as are worth it."""

    def __init__(self) -> None:
        self.models = (TwinModel(), TwinModel())
        self.waiting: list[Told] = []
        self.groups: set[str] = set()
        self.updates = 0
        self.enough = 1

    def learn(self, example: Example, success: bool, *, is_turned: bool = False) -> None:
        self.waiting.append((example, success, is_turned))
        self.groups.add(example.group)
        self.updates += 1
        if len(self.waiting) >= self.enough:
            for which, model in enumerate(self.models):
                model.settle(
                    [
                        (weights_of(one)[which], logit(one.prior), *told)
                        for one, *told in self.waiting
                    ]
                )
            self.waiting = []
            self.enough = max(1, self.updates // 8)

    def chance(self, example: Example, *, is_personal: bool) -> float:
        which = 0 if is_personal else 1
        x = dict(weights_of(example)[which])
        if example.group not in self.groups:  # a match is with a group of which something is known
            x = {name: value for name, value in x.items() if not name[-1].startswith("match:")}
        shift = self.models[which].shift(x)
        return 1 / (1 + math.exp(-logit(example.prior) - shift))


class TwinModel:
    """One Gaussian of all weights."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[Mapping[Weight, float], float, float]] = []
        self.means: dict[Weight, float] = {}

    def settle(self, some: list[tuple[Mapping[Weight, float], float, bool, bool]]) -> None:
        for _ in range(3):
            added = []
            for x, offset, success, is_turned in some:
                shift = self.shift(x)
                chance = 1 / (1 + math.exp(-offset - shift))
                tells = max(chance * (1 - chance), 1e-6)
                if is_turned:
                    added.append((x, 0.0, 1.0))
                else:
                    added.append((x, tells, tells * shift + float(success) - chance))
            self.means = most_likely([*self.outcomes, *added])
        self.outcomes += added

    def shift(self, x: Mapping[Weight, float]) -> float:
        return sum(value * self.means.get(one, 0.0) for one, value in x.items())


def most_likely(
    outcomes: list[tuple[Mapping[Weight, float], float, float]],
) -> dict[Weight, float]:
    names = sorted({one for x, _, _ in outcomes for one in x})
    places = {name: at for at, name in enumerate(names)}
    precision = np.diag([1 / variance_of(name) for name in names])
    pull = np.zeros(len(names))
    for x, tells, pulled in outcomes:
        row = np.zeros(len(names))
        for name, value in x.items():
            row[places[name]] = value
        precision += tells * np.outer(row, row)
        pull += pulled * row
    return dict(zip(names, np.linalg.solve(precision, pull).tolist(), strict=True))


def variance_of(weight: Weight) -> float:
    level, *_, name = weight
    if level == "action":
        return ARM
    variances = {"all": ALL, "place": PLACE, "group": GROUP}[level]
    kind = "bias" if name == "bias" else name.split(":")[0] if ":" in name else "feature"
    return variances[kind]


ALL = {"bias": 1.0, "feature": 0.05, "own": 0.1, "match": 2.0}
PLACE = {"bias": 0.5, "own": 0.05}
GROUP = {"bias": 0.05, "feature": 0.05}
ARM = 0.3


def weights_of(example: Example) -> tuple[Mapping[Weight, float], Mapping[Weight, float]]:
    """Give the weights of the personal and of the plain model with the value of each."""
    own = {
        "bias": 1.0,
        "own:prior": (logit(example.prior) + 4) / 4,
        "own:rank": math.log2(example.rank),
        f"own:{example.found_by}": 1.0,
    }
    plain: dict[Weight, float] = {("all", name): value for name, value in own.items()}
    plain |= {("place", example.place, name): value for name, value in own.items()}
    plain["action", example.group, example.action_id, ""] = 1.0
    personal = dict(plain)
    personal |= {("all", name): value for name, value in example.features.items()}
    group = example.group or "of its own: " + example.action_id
    plain["group", group, "bias"] = 1.0
    for name, value in {**example.features, "bias": 1.0}.items():
        personal["group", group, name] = value
    if example.group:
        for feature, value in example.features.items():
            if "=" in feature and feature.split("=")[1].lower() == example.group.lower():
                name = "match:" + feature.split("=")[0]
                personal["all", name] = personal.get(("all", name), 0.0) + value
    return personal, plain


def logit(prior: float) -> float:
    held = min(max(prior, 0.001), 0.999)
    return math.log(held / (1 - held))
