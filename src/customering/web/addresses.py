"""Where a request comes from: the peer, or what a proxy of ours says of it."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from customering.kernel.errors import InvalidSettings

UNKNOWN_ADDRESS = "unknown"
"""Stands for a peer without an address, such as one on a Unix socket."""

_HOPS_MAX = 20
_HOP_LENGTH_MAX = 64
_KNOWN_MAX = 10_000


class Proxies:
    """The proxies of ours, whose word on where a request comes from is believed.

    Parameters
    ----------
    texts
        Addresses and networks, such as ``10.0.0.7`` and ``10.0.0.0/8``.

    Raises
    ------
    InvalidSettings
        When one is neither.
    """

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._networks = [_network(text) for text in texts]
        self._known: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            found = _address(address)
            known = found is not None and any(found in network for network in self._networks)
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[address] = known
        return known


def address_of(scope: Mapping[str, Any], trusted_proxies: Proxies) -> str:
    """Give the address a request comes from.

    Parameters
    ----------
    scope
        The ASGI scope.
    trusted_proxies
        Whose ``X-Forwarded-For`` is believed.

    Returns
    -------
    str
        The peer's, unless that is a trusted proxy. Then the last one in ``X-Forwarded-For`` that is
        not itself a trusted proxy: each proxy adds at the end whom it heard from, and what stands
        before that is for anybody to make up.
    """
    client = scope.get("client")
    if client is None:
        return UNKNOWN_ADDRESS
    peer: str = client[0]
    if not trusted_proxies or peer not in trusted_proxies:
        return peer
    for hop in reversed(_hops(scope["headers"])):
        address = _address(hop) if len(hop) <= _HOP_LENGTH_MAX else None
        if address is None:
            break
        peer = str(address)
        if peer not in trusted_proxies:
            break
    return peer


def _hops(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Give the entries of all ``X-Forwarded-For``, the last ones when there are many."""
    told = [value for name, value in headers if name == b"x-forwarded-for"]
    return b",".join(told).decode("latin-1").split(",")[-_HOPS_MAX:]


@lru_cache(maxsize=_KNOWN_MAX)
def _address(hop: str) -> IPv4Address | IPv6Address | None:
    """Read one entry: an address, maybe with a port; None when it is none."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text.strip())
    except ValueError as error:
        raise InvalidSettings(
            f"serve.trusted_proxies: {text!r} is no address and no network: {error}",
            hint="write 10.0.0.7 or 10.0.0.0/8",
        ) from error
