"""One call to a server of somebody else, to an address that is checked before it is connected to.

Who may name an address might name one within our own network. So a name is resolved once, every
address behind it must be a public one, and the connection goes to the very address that was
checked. No redirect is followed, no proxy of the environment is used, and of an answer no more is
read than fits a bound.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from customering.kernel.errors import Invalid, Unavailable

_SECONDS = 15.0
_ANSWER_BYTES_MAX = 1 << 20
_PORTS = (443, 8443)


class Answer(NamedTuple):
    """What a server answered.

    Parameters
    ----------
    status
        The HTTP status.
    headers
        By their names in lower case.
    body
        The bytes, as they were sent but for compression.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class _Place(NamedTuple):
    host: str
    port: int
    address: str


def is_public(text: str) -> bool:
    """Tell whether an address is one of the open internet, in whatever way it is written.

    Examples
    --------
    >>> [is_public(one) for one in ("93.184.215.14", "10.0.0.1", "::ffff:127.0.0.1")]
    [True, False, False]
    """
    try:
        address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        # Ways of writing an IPv4 address that a gateway within our network may take apart.
        if address.sixtofour or address.teredo or address.exploded.startswith("0064:ff9b"):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def call(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    is_local: bool = False,
) -> Answer:
    """Make one call.

    Parameters
    ----------
    is_local
        Whether the settings say that this server is in our own network: then any address and port
        will do, and no TLS is demanded.

    Raises
    ------
    Invalid
        When the address may not be called.
    Unavailable
        When there is no answer, or one that is too long.
    """
    import httpx

    place = _place_of(url, is_local=is_local)
    host = f"[{place.address}]" if ":" in place.address else place.address
    named = place.host if place.port in (80, 443) else f"{place.host}:{place.port}"
    try:
        with (
            httpx.Client(timeout=_SECONDS, trust_env=False, follow_redirects=False) as client,
            client.stream(
                method,
                httpx.URL(url).copy_with(host=host),
                content=body,
                headers={**(headers or {}), "host": named},
                extensions={"sni_hostname": place.host},
            ) as answer,
        ):
            read = bytearray()
            for piece in answer.iter_bytes():
                read += piece
                if len(read) > _ANSWER_BYTES_MAX:
                    raise Unavailable("the answer is too long", hint="ask who runs that server")
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status_code, told, bytes(read))
    except httpx.HTTPError as error:
        raise Unavailable(
            f"there is no answer ({type(error).__name__})", hint="it is tried again"
        ) from error


def check_address(url: str, *, is_local: bool = False) -> None:
    """Refuse an address that is never called, without asking the network about its name.

    Raises
    ------
    Invalid
        When it is none, not of TLS, of another port, or a private address.
    """
    host, _ = _host_of(url, is_local=is_local)
    if not is_local and _is_address(host) and not is_public(host):
        raise Invalid("that address is not one of the open internet", hint="use a public name")


def _place_of(url: str, *, is_local: bool) -> _Place:
    host, port = _host_of(url, is_local=is_local)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unavailable("the name of that server is unknown", hint="it is tried again") from error
    addresses = [str(one[4][0]) for one in found]
    # All of them: one private address behind a public name is how networks are entered.
    if not is_local and not all(map(is_public, addresses)):
        raise Invalid("that address is not one of the open internet", hint="use a public name")
    return _Place(host, port, addresses[0])


def _host_of(url: str, *, is_local: bool) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid("that is no address of a server", hint="write https://...") from error
    schemes = ("https", "http") if is_local else ("https",)
    if parts.scheme not in schemes or not parts.hostname or parts.username or parts.password:
        raise Invalid("that is no address that can be called", hint="write https://name/path")
    port = port or (443 if parts.scheme == "https" else 80)
    if not is_local and port not in _PORTS:
        raise Invalid(f"the port {port} is not called", hint=f"use one of {_PORTS}")
    return parts.hostname, port


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
