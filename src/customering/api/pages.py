"""Pages of the server: templates of ours, filled with escaped text, and nothing from elsewhere."""

from html import escape
from importlib import resources
from string import Template

from litestar import Response

from customering.web.security_headers import page_policy

_FOLDER = resources.files("customering.api") / "templates"
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
_POLICY = page_policy(_STYLE)


class Html(str):
    """Text that is HTML already; every other text is escaped when it gets into a page."""

    __slots__ = ()


def filled(template: str, **values: str) -> Html:
    """Fill a text of HTML, each value escaped unless it is `Html`."""
    safe = {
        name: value if isinstance(value, Html) else escape(value) for name, value in values.items()
    }
    return Html(Template(template).substitute(safe))


def page(name: str, **values: str) -> Response[bytes]:
    """Answer with a page.

    Parameters
    ----------
    name
        Which template.
    values
        What to fill in.
    """
    text = (_FOLDER / f"{name}.html").read_text(encoding="utf-8")
    body = filled(text, style=Html(_STYLE), **values).encode()
    return Response(
        body,
        status_code=200,
        media_type="text/html",
        headers={"content-security-policy": _POLICY},
    )
