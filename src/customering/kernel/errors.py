"""The one error tree: every error has a stable code, a message that says what, and a hint.

::

    CustomeringError                 code, hint, facts; retryable = False
    ├── Invalid                      the caller's input cannot be accepted
    │   ├── InvalidSettings          names file, key path, and what was tried
    │   ├── InvalidEvent             names event id and field path
    │   ├── InvalidDefinition        a trait, plan, mapping, action or audience makes no sense
    │   ├── InvalidExpression        a condition cannot be read, names the place in it
    │   └── InvalidFile              a file cannot be read: names file, line, reason
    ├── Absent                       what was asked for is not here
    │   ├── NoSuchPerson
    │   ├── NoSuchModel
    │   └── NoHome                   the folder is not a customering home
    ├── Refused                      the system says no on purpose; retrying never helps
    ├── Conflict                     the world moved or another process holds it: try again
    └── Unavailable                  a store cannot be used now (retryable)
        ├── Overloaded               more is asked than can be done: come again later
        └── Corrupt                  stored bytes fail their checksum (not retryable)

A bug is not in this tree: it is an `AssertionError`. A refusal is usually a value, not an error.
Personal data never enters a message: ids and places only.
"""

from typing import Any, ClassVar


class CustomeringError(Exception):
    """Root of every error this package raises on purpose.

    Parameters
    ----------
    message
        What went wrong, in one sentence without personal data.
    hint
        What to do about it, in one sentence; empty when there is nothing to do.
    facts
        Named details (file, line, path, ...) for programs; values must be JSON-serialisable.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.facts)


def _rebuild(
    kind: type[CustomeringError], message: str, hint: str, facts: dict[str, Any]
) -> CustomeringError:
    """Restore a pickled error, whose details are keyword-only."""
    return kind(message, hint=hint, **facts)


class Invalid(CustomeringError):
    """The caller's input cannot be accepted."""

    code = "invalid"


class InvalidSettings(Invalid):
    """A setting is misspelt, out of range or of the wrong type."""

    code = "invalid_settings"


class InvalidEvent(Invalid):
    """An event breaks the event record or the tracking plan."""

    code = "invalid_event"


class InvalidDefinition(Invalid):
    """A trait, tracking plan, mapping, action or audience contradicts itself or the data."""

    code = "invalid_definition"


class InvalidExpression(InvalidDefinition):
    """A condition written by a person cannot be read or uses what is not allowed."""

    code = "invalid_expression"


class InvalidFile(Invalid):
    """A file cannot be read as what it was said to be."""

    code = "invalid_file"


class Absent(CustomeringError):
    """What was asked for is not here."""

    code = "absent"


class NoSuchPerson(Absent):
    """No event and no link carries this identifier."""

    code = "no_such_person"


class NoSuchModel(Absent):
    """No model of this name has been fitted yet."""

    code = "no_such_model"


class NoHome(Absent):
    """The folder is not a customering home."""

    code = "no_home"


class Refused(CustomeringError):
    """The system says no on purpose; trying again never helps."""

    code = "refused"


class Conflict(CustomeringError):
    """The world moved, or another process holds what is needed."""

    code = "conflict"
    retryable = True


class Unavailable(CustomeringError):
    """A store cannot be used right now."""

    code = "unavailable"
    retryable = True


class Overloaded(Unavailable):
    """More is asked than can be done now; ``facts["retry_after_s"]`` says when to come again."""

    code = "overloaded"


class Corrupt(Unavailable):
    """Stored bytes fail their checksum."""

    code = "corrupt"
    retryable = False
