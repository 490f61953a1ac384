"""How browsers reach this server: what the settings say, else the host a request asked for."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from customering.web.addresses import Proxies

_HOST = re.compile(rb"[A-Za-z0-9._\-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_NOWHERE = "localhost"


class PublicAddress(NamedTuple):
    """A scheme and a host.

    Parameters
    ----------
    protocol
        ``http`` or ``https``.
    host
        Name or address, with a port where it is not the usual one.
    """

    protocol: str
    host: str

    @property
    def origin(self) -> str:
        """Give it as browsers write an origin."""
        return f"{self.protocol}://{self.host}"


def public_address(
    scope: Mapping[str, Any],
    headers: Mapping[bytes, bytes],
    public_url: str,
    trusted_proxies: Proxies,
) -> PublicAddress:
    """Tell how the sender of a request reaches this server.

    Parameters
    ----------
    headers
        Of the request, names in lower case.
    public_url
        What the settings say, which settles it; empty when they say nothing.
    trusted_proxies
        Whose ``X-Forwarded-Proto`` and ``X-Forwarded-Host`` are believed.
    """
    if public_url:
        protocol, _, host = public_url.partition("://")
        return PublicAddress(protocol, host)
    protocol, host_text = str(scope.get("scheme", "http")), headers.get(b"host", b"")
    client = scope.get("client")
    if trusted_proxies and client is not None and client[0] in trusted_proxies:
        host_text = _last(headers.get(b"x-forwarded-host", host_text))
        told = _last(headers.get(b"x-forwarded-proto", b"")).lower()
        if told in (b"http", b"https"):
            protocol = told.decode()
    is_host = _HOST.fullmatch(host_text) is not None
    return PublicAddress(protocol, host_text.decode() if is_host else _NOWHERE)


def _last(told: bytes) -> bytes:
    """Give what the nearest proxy said; those before it may have been made up by anybody."""
    return told.rpartition(b",")[2].strip()
