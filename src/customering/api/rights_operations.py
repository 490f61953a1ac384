"""The operations of rights, for the OpenAPI document."""

from typing import Any, get_args

from customering.api.operation import Body, Operation, Parameter
from customering.api.parameters import PERSON_ERRORS, WHO, query, whole
from customering.api.rights import LOOKS_MOST, LOOKS_USUAL
from customering.api.rights_answers import (
    ActRequest,
    AuditAnswer,
    LooksAnswer,
    RightsAnswer,
    RightsList,
    RightsRequest,
)
from customering.app.portable import Subset
from customering.consent.rights import Act, Again
from customering.consent.rights_scope import CATEGORIES, MODELS

_CHAPTER = "Rights"
_OPERATORS = (("secret_key", "people"),)
_BOTH = (("secret_key", "people"), ("subject_token", "people"))
_WRITE_ERRORS = (*PERSON_ERRORS[:-2], 409, *PERSON_ERRORS[-2:])
_REQUEST_ID = Parameter(
    name="request_id",
    place="path",
    words="As it was answered when the request was made.",
    schema={"type": "string", "minLength": 1, "maxLength": 64},
    example="req_d7lrkbkpv2g5sdti",
)
_REQUEST: dict[str, Any] = {
    "request_id": "req_d7lrkbkpv2g5sdti",
    "kind": "access",
    "status": "open",
    "reason": "",
    "received_at": "2026-06-01T10:00:00.000Z",
    "expected_by": "2026-07-01T10:00:00.000Z",
    "is_extended": False,
    "ended_at": None,
    "words": "Everything you know about me, please.",
    "details": {},
    "steps": [
        {
            "at": "2026-06-01T10:00:00.000Z",
            "act": "open",
            "actor": "person",
            "words": "Everything you know about me, please.",
        }
    ],
    "days_left": 30,
    "recipients": [],
}
_ERASING: dict[str, Any] = {
    **_REQUEST,
    "kind": "erase",
    "status": "in_progress",
    "words": "",
    "details": {"later_events": "new"},
    "steps": [
        {
            "at": "2026-06-01T10:00:00.000Z",
            "act": act,
            "actor": "key_ahtfi6dsgkzm3qnc",
            "words": "",
        }
        for act in ("open", "begin")
    ],
    "recipients": [
        {
            "recipient": "Mailer Inc.",
            "status": "waiting",
            "told_at": None,
            "ended_at": None,
            "results_url": "",
            "words": "",
        }
    ],
}
_CERTIFICATE: dict[str, Any] = {
    "request_id": "req_d7lrkbkpv2g5sdti",
    "scope": "everything",
    "subjects": ["0b53c1b2a2b9a7c1e3d5f60718293a4b"],
    "requested_at": "2026-06-01T10:00:00.000Z",
    "effective_at": "2026-06-01T10:00:00.021Z",
    "completed_at": "2026-06-01T10:00:04.733Z",
    "later_events": "a new beginning",
    "per_store": [{"store": "log", "rows_deleted": 12, "rows_kept": 0, "reason": ""}],
    "write_ahead_logs_still_read": [],
    "models": [],
    "recipients": [],
    "algorithm": "Ed25519 over RFC 8785 without these three members",
    "key_id": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "signature": "MEUCIQ",
}


def _words(kind: Any) -> dict[str, Any]:
    return {"type": "string", "enum": list(get_args(kind))}


RIGHTS = (
    Operation(
        method="delete",
        path="/v1/people/{who}",
        name="erasePerson",
        chapter=_CHAPTER,
        summary="Erase one person, or a part of them",
        words="In force when it is answered: nothing is decided or told from what was known. The"
        " bytes are gone from every file soon after; the certificate says so. With a category, a"
        " time or both, only that goes and the person stays; with a model, the person leaves it.",
        access=_OPERATORS,
        parameters=(
            WHO,
            query(
                "later",
                "What later events of the same identifiers are: `new`, the beginning of somebody"
                " not known before, or `never`, refused for good.",
                {**_words(Again), "default": "new"},
            ),
            query(
                "category",
                "Only this category: " + ", ".join(f"`{one}`" for one in CATEGORIES) + ".",
                {"type": "string", "enum": list(CATEGORIES)},
            ),
            query(
                "model",
                "Nothing that happened is erased; the person is not used for this model any more,"
                " and what it learned from them is gone when it is fitted anew.",
                {"type": "string", "enum": list(MODELS)},
            ),
            query(
                "since",
                "Only what occurred from here on. A date or an instant, ISO 8601.",
                {"type": "string"},
            ),
            query(
                "before",
                "Only what occurred before. A date or an instant, ISO 8601.",
                {"type": "string"},
            ),
        ),
        answers={202: Body(kind=RightsAnswer, example=_ERASING)},
        errors=_WRITE_ERRORS,
    ),
    Operation(
        method="get",
        path="/v1/people/{who}/takeout",
        name="takeOut",
        chapter=_CHAPTER,
        summary="Take everything of one person along",
        words="A ZIP with JSON, NDJSON, CSV, JSON-LD and a page to read.",
        access=_BOTH,
        parameters=(
            WHO,
            query(
                "subset",
                "`all` for full access; `portable` for what they provided and what was observed.",
                {**_words(Subset), "default": "all"},
            ),
        ),
        answers={
            200: Body(
                kind={"type": "string", "format": "binary"},
                example="UEsDBBQ",
                media=("application/zip",),
            )
        },
        errors=PERSON_ERRORS,
    ),
    Operation(
        method="get",
        path="/v1/people/{who}/rights",
        name="readRequestsOfPerson",
        chapter=_CHAPTER,
        summary="Read what one person asked for",
        access=_BOTH,
        parameters=(WHO,),
        answers={200: Body(kind=RightsList, example={"requests": [_REQUEST], "due": []})},
        errors=PERSON_ERRORS,
    ),
    Operation(
        method="post",
        path="/v1/people/{who}/rights",
        name="openRequest",
        chapter=_CHAPTER,
        summary="Keep what a person asks for",
        words="The answer is due a calendar month later.",
        access=_BOTH,
        parameters=(WHO,),
        body=Body(kind=RightsRequest, example={"kind": "access", "words": _REQUEST["words"]}),
        answers={201: Body(kind=RightsAnswer, example=_REQUEST)},
        errors=_WRITE_ERRORS,
    ),
    Operation(
        method="get",
        path="/v1/people/{who}/looks",
        name="readLooks",
        chapter=_CHAPTER,
        summary="Read who looked at one person",
        access=_BOTH,
        parameters=(WHO, whole("limit", "Most looks.", LOOKS_USUAL, LOOKS_MOST)),
        answers={
            200: Body(
                kind=LooksAnswer,
                example={
                    "looks": [
                        {
                            "at": "2026-06-01T10:00:00.000Z",
                            "actor": "key_ahtfi6dsgkzm3qnc",
                            "act": "read",
                            "words": "GET /v1/people/{who}",
                        }
                    ],
                    "many": [
                        {
                            "at": "2026-06-02T04:00:00.000Z",
                            "actor": "operator",
                            "words": "customering learn",
                            "purposes": ["personalize.offers", "profile.value_scoring"],
                            "profiles": 812_000,
                            "was_among_them": None,
                        }
                    ],
                },
            )
        },
        errors=PERSON_ERRORS,
    ),
    Operation(
        method="get",
        path="/v1/rights",
        name="readRequests",
        chapter=_CHAPTER,
        summary="Read what everybody asked for",
        access=_OPERATORS,
        answers={
            200: Body(
                kind=RightsList,
                example={"requests": [_REQUEST], "due": [_REQUEST["request_id"]]},
            )
        },
    ),
    Operation(
        method="get",
        path="/v1/rights/{request_id}",
        name="readRequest",
        chapter=_CHAPTER,
        summary="Read one request",
        access=_OPERATORS,
        parameters=(_REQUEST_ID,),
        answers={200: Body(kind=RightsAnswer, example=_REQUEST)},
        errors=PERSON_ERRORS,
    ),
    Operation(
        method="post",
        path="/v1/rights/{request_id}/{act}",
        name="actOnRequest",
        chapter=_CHAPTER,
        summary="Begin, fulfil, deny or put off a request",
        words="To fulfil one that rectifies, restricts or objects makes it take effect; to fulfil"
        " one that erases erases.",
        access=_OPERATORS,
        parameters=(
            _REQUEST_ID,
            Parameter(
                name="act", place="path", words="What is done.", schema=_words(Act), example="begin"
            ),
        ),
        body=Body(kind=ActRequest, example={"words": "We look into it."}),
        answers={200: Body(kind=RightsAnswer, example={**_REQUEST, "status": "in_progress"})},
        errors=_WRITE_ERRORS,
    ),
    Operation(
        method="get",
        path="/v1/rights/{request_id}/certificate",
        name="readCertificate",
        chapter=_CHAPTER,
        summary="Read the certificate of an erasure",
        words="Waits until the erasure is complete. What was removed from each store, what was kept"
        " and why, signed with the key of the home, whose public half is at"
        " `/.well-known/consent-log.json`.",
        access=_OPERATORS,
        parameters=(_REQUEST_ID,),
        answers={200: Body(kind={"type": "object"}, example=_CERTIFICATE)},
        errors=PERSON_ERRORS,
    ),
    Operation(
        method="get",
        path="/v1/audit",
        name="verifyAudit",
        chapter=_CHAPTER,
        summary="Check the trail of who looked at whom",
        access=_OPERATORS,
        answers={200: Body(kind=AuditAnswer, example={"rows": 3120, "head": "9f2c", "fault": ""})},
    ),
)
