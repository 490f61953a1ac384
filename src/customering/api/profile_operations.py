"""The operations of Segment's Profile API, for the OpenAPI document."""

from typing import Any

from customering.api import examples
from customering.api.operation import Body, Operation, Parameter, Schema
from customering.api.parameters import PERSON_ERRORS, TEXT, WHO, query, whole
from customering.api.profile_api import LIMIT_MOST, LIMIT_USUAL


def _whole_cursor() -> dict[str, Any]:
    return {"url": "", "has_more": False, "next": "", "limit": LIMIT_USUAL}


_TRAITS: dict[str, Any] = {
    "traits": {"orders_total": 1, "spend_total_minor": 1000, "buyers": True},
    "cursor": _whole_cursor(),
}
_IDS: dict[str, Any] = {
    "data": [
        {
            "source_id": "till",
            "collection": "users",
            "id": "ada",
            "type": "user_id",
            "created_at": examples.ORDERED_AT,
            "first_message_id": "1001-order",
            "encoding": "none",
        }
    ],
    "cursor": _whole_cursor(),
}
_EVENTS: dict[str, Any] = {
    "data": [
        {
            "external_ids": [
                {"collection": "users", "type": "user_id", "id": "ada", "encoding": "none"}
            ],
            "context": {},
            "type": "track",
            "source_id": "till",
            "event": "Order Completed",
            "message_id": "1001-order",
            "properties": examples.ORDER,
            "timestamp": examples.ORDERED_AT,
        }
    ],
    "cursor": _whole_cursor(),
}
_METADATA: dict[str, Any] = {
    "metadata": {
        "created_at": examples.ORDERED_AT,
        "updated_at": examples.ORDERED_AT,
        "expires_at": None,
        "first_message_id": "1001-order",
        "first_source_id": "till",
        "last_message_id": "1001-order",
        "last_source_id": "till",
    },
    "cursor": _whole_cursor(),
}
_LINKS: dict[str, Any] = {"data": [], "cursor": _whole_cursor()}


def _cursor(told: Schema, name: str) -> Schema:
    return {
        "type": "object",
        "required": [name, "cursor"],
        "properties": {
            name: told,
            "cursor": {
                "type": "object",
                "required": ["url", "has_more", "next", "limit"],
                "properties": {
                    "url": {**TEXT, "description": "Address of the next page; empty at the end."},
                    "has_more": {"type": "boolean"},
                    "next": {**TEXT, "description": "Send it as `next`."},
                    "limit": {"type": "integer"},
                },
            },
        },
    }


_OBJECTS: Schema = {"type": "array", "items": {"type": "object"}}
_PAGED = (
    whole("limit", "Most entries in the page.", LIMIT_USUAL, LIMIT_MOST),
    query("next", "`cursor.next` of the page before."),
)
_VERBOSE = query(
    "verbose",
    "`true` tells where each value is from and when it was computed.",
    {"type": "string", "enum": ["true", "false"]},
)
_INCLUDE = query("include", "Only these, apart by commas.")
_CLASS = query(
    "class",
    "Only audiences, or only what is computed.",
    {"type": "string", "enum": ["audience", "computed_trait"]},
)
_SPACE = Parameter(
    name="space",
    place="path",
    words="Any: a home is one business.",
    schema={"type": "string", "minLength": 1},
    example="shop",
)


def _profile(
    part: str, summary: str, schema: Schema, example: object, *more: Parameter
) -> Operation:
    return Operation(
        method="get",
        path=f"/v1/spaces/{{space}}/collections/users/profiles/{{who}}/{part}",
        name=f"readProfile{part.title().replace('_', '')}",
        chapter="Segment Profile API",
        summary=summary,
        words="As Segment's Profile API answers, so that its clients work here: the secret key is"
        " the user name of Basic authentication.",
        access=(("secret_key_as_user", "people"),),
        parameters=(_SPACE, WHO, *more),
        answers={
            200: Body(
                kind=schema, example=example, headers=(("Request-Id", "Names this request."),)
            )
        },
        errors=PERSON_ERRORS,
        error="ProfileError",
    )


PROFILE_API = (
    _profile(
        "traits",
        "Read traits",
        _cursor({"type": "object"}, "traits"),
        _TRAITS,
        *_PAGED,
        _INCLUDE,
        _CLASS,
        _VERBOSE,
    ),
    _profile(
        "external_ids",
        "Read what names a person",
        _cursor(_OBJECTS, "data"),
        _IDS,
        *_PAGED,
        _INCLUDE,
        _VERBOSE,
    ),
    _profile(
        "events",
        "Read what happened",
        _cursor(_OBJECTS, "data"),
        _EVENTS,
        *_PAGED,
        _INCLUDE,
        query("exclude", "Not these, apart by commas."),
        _VERBOSE,
    ),
    _profile(
        "metadata",
        "Read since when a person is known",
        _cursor({"type": "object"}, "metadata"),
        _METADATA,
        _PAGED[0],
        _VERBOSE,
    ),
    _profile(
        "links",
        "Read accounts; there are none here",
        _cursor(_OBJECTS, "data"),
        _LINKS,
        *_PAGED,
        _INCLUDE,
        _VERBOSE,
    ),
)
