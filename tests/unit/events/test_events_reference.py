"""The reference page says what the shipped plan and the settings say."""

from pathlib import Path

import msgspec

from customering.events.commerce import shipped_plan, tracking_plan
from customering.events.model import RESERVED_NAMES
from customering.events.plan_file import FieldDefinition, RecordDefinition
from customering.events.settings import EventsSettings

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "events.md"


def field_words(fields: dict[str, FieldDefinition]) -> str:
    """Name fields with their types, as the reference does."""
    words = []
    for name, field in fields.items():
        kind = f"list of {field.of}" if field.of else field.type
        marks = [
            *(["required"] if field.required else []),
            *(["personal"] if field.personal else []),
        ]
        words.append(f"`{name}` ({', '.join((kind, *marks))})")
    return ", ".join(words)


def record_row(name: str, record: RecordDefinition) -> str:
    return f"| `{name}` | {field_words(record.fields)} |"


def event_row(name: str) -> str:
    event = shipped_plan().events[name]
    like = "".join(f"the fields of `{record}`, " for record in event.like)
    return f"| {name} | {event.description} | {(like + field_words(event.fields)).strip(', ')} |"


def expected_rows() -> list[str]:
    plan = shipped_plan()
    rows = [record_row(name, record) for name, record in plan.records.items()]
    rows += [event_row(name) for name in plan.events]
    rows += [f"| traits of identify | {field_words(plan.traits)} |"]
    rows += [f"| any event | {field_words(plan.defaults.fields)} |"]
    for field in msgspec.json.schema(EventsSettings)["$defs"]["EventsSettings"][
        "properties"
    ].items():
        name, meaning = field
        default = meaning["default"] if meaning["default"] != "" else '""'
        rows.append(f"| `{name}` | {default} | {meaning['description']} |")
    return rows


def test_every_event_field_and_setting_is_in_the_reference() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    missing = [row for row in expected_rows() if row not in text]
    assert missing == []
    assert [name for name in sorted(RESERVED_NAMES) if f"`{name}`" not in text] == []
    assert tracking_plan().fields("Order Completed").keys() >= {"revenue", "products"}
