"""The operations of the Litestar doors, for the OpenAPI document."""

from customering.api import examples
from customering.api.consent import ConsentAnswer, ConsentRequest, StatusAnswer, StatusRequest
from customering.api.decisions import DecisionAnswer
from customering.api.front import Running
from customering.api.health import Health, Readiness
from customering.api.operation import Body, Operation, Parameter
from customering.api.outcomes import DAYS_MOST, DAYS_USUAL, OutcomeSummary
from customering.api.parameters import PERSON_ERRORS, TEXT, WHO, query, whole
from customering.api.people import EVENTS_MOST, EVENTS_USUAL, PersonAnswer, Timeline
from customering.api.permission_operations import PERMISSION
from customering.api.profile_operations import PROFILE_API
from customering.api.rights_agents_operations import AGENTS
from customering.api.rights_callbacks import CALLBACKS
from customering.api.rights_operations import RIGHTS
from customering.api.webhooks import WebhookAnswer
from customering.app.importing import ImportReport

_READ_PEOPLE = (("secret_key", "people"), ("subject_token", "people"))
_WRITE_ERRORS = (400, 401, 403, 404, 409, 429, 503)

_IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    place="header",
    words="A name of your own for this request. Sent again within a day, it gets the same answer"
    " and nothing is done twice; for another request it is refused with 409.",
    schema={"type": "string", "minLength": 1, "maxLength": 255},
    example="7a2f0c9e-8f41-4a86-9a1d-3c7d7b1e2f60",
)
_IF_NONE_MATCH = Parameter(
    name="If-None-Match",
    place="header",
    words="The ETag of an answer you have: 304 without a body when it still holds.",
    schema=TEXT,
)
_ETAG = (("ETag", "Names this answer."),)
_NOT_MODIFIED = Body(kind=None, words="What you have still holds.", headers=_ETAG)


PEOPLE = (
    Operation(
        method="get",
        path="/v1/people/{who}",
        name="readPerson",
        chapter="People",
        summary="Read one person",
        words="Who they are, how we stand, what is known of them and how we know it, and the"
        " audiences they are in. Only what they permit is there; the purposes they refuse are"
        " listed. Everything acknowledged before is in it.",
        access=_READ_PEOPLE,
        parameters=(WHO, _IF_NONE_MATCH),
        answers={
            200: Body(kind=PersonAnswer, example=examples.PERSON, headers=_ETAG),
            304: _NOT_MODIFIED,
        },
        errors=PERSON_ERRORS,
    ),
    Operation(
        method="get",
        path="/v1/people/{who}/timeline",
        name="readTimeline",
        chapter="People",
        summary="Read what happened to one person",
        words="Newest first, whatever was just acknowledged included.",
        access=_READ_PEOPLE,
        parameters=(
            WHO,
            query("cursor", "`next` of the page before; without it the newest."),
            whole("limit", "Most events in the page.", EVENTS_USUAL, EVENTS_MOST),
        ),
        answers={200: Body(kind=Timeline, example=examples.TIMELINE)},
        errors=PERSON_ERRORS,
    ),
    Operation(
        method="post",
        path="/v1/people/{who}/consent",
        name="chooseConsent",
        chapter="People",
        summary="Keep what a person permits and refuses",
        words="It takes effect at once: what is refused is not computed or used any more.",
        access=_READ_PEOPLE,
        parameters=(WHO, _IDEMPOTENCY_KEY),
        body=Body(kind=ConsentRequest, example=examples.CONSENT),
        answers={200: Body(kind=ConsentAnswer, example=examples.CONSENT_ANSWER)},
        errors=_WRITE_ERRORS,
    ),
    Operation(
        method="post",
        path="/v1/people/{who}/status",
        name="setStatus",
        chapter="People",
        summary="Keep how a person wants to stand with us",
        words="It wins over what is observed, until its end or until it is taken back.",
        access=_READ_PEOPLE,
        parameters=(WHO, _IDEMPOTENCY_KEY),
        body=Body(kind=StatusRequest, example=examples.STATUS),
        answers={200: Body(kind=StatusAnswer, example=examples.STATUS_ANSWER)},
        errors=_WRITE_ERRORS,
    ),
)

DECISIONS = (
    Operation(
        method="get",
        path="/v1/decisions/{decision_id}",
        name="readDecision",
        chapter="Decide",
        summary="Explain one decision",
        words="Every candidate with its fate, what came of it, and how the first place was filled."
        " A subject token reads the decisions for its person, without what was weighed.",
        access=(("secret_key", "people or decide"), ("subject_token", "decide")),
        parameters=(
            Parameter(
                name="decision_id",
                place="path",
                words="As `/v1/decide` gave it.",
                schema={"type": "string", "minLength": 1, "maxLength": 64},
                example=examples.DECISION_ID,
            ),
            _IF_NONE_MATCH,
        ),
        answers={
            200: Body(kind=DecisionAnswer, example=examples.DECISION, headers=_ETAG),
            304: _NOT_MODIFIED,
        },
        errors=PERSON_ERRORS,
    ),
    Operation(
        method="get",
        path="/v1/outcomes/summary",
        name="countOutcomes",
        chapter="Decide",
        summary="Count what came of decisions",
        access=(("secret_key", "outcomes"),),
        parameters=(
            whole("days", "Days that count, the present one included.", DAYS_USUAL, DAYS_MOST),
            query("placement", "Only this placement; all when it is left out."),
        ),
        answers={200: Body(kind=OutcomeSummary, example=examples.OUTCOME_SUMMARY)},
    ),
)


OTHER_DOORS_IN = (
    Operation(
        method="post",
        path="/v1/webhooks/{source}",
        name="takeWebhook",
        chapter="Send",
        summary="Take a message of another system",
        words="Signed as `webhooks.toml` of the home says for this source. A signed message is"
        " always answered with 200: what no event can be made of is set aside, not sent again.",
        access=(("webhook_signature", ""),),
        parameters=(
            Parameter(
                name="source",
                place="path",
                words="A source of `webhooks.toml`.",
                schema={"type": "string", "minLength": 1},
                example="shopify",
            ),
        ),
        body=Body(kind={}, example=examples.SHOPIFY_ORDER, words="The message, as it is sent."),
        answers={
            200: Body(kind=WebhookAnswer, example={"events": 1, "quarantined": 0, "ignored": 0})
        },
        errors=(400, 401, 429, 503),
    ),
    Operation(
        method="post",
        path="/v1/upload",
        name="upload",
        chapter="Send",
        summary="Import a file of rows",
        words="CSV or lines of JSON, as they are or packed by gzip. Importing a file twice adds"
        " nothing. Rows that no event can be made of are set aside.",
        access=(("secret_key", "import"),),
        parameters=(
            Parameter(
                name="mapping",
                place="query",
                words="How rows become events: `mappings/NAME.toml` in the home.",
                schema={"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"},
                example="visits",
                is_required=True,
            ),
        ),
        body=Body(
            kind={"type": "string"},
            example=examples.CSV,
            media=("text/csv", "application/x-ndjson"),
            words="The file itself.",
        ),
        answers={200: Body(kind=ImportReport, example=examples.IMPORT_REPORT)},
        errors=(400, 401, 403, 404, 429, 503),
    ),
)

OPERATING = (
    Operation(
        method="get",
        path="/v1/health",
        name="readHealth",
        chapter="Operate",
        summary="Whether the process lives",
        answers={200: Body(kind=Health, example={"status": "ok"})},
        errors=(),
    ),
    Operation(
        method="get",
        path="/v1/ready",
        name="readReadiness",
        chapter="Operate",
        summary="Whether events can be taken",
        answers={
            200: Body(kind=Readiness, example=examples.READY),
            503: Body(kind=Readiness, example=examples.NOT_READY),
        },
        errors=(),
    ),
    Operation(
        method="get",
        path="/metrics",
        name="readMetrics",
        chapter="Operate",
        summary="Everything that is counted, for Prometheus",
        words="From this machine itself no key is needed, unless it comes through a proxy.",
        access=(("secret_key", "metrics"),),
        answers={200: Body(kind=TEXT, media=("text/plain",), example=examples.METRICS)},
        errors=(401, 403, 429, 503),
    ),
    Operation(
        method="get",
        path="/",
        name="readFront",
        chapter="Operate",
        summary="What is running here",
        words="A page for people; JSON for programs that accept only that or ask for it.",
        parameters=(
            query("format", "`json` or `html`.", {"type": "string", "enum": ["json", "html"]}),
        ),
        answers={
            200: Body(
                kind=Running, example=examples.RUNNING, media=("application/json", "text/html")
            )
        },
        errors=(400,),
    ),
)

OPERATIONS: tuple[Operation, ...] = (
    *PEOPLE,
    *PERMISSION,
    *DECISIONS,
    *PROFILE_API,
    *RIGHTS,
    *AGENTS,
    *CALLBACKS,
    *OTHER_DOORS_IN,
    *OPERATING,
)
