"""What an operation is, for the OpenAPI document: its address, who may call it, what it takes."""

from typing import Any, Literal

from customering.kernel.records import Record

Method = Literal["get", "post", "delete"]
Schema = dict[str, Any]


class Parameter(Record, frozen=True, kw_only=True):
    """One parameter of an operation.

    Parameters
    ----------
    name
        As it is written.
    place
        Where it stands.
    words
        What it means.
    schema
        What it may be.
    example
        A real one; None when there is none that fits everybody.
    is_required
        Whether it must be sent; always so in a path.
    """

    name: str
    place: Literal["path", "query", "header"]
    words: str
    schema: Schema
    example: Any = None
    is_required: bool = False


class Body(Record, frozen=True, kw_only=True):
    """What is sent or answered.

    Parameters
    ----------
    kind
        A record, several of which one is meant, or a schema written by hand; None for an empty
        answer.
    example
        A real one.
    media
        Media types.
    words
        What it means.
    headers
        Headers of an answer, with what each means.
    """

    kind: Any
    example: Any = None
    media: tuple[str, ...] = ("application/json",)
    words: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Operation(Record, frozen=True, kw_only=True):
    """One method at one address.

    Parameters
    ----------
    method, path
        The address; parts in braces are parameters.
    name
        Its name for programs; unique.
    chapter
        Where it stands on the page.
    summary, words
        What it does, in a line, and the rest.
    access
        The kinds of keys that open it, each with the scope it needs, if any; none: anybody.
    parameters
        Its parameters.
    body
        What is sent.
    answers
        Answers by status.
    errors
        Statuses of refusals.
    error
        What a refusal looks like: the name of a shared schema.
    """

    method: Method
    path: str
    name: str
    chapter: str
    summary: str
    words: str = ""
    access: tuple[tuple[str, str], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    answers: dict[int, Body]
    errors: tuple[int, ...] = (400, 401, 403, 429, 503)
    error: str = "Problem"
