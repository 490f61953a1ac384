"""The OpenAPI 3.1 document of all doors, those of Litestar and the raw ones, and its page.

It is made of the operations declared beside the doors and of the records they read and write, so
what is documented is what is decoded. A test holds that every door is in it, and only doors are.

References
----------
OpenAPI Specification 3.1.1, https://spec.openapis.org/oas/v3.1.1.html
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from inspect import cleandoc
from typing import Any

import msgspec
from litestar import Response, get

from customering.api import examples
from customering.api.operation import Body, Operation, Parameter, Schema
from customering.api.operations import OPERATIONS
from customering.api.raw_operations import RAW_OPERATIONS
from customering.kernel.records import to_json
from customering.web.problems import PROBLEM_TYPE, Problem

DESCRIPTION = """\
One address for everything a business tells of its customers, and for what to do next for each.

Events come in as Segment's and RudderStack's SDKs send them. Decisions come out in milliseconds,
each with its reasons. What was acknowledged is durable, and in the very next decision.

Refusals outside the Segment paths are problem details (RFC 9457): `code` is for programs, `detail`
says what is wrong, `hint` what to do. A 429 or 503 with `Retry-After` may be sent again then."""

_SCHEMA_PLACE = "#/components/schemas/{name}"
_ITEM = re.compile(r"^([\w, ]+)\n((?:    .*\n?)+)", re.MULTILINE)
_SEGMENT_CODES = {400: "invalid_request", 401: "unauthorized", 403: "forbidden_origin"}
_WORDS_OF = {
    400: "What was sent cannot be accepted.",
    401: "No valid key.",
    403: "A key that may not do this.",
    404: "What was asked for is not here.",
    409: "The idempotency key was used for another request.",
    429: "Too much at once: come again after `Retry-After` seconds.",
    503: "It cannot be done now.",
}

_SECURITY: Schema = {
    "write_key": {
        "type": "http",
        "scheme": "basic",
        "description": "A write key (`cw_...`) or server key (`cs_...`) as user name, without a"
        " password. A write key is public: it sends events, and asks for one browser.",
    },
    "public_key": {
        "type": "http",
        "scheme": "basic",
        "description": "A write key (`cw_...`) as user name, without a password; it asks for one"
        " browser only, by its `anonymous_id`.",
    },
    "secret_key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A secret key (`ck_live_...`); it does what its scopes say.",
    },
    "secret_key_as_user": {
        "type": "http",
        "scheme": "basic",
        "description": "A secret key as user name, without a password.",
    },
    "subject_token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Made by the shop's server for one person and at most 15 minutes.",
    },
    "webhook_signature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks; Shopify's and Stripe's own headers for those.",
    },
}


class SegmentError(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal, in the words that Segment's SDKs understand.

    Parameters
    ----------
    success
        Always false.
    code
        One word for programs.
    message, error
        What is wrong.
    """

    success: bool
    code: str
    message: str
    error: str


class ProfileErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong.

    Parameters
    ----------
    code
        One word for programs.
    message
        One sentence for people.
    """

    code: str
    message: str


class ProfileError(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal, as Segment's Profile API tells it.

    Parameters
    ----------
    error
        What is wrong.
    """

    error: ProfileErrorDetail


_ERRORS = (Problem, SegmentError, ProfileError)


@cache
def document() -> Schema:
    """Give the whole document."""
    operations = (*RAW_OPERATIONS, *OPERATIONS)
    kinds = list(dict.fromkeys([*_ERRORS, *_records(operations)]))
    found, shared = msgspec.json.schema_components(kinds, ref_template=_SCHEMA_PLACE)
    schemas = dict(zip(kinds, found, strict=True))
    paths: dict[str, Schema] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "customering",
            "version": version("customering"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in chapters()],
        "paths": paths,
        "components": {
            "schemas": {name: _tidied(schema) for name, schema in shared.items()},
            "securitySchemes": _SECURITY,
        },
    }


def chapters() -> list[str]:
    """Give the chapters in order."""
    return list(dict.fromkeys(one.chapter for one in (*RAW_OPERATIONS, *OPERATIONS)))


def _records(operations: tuple[Operation, ...]) -> Iterator[Any]:
    """Give every record that is read or written."""
    for one in operations:
        for body in (one.body, *one.answers.values()):
            if body is None or body.kind is None or isinstance(body.kind, dict):
                continue
            yield from body.kind if isinstance(body.kind, tuple) else (body.kind,)


def _operation(one: Operation, schemas: dict[Any, Schema]) -> Schema:
    told: Schema = {
        "operationId": one.name,
        "tags": [one.chapter],
        "summary": one.summary,
        "responses": {
            **{str(status): _answer(body, schemas) for status, body in one.answers.items()},
            **{str(status): _refusal(one, status) for status in one.errors},
        },
        "security": [{name: [scope] if scope else []} for name, scope in one.access],
    }
    if one.words:
        told["description"] = one.words
    if one.parameters:
        told["parameters"] = [_parameter(parameter) for parameter in one.parameters]
    if one.body is not None:
        told["requestBody"] = {"required": True, "content": _content(one.body, schemas)}
    return told


def _parameter(one: Parameter) -> Schema:
    told: Schema = {
        "name": one.name,
        "in": one.place,
        "description": one.words,
        "required": one.is_required or one.place == "path",
        "schema": one.schema,
    }
    if one.example is not None:
        told["example"] = one.example
    return told


def _answer(body: Body, schemas: dict[Any, Schema]) -> Schema:
    told: Schema = {"description": body.words or "As asked."}
    if body.headers:
        told["headers"] = {
            name: {"description": words, "schema": {"type": "string"}}
            for name, words in body.headers
        }
    if body.kind is not None:
        told["content"] = _content(body, schemas)
    return told


def _content(body: Body, schemas: dict[Any, Schema]) -> Schema:
    if isinstance(body.kind, dict):
        schema = body.kind
    elif isinstance(body.kind, tuple):
        schema = {"anyOf": [schemas[kind] for kind in body.kind]}
    else:
        schema = schemas[body.kind]
    content: Schema = {}
    for media in body.media:
        if media == "text/html":
            content[media] = {"schema": {"type": "string"}}
        elif body.example is None:
            content[media] = {"schema": schema}
        else:
            content[media] = {"schema": schema, "example": body.example}
    return content


def _refusal(one: Operation, status: int) -> Schema:
    """Give a refusal in the words of its door."""
    problem = examples.PROBLEMS[status]
    message = problem["detail"]
    if one.error == "Problem":
        media, example = PROBLEM_TYPE, problem
    elif one.error == "SegmentError":
        code = _SEGMENT_CODES.get(status, problem["code"])
        media = "application/json"
        example = {"success": False, "code": code, "message": message, "error": message}
    else:
        media = "application/json"
        example = {"error": {"code": problem["title"].lower().replace(" ", "_")}}
        example["error"]["message"] = "Profile was not found." if status == 404 else message
    schema = {"$ref": _SCHEMA_PLACE.format(name=one.error)}
    told: Schema = {
        "description": _WORDS_OF[status],
        "content": {media: {"schema": schema, "example": example}},
    }
    if status == 429:
        words = "Seconds to wait."
        told["headers"] = {"Retry-After": {"description": words, "schema": {"type": "integer"}}}
    return told


def _tidied(schema: Schema) -> Schema:
    """Spread the description of a record, which is its docstring, over its fields."""
    text = cleandoc(schema.get("description", ""))
    summary, _, rest = text.partition("\n\nParameters\n----------\n")
    if not rest:
        return schema
    fields = dict(schema.get("properties", {}))
    items = rest.partition("\n\nNotes\n")[0].partition("\n\nExamples\n")[0]
    for names, words in _ITEM.findall(items + "\n"):
        told = " ".join(words.split())
        for name in names.split(", "):
            if name in fields and "description" not in fields[name]:
                fields[name] = {**fields[name], "description": told}
    return {**schema, "description": summary, "properties": fields}


@get("/openapi.json")
async def openapi() -> Response[bytes]:
    """Give the document."""
    return Response(
        to_json(document()),
        status_code=200,
        media_type="application/json",
        headers={"cache-control": "public, max-age=300", "access-control-allow-origin": "*"},
    )


handlers = [openapi]
