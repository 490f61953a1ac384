"""Parts of an expression that choose among values, and that read a number written as a text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from customering.kernel.expression_nodes import (
    Calculation,
    Column,
    Facets,
    Kind,
    Node,
    Reader,
    Run,
    call,
    number_of,
)

_PLAIN_NUMBER = r"^-?[0-9]{1,15}([.][0-9]{1,15})?$"
_PLAIN = re.compile(_PLAIN_NUMBER.strip("^$"))


@dataclass(frozen=True)
class FirstNumber(Calculation):
    """The first of several numbers that is there."""

    parts: tuple[Node, ...]

    def number(self, reader: Reader) -> Callable[[Any, int], float | None]:
        """Give the Python form."""
        parts = [part.number(reader) for part in self.parts]

        def run(row: Any, now_ms: int) -> float | None:
            for part in parts:
                value = part(row, now_ms)
                if value is not None:
                    return value
            return None

        return run

    def number_sql(self, column: Column, now_ms: exp.Expression) -> exp.Expression | None:
        """Give the SQL form."""
        parts = [part.number_sql(column, now_ms) for part in self.parts]
        found = [part for part in parts if part is not None]
        return call("coalesce", *found) if found else None


@dataclass(frozen=True)
class FirstText(Node):
    """The first of several texts that is there."""

    parts: tuple[Node, ...]
    kind: Kind = "text"

    def compile(self, reader: Reader) -> Run:
        """Give the Python form."""
        parts = [part.compile(reader) for part in self.parts]

        def run(row: Any, now_ms: int) -> str | None:
            for part in parts:
                value = part(row, now_ms)
                if type(value) is str:
                    return value
            return None

        return run

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        """Give the SQL form."""
        texts = [part.facets(column, now_ms).text for part in self.parts]
        found = [text for text in texts if text is not None]
        either = call("coalesce", *found) if found else exp.cast(exp.null(), "VARCHAR")
        return Facets(either, text=either)


@dataclass(frozen=True)
class NumberWhen(Calculation):
    """A number where a condition holds, and nothing elsewhere."""

    condition: Node
    part: Node

    def number(self, reader: Reader) -> Callable[[Any, int], float | None]:
        """Give the Python form."""
        holds, part = self.condition.compile(reader), self.part.number(reader)
        return lambda row, now_ms: part(row, now_ms) if holds(row, now_ms) is True else None

    def number_sql(self, column: Column, now_ms: exp.Expression) -> exp.Expression | None:
        """Give the SQL form."""
        value = self.part.number_sql(column, now_ms)
        return None if value is None else _where(self.condition, value, column, now_ms)


@dataclass(frozen=True)
class TextWhen(Node):
    """A text where a condition holds, and nothing elsewhere."""

    condition: Node
    part: Node
    kind: Kind = "text"

    def compile(self, reader: Reader) -> Run:
        """Give the Python form."""
        holds, part = self.condition.compile(reader), self.part.compile(reader)

        def run(row: Any, now_ms: int) -> str | None:
            value = part(row, now_ms) if holds(row, now_ms) is True else None
            return value if type(value) is str else None

        return run

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        """Give the SQL form."""
        text = self.part.facets(column, now_ms).text or exp.cast(exp.null(), "VARCHAR")
        chosen = _where(self.condition, text, column, now_ms)
        return Facets(chosen, text=chosen)


@dataclass(frozen=True)
class ReadNumber(Calculation):
    """A number, or a text that is one in plain digits such as ``4.5``; nothing else."""

    part: Node

    def number(self, reader: Reader) -> Callable[[Any, int], float | None]:
        """Give the Python form."""
        part = self.part.compile(reader)

        def run(row: Any, now_ms: int) -> float | None:
            value = part(row, now_ms)
            if type(value) is str:
                return float(value) if _PLAIN.fullmatch(value) else None
            return number_of(value)

        return run

    def number_sql(self, column: Column, now_ms: exp.Expression) -> exp.Expression | None:
        """Give the SQL form."""
        part = self.part.facets(column, now_ms)
        found = [] if part.number is None else [part.number]
        if part.text is not None:
            fits = exp.RegexpLike(
                this=part.text.copy(), expression=exp.Literal.string(_PLAIN_NUMBER)
            )
            read = exp.TryCast(this=part.text.copy(), to=exp.DataType.build("DOUBLE"), safe=True)
            found.append(exp.Paren(this=exp.Case().when(fits, read)))
        return call("coalesce", *found) if found else None


def _where(
    condition: Node, value: exp.Expression, column: Column, now_ms: exp.Expression
) -> exp.Expression:
    holds = condition.condition_sql(column, now_ms)
    return exp.Paren(this=exp.Case().when(holds.copy(), value.copy()))
