"""What is expected without learning, on the scale on which learning corrects it."""

import math

import numpy as np
from numpy.typing import NDArray

PRIOR_LEAST = 0.001
"""The least chance that anything is expected to have once something was learned."""


def logit_of(prior: float) -> float:
    """Give the logit of a chance, which is kept off 0 and 1.

    Examples
    --------
    >>> logit_of(0.5), round(logit_of(0.0), 3) == round(logit_of(0.001), 3)
    (0.0, True)
    """
    held = min(max(prior, PRIOR_LEAST), 1.0 - PRIOR_LEAST)
    return math.log(held / (1.0 - held))


def logits_of(priors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the logits of many chances."""
    held = np.minimum(np.maximum(priors, PRIOR_LEAST), 1.0 - PRIOR_LEAST)
    logits: NDArray[np.float64] = np.log(held / (1.0 - held))
    return logits
