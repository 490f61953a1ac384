"""What a form, or a program in its place, sends: plain texts by name, within bounds."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from customering.kernel.errors import Invalid
from customering.web.bodies import read_json

_FIELDS_MAX = 300
_LENGTH_MAX = 4_000


class Form:
    """The fields that were sent.

    Parameters
    ----------
    fields
        By name, in the order they came.
    """

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def text(self, name: str, *, most: int = 200) -> str:
        """Give the last value of a field, trimmed; empty where it was not sent.

        Raises
        ------
        Invalid
            When it is longer than `most` characters.
        """
        values = self._fields.get(name)
        found = values[-1].strip() if values else ""
        if len(found) > most:
            raise Invalid(f"{name} is longer than {most} characters", hint="write less")
        return found

    def every(self, name: str) -> list[str]:
        """Give all values of a field."""
        return [value.strip() for value in self._fields.get(name, ())]

    def beginning(self, prefix: str) -> dict[str, str]:
        """Give the fields whose names begin so, by the rest of their names."""
        return {
            name.removeprefix(prefix): values[-1].strip()
            for name, values in self._fields.items()
            if name.startswith(prefix) and values
        }

    def whole(self, name: str, low: int, high: int) -> int | None:
        """Give a whole number; None where nothing was written.

        Raises
        ------
        Invalid
            When it is none from `low` to `high`.
        """
        text = self.text(name)
        if not text:
            return None
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        if not is_number or not low <= int(text) <= high:
            raise Invalid(f"{name} is no whole number from {low} to {high}", hint="write digits")
        return int(text)


def read_form(body: bytes, content_type: str) -> Form:
    """Read a form as browsers send it, or a JSON object of texts and lists of texts.

    Raises
    ------
    Invalid
        When it is neither, or has too many or too long fields.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        fields = _of_json(body)
    elif kind in ("application/x-www-form-urlencoded", "") or not body:
        fields = _of_form(body)
    else:
        raise Invalid("a form of another kind", hint="send application/x-www-form-urlencoded")
    if any(len(value) > _LENGTH_MAX for values in fields.values() for value in values):
        raise Invalid(f"a field has more than {_LENGTH_MAX} characters", hint="write less")
    return Form(fields)


def _of_form(body: bytes) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    except ValueError as error:
        raise Invalid("the form cannot be read", hint="send UTF-8, 300 fields at most") from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _of_json(body: bytes) -> dict[str, list[str]]:
    value = read_json(body)
    if not isinstance(value, dict) or len(value) > _FIELDS_MAX:
        raise Invalid("the body is no JSON object", hint='send {"name": "text"}')
    fields: dict[str, list[str]] = {}
    for name, given in value.items():
        texts = given if isinstance(given, list) else [given]
        if not all(isinstance(text, str | int | float) for text in texts):
            raise Invalid("a field is neither a text nor a list of texts", hint="send plain texts")
        fields[name] = [
            str(text).lower() if isinstance(text, bool) else str(text) for text in texts
        ]
    return fields
