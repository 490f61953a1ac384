"""The operations of the raw doors, for the OpenAPI document: events in, decisions out."""

from typing import Any

import msgspec

from customering.api import examples
from customering.api.asking import DecideAnswer, DecideRequest
from customering.api.decide import REQUESTS_MOST
from customering.api.operation import Body, Operation, Parameter
from customering.api.outcomes import REPORTS_MOST, OutcomeReport, OutcomeTaken
from customering.api.stream import LiveRequest
from customering.web.problems import Problem

_DECIDERS = (("secret_key", "decide"), ("subject_token", "decide"), ("public_key", ""))
_SENDERS = (("write_key", ""), ("secret_key", "collect"))
_SENDER_WORDS = (
    "The key may stand in `Authorization` (Basic, as user name, or Bearer), as `writeKey` in the"
    " body, or as `?writeKey=`. Any Content-Type is read as JSON; gzip and deflate are unpacked."
)


class SentEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event in the shape of the Segment spec; fields not listed here are kept too.

    Parameters
    ----------
    type
        What kind it is; the path says so for a single event.
    userId, anonymousId
        Who it is about; one of them is needed.
    messageId
        Yours, so that an event sent again counts once.
    event
        What happened, for ``track``.
    name
        Which page or screen.
    properties
        What is told about it.
    traits
        What a person says about themselves, for ``identify``.
    context
        The circumstances.
    timestamp, sentAt
        When it happened and when it was sent, by the sender's clock. ISO 8601.
    """

    type: str = "track"
    userId: str | int | None = None  # noqa: N815 - names of the Segment spec
    anonymousId: str | None = None  # noqa: N815
    messageId: str | None = None  # noqa: N815
    event: str | None = None
    name: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    timestamp: str | None = None
    sentAt: str | None = None  # noqa: N815


class SentBatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Many events at once.

    Parameters
    ----------
    batch
        The events; each names its type.
    sentAt
        When it was sent, by the sender's clock. ISO 8601.
    context
        Circumstances of all of them.
    """

    batch: list[SentEvent]
    sentAt: str | None = None  # noqa: N815
    context: dict[str, Any] | None = None


class Success(msgspec.Struct, frozen=True):
    """Everything that could be taken is durable.

    Parameters
    ----------
    success
        Always true.
    """

    success: bool


class DecideMany(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many questions at once; each is answered by itself.

    Parameters
    ----------
    requests
        The questions.
    """

    requests: list[DecideRequest]


class DecideResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one question of many: a decision or a problem.

    Parameters
    ----------
    decision
        What was decided.
    problem
        Why nothing was.
    """

    decision: DecideAnswer | msgspec.UnsetType = msgspec.UNSET
    problem: Problem | msgspec.UnsetType = msgspec.UNSET


class DecideResults(msgspec.Struct, frozen=True, kw_only=True):
    """Answers in the order of the questions.

    Parameters
    ----------
    results
        One for each question.
    """

    results: list[DecideResult]


class OutcomeResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one report of many.

    Parameters
    ----------
    event_id
        The event in which it is kept.
    problem
        Why it was not taken.
    """

    event_id: str | msgspec.UnsetType = msgspec.UNSET
    problem: Problem | msgspec.UnsetType = msgspec.UNSET


class OutcomeResults(msgspec.Struct, frozen=True, kw_only=True):
    """Results in the order of the reports.

    Parameters
    ----------
    results
        One for each report.
    """

    results: list[OutcomeResult]


def _single(kind: str, summary: str, example: object) -> Operation:
    return Operation(
        method="post",
        path=f"/v1/{kind}",
        name=kind,
        chapter="Send",
        summary=summary,
        words=f"Also at `/v1/{kind[0]}`. {_SENDER_WORDS}",
        access=_SENDERS,
        body=Body(kind=SentEvent, example=example),
        answers={200: Body(kind=Success, example={"success": True})},
        errors=(400, 401, 403, 429, 503),
        error="SegmentError",
    )


_WRITE_KEY = Parameter(
    name="write_key",
    place="path",
    words="A write key, which is public.",
    schema={"type": "string", "minLength": 1},
)

RAW_OPERATIONS: tuple[Operation, ...] = (
    _single("track", "Say what somebody did", examples.TRACK),
    _single("identify", "Say who somebody is", examples.IDENTIFY),
    _single("page", "Say that a page was opened", examples.PAGE),
    _single("screen", "Say that a screen of an app was opened", examples.SCREEN),
    _single("group", "Say to which group somebody belongs", examples.GROUP),
    _single("alias", "Say that two ids are one person", examples.ALIAS),
    Operation(
        method="post",
        path="/v1/batch",
        name="batch",
        chapter="Send",
        summary="Send many events at once",
        words="Also at `/v1/b` and `/v1/import`. One event that is wrong never fails the others:"
        f" it is set aside, and said by `customering quarantine list`. {_SENDER_WORDS}",
        access=_SENDERS,
        body=Body(kind=SentBatch, example=examples.BATCH),
        answers={200: Body(kind=Success, example={"success": True})},
        errors=(400, 401, 403, 429, 503),
        error="SegmentError",
    ),
    Operation(
        method="get",
        path="/v1/pixel/track",
        name="pixel",
        chapter="Send",
        summary="Send an event by an image",
        words="Also for `identify`, `page`, `screen`, `group` and `alias`. The answer is an image,"
        " whatever became of the event.",
        parameters=(
            Parameter(
                name="data",
                place="query",
                words="The event as JSON in base64, with `writeKey` in it.",
                schema={"type": "string"},
            ),
        ),
        answers={200: Body(kind={"type": "string"}, media=("image/gif",))},
        errors=(),
    ),
    Operation(
        method="get",
        path="/v1/projects/{write_key}/settings",
        name="readSdkSettings",
        chapter="Send",
        summary="Read what Segment's SDKs ask for first",
        words="Also without `/v1`.",
        parameters=(_WRITE_KEY,),
        answers={200: Body(kind={"type": "object"}, example=examples.SDK_SETTINGS)},
        errors=(401,),
        error="SegmentError",
    ),
    Operation(
        method="get",
        path="/analytics.js/v1/{write_key}/analytics.min.js",
        name="readSnippetScript",
        chapter="Send",
        summary="Read the script of Segment's web snippet",
        parameters=(_WRITE_KEY,),
        answers={200: Body(kind={"type": "string"}, media=("text/javascript",))},
        errors=(401,),
        error="SegmentError",
    ),
    Operation(
        method="post",
        path="/v1/decide",
        name="decide",
        chapter="Decide",
        summary="Decide what to do next for one person",
        words="Every event acknowledged before is in the decision. Whoever is not known yet is"
        " decided for too. With a write key only about one `anonymous_id`, and only from what was"
        " done under it.",
        access=_DECIDERS,
        body=Body(kind=DecideRequest, example=examples.DECIDE),
        answers={200: Body(kind=DecideAnswer, example=examples.DECIDE_ANSWER)},
    ),
    Operation(
        method="post",
        path="/v1/decide/batch",
        name="decideBatch",
        chapter="Decide",
        summary="Decide for up to a hundred people at once",
        words=f"At most {REQUESTS_MOST} questions, each answered or refused by itself.",
        access=_DECIDERS,
        body=Body(kind=DecideMany, example={"requests": [examples.DECIDE]}),
        answers={
            200: Body(
                kind=DecideResults, example={"results": [{"decision": examples.DECIDE_ANSWER}]}
            )
        },
    ),
    Operation(
        method="post",
        path="/v1/outcomes",
        name="tellOutcome",
        chapter="Decide",
        summary="Say what came of a decision",
        words=f"One report, or a list of at most {REPORTS_MOST}, each taken or refused by itself."
        " Pages with a write key send track events with `decision_id` instead.",
        access=(("secret_key", "outcomes"), ("subject_token", "outcomes")),
        body=Body(kind=(OutcomeReport, list[OutcomeReport]), example=examples.OUTCOME),
        answers={200: Body(kind=(OutcomeTaken, OutcomeResults), example=examples.OUTCOME_TAKEN)},
        errors=(400, 401, 403, 404, 429, 503),
    ),
    Operation(
        method="post",
        path="/v1/live",
        name="follow",
        chapter="Decide",
        summary="Follow decisions and changes of one person",
        words="Server-sent events: `profile`, `decision`, `problem`, `end`. With a placement a"
        " decision comes at once and after each change.",
        access=(("secret_key", "stream"), ("subject_token", "stream")),
        body=Body(kind=LiveRequest, example=examples.LIVE),
        answers={
            200: Body(
                kind={"type": "string"}, media=("text/event-stream",), example=examples.STREAM
            )
        },
    ),
)
