"""What the running server counts, for Prometheus and for the page that says what is running."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Figures:
    """Counters, gauges and histograms of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, words: str, label: str) -> Counter:
            return Counter(f"customering_{name}", words, [label], registry=self.registry)

        def gauge(name: str, words: str) -> Gauge:
            return Gauge(f"customering_{name}", words, registry=self.registry)

        self.events = counter("events", "Events accepted, by source.", "source")
        self.quarantined = counter("quarantined", "Payloads set aside, by source.", "source")
        self.refused = counter("refused", "Requests refused, by reason.", "reason")
        self.decisions = counter("decisions", "Decisions, by placement.", "placement")
        self.waiting = gauge("events_waiting", "Events that are not durable yet.")
        self.behind = gauge("checkpoint_lag_events", "Events that a start would fold again.")
        self.log_end = gauge("log_events", "Events in the log.")
        self.not_recorded = Gauge(
            "customering_not_recorded",
            "What people did not let us record since the start, by kind of facts.",
            ["kind"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "customering_request_seconds",
            "Seconds a request took, by door.",
            ["door"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._by_door: dict[str, Histogram] = {}

    def observe(self, door: str, seconds: float) -> None:
        """Count one request."""
        histogram = self._by_door.get(door)
        if histogram is None:
            histogram = self._by_door[door] = self._seconds.labels(door)
        histogram.observe(seconds)
