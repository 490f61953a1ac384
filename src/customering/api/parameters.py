"""Parameters that operations of several chapters share."""

from customering.api.operation import Parameter, Schema

TEXT: Schema = {"type": "string"}
PERSON_ERRORS = (400, 401, 403, 404, 429, 503)

WHO = Parameter(
    name="who",
    place="path",
    words="Whom: `type:value` as they were sent, or the id of a person, `per_...`; a slash in a"
    " value is written %2F.",
    schema={"type": "string", "minLength": 1, "maxLength": 600},
    example="user_id:ada",
)


def whole(name: str, words: str, usual: int, most: int) -> Parameter:
    """Give a whole number of a query, from 1 to the most."""
    schema: Schema = {"type": "integer", "minimum": 1, "maximum": most, "default": usual}
    return Parameter(name=name, place="query", words=words, schema=schema, example=usual)


def query(name: str, words: str, schema: Schema = TEXT) -> Parameter:
    """Give a parameter of a query."""
    return Parameter(name=name, place="query", words=words, schema=schema)
