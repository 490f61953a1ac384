"""Where a request comes from: only proxies of ours are believed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.kernel.errors import InvalidSettings
from customering.web.addresses import UNKNOWN_ADDRESS, Proxies, address_of

OURS = Proxies(["10.0.0.0/8", "192.0.2.1", "fd00::/8"])


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    return {
        "client": None if peer is None else (peer, 4711),
        "headers": [(b"host", b"x"), *((b"x-forwarded-for", one.encode()) for one in forwarded)],
    }


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["198.51.100.1, 192.0.2.1"], "198.51.100.1"),
        ("10.1.2.3", ["1.1.1.1", "198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.1.2.3", ["198.51.100.1:8080"], "198.51.100.1"),
        ("10.1.2.3", ["[2001:DB8::1]:8080"], "2001:db8::1"),
        ("10.1.2.3", ["2001:db8::1"], "2001:db8::1"),
        ("10.1.2.3", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", ["unknown"], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1, nonsense, 192.0.2.1"], "192.0.2.1"),
        ("10.1.2.3", ["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
        ("10.1.2.3", ["x" * 100_000], "10.1.2.3"),
        (None, ["198.51.100.1"], UNKNOWN_ADDRESS),
    ],
)
def test_the_last_one_we_cannot_vouch_for(
    peer: str | None, forwarded: list[str], found: str
) -> None:
    assert address_of(scope(peer, *forwarded), OURS) == found


def test_without_proxies_nothing_is_believed() -> None:
    assert address_of(scope("10.1.2.3", "198.51.100.1"), Proxies()) == "10.1.2.3"


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
@settings(max_examples=200, deadline=None)
def test_nobody_but_a_proxy_chooses_their_address(text: str) -> None:
    said = {
        "client": ("203.0.113.7", 1),
        "headers": [(b"x-forwarded-for", text.encode("latin-1"))],
    }
    assert address_of(said, OURS) == "203.0.113.7"
    said["client"] = ("10.1.2.3", 1)
    assert address_of(said | {"headers": [*said["headers"]]}, OURS)
    # What a visitor sends stands before what our proxy adds.
    said["headers"] = [(b"x-forwarded-for", text.encode("latin-1") + b", 198.51.100.1")]
    assert address_of(said, OURS) == "198.51.100.1"


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example", "", "10.0.0.0/33"])
def test_what_is_no_network_is_told(text: str) -> None:
    with pytest.raises(InvalidSettings, match="trusted_proxies"):
        Proxies([text])
