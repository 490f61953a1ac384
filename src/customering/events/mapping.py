"""The mapping: how the rows of a table become events, as an operator writes it in TOML.

1. A mapping names columns for the event's id, time, identifiers and fields. `mapping_file` reads
   it and checks it as far as can be without the file.
2. A store reads the file, converts the columns as the mapping says, and hands over row after row,
   those of one event together.
3. `assemble` makes one payload of them, in the shape of the Segment spec, for intake.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from customering.kernel.expressions import Expression, parse
from customering.kernel.records import Record

FieldType = Literal["", "string", "integer", "number", "boolean", "instant", "day"]
Unit = Literal["", "major", "minor", "s", "ms", "us"]
Scalar = str | int | float | bool

MONEY_UNITS = ("major", "minor")
SECTIONS = ("properties", "traits", "context", "products", "filter")
"""Parts of a mapping that hold fields."""


class Field(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one field of the event comes from: one of column, columns, value and sum.

    Parameters
    ----------
    column
        The column; one of a joined file is written ``join.column``. A text in place of the whole
        field means this.
    columns
        Columns of numbers or of money that are added up; a missing one counts as nothing.
    value
        A constant.
    sum
        A field of the lines that is added up over the lines of the event.
    type
        What the column holds; empty takes it as the file has it (text, in a CSV).
    unit
        ``major`` (euros) or ``minor`` (cents) for money, whose field then ends in ``_minor``;
        ``s``, ``ms`` or ``us`` for instants written as a number since 1970.
    format
        How an instant or a day is written, in the codes of strptime; empty is ISO 8601.
    default
        What stands for a missing value.
    required
        Whether a row without it is set aside.
    """

    column: str = ""
    columns: tuple[str, ...] = ()
    value: Scalar | None = None
    sum: str = ""
    type: FieldType = ""
    unit: Unit = ""
    format: str = ""
    default: Scalar | None = None
    required: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it reads."""
        return (self.column,) if self.column else self.columns

    @property
    def is_money(self) -> bool:
        """Whether it becomes an integer amount in minor units."""
        return self.unit in MONEY_UNITS

    @property
    def is_instant(self) -> bool:
        """Whether it becomes an instant."""
        return self.type == "instant" or self.unit in ("s", "ms", "us")


class Layout(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How text files are written; the defaults fit most exports.

    Parameters
    ----------
    encoding
        Encoding of a CSV file, such as ``utf-8`` or ``cp1252``.
    delimiter
        What stands between the cells of a CSV file.
    decimal
        What stands before the decimals of numbers written as text; with a comma, points are
        thousands separators.
    missing
        Texts that mean there is no value, compared without surrounding blanks.
    """

    encoding: str = "utf-8"
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    missing: tuple[str, ...] = ("",)


class Join(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second file whose columns are added to each row.

    Parameters
    ----------
    file
        Its name, relative to the folder of the imported file.
    on
        Pairs of a column of the imported file and the column of this file that it equals. No two
        rows of this file may have the same key.
    """

    file: Annotated[str, Meta(min_length=1)]
    on: Annotated[dict[str, str], Meta(min_length=1)]


class Mapping(Record, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """How the rows of a file become events.

    Parameters
    ----------
    name
        Name of the mapping. It is part of the ids of the events and of their source: two files of
        one kind share a mapping, and a row that stands in both is one event.
    kind
        Kind of the event.
    event
        Name of the event, or the column that holds it.
    id
        Columns that tell one event from every other of this mapping; the event's id is a function
        of them, so importing a row twice adds nothing. By default those of `group_by`.
    group_by
        Columns that all rows of one event share; empty makes each row an event.
    where
        Which rows are taken: a condition in the language of `customering.kernel.expressions`.
    filter
        The fields that `where` reads; they are no part of the event.
    zone
        Time zone of instants written without one, such as ``Europe/Amsterdam``.
    currency
        ISO 4217 currency of all money.
    occurred_at
        When it happened; the latest of its rows.
    identifiers
        Type of identifier and its column.
    properties, traits, context
        Fields of the event; ``identify`` has traits, the others have properties.
    products
        Fields of one line of the event; each row is one line.
    joins
        Files that add columns.
    file
        How the file is written.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)*$")]
    kind: Literal["track", "identify", "page", "screen"] = "track"
    event: str | Field = ""
    id: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    where: str = ""
    zone: str = "UTC"
    currency: Annotated[str, Meta(pattern="^([A-Z]{3})?$")] = ""
    occurred_at: Field
    identifiers: Annotated[dict[str, str], Meta(min_length=1)]
    properties: dict[str, Field] = msgspec.field(default_factory=dict)
    traits: dict[str, Field] = msgspec.field(default_factory=dict)
    context: dict[str, Field] = msgspec.field(default_factory=dict)
    products: dict[str, Field] = msgspec.field(default_factory=dict)
    filter: dict[str, Field] = msgspec.field(default_factory=dict)
    joins: dict[str, Join] = msgspec.field(default_factory=dict)
    file: Layout = Layout()

    @property
    def source(self) -> str:
        """Name of the source its events carry."""
        return f"import:{self.name}"

    @property
    def key(self) -> tuple[str, ...]:
        """Columns the event's id is made of."""
        return self.id or self.group_by

    @cached_property
    def has_money(self) -> bool:
        """Whether any field is money."""
        return any(field.is_money for _, field in self.fields())

    @cached_property
    def totals(self) -> dict[str, str]:
        """Properties that add up a field of the lines, with that field."""
        return {target: field.sum for target, field in self.properties.items() if field.sum}

    def fields(self) -> Iterator[tuple[str, Field]]:
        """Give every field with its path in the mapping."""
        yield "occurred_at", self.occurred_at
        if isinstance(self.event, Field):
            yield "event", self.event
        for section in SECTIONS:
            for target, field in getattr(self, section).items():
                yield f"{section}.{target}", field

    def columns(self) -> dict[str, str]:
        """Give every column that is read, with the path of its first use in the mapping."""
        uses: dict[str, str] = {}
        for path, names in (("id", self.id), ("group_by", self.group_by)):
            uses |= {name: path for name in names if name not in uses}
        for kind, name in self.identifiers.items():
            uses.setdefault(name, f"identifiers.{kind}")
        for path, field in self.fields():
            for name in field.sources:
                uses.setdefault(name, path)
        return uses

    def condition(self) -> Expression | None:
        """Give `where` as an expression over the names of `filter`; None when all rows are taken.

        Raises
        ------
        InvalidExpression
            When it cannot be read or uses another name.
        """
        return parse(self.where, names=set(self.filter)) if self.where.strip() else None
