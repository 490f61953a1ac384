"""What every door needs to serve somebody: the running home, keys, limits, figures."""

from dataclasses import dataclass

from customering.app.keys import KeyRing
from customering.app.live import Live
from customering.web.figures import Figures
from customering.web.limiting import Limiter


@dataclass(frozen=True, slots=True)
class Entrance:
    """What all doors share.

    Parameters
    ----------
    live
        The running home.
    keys
        Who may do what.
    limiter
        How often.
    figures
        What is counted for the metrics.
    """

    live: Live
    keys: KeyRing
    limiter: Limiter
    figures: Figures
