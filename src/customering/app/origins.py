"""Web origins: which pages may use a key."""

import re
from ipaddress import AddressValueError, IPv6Address

from customering.kernel.errors import Invalid

ANY_ORIGIN = "*"

_ORIGIN = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[^/:\[\]@?#\s]+)(?::(\d{1,5}|\*))?/?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_USUAL_PORTS = {"http": 80, "https": 443}
_PORT_MAX = 65_535


def normal_origin(text: str) -> str:
    """Give an allowed origin as browsers send it.

    Parameters
    ----------
    text
        ``https://shop.example``, with a port where it is not the usual one;
        ``http://localhost:*`` for every port of this machine; ``*`` for every page.

    Raises
    ------
    Invalid
        When it is none of these.

    Examples
    --------
    >>> normal_origin("HTTPS://Shop.Example:443/")
    'https://shop.example'
    >>> normal_origin("https://bücher.example")
    'https://xn--bcher-kva.example'
    """
    plain = text.strip().lower()
    if plain == ANY_ORIGIN:
        return ANY_ORIGIN
    parts = _ORIGIN.fullmatch(plain)
    if parts is None:
        raise _no_origin(text)
    scheme, host, port = parts.groups()
    host = _normal_host(host, text)
    if port is None:
        return f"{scheme}://{host}"
    if port == "*":
        if host not in _LOOPBACK:
            raise Invalid(
                f"{text!r}: only localhost may have any port",
                hint="name the port, or leave it out for the usual one",
            )
        return f"{scheme}://{host}:*"
    number = int(port)
    if not 1 <= number <= _PORT_MAX:
        raise _no_origin(text)
    return f"{scheme}://{host}" if number == _USUAL_PORTS[scheme] else f"{scheme}://{host}:{number}"


def is_allowed(origin: str, allowed: tuple[str, ...]) -> bool:
    """Tell whether the origin that a browser sent is among those allowed.

    ``null``, which pages without an origin send, is allowed by ``*`` alone.

    Examples
    --------
    >>> is_allowed("http://localhost:5173", ("https://shop.example", "http://localhost:*"))
    True
    """
    if origin in allowed or ANY_ORIGIN in allowed:
        return True
    host, colon, port = origin.rpartition(":")
    if colon and port.isascii() and port.isdigit():
        return f"{host}:*" in allowed
    return f"{origin}:*" in allowed


def _normal_host(host: str, text: str) -> str:
    """Give a host in ASCII.

    Raises
    ------
    Invalid
        When it is no host name and no address.
    """
    if host.startswith("["):
        try:
            return f"[{IPv6Address(host[1:-1])}]"
        except AddressValueError as error:
            raise _no_origin(text) from error
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise _no_origin(text) from error
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _no_origin(text)
    return name


def _no_origin(text: str) -> Invalid:
    return Invalid(
        f"{text!r} is not an origin",
        hint="write https://shop.example without a path, http://localhost:* while developing, or *"
        " for every page there is",
    )
