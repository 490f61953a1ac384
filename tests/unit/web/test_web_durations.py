"""The histogram of durations says what that of the library says."""

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from customering.web.durations import Durations

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SECONDS = st.sampled_from((*BUCKETS, 0.0, 11.0)) | st.floats(0, 20)


@given(st.lists(st.tuples(st.sampled_from(("collect", "decide")), SECONDS), max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_scrape_reads_what_it_would_of_the_library(seen: list[tuple[str, float]]) -> None:
    registry, twins = CollectorRegistry(), CollectorRegistry()
    ours = Durations("request_seconds", "Seconds, by door.")
    registry.register(ours)
    twin = Histogram(
        "request_seconds", "Seconds, by door.", ["door"], buckets=BUCKETS, registry=twins
    )
    for door, seconds in seen:
        ours.observe(door, seconds)
        twin.labels(door).observe(seconds)
    usual = [line for line in generate_latest(twins).splitlines() if b"_created" not in line]
    assert generate_latest(registry).splitlines() == usual
