"""The page at ``/docs``: the OpenAPI document, for people; one file, no script, no other server."""

from functools import cache
from typing import Any

import msgspec
from litestar import Response, get

from customering.api.openapi import DESCRIPTION, chapters, document
from customering.api.pages import Html, filled, page

_CHAPTER = '<h2 id="$place">$name</h2>$operations'
_LINK = '<a href="#$place">$name</a>'
_OPERATION = (
    '<details id="$name"><summary><b>$method</b> <code>$path</code> $summary</summary>'
    "<div>$words$who$parameters$sent$answered$refused</div></details>"
)
_PARAMETERS = (
    '<h3>Parameters</h3><div class="wide"><table><thead><tr><th scope="col">Name</th>'
    '<th scope="col">Where</th><th scope="col">Meaning</th></tr></thead><tbody>$rows</tbody>'
    "</table></div>"
)
_PARAMETER = "<tr><td><code>$name</code></td><td>$place</td><td>$words</td></tr>"
_EXAMPLE = '<h3>$title</h3><pre tabindex="0"><code>$text</code></pre>'
_KEYS = {
    "write_key": "a write key or a server key",
    "public_key": "a write key, for one browser",
    "secret_key": "a secret key",
    "secret_key_as_user": "a secret key, as user name",
    "subject_token": "a subject token of that person",
    "webhook_signature": "the signature of the source",
}


@get("/docs")
async def docs() -> Response[bytes]:
    """Show every address, with examples."""
    return page(
        "docs",
        title="Every address of this server",
        description=_paragraphs(DESCRIPTION),
        chapters=_joined(
            [filled(_LINK, place=_place(name), name=name) for name in chapters()], " · "
        ),
        operations=_operations(),
    )


handlers = [docs]


@cache
def _operations() -> Html:
    """Write all operations, chapter by chapter."""
    told = [
        (path, method, one)
        for path, methods in document()["paths"].items()
        for method, one in methods.items()
    ]
    return _joined(
        [
            filled(
                _CHAPTER,
                place=_place(name),
                name=name,
                operations=_joined([_operation(*one) for one in told if one[2]["tags"] == [name]]),
            )
            for name in chapters()
        ]
    )


def _operation(path: str, method: str, one: dict[str, Any]) -> Html:
    refused = [
        f"{status}: {answer['description']}"
        for status, answer in one["responses"].items()
        if int(status) >= 400
    ]
    return filled(
        _OPERATION,
        name=one["operationId"],
        method=method.upper(),
        path=path,
        summary=one["summary"],
        words=_paragraphs(one.get("description", "")),
        who=_paragraphs(_who(one["security"])),
        parameters=_parameters(one.get("parameters", [])),
        sent=_example("Send", one.get("requestBody", {})),
        answered=_joined(
            [
                _example(f"Answer {status}", answer)
                for status, answer in one["responses"].items()
                if int(status) < 400
            ]
        ),
        refused=_paragraphs("Refused with " + " ".join(refused)) if refused else "",
    )


def _who(security: list[dict[str, list[str]]]) -> str:
    """Say who may call."""
    if not security:
        return "For everybody, without a key."
    told = []
    for access in security:
        for name, scopes in access.items():
            scope = f" with the scope {scopes[0]}" if scopes and name == "secret_key" else ""
            told.append(_KEYS[name] + scope)
    return f"For {', or '.join(told)}."


def _parameters(parameters: list[dict[str, Any]]) -> Html:
    if not parameters:
        return Html("")
    rows = [
        filled(_PARAMETER, name=one["name"], place=one["in"], words=one["description"])
        for one in parameters
    ]
    return filled(_PARAMETERS, rows=_joined(rows))


def _example(title: str, body: dict[str, Any]) -> Html:
    for content in body.get("content", {}).values():
        if "example" in content:
            example = content["example"]
            text = (
                example
                if isinstance(example, str)
                else msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
            )
            return filled(_EXAMPLE, title=title, text=text)
    return Html("")


def _paragraphs(text: str) -> Html:
    """Write text as paragraphs, what stands in backquotes as code."""
    written = []
    for paragraph in text.split("\n\n") if text else []:
        parts = [
            filled("<code>$text</code>", text=part) if number % 2 else filled("$text", text=part)
            for number, part in enumerate(paragraph.split("`"))
        ]
        written.append(filled("<p>$text</p>", text=_joined(parts)))
    return _joined(written)


def _joined(parts: list[Html], between: str = "") -> Html:
    return Html(between.join(parts))


def _place(chapter: str) -> str:
    return chapter.lower().replace(" ", "-")
