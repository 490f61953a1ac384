"""Reads the actions an operator writes: ``[[action]]`` tables in TOML."""

import tomllib
from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from customering.consent.gate import CompiledPolicy
from customering.decision.model import CONTEXT, LEAVE_ALONE, Action
from customering.kernel.clock import MS_PER_DAY, parse_instant
from customering.kernel.errors import InvalidDefinition, InvalidExpression, InvalidFile
from customering.kernel.expressions import parse

_DATES = ("valid_from", "valid_until")


def read_actions(
    text: str, *, file: str, policy: CompiledPolicy, traits: Collection[str] | None = None
) -> tuple[Action, ...]:
    """Read actions.

    Parameters
    ----------
    text
        The text of the file.
    file
        Its name, for messages.
    policy
        Gives the purposes there are, and the channels they cover.
    traits
        Names that conditions may use; None allows all.

    Raises
    ------
    InvalidFile
        When the text is not TOML.
    InvalidDefinition
        When an action makes no sense; the message names the action and the key.

    Notes
    -----
    Dates are TOML dates or ISO 8601 texts. A date without a time means the whole UTC day, so that
    ``valid_until = 2017-06-30`` includes the 30th of June.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidFile(
            f"{file} is not TOML: {error}.", hint="Correct the line that is named.", file=file
        ) from error
    rows = tables.pop("action", [])
    if tables or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidDefinition(
            f"{file} has something else than actions: {', '.join(sorted(tables)) or 'action'}.",
            hint="Write [[action]] tables only.",
            file=file,
        )
    actions: dict[str, Action] = {}
    for row in rows:
        action = _read(row, file)
        _check(action, file, policy, traits)
        if action.action_id in actions:
            raise _wrong(file, action.action_id, "action_id", "is used by an earlier action", "")
        actions[action.action_id] = action
    return tuple(actions.values())


def _read(row: dict[str, Any], file: str) -> Action:
    """Read one table."""
    name = str(row.get("action_id", "without an id"))
    dated = dict(row)
    for key in _DATES:
        if key in row:
            try:
                dated[key] = _instant(row[key], is_end=key == "valid_until")
            except (TypeError, ValueError) as error:
                raise _wrong(file, name, key, f"is no date ({error})", "2017-06-30") from error
    try:
        return msgspec.convert(dated, type=Action)
    except msgspec.ValidationError as error:
        message = str(error)
        key = message.partition("`$.")[2].rstrip("`") or message.split("`")[1]
        raise _wrong(file, name, key, f"does not fit: {message}", "") from error


def _instant(value: object, *, is_end: bool) -> int:
    """Give the instant of a date; that of an end without a time is the end of its day."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return parse_instant(moment.isoformat())
    if isinstance(value, date):
        value = value.isoformat()
    if not isinstance(value, str):
        raise TypeError("a date or a text is expected")
    is_whole_day = len(value) == len("2017-06-30")
    return parse_instant(value) + (MS_PER_DAY if is_end and is_whole_day else 0)


def _check(
    action: Action, file: str, policy: CompiledPolicy, traits: Collection[str] | None
) -> None:
    """Raise when an action could never be done, or its condition cannot be read."""
    name = action.action_id
    if LEAVE_ALONE in (action.kind, name):
        raise _wrong(file, name, "kind", "is leave_alone, which is always a candidate", "")
    purpose = policy.purposes.get(action.purpose)
    if purpose is None:
        raise _wrong(
            file, name, "purpose", f"is {action.purpose!r}, which is no purpose", "marketing.email"
        )
    if action.channel and action.channel not in purpose.channels:
        raise _wrong(
            file, name, "channel", f"is {action.channel!r}, which the purpose does not cover", ""
        )
    if (
        action.valid_from is not None
        and action.valid_until is not None
        and action.valid_from >= action.valid_until
    ):
        raise _wrong(file, name, "valid_until", "is not after valid_from", "")
    if action.holdout_share and policy.is_essential(action.purpose):
        what = "holds back from some people what the service needs"
        raise _wrong(file, name, "holdout_share", what, "")
    if action.action_id in action.excludes:
        raise _wrong(file, name, "excludes", "names the action itself", "")
    for key in ("eligibility", "applicability", "suitability"):
        _check_condition(action, key, file, traits)


def _check_condition(action: Action, key: str, file: str, traits: Collection[str] | None) -> None:
    """Raise when a condition cannot be read."""
    text = getattr(action, key)
    if not text:
        return
    try:
        parse(text, None if traits is None else {*traits, CONTEXT})
    except InvalidExpression as error:
        raise InvalidDefinition(
            f"The action {action.action_id!r} in {file}: {key} cannot be read: {error.message}",
            hint=error.hint,
            file=file,
            action=action.action_id,
            key=key,
        ) from error


def _wrong(file: str, name: str, key: str, what: str, example: str) -> InvalidDefinition:
    """Give the error about one key of one action."""
    return InvalidDefinition(
        f"The action {name!r} in {file}: {key} {what}.",
        hint=f"Write it like {example}." if example else "Correct or remove it.",
        file=file,
        action=name,
        key=key,
    )
