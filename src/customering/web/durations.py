"""How long requests take, by door: a histogram that costs a request next to nothing."""

from bisect import bisect_left
from collections.abc import Iterable
from math import inf

from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, inf)


class Durations(Collector):
    """Counts requests in buckets of seconds, for one thread.

    The histogram of the library takes locks for each of its two sums and looks at its buckets one
    by one; what a scrape reads is the same.

    Parameters
    ----------
    name, words
        Of the metric, and what it says.
    """

    def __init__(self, name: str, words: str) -> None:
        self._name, self._words = name, words
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def observe(self, door: str, seconds: float) -> None:
        """Count one request.

        Parameters
        ----------
        seconds
            How long it took, >= 0.
        """
        counts = self._counts.get(door)
        if counts is None:
            counts = self._counts[door] = [0] * len(_BOUNDS)
            self._sums[door] = 0.0
        counts[bisect_left(_BOUNDS, seconds)] += 1
        self._sums[door] += seconds

    def collect(self) -> Iterable[Metric]:
        """Give the histogram of each door."""
        family = HistogramMetricFamily(self._name, self._words, labels=["door"])
        for door, counts in self._counts.items():
            buckets, total = [], 0
            for bound, count in zip(_BOUNDS, counts, strict=True):
                total += count
                buckets.append((_written(bound), float(total)))
            family.add_metric([door], buckets, self._sums[door])
        yield family


def _written(bound: float) -> str:
    """Give a bound as Prometheus writes it."""
    return "+Inf" if bound == inf else str(bound)
