"""Building blocks of the SQL forms: written in the dialect of DuckDB, translated by SQLGlot."""

from functools import cache
from typing import cast

import sqlglot
from sqlglot import exp

from customering.kernel.clock import MS_PER_DAY

# DuckDB's max(x, n) reserves room for n entries in every group: fast for a short list (twice the
# speed of sorting a list at n = 10), out of memory for a million groups at n = 257.
_HEAP_LIMIT = 20


def sql(text: str, **parts: exp.Expr | float) -> exp.Expression:
    """Read SQL in which ``:name`` stands for a part; a part is set in brackets where it needs them.

    Examples
    --------
    >>> sql("MAX(:a) * 2", a=sql("x + 1")).sql("duckdb")
    'MAX(x + 1) * 2'
    >>> sql(":a * 2", a=sql("x + 1")).sql("duckdb")
    '(x + 1) * 2'
    """
    filled = {name: exp.convert(part) for name, part in parts.items()}

    def fill(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder):
            return node
        part = filled[node.name].copy()
        is_operand = isinstance(node.parent, (exp.Binary, exp.Unary, exp.Predicate, exp.Bracket))
        is_compound = isinstance(part, (exp.Binary, exp.Unary, exp.Predicate))
        return exp.paren(part, copy=False) if is_operand and is_compound else part

    return cast("exp.Expression", _read(text).copy().transform(fill, copy=False))


@cache
def _read(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, read="duckdb")


def double(number: float) -> exp.Expression:
    """Write a number so that DuckDB computes with it as a double, not as a decimal."""
    return exp.cast(exp.Literal.number(repr(float(number))), "DOUBLE")


def conjunction(*conditions: exp.Expression | None) -> exp.Expression | None:
    """Join conditions by AND, leaving out those that are None; None when none is left."""
    given = [condition.copy() for condition in conditions if condition is not None]
    return cast("exp.Expression", exp.and_(*given)) if given else None


def filtered(aggregate: exp.Expression, condition: exp.Expression | None) -> exp.Expression:
    """Let every aggregate function in an expression see only the rows that fulfil a condition.

    Examples
    --------
    >>> filtered(sql("MAX(a) - COUNT(*) FILTER (WHERE b)"), sql("c > 1")).sql("duckdb")
    'MAX(a) FILTER(WHERE c > 1) - COUNT(*) FILTER(WHERE c > 1 AND b)'
    """
    if condition is None:
        return aggregate

    def restrict(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Filter):
            inner = conjunction(condition, node.expression.this)
            return exp.Filter(this=node.this.copy(), expression=exp.Where(this=inner))
        if isinstance(node, exp.AggFunc) and not isinstance(node.parent, exp.Filter):
            return exp.Filter(this=node.copy(), expression=exp.Where(this=condition.copy()))
        return node

    # The outermost aggregate functions only: transform does not descend into what it replaced.
    return aggregate.copy().transform(restrict, copy=False)


def day_of_sql(instant_ms: exp.Expression) -> exp.Expression:
    """Give the whole UTC day of an instant, as days since 1970."""
    return sql(f":at // {MS_PER_DAY}", at=instant_ms)


def json_text(value: exp.Expression) -> exp.Expression:
    """Write a value as the text of its JSON; what is made of JSON text is that text."""
    if isinstance(value, exp.Cast) and value.to.this == exp.DataType.Type.JSON:
        return cast("exp.Expression", value.this.copy())
    return sql("TO_JSON(:value)", value=value)


def json_object(
    key: exp.Expression, value: exp.Expression, taken: exp.Expression
) -> exp.Expression:
    """Collect the rows that are taken into a JSON object; NULL when none is.

    Measured on 2.5 million rows in 200,000 groups, joining text takes a third of the time of
    building a MAP of two lists.
    """
    return sql(
        "CAST('{' || LISTAGG(TO_JSON(CAST(:key AS TEXT)) || ':' || :value, ',') "
        "FILTER (WHERE :taken) || '}' AS JSON)",
        key=key,
        value=json_text(value),
        taken=taken,
    )


def largest(
    value: exp.Expression, count: int, taken: exp.Expression | None = None
) -> exp.Expression:
    """Collect the largest values of the rows that are taken into a list, largest first."""
    if count <= _HEAP_LIMIT:
        return filtered(sql("MAX(:value, :count)", value=value, count=count), taken)
    return sql(f"(LIST_REVERSE_SORT(:all))[1:{count}]", all=_collected(value, taken))


def smallest(
    value: exp.Expression, count: int, taken: exp.Expression | None = None
) -> exp.Expression:
    """Collect the smallest values of the rows that are taken into a list, smallest first."""
    if count <= _HEAP_LIMIT:
        return filtered(sql("MIN(:value, :count)", value=value, count=count), taken)
    return sql(f"(LIST_SORT(:all))[1:{count}]", all=_collected(value, taken))


def _collected(value: exp.Expression, taken: exp.Expression | None) -> exp.Expression:
    return filtered(sql("LIST(:value)", value=value), taken)
