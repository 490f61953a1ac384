"""What if we had weighed otherwise: a policy written as changes to the one that decided.

The candidates of the log are scored anew with other levers, without some factors, without some
actions, and with another share of chance. What was not possible stays impossible.
"""

import tomllib
from typing import Annotated

import msgspec
import numpy as np

from customering.kernel.errors import InvalidDefinition
from customering.kernel.records import Record
from customering.outcomes.evidence import Evidence
from customering.outcomes.policies import best_single, greedy, mixed, popular, uniform
from customering.outcomes.rewards import folds_of
from customering.outcomes.trials import Bools, Floats

BUILT_IN: dict[str, str] = {
    "uniform": "everything that is possible, with the same chance",
    "greedy": "always what has the highest score, never chance",
    "best-single": "the one action that earned most with other people, wherever it is possible",
    "popular": "of what is possible, what succeeded most often with other people",
    "quiet": "leave alone wherever that is possible",
}
"""The policies that need no file, and what they do."""

_FOLDS = 2


class WhatIf(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes to the policy that decided.

    Parameters
    ----------
    title
        What it is called; empty for the name of its file.
    exploration_share
        Share of decisions whose first place is drawn uniformly, in [0, 1].
    levers
        Other levers by action id; ``item:*`` stands for every id that begins so.
    exclude
        Actions that are never done, written in the same way; leaving alone cannot be excluded.
    use_propensity, use_value, use_lever, use_context_weight, use_effect
        Whether the factor is in the score at all.
    """

    title: str = ""
    exploration_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    levers: dict[str, Annotated[float, msgspec.Meta(ge=0)]] = msgspec.field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    use_propensity: bool = True
    use_value: bool = True
    use_lever: bool = True
    use_context_weight: bool = True
    use_effect: bool = True


def read_what_if(text: str, *, file: str) -> WhatIf:
    """Read a policy that is written as TOML.

    Parameters
    ----------
    file
        Name of the file, for messages.

    Raises
    ------
    InvalidDefinition
        When it is not TOML, or a field is unknown or out of range.
    """
    try:
        return msgspec.convert(tomllib.loads(text), type=WhatIf)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidDefinition(
            f"{file}: {error}",
            hint='write for example: exploration_share = 0.05, or: exclude = ["wine"]',
            file=file,
        ) from error


def built_in(
    name: str, evidence: Evidence, predicted: Floats | None = None, *, seed: int = 1
) -> Floats:
    """Give a built-in policy as the chance of each candidate.

    Parameters
    ----------
    predicted
        The predicted reward of each candidate, which helps to find the best single action.
    seed
        Seed of the dealing of people into folds.

    Raises
    ------
    InvalidDefinition
        When there is none of this name.
    """
    trials = evidence.trials
    match name:
        case "uniform":
            return uniform(trials)
        case "greedy":
            return greedy(trials, evidence.score)
        case "quiet":
            return greedy(trials, np.where(evidence.is_quiet, np.inf, evidence.score))
        case "popular":
            fold = folds_of(trials.people, _FOLDS, seed)
            return popular(trials, evidence.happened, fold)
        case "best-single":
            fold = folds_of(trials.people, _FOLDS, seed)
            return best_single(trials, fold, greedy(trials, evidence.score), predicted)
    raise InvalidDefinition(
        f"there is no policy {name!r}",
        hint=f"write one of {', '.join(BUILT_IN)}, or the path of a .toml file",
    )


def rescored(what_if: WhatIf, evidence: Evidence) -> Floats:
    """Give a policy that weighs otherwise as the chance of each candidate."""
    trials, scores = evidence.trials, _scores(what_if, evidence)
    possible = ~_named(what_if.exclude, evidence) | evidence.is_quiet
    best = greedy(trials, scores, possible)
    return mixed(best, uniform(trials, possible), what_if.exploration_share)


def _scores(what_if: WhatIf, evidence: Evidence) -> Floats:
    """Change the scores of the log by what is different; what is not, stays as it was weighed."""
    lever = evidence.lever.copy()
    for pattern, other in what_if.levers.items():
        lever[_named((pattern,), evidence)] = other
    scores = evidence.score.copy()
    touched = np.zeros(len(scores), dtype=np.bool_)
    for before, after in (
        (evidence.propensity, evidence.propensity if what_if.use_propensity else 1.0),
        (evidence.value_minor, evidence.value_minor if what_if.use_value else 1.0),
        (evidence.lever, lever if what_if.use_lever else np.ones_like(lever)),
        (evidence.context_weight, evidence.context_weight if what_if.use_context_weight else 1.0),
        (evidence.effect, evidence.effect if what_if.use_effect else np.ones_like(lever)),
    ):
        ratio = np.divide(after, before, out=np.ones_like(before), where=before != 0)
        scores *= ratio
        touched |= (before == 0) & (after != before)
    if touched.any():
        scores[touched] = _product(what_if, evidence, lever)[touched]
    # What leaving alone saves is no product of factors.
    return np.where(evidence.is_quiet, evidence.score, scores)


def _product(what_if: WhatIf, evidence: Evidence, lever: Floats) -> Floats:
    """Give the score from its factors, for what a factor of 0 had silenced."""
    product = np.ones_like(lever)
    for used, factor in (
        (what_if.use_propensity, evidence.propensity),
        (what_if.use_value, evidence.value_minor),
        (what_if.use_lever, lever),
        (what_if.use_context_weight, evidence.context_weight),
        (what_if.use_effect, evidence.effect),
    ):
        if used:
            product *= factor
    return product


def _named(patterns: tuple[str, ...], evidence: Evidence) -> Bools:
    """Tell which candidates are actions that one of the patterns names."""
    whole = {one for one in patterns if not one.endswith("*")}
    begins = tuple(one.removesuffix("*") for one in patterns if one.endswith("*"))
    is_named = np.array(
        [name in whole or (bool(begins) and name.startswith(begins)) for name in evidence.names],
        dtype=np.bool_,
    )
    if not len(is_named):
        return np.zeros(0, dtype=np.bool_)
    found: Bools = is_named[evidence.trials.actions]
    return found
