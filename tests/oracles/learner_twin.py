"""The straightforward learner: one Gaussian for each weight by its name, one weight at a time."""

import math
from collections.abc import Mapping

from customering.decision.learner import Example

LEVELS = ("all", "place", "group", "action")
BIAS_VARIANCE = (1.0, 0.5, 0.25, 0.25)
FEATURE_VARIANCE = (0.1, 0.05, 0.5, 0.02)

Weight = tuple[int, str, str]


class Twin:
    """Keeps mean and variance of each weight under its level, key and feature."""

    def __init__(self) -> None:
        self.known: dict[Weight, tuple[float, float]] = {}

    def learn(self, example: Example, success: bool) -> None:
        for model in weights_of(example):
            offset = logit(example.prior)
            score = offset + sum(x * self.known_of(one)[0] for one, x in model.items())
            spread = sum(x * x * self.known_of(one)[1] for one, x in model.items())
            chance = 1 / (1 + math.exp(-score))
            curvature = max(chance * (1 - chance), 1e-6)
            for one, x in model.items():
                mean, variance = self.known_of(one)
                gain = variance * x / (1 + curvature * spread)
                self.known[one] = (
                    mean + gain * (float(success) - chance),
                    variance - gain * x * variance * curvature,
                )

    def chance(self, example: Example, *, is_personal: bool) -> float:
        model = weights_of(example)[0 if is_personal else 1]
        score = logit(example.prior)
        score += sum(x * self.known_of(one)[0] for one, x in model.items())
        return 1 / (1 + math.exp(-score))

    def known_of(self, weight: Weight) -> tuple[float, float]:
        level, _, feature = weight
        variances = BIAS_VARIANCE if feature in ("bias", "plain") else FEATURE_VARIANCE
        return self.known.get(weight, (0.0, variances[level]))


def weights_of(example: Example) -> tuple[Mapping[Weight, float], Mapping[Weight, float]]:
    """Give the weights of the personal and of the plain model with the feature of each."""
    keys = {0: "", 1: example.place, 2: example.group, 3: example.action_id}
    if not example.group:
        del keys[2]
    slope, rank = (logit(example.prior) + 4) / 4, math.log2(example.rank)
    everywhere = {**example.features, "bias": 1.0}
    above = {"prior": slope, f"found_by={example.found_by}": 1.0, "rank": rank}
    personal = {(level, keys[level], name): x for name, x in everywhere.items() for level in keys}
    personal |= {(level, keys[level], name): x for name, x in above.items() for level in (0, 1)}
    plain = {(level, keys[level], "plain"): 1.0 for level in keys}
    plain |= {
        (level, keys[level], name): x
        for name, x in (("plain prior", slope), ("plain rank", rank))
        for level in (0, 1)
    }
    return personal, plain


def logit(prior: float) -> float:
    held = min(max(prior, 0.001), 0.999)
    return math.log(held / (1 - held))
