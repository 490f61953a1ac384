"""Rows: what the scans of one relation read of it, computed once and named."""

from sqlglot import exp

from customering.aggregates.sql import sql


class Rows:
    """One reading of one relation.

    Parameters
    ----------
    name
        Name of the select that reads it; prefix of all names made up for it.
    group
        The group column.
    relation
        The relation: a table, or a subquery without alias.
    """

    def __init__(self, name: str, group: str, relation: exp.Expression) -> None:
        self.name = name
        self._relation = relation
        self._conditions: dict[str, exp.Expression] = {}
        self._plain = {group.lower(): exp.column(group)}
        self._computed: dict[str, exp.Expression] = {}
        self._takes_all = False

    def take(self, among: exp.Expression | None) -> exp.Column | None:
        """Have the rows read that fulfil a condition, and give the column that says so.

        None stands for all rows, and for the column of all rows.
        """
        if among is None:
            self._takes_all = True
            return None
        return self._flag(among)

    def column(
        self, expression: exp.Expression, among: exp.Expression | None = None
    ) -> exp.Expression:
        """Give the column that stands for an expression; a constant stands for itself.

        Parameters
        ----------
        among
            The rows it is computed of; of others it may be NULL. None computes it of all.
        """
        if isinstance(expression, exp.Column) and not expression.table:
            return self._plain.setdefault(expression.name.lower(), expression).copy()
        if not expression.find(exp.Column):
            return expression
        if among is not None:
            flag = self._flag(among)
            expression = sql("CASE WHEN :flag THEN :wanted END", flag=flag, wanted=expression)
        return _named(self._computed, self.name, expression)

    def compose(self) -> exp.Select:
        """Write the select for all that was asked for by now."""
        relation = self._relation.copy()
        if self._conditions:
            flagged = exp.select("*", *_aliased(self._conditions, self._flags)).from_(relation)
            if not self._takes_all:
                flagged = flagged.where(exp.or_(*self._conditions.values()))
            relation = flagged.subquery(copy=False)
        flags = [exp.column(f"{self._flags}_{number}") for number in range(len(self._conditions))]
        computed = _aliased(self._computed, self.name)
        return exp.select(*self._plain.values(), *flags, *computed).from_(relation)

    @property
    def _flags(self) -> str:
        return f"{self.name}_among"

    def _flag(self, among: exp.Expression) -> exp.Column:
        return _named(self._conditions, self._flags, among)


def _named(held: dict[str, exp.Expression], prefix: str, expression: exp.Expression) -> exp.Column:
    """Note an expression once, and give the column that stands for it."""
    text = expression.sql(dialect="duckdb")
    held.setdefault(text, expression.copy())
    return exp.column(f"{prefix}_{list(held).index(text)}")


def _aliased(held: dict[str, exp.Expression], prefix: str) -> list[exp.Expr]:
    return [
        exp.alias_(expression.copy(), f"{prefix}_{number}")
        for number, expression in enumerate(held.values())
    ]
