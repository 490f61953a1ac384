"""What the running server counts, for Prometheus and for the page that says what is running."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from customering.web.durations import Durations


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
        durations = Durations("customering_request_seconds", "Seconds a request took, by door.")
        self.registry.register(durations)
        self.observe = durations.observe
        """Counts one request by its door and its seconds."""
