"""The one settings file: read once, typed, with the origin of every value and a generated template.

Precedence, weakest first: the defaults in the records, ``customering.toml``, environment variables
such as ``CUSTOMERING__DECISION__CONTROL_SHARE``, and ``--set decision.control_share=0.1``.
"""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from textwrap import wrap
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from customering.app.model_settings import ModelsSettings
from customering.app.portal_settings import PortalSettings
from customering.app.serve_settings import ServeSettings
from customering.channels.model import MailSettings
from customering.consent.model import ConsentSettings
from customering.consent.rights import RightsSettings
from customering.decision.learning_settings import LearningSettings
from customering.decision.model import DecisionSettings
from customering.events.settings import EventsSettings
from customering.identity.model import IdentitySettings
from customering.kernel.errors import InvalidSettings
from customering.kernel.records import Record, Settings
from customering.relationship.settings import StatusSettings
from customering.taste.list_settings import ListSettings

FILE_NAME = "customering.toml"
ENVIRONMENT_PREFIX = "CUSTOMERING__"


class HistorySettings(Settings, frozen=True):
    """The Parquet copy of the log and the engine that reads it."""

    buckets: Annotated[
        int,
        msgspec.Meta(
            description="Number of files people are spread over; fixed when the history is made.",
            ge=1,
            le=999,
        ),
    ] = 64
    threads: Annotated[
        int, msgspec.Meta(description="Processor cores that analysis may use.", ge=1, le=256)
    ] = 2
    memory: Annotated[
        str,
        msgspec.Meta(
            description="Memory that analysis may use, such as 4GB.", pattern=r"^\d+(MB|GB)$"
        ),
    ] = "4GB"


class ClockSettings(Settings, frozen=True):
    """The present that everything is judged at."""

    present: Annotated[
        str,
        msgspec.Meta(
            description="Judge as if it were this instant, such as 2018-01-01, to work on historic"
            " data; empty is the real present."
        ),
    ] = ""


class FoldSettings(Settings, frozen=True):
    """How events become profiles."""

    checkpoint_events: Annotated[
        int,
        msgspec.Meta(
            description="Events folded between two checkpoints of the profiles.",
            ge=1,
            le=10_000_000,
        ),
    ] = 50_000
    cached_profiles: Annotated[
        int,
        msgspec.Meta(
            description="Profiles kept decoded in memory, of some 3 kB each.",
            ge=100,
            le=100_000_000,
        ),
    ] = 200_000


class CatalogSettings(Settings, frozen=True):
    """What is known of products and offers in general."""

    margin_share: Annotated[
        float,
        msgspec.Meta(description="Share of a price that is margin, in [0, 1].", ge=0, le=1),
    ] = 0.25


class CustomeringSettings(Settings, frozen=True):
    """Every setting of a home, one section a stage."""

    clock: ClockSettings = ClockSettings()
    events: EventsSettings = EventsSettings()
    identity: IdentitySettings = IdentitySettings()
    consent: ConsentSettings = ConsentSettings()
    fold: FoldSettings = FoldSettings()
    history: HistorySettings = HistorySettings()
    catalog: CatalogSettings = CatalogSettings()
    relationship: StatusSettings = StatusSettings()
    decision: DecisionSettings = DecisionSettings()
    models: ModelsSettings = ModelsSettings()
    learning: LearningSettings = LearningSettings()
    lists: ListSettings = ListSettings()
    serve: ServeSettings = ServeSettings()
    portal: PortalSettings = PortalSettings()
    mail: MailSettings = MailSettings()
    rights: RightsSettings = RightsSettings()


class Loaded(Record, frozen=True):
    """Settings with the origin of each value.

    Parameters
    ----------
    settings
        The values in force.
    origins
        Dotted key to where its value came from: a file, a variable or a flag; keys that are not
        here have their default.
    """

    settings: CustomeringSettings
    origins: dict[str, str]


def load(
    text: str | None,
    *,
    file: str = FILE_NAME,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Loaded:
    """Read the settings from all places.

    Parameters
    ----------
    text
        The text of the settings file; None when there is none.
    file
        Its name, for messages.
    environment
        Environment variables; those that start with ``CUSTOMERING__`` are settings.
    overrides
        ``section.key=value`` given on the command line.

    Raises
    ------
    InvalidSettings
        Naming the place, the key and the keys that exist.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if text is not None:
        values = _parse(text, file)
        origins.update(dict.fromkeys(_leaves(values), file))
    for name, raw in sorted((environment or {}).items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            _put(values, key, _value(raw), name)
            origins[key] = f"variable {name}"
    for override in overrides:
        key, separator, raw = override.partition("=")
        if not separator:
            raise InvalidSettings(
                f"--set {override!r} has no value", hint="write --set section.key=value"
            )
        _put(values, key.strip(), _value(raw), "--set")
        origins[key.strip()] = "flag --set"
    _refuse_unknown(values, CustomeringSettings, (), origins)
    try:
        settings = msgspec.convert(_with_dates_as_text(values), CustomeringSettings)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        key = path.rstrip("`")
        raise InvalidSettings(
            f"{_origin(key.partition('[')[0], origins)}: {key}: {reason}",
            hint="`customering config show` lists every key with its value and meaning",
            key=key,
        ) from error
    return Loaded(settings=settings, origins=origins)


def _parse(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(
            f"{file} is not TOML: {error}", hint="mend the line named, or write the file anew"
        ) from error


def _value(raw: str) -> Any:
    """Read a value given as text: a TOML value if it is one, otherwise the text itself."""
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return raw


def _with_dates_as_text(value: Any) -> Any:
    """Give TOML dates as ISO 8601, so that an instant may be written with or without quotes."""
    if isinstance(value, dict):
        return {key: _with_dates_as_text(inside) for key, inside in value.items()}
    return value.isoformat() if isinstance(value, date) else value


def _put(values: dict[str, Any], key: str, value: Any, place: str) -> None:
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise InvalidSettings(
                f"{place}: {key} goes through {section}, which is a value, not a section",
                hint="`customering config show` lists every key",
            )
    values[last] = value


def _leaves(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            found.extend(_leaves(value, f"{key}."))
        else:
            found.append(key)
    return found


def _origin(key: str, origins: Mapping[str, str]) -> str:
    """Give where a key was set: itself, else something in it, else what it is a part of."""
    if key in origins:
        return origins[key]
    inside = (origin for known, origin in origins.items() if known.startswith(f"{key}."))
    around = (origin for known, origin in origins.items() if key.startswith(f"{known}."))
    return next(inside, None) or next(around, "settings")


def _refuse_unknown(
    values: Mapping[str, Any],
    kind: type[Settings],
    path: tuple[str, ...],
    origins: Mapping[str, str],
) -> None:
    """Refuse a misspelt key with its whole path and the nearest key that exists."""
    known = get_type_hints(kind)
    for name, value in values.items():
        key = ".".join((*path, name))
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise InvalidSettings(
                f"{_origin(key, origins)}: unknown key {key!r}",
                hint=f"did you mean {'.'.join((*path, near[0]))!r}?"
                if near
                else f"known here: {', '.join(sorted(known))}",
                key=key,
            )
        if isinstance(value, Mapping) and _is_section(known[name]):
            _refuse_unknown(value, known[name], (*path, name), origins)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Settings)


class Shown(Record, frozen=True):
    """One setting as ``config show`` prints it."""

    key: str
    value: Any
    origin: str
    meaning: str


def show(loaded: Loaded) -> list[Shown]:
    """List every setting with its value, where the value came from, and what it means."""
    return [
        Shown(
            key=key,
            value=value,
            origin=_origin(key, loaded.origins) if _is_set(key, loaded.origins) else "default",
            meaning=meaning,
        )
        for key, value, meaning in _walk(loaded.settings, ())
    ]


def _is_set(key: str, origins: Mapping[str, str]) -> bool:
    return any(known == key or known.startswith(f"{key}.") for known in origins)


def _walk(section: Settings, path: tuple[str, ...]) -> list[tuple[str, Any, str]]:
    rows: list[tuple[str, Any, str]] = []
    hints = get_type_hints(type(section), include_extras=True)
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, Settings):
            rows.extend(_walk(value, (*path, name)))
        else:
            meaning = _meaning(hints[name])
            rows.append((".".join((*path, name)), msgspec.to_builtins(value), meaning))
    return rows


def _meaning(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        for note in get_args(hint)[1:]:
            if isinstance(note, msgspec.Meta) and note.description:
                return note.description
    return ""


def template() -> str:
    """Give the fully commented settings file, every key at its default and commented out."""
    lines = [
        "# Settings of this customering home. Every key is here with its default and its meaning;",
        "# take the # away in front of a key to change it. `customering config show` tells what is",
        "# in force and where it came from.",
    ]
    defaults = CustomeringSettings()
    for name in defaults.__struct_fields__:
        lines.extend(_template_section(getattr(defaults, name), (name,)))
    return "\n".join(lines) + "\n"


def _template_section(section: Settings, path: tuple[str, ...]) -> list[str]:
    summary = (type(section).__doc__ or "").strip().splitlines()[0]
    lines = ["", f"[{'.'.join(path)}]", f"# {summary}"]
    hints = get_type_hints(type(section), include_extras=True)
    nested: list[str] = []
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, Settings):
            nested.extend(_template_section(value, (*path, name)))
            continue
        lines.append("")
        lines.extend(f"# {line}" for line in wrap(_meaning(hints[name]), 96))
        lines.append(f"#{name} = {toml_value(msgspec.to_builtins(value))}")
    return lines + nested


def toml_value(value: Any) -> str:
    r"""Write a plain value as TOML.

    Examples
    --------
    >>> toml_value({"user_id": 1, "email": [5, "a\"b"]})
    '{ user_id = 1, email = [5, "a\\"b"] }'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        # A JSON string is a TOML basic string but for DEL, which no setting holds.
        return msgspec.json.encode(value).decode()
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_toml_key(k)} = {toml_value(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    raise AssertionError(f"no TOML form for {type(value).__name__}: settings hold plain values")


def _toml_key(key: str) -> str:
    is_bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if is_bare else toml_value(key)
