"""Conditions people write: a small safe language with one answer in Python and in SQL.

The text is a strict subset of Python expressions. It is parsed by `ast`, checked node by node into
the few node types below, and then compiled twice: to Python closures for one person now, and to
SQLGlot expressions for a table of people.

Both forms hold to the same three rules, so that they cannot disagree:

1. A number is an IEEE double, a text is compared code point by code point, and no type is ever
   converted into another: ``"3"`` is not a number and ``true`` is not 1.
2. A comparison with a missing value, or between different types, is false; so is ``!=``.
   Arithmetic on them, division by zero and overflow give a missing value.
3. ``and``, ``or`` and ``not`` know two values: only ``true`` is true.
"""

import ast
import warnings
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any

from sqlglot import exp

from customering.kernel.errors import InvalidExpression
from customering.kernel.expression_choices import (
    FirstNumber,
    FirstText,
    NumberWhen,
    ReadNumber,
    TextWhen,
)
from customering.kernel.expression_dates import Anniversary
from customering.kernel.expression_nodes import (
    COMPARES,
    SUMS,
    Both,
    Column,
    Compare,
    Constant,
    Contains,
    Days,
    Kind,
    Lower,
    Missing,
    Name,
    Node,
    Not,
    OneOf,
    Reader,
    Run,
    Sum,
)

MAX_LENGTH = 2_000
MAX_DEPTH = 32
MAX_NUMBER = 2.0**53

_ALLOWED = (
    "Allowed are names, numbers, texts in quotes, true, false, comparisons, in [..], and, or, not, "
    '+ - * /, missing(x), lower(x), contains(x, "text"), days_since(x), days_until(x), '
    "days_to_anniversary(x), number(x), text(x), when(condition, x) and first(x, y)."
)
_SAY_KIND = "Say what a name holds: number(x) or text(x)."
_TAKES = {"contains": (2, 2), "when": (2, 2), "first": (2, 20)}
"""How many values a function takes, at least and at most; 1 where it is not here."""
_TRUTHS = {"true": True, "false": False}
_NOTHING = ("null", "none", "nil", "NULL")


class Expression:
    """A condition or a sum over named values, read once and evaluated often.

    Parameters
    ----------
    text
        What was written.
    root
        The checked tree.
    names
        Every name the text reads, dots included.
    """

    __slots__ = ("_root", "_run", "names", "text")

    def __init__(self, text: str, root: "Node", names: frozenset[str]) -> None:
        self.text = text
        self.names = names
        self._root = root
        self._run = root.compile(read_mapping)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(self, values: Mapping[str, Any], now_ms: int = 0) -> Any:
        """Give the value: True or False for a condition, None where it is missing.

        Parameters
        ----------
        values
            Value by name; ``a.b`` reads the key ``b`` of the mapping under ``a``. A name that is
            absent or None is missing.
        now_ms
            The present for ``days_since`` and ``days_until``, milliseconds since 1970.
        """
        return self._run(values, now_ms)

    def holds(self, values: Mapping[str, Any], now_ms: int = 0) -> bool:
        """Tell whether the value is true; a missing value or one that is no truth is not."""
        return self._run(values, now_ms) is True

    @property
    def kind(self) -> Kind:
        """What it gives, as far as can be told without any value."""
        return self._root.kind

    def compile(self, reader: Reader) -> Run:
        """Give a function of (row, now_ms) that reads each name by the getter `reader` gives."""
        return self._root.compile(reader)

    def sql(self, column: Column, now_ms: int | exp.Expression) -> exp.Expression:
        """Give the DuckDB expression with the answer of `evaluate`; NULL where that gives None.

        Parameters
        ----------
        column
            Gives the SQL of a name. Its ``type`` says what it holds (BIGINT, DOUBLE, VARCHAR,
            BOOLEAN or a list of VARCHAR); one without a type, or of type JSON, is a JSON value
            of any kind.
        now_ms
            The present, milliseconds since 1970.
        """
        return self._root.facets(column, _instant(now_ms)).value

    def holds_sql(self, column: Column, now_ms: int | exp.Expression) -> exp.Expression:
        """Give the DuckDB condition with the answer of `holds`; never NULL."""
        return self._root.condition_sql(column, _instant(now_ms))


def parse(text: str, names: Collection[str] | None = None) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text
        What a person wrote, at most 2,000 characters and 32 levels deep.
    names
        The names that may be used; a name allows every ``name.nested`` below it. None allows all.

    Raises
    ------
    InvalidExpression
        When the text is no expression, uses what is not allowed or a name that is unknown. The
        message names the column, counted from 1; the hint what is allowed.

    Examples
    --------
    >>> regular = parse('orders_90d >= 2 and not contains(channels, "refused")')
    >>> regular.evaluate({"orders_90d": 3, "channels": ["email"]})
    True
    >>> sorted(regular.names)
    ['channels', 'orders_90d']
    """
    parser = _Parser(text, names)
    root = parser.read()
    return Expression(text, root, frozenset(parser.names))


def read_mapping(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """Give the getter of a name in nested mappings; what is not there is None."""
    first, *rest = name.split(".")
    if not rest:
        return lambda values: values.get(first)

    def nested(values: Mapping[str, Any]) -> Any:
        value = values.get(first)
        for key in rest:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    return nested


def _instant(now_ms: int | exp.Expression) -> exp.Expression:
    return exp.Literal.number(now_ms) if isinstance(now_ms, int) else now_ms


class _Parser:
    """Turns the tree of `ast` into checked nodes, one method a kind of syntax."""

    def __init__(self, text: str, known: Collection[str] | None) -> None:
        self.text = text.replace("\r", " ").replace("\n", " ").replace("\t", " ")
        self.known = known
        self.names: set[str] = set()
        self.depth = 0

    def read(self) -> Node:
        if len(self.text) > MAX_LENGTH:
            raise InvalidExpression(
                f"an expression of {len(self.text)} characters is too long",
                hint=f"Use at most {MAX_LENGTH:,} characters; divide it into several.",
            )
        for sign, why in (("\\", "no backslash"), ("\0", "no NUL character")):
            if sign in self.text:
                raise self.wrong_at(self.text.index(sign) + 1, f"{why} is allowed")
        self.indent = len(self.text) - len(self.text.lstrip())
        source = self.text.strip()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                tree = ast.parse(source, mode="eval").body
        except SyntaxError as error:
            raise self.wrong_at(
                self.indent + (error.offset or 1), "this is no expression"
            ) from error
        except (RecursionError, MemoryError, ValueError) as error:
            raise self.wrong_at(1, "the expression is nested too deeply") from error
        # Line breaks became spaces, so that a comment would swallow what follows it.
        if "#" in source.encode()[tree.end_col_offset or 0 :].decode():
            raise self.wrong_at(self.indent + source.rindex("#") + 1, "a comment is not allowed")
        return self.node(tree)

    def wrong_at(self, column: int, what: str, hint: str = _ALLOWED) -> InvalidExpression:
        return InvalidExpression(
            f"column {column}: {what}", hint=hint, column=column, expression=self.text
        )

    def wrong(self, node: ast.AST, what: str, hint: str = _ALLOWED) -> InvalidExpression:
        return self.wrong_at(self.column(node), what, hint)

    def column(self, node: ast.AST) -> int:
        offset = getattr(node, "col_offset", 0)
        return self.indent + len(self.text.strip().encode()[:offset].decode()) + 1

    def node(self, tree: ast.expr) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong(tree, f"more than {MAX_DEPTH} levels deep", "Write it flatter.")
        try:
            return self.node_of(tree)
        finally:
            self.depth -= 1

    def node_of(self, tree: ast.expr) -> Node:
        match tree:
            case ast.Name() | ast.Attribute():
                return self.name(tree)
            case ast.Constant():
                return self.constant(tree)
            case ast.UnaryOp(op=ast.Not()):
                return Not(self.condition(tree.operand))
            case ast.UnaryOp(op=ast.USub()):
                return self.negative(tree)
            case ast.BoolOp():
                parts = tuple(self.condition(part) for part in tree.values)
                return Both(parts, any_suffices=isinstance(tree.op, ast.Or))
            case ast.BinOp() if type(tree.op) in SUMS:
                left, right = self.of_kind(tree.left, "number"), self.of_kind(tree.right, "number")
                return Sum(left, right, type(tree.op))
            case ast.Compare():
                return self.comparison(tree)
            case ast.Call(func=ast.Name(id=name)):
                return self.call(tree, name)
            case _:
                raise self.wrong(tree, f"{_words_for(tree)} is not allowed")

    def of_kind(self, tree: ast.expr, kind: Kind) -> Node:
        node = self.node(tree)
        if node.kind not in (kind, "any"):
            raise self.wrong(tree, f"a {node.kind} stands where a {kind} is needed")
        return node

    def condition(self, tree: ast.expr) -> Node:
        return self.of_kind(tree, "truth")

    def name(self, tree: ast.expr) -> Node:
        parts: list[str] = []
        at = tree
        while isinstance(at, ast.Attribute):
            parts.append(at.attr)
            at = at.value
        if not isinstance(at, ast.Name):
            raise self.wrong(tree, "a dot may only follow a name")
        parts.append(at.id)
        name = ".".join(reversed(parts))
        if name in _TRUTHS:
            return Constant(_TRUTHS[name], "truth")
        if name in _NOTHING:
            raise self.wrong(tree, f"{name} is no value", "Ask for a missing value by missing(x).")
        self.check_known(tree, name)
        self.names.add(name)
        return Name(name)

    def check_known(self, tree: ast.expr, name: str) -> None:
        if self.known is None:
            return
        steps = name.split(".")
        if any(".".join(steps[:count]) in self.known for count in range(1, len(steps) + 1)):
            return
        near = get_close_matches(name, list(self.known), n=1, cutoff=0.6)
        some = ", ".join(sorted(self.known)[:8])
        hint = f"Did you mean {near[0]}?" if near else f"Known names are {some} and so on."
        raise self.wrong(tree, f"the name {name} is unknown", hint)

    def constant(self, tree: ast.Constant) -> Constant:
        match tree.value:
            case bool() as truth:
                return Constant(truth, "truth")
            case str() as text:
                return Constant(text, "text")
            case int() | float() as number if abs(number) <= MAX_NUMBER:
                return Constant(float(number), "number")
            case int() | float():
                raise self.wrong(tree, "the number is too large", "Use numbers up to 2**53.")
            case _:
                raise self.wrong(tree, f"{_words_for(tree)} is not allowed")

    def negative(self, tree: ast.UnaryOp) -> Node:
        part = self.of_kind(tree.operand, "number")
        if isinstance(part, Constant):
            return Constant(-float(part.value), "number")
        return Sum(Constant(0.0, "number"), part, ast.Sub)

    def comparison(self, tree: ast.Compare) -> Node:
        tests: list[Node] = []
        left_tree = tree.left
        for sign, right_tree in zip(tree.ops, tree.comparators, strict=True):
            tests.append(self.one_comparison(left_tree, sign, right_tree))
            left_tree = right_tree
        return tests[0] if len(tests) == 1 else Both(tuple(tests), any_suffices=False)

    def one_comparison(self, left_tree: ast.expr, sign: ast.cmpop, right_tree: ast.expr) -> Node:
        left = self.node(left_tree)
        if isinstance(sign, ast.In | ast.NotIn):
            return self.one_of(left_tree, left, sign, right_tree)
        if type(sign) not in COMPARES:
            raise self.wrong(left_tree, "`is` is not allowed", "Use == or !=, or missing(x).")
        right = self.node(right_tree)
        if "any" not in (left.kind, right.kind) and left.kind != right.kind:
            raise self.wrong(left_tree, f"a {left.kind} never compares with a {right.kind}")
        if "truth" in (left.kind, right.kind) and not isinstance(sign, ast.Eq | ast.NotEq):
            raise self.wrong(left_tree, "a truth has no order", "Use == or !=.")
        return Compare(left, right, type(sign))

    def one_of(
        self, left_tree: ast.expr, left: Node, sign: ast.cmpop, right_tree: ast.expr
    ) -> Node:
        if not isinstance(right_tree, ast.List | ast.Tuple) or not right_tree.elts:
            raise self.wrong(
                right_tree,
                "`in` needs a list of values in brackets",
                'To look into a list by name, write contains(name, "text").',
            )
        items = [self.node(item) for item in right_tree.elts]
        kinds = {item.kind for item in items}
        values = tuple(item.value for item in items if isinstance(item, Constant))
        if len(values) < len(items) or len(kinds) > 1:
            raise self.wrong(right_tree, "a list holds numbers only, texts only or truths only")
        kind = kinds.pop()
        if left.kind not in (kind, "any"):
            raise self.wrong(left_tree, f"a {left.kind} is never in a list of {kind}s")
        return OneOf(left, values, kind, negated=isinstance(sign, ast.NotIn))

    def call(self, tree: ast.Call, name: str) -> Node:
        makers: dict[str, Callable[[ast.expr], Node]] = {
            "missing": lambda part: Missing(self.node(part)),
            "lower": lambda part: Lower(self.of_kind(part, "text")),
            "contains": lambda part: self.contains(part, tree.args[1]),
            "days_since": lambda part: Days(self.of_kind(part, "number"), 1),
            "days_until": lambda part: Days(self.of_kind(part, "number"), -1),
            "days_to_anniversary": lambda part: Anniversary(self.of_kind(part, "text")),
            "number": lambda part: ReadNumber(self.node(part)),
            "text": lambda part: FirstText((self.of_kind(part, "text"),)),
            "when": lambda part: self.chosen_when(part, tree.args[1]),
            "first": lambda _: self.first_of(tree),
        }
        if name not in makers:
            near = get_close_matches(name, makers, n=1)
            hint = f"Did you mean {near[0]}?" if near else _ALLOWED
            raise self.wrong(tree, f"the function {name} is unknown", hint)
        least, most = _TAKES.get(name, (1, 1))
        if not least <= len(tree.args) <= most or tree.keywords:
            said = f"{least} value{'s' if least > 1 else ''}"
            raise self.wrong(tree, f"{name} takes {said if least == most else f'{said} or more'}")
        return makers[name](tree.args[0])

    def contains(self, part: ast.expr, text: ast.expr) -> Node:
        sought = self.node(text)
        if not isinstance(sought, Constant) or sought.kind != "text":
            raise self.wrong(text, "contains looks for a text in quotes")
        return Contains(self.of_kind(part, "text"), str(sought.value))

    def chosen_when(self, condition: ast.expr, part: ast.expr) -> Node:
        holds, chosen = self.condition(condition), self.node(part)
        if chosen.kind in ("any", "truth"):
            raise self.wrong(part, "when gives a text or a number", _SAY_KIND)
        return TextWhen(holds, chosen) if chosen.kind == "text" else NumberWhen(holds, chosen)

    def first_of(self, tree: ast.Call) -> Node:
        parts = tuple(self.node(part) for part in tree.args)
        kinds = {part.kind for part in parts} - {"any"}
        if kinds == {"number"}:
            return FirstNumber(parts)
        if kinds == {"text"}:
            return FirstText(parts)
        raise self.wrong(tree, "first takes numbers only or texts only", _SAY_KIND)


def _words_for(tree: ast.AST) -> str:
    """Name a piece of syntax as its writer would."""
    words = {
        ast.Pow: "the power **", ast.Mod: "the remainder %", ast.FloorDiv: "the division //",
        ast.Lambda: "a lambda", ast.IfExp: "an if", ast.Subscript: "an index", ast.Dict: "a dict",
        ast.List: "a list here", ast.Call: "this call", ast.JoinedStr: "an f-text",
        ast.Constant: "this constant",
    }  # fmt: skip
    return words.get(type(getattr(tree, "op", tree)), "this")
