"""Headers that every answer of the Litestar doors carries, so that none can forget them.

References
----------
OWASP, "HTTP Security Response Headers Cheat Sheet"; OWASP ASVS 5.0, 3.4 and 14.3.2.
"""

from base64 import b64encode
from hashlib import sha256

from litestar.types import Message, Scope

from customering.web.cors import beside

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_UNLESS_SAID = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Most answers hold something of a person: what may be kept or shown elsewhere has to say so."""


async def add_headers(message: Message, scope: Scope) -> None:
    """Add the headers to the beginning of an answer; a hook of Litestar, called for all of them."""
    if message["type"] != "http.response.start":
        return
    headers = list(message["headers"])
    said = {name.lower() for name, _ in headers}
    headers += _ALWAYS
    headers += [(name, value) for name, value in _UNLESS_SAID if name not in said]
    origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
    headers += beside(origin)
    message["headers"] = headers


def page_policy(style: str) -> str:
    """Give the content security policy of a page with one inline style and nothing else.

    Parameters
    ----------
    style
        The exact text between ``<style>`` and ``</style>``.
    """
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
