"""Pages out of templates of ours, and what every answer of the portal says to the browser.

Every text that gets into a page is escaped; nothing is loaded from elsewhere but the shop's logo;
styles and the one script carry a nonce that is new with every answer.

References
----------
OWASP ASVS 5.0, 3.4 (headers), 14.3.2 (no-store); W3C Content Security Policy Level 3.
"""

import secrets
from collections.abc import Mapping
from hashlib import sha256
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from litestar import Response
from litestar.datastructures import Cookie
from markupsafe import Markup

from customering.app.portal_settings import PortalSettings
from customering.kernel.records import to_json
from customering.portal.colours import shades_of
from customering.portal.words import LANGUAGES, Said, Words
from customering.web.problems import PROBLEM_TYPE

_FOLDER = resources.files("customering.portal") / "templates"
ASSETS = {name: (_FOLDER / name).read_bytes() for name in ("style.css", "portal.js")}
"""Files of the pages by name: the same for everybody, so browsers keep them."""
ASSET_TYPES = {"style.css": "text/css", "portal.js": "text/javascript"}

_HTML = "text/html; charset=utf-8"
_NONCE_BYTES = 18


class Pages:
    """Makes answers out of templates.

    Parameters
    ----------
    settings
        Name, colour and logo of the shop.
    """

    def __init__(self, settings: PortalSettings) -> None:
        self._settings = settings
        self._shades = shades_of(settings.colour)
        self._logo_origin = _origin(settings.logo_url)
        self._versions = {
            name: sha256(content).hexdigest()[:12] for name, content in ASSETS.items()
        }
        self._templates = Environment(
            loader=PackageLoader("customering.portal", "templates"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(
        self,
        name: str,
        words: Words,
        view: object,
        *,
        csrf: str = "",
        signed_in_as: str = "",
        said: str = "",
        status: int = 200,
        is_secure: bool,
        cookies: list[Cookie] | None = None,
    ) -> Response[bytes]:
        """Answer with a page.

        Parameters
        ----------
        name
            Which template.
        words
            In which language.
        view
            What is on it.
        csrf
            What its forms carry to prove that they are ours.
        signed_in_as
            What to call whoever is signed in; empty for nobody.
        said
            Key of what is told on top; empty for nothing.
        is_secure
            Whether the browser came by https.
        """
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        text = self._templates.get_template(f"{name}.html").render(
            view=view,
            page=name,
            t=words,
            said=self._said(words),
            told=words(f"told.{said}") if f"told.{said}" in words else "",
            csrf=csrf,
            signed_in_as=signed_in_as,
            shop=self._settings,
            shades=self._shades,
            versions=self._versions,
            languages=LANGUAGES,
            nonce=nonce,
        )
        return Response(
            text.encode(),
            status_code=status,
            media_type=_HTML,
            headers=self._headers(nonce, is_secure=is_secure),
            cookies=cookies or [],
        )

    def _said(self, words: Words) -> Any:
        """Give the filter that writes a sentence of the core, marked where it is not translated."""

        def said(given: str | Said) -> Markup:
            found = given if isinstance(given, Said) else words.say(given)
            if found.language == words.language:
                return Markup("{}").format(found.text)
            return Markup('<span lang="{}">{}</span>').format(found.language, found.text)

        return said

    def _headers(self, nonce: str, *, is_secure: bool) -> dict[str, str]:
        images = f"'self' data: {self._logo_origin}".strip()
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}';"
            f" img-src {images}; connect-src 'self'; form-action 'self'; base-uri 'none';"
            " frame-ancestors 'none'"
        )
        return {"content-security-policy": policy, **transport(is_secure=is_secure)}


def transport(*, is_secure: bool) -> dict[str, str]:
    """Give the header that keeps a browser to https, where it came by https."""
    return {"strict-transport-security": "max-age=31536000; includeSubDomains"} if is_secure else {}


def as_json(
    value: object,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    cookies: list[Cookie] | None = None,
    is_problem: bool = False,
) -> Response[bytes]:
    """Answer a program."""
    return Response(
        to_json(value),
        status_code=status,
        media_type=PROBLEM_TYPE if is_problem else "application/json",
        headers=dict(headers or {}),
        cookies=cookies or [],
    )


def go_to(
    place: str, cookies: list[Cookie] | None = None, *, forgets: bool = False
) -> Response[bytes]:
    """Send a browser to another page, which it gets by GET.

    Parameters
    ----------
    place
        Which page of ours.
    forgets
        Whether the browser is to forget what it has seen here.
    """
    assert place.startswith("/"), "only places of ours"
    headers = {"location": place}
    if forgets:
        headers["clear-site-data"] = '"cache", "storage"'
    return Response(b"", status_code=303, media_type=_HTML, headers=headers, cookies=cookies or [])


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if url else ""
