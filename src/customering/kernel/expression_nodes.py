"""The checked nodes of an expression: each has a Python form and a DuckDB form that agree."""

# ruff: noqa: D102 - what the two forms must do is said once, by `Node`.

import ast
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlglot import exp

from customering.kernel.clock import MS_PER_DAY

Kind = Literal["number", "text", "truth", "any"]
Reader = Callable[[str], Callable[[Any], Any]]
Column = Callable[[str], exp.Expression]
Run = Callable[[Any, int], Any]
COMPARES: dict[type[ast.cmpop], tuple[Callable[[Any, Any], bool], type[exp.Binary]]] = {
    ast.Eq: (operator.eq, exp.EQ),
    ast.NotEq: (operator.ne, exp.NEQ),
    ast.Lt: (operator.lt, exp.LT),
    ast.LtE: (operator.le, exp.LTE),
    ast.Gt: (operator.gt, exp.GT),
    ast.GtE: (operator.ge, exp.GTE),
}
SUMS: dict[type[ast.operator], tuple[Callable[[float, float], float], type[exp.Binary]]] = {
    ast.Add: (operator.add, exp.Add),
    ast.Sub: (operator.sub, exp.Sub),
    ast.Mult: (operator.mul, exp.Mul),
    ast.Div: (operator.truediv, exp.Div),
}
_EQUALITIES = (operator.eq, operator.ne)


@dataclass(frozen=True)
class Facets:
    """The SQL of a node: its value, and what it is as a number, text, truth or list.

    A facet is None where the value can never be of that type, and NULL where it happens not to be.
    """

    value: exp.Expression
    number: exp.Expression | None = None
    text: exp.Expression | None = None
    truth: exp.Expression | None = None
    holds_item: Callable[[str], exp.Expression] | None = None
    missing: exp.Expression | None = None


class Node(ABC):
    """One checked node of an expression."""

    kind: Kind = "any"

    @abstractmethod
    def compile(self, reader: Reader) -> Run:
        """Give the Python form."""

    @abstractmethod
    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        """Give the SQL form."""

    def number(self, reader: Reader) -> Callable[[Any, int], float | None]:
        """Give the Python form as part of a sum, where infinities still flow."""
        run = self.compile(reader)
        return lambda row, now_ms: number_of(run(row, now_ms))

    def number_sql(self, column: Column, now_ms: exp.Expression) -> exp.Expression | None:
        """Give the SQL form as part of a sum; None where the node is never a number."""
        return self.facets(column, now_ms).number

    def condition_sql(self, column: Column, now_ms: exp.Expression) -> exp.Expression:
        """Give the SQL that is true where the node is true, and false everywhere else."""
        truth = self.facets(column, now_ms).truth
        if truth is None:
            return _boolean(False)
        return truth if self.kind == "truth" else _never_null(truth)


class Calculation(Node):
    """A node that calculates: what leaves it is a finite number or missing.

    The check is made once, where the number leaves the sum, because its SQL repeats the sum.
    """

    kind: Kind = "number"

    def compile(self, reader: Reader) -> Run:
        number = self.number(reader)

        def run(row: Any, now_ms: int) -> float | None:
            value = number(row, now_ms)
            return value if value is not None and math.isfinite(value) else None

        return run

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        value = self.number_sql(column, now_ms)
        if value is None:
            return _number(exp.cast(exp.null(), "DOUBLE"))
        return _number(exp.Paren(this=exp.Case().when(call("isfinite", value), value.copy())))


@dataclass(frozen=True)
class Constant(Node):
    """A number, text or truth as written."""

    value: float | str | bool
    kind: Kind

    def compile(self, reader: Reader) -> Run:
        value = self.value
        return lambda row, now_ms: value

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        if isinstance(self.value, bool):
            return _truth(_boolean(self.value))
        if isinstance(self.value, str):
            literal = exp.Literal.string(self.value)
            return Facets(literal, text=literal)
        return _number(_double(self.value))


@dataclass(frozen=True)
class Name(Node):
    """A named value of any type."""

    name: str

    def compile(self, reader: Reader) -> Run:
        get = reader(self.name)
        return lambda row, now_ms: get(row)

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        value = column(self.name)
        kind = value.type
        if kind is None or kind.this in (exp.DataType.Type.JSON, exp.DataType.Type.UNKNOWN):
            return _json_facets(value)
        if kind.this in exp.DataType.NUMERIC_TYPES:
            return Facets(value, number=exp.cast(value, "DOUBLE"))
        if kind.this in exp.DataType.TEXT_TYPES:
            return Facets(value, text=value)
        if kind.this == exp.DataType.Type.BOOLEAN:
            return Facets(value, truth=value)
        return Facets(value, holds_item=lambda item: call("list_contains", value, _text(item)))


@dataclass(frozen=True)
class Both(Node):
    """``and`` over two or more conditions, or ``or`` where `any_suffices`."""

    parts: tuple[Node, ...]
    any_suffices: bool
    kind: Kind = "truth"

    def compile(self, reader: Reader) -> Run:
        decisive = self.any_suffices
        runs = [part.compile(reader) for part in self.parts]
        if len(runs) == 2:
            first, second = runs
            if decisive:
                return lambda row, now: first(row, now) is True or second(row, now) is True
            return lambda row, now: first(row, now) is True and second(row, now) is True

        def run(row: Any, now_ms: int) -> bool:
            for part in runs:
                if (part(row, now_ms) is True) is decisive:
                    return decisive
            return not decisive

        return run

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        parts = [part.condition_sql(column, now_ms) for part in self.parts]
        return _truth(_any(parts) if self.any_suffices else _all(parts))


@dataclass(frozen=True)
class Not(Node):
    """A condition turned round."""

    part: Node
    kind: Kind = "truth"

    def compile(self, reader: Reader) -> Run:
        part = self.part.compile(reader)
        return lambda row, now_ms: part(row, now_ms) is not True

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        return _truth(exp.Not(this=exp.Paren(this=self.part.condition_sql(column, now_ms))))


@dataclass(frozen=True)
class Compare(Node):
    """Two values compared; false where one is missing or the types differ."""

    left: Node
    right: Node
    sign: type[ast.cmpop]
    kind: Kind = "truth"

    def compile(self, reader: Reader) -> Run:
        compare = COMPARES[self.sign][0]
        left, right = self.left.compile(reader), self.right.compile(reader)
        if isinstance(self.right, Constant):
            return _compare_with(self.right.value, left, compare)
        if isinstance(self.left, Constant):
            flipped = self.left.value
            return _compare_with(flipped, right, lambda value, other: compare(other, value))
        return _compare(left, right, compare)

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        compare, sql = COMPARES[self.sign]
        left, right = self.left.facets(column, now_ms), self.right.facets(column, now_ms)
        pairs = [(left.number, right.number), (left.text, right.text)]
        if compare in _EQUALITIES:
            pairs.append((left.truth, right.truth))
        tests = [
            _never_null(_binary(sql, a, b)) for a, b in pairs if a is not None and b is not None
        ]
        return _truth(_any(tests))


@dataclass(frozen=True)
class OneOf(Node):
    """Whether a value is one of several, all of one type."""

    part: Node
    values: tuple[float | str | bool, ...]
    item_kind: Kind
    negated: bool
    kind: Kind = "truth"

    def compile(self, reader: Reader) -> Run:
        part, values, negated = self.part.compile(reader), frozenset(self.values), self.negated
        wanted: type = {"text": str, "truth": bool, "number": float}[self.item_kind]

        def run(row: Any, now_ms: int) -> bool:
            value = part(row, now_ms)
            if wanted is float:
                value = number_of(value)
            return type(value) is wanted and (value in values) is not negated

        return run

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        part = self.part.facets(column, now_ms)
        by_kind = {"text": part.text, "truth": part.truth, "number": part.number}
        value = by_kind[self.item_kind]
        if value is None:
            return _truth(_boolean(False))
        items = [Constant(item, self.item_kind).facets(column, now_ms) for item in self.values]
        test: exp.Expression = exp.In(
            this=value.copy(), expressions=[item.value.copy() for item in items]
        )
        return _truth(_never_null(exp.Not(this=test) if self.negated else test))


@dataclass(frozen=True)
class Sum(Calculation):
    """Two numbers added, subtracted, multiplied or divided."""

    left: Node
    right: Node
    sign: type[ast.operator]

    def number(self, reader: Reader) -> Callable[[Any, int], float | None]:
        left, right = self.left.number(reader), self.right.number(reader)
        calculate = SUMS[self.sign][0]
        divides = self.sign is ast.Div

        def run(row: Any, now_ms: int) -> float | None:
            a, b = left(row, now_ms), right(row, now_ms)
            if a is None or b is None or (divides and b == 0.0):
                return None
            return calculate(a, b)

        return run

    def number_sql(self, column: Column, now_ms: exp.Expression) -> exp.Expression | None:
        a, b = self.left.number_sql(column, now_ms), self.right.number_sql(column, now_ms)
        if a is None or b is None:
            return None
        if self.sign is ast.Div:
            b = call("nullif", b, exp.Literal.number(0))
        return exp.Paren(this=_binary(SUMS[self.sign][1], a, b))


@dataclass(frozen=True)
class Missing(Node):
    """Whether there is no value."""

    part: Node
    kind: Kind = "truth"

    def compile(self, reader: Reader) -> Run:
        part = self.part.compile(reader)
        return lambda row, now_ms: part(row, now_ms) is None

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        part = self.part.facets(column, now_ms)
        return _truth(part.missing or exp.Is(this=part.value.copy(), expression=exp.null()))


@dataclass(frozen=True)
class Lower(Node):
    """A text in small letters."""

    part: Node
    kind: Kind = "text"

    def compile(self, reader: Reader) -> Run:
        part = self.part.compile(reader)

        def run(row: Any, now_ms: int) -> str | None:
            value = part(row, now_ms)
            return lower(value) if type(value) is str else None

        return run

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        text = self.part.facets(column, now_ms).text
        lowered = exp.Lower(this=text or exp.cast(exp.null(), "VARCHAR"))
        return Facets(lowered, text=lowered)


@dataclass(frozen=True)
class Contains(Node):
    """Whether a text has a part, a list an item or a pair that begins with it, or a map a key."""

    part: Node
    text: str
    kind: Kind = "truth"

    def compile(self, reader: Reader) -> Run:
        part, text = self.part.compile(reader), self.text

        def run(row: Any, now_ms: int) -> bool:
            value = part(row, now_ms)
            if type(value) is list:
                return text in value or any(
                    type(item) is list and item and item[0] == text for item in value
                )
            return type(value) in (str, dict) and text in value

        return run

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        part = self.part.facets(column, now_ms)
        tests = []
        if part.text is not None:
            tests.append(_never_null(call("contains", part.text, _text(self.text))))
        if part.holds_item is not None:
            tests.append(_never_null(part.holds_item(self.text)))
        return _truth(_any(tests))


@dataclass(frozen=True)
class Days(Calculation):
    """Days from an instant to the present, or until it where `direction` is -1."""

    part: Node
    direction: int

    def number(self, reader: Reader) -> Callable[[Any, int], float | None]:
        part, direction = self.part.number(reader), self.direction

        def run(row: Any, now_ms: int) -> float | None:
            instant = part(row, now_ms)
            return None if instant is None else direction * (now_ms - instant) / MS_PER_DAY

        return run

    def number_sql(self, column: Column, now_ms: exp.Expression) -> exp.Expression | None:
        instant = self.part.number_sql(column, now_ms)
        if instant is None:
            return None
        now = exp.cast(now_ms.copy(), "DOUBLE")
        sides = (now, instant.copy()) if self.direction == 1 else (instant.copy(), now)
        difference = exp.Paren(this=exp.Sub(this=sides[0], expression=sides[1]))
        return exp.Paren(this=exp.Div(this=difference, expression=_double(MS_PER_DAY)))


def number_of(value: Any) -> float | None:
    """Give a number as a double; None for anything else, truths and texts of digits included."""
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def lower(text: str) -> str:
    """Give a text in small letters, each character by itself, as SQL does it.

    Notes
    -----
    `str.lower` looks at the neighbours of a Greek sigma and turns a dotted capital I into two
    characters; DuckDB does neither.
    """
    return text.lower() if text.isascii() else "".join(letter.lower()[0] for letter in text)


def _compare_with(
    constant: float | str | bool, part: Run, compare: Callable[[Any, Any], bool]
) -> Run:
    """Compare with a constant: the type is known, so that one check suffices."""
    if type(constant) is float:

        def run_number(row: Any, now_ms: int) -> bool:
            value = number_of(part(row, now_ms))
            return value is not None and compare(value, constant)

        return run_number
    wanted = type(constant)

    def run(row: Any, now_ms: int) -> bool:
        value = part(row, now_ms)
        return type(value) is wanted and compare(value, constant)

    return run


def _compare(left: Run, right: Run, compare: Callable[[Any, Any], bool]) -> Run:
    types = (float, str, bool) if compare in _EQUALITIES else (float, str)

    def run(row: Any, now_ms: int) -> bool:
        a, b = left(row, now_ms), right(row, now_ms)
        a = number_of(a) if type(a) is int else a
        b = number_of(b) if type(b) is int else b
        return type(a) is type(b) and type(a) in types and compare(a, b)

    return run


def _json_facets(value: exp.Expression) -> Facets:
    """Split a JSON value by its own type, so that nothing is converted by accident."""

    def where(kinds: tuple[str, ...], then: exp.Expression) -> exp.Expression:
        kind = call("json_type", value)
        return exp.Paren(
            this=exp.Case().when(exp.In(this=kind, expressions=[*map(_text, kinds)]), then)
        )

    def holds_item(item: str) -> exp.Expression:
        # The items stay JSON: as texts, the number 1 and the text "1" would be the same.
        sought = call("to_json", _text(item))
        items = call("list_contains", call("json_extract", value, _text("$[*]")), sought)
        firsts = call("list_contains", call("json_extract", value, _text("$[*][0]")), sought)
        keys = call("list_contains", call("json_keys", value), _text(item))
        return _any(
            [
                _never_null(where(("ARRAY",), items)),
                _never_null(where(("ARRAY",), firsts)),
                _never_null(where(("OBJECT",), keys)),
            ]
        )

    return Facets(
        value,
        number=where(("BIGINT", "UBIGINT", "DOUBLE"), exp.TryCast(
            this=value.copy(), to=exp.DataType.build("DOUBLE"), safe=True
        )),
        text=where(("VARCHAR",), call("json_extract_string", value, _text("$"))),
        truth=where(("BOOLEAN",), exp.TryCast(
            this=value.copy(), to=exp.DataType.build("BOOLEAN"), safe=True
        )),
        holds_item=holds_item,
        missing=call("coalesce", exp.EQ(this=call("json_type", value), expression=_text("NULL")),
                      _boolean(True)),
    )  # fmt: skip


def call(name: str, *arguments: exp.Expression) -> exp.Expression:
    """Write the call of a function; the arguments are copied."""
    called: Any = exp.func(name, *(argument.copy() for argument in arguments), dialect="duckdb")
    return cast("exp.Expression", called)


def _binary(sign: type[exp.Binary], left: exp.Expression, right: exp.Expression) -> exp.Expression:
    pair: Any = sign(this=left.copy(), expression=right.copy())
    return cast("exp.Expression", pair)


def _boolean(value: bool) -> exp.Expression:
    return exp.Boolean(this=value)


def _text(text: str) -> exp.Expression:
    return exp.Literal.string(text)


def _double(value: float) -> exp.Expression:
    return exp.cast(exp.Literal.number(repr(float(value))), "DOUBLE")


def _truth(condition: exp.Expression) -> Facets:
    condition = exp.Paren(this=condition)
    return Facets(condition, truth=condition)


def _number(value: exp.Expression) -> Facets:
    return Facets(value, number=value)


def _never_null(condition: exp.Expression) -> exp.Expression:
    return call("coalesce", condition, _boolean(False))


def _any(tests: list[exp.Expression]) -> exp.Expression:
    either: Any = exp.or_(*tests) if tests else exp.false()
    return cast("exp.Expression", either)


def _all(tests: list[exp.Expression]) -> exp.Expression:
    both: Any = exp.and_(*tests)
    return cast("exp.Expression", both)
