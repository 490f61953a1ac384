"""SQL for analysis that sees only people who permit it: three views for each purpose.

``people_for_<purpose>``, ``events_for_<purpose>`` and ``traits_for_<purpose>``, with the dots of
the purpose as underscores, read the history of those in whose mask the purpose is set. A query may
name these and nothing else: it is parsed, checked, and written anew before it is run. So neither
the tables below the views nor files can be reached by it, and nothing can be written.
"""

import re
import secrets
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from customering.app.engine import Engine
from customering.app.permission import PeopleMasks
from customering.kernel.errors import Invalid, InvalidDefinition
from customering.kernel.records import Record
from customering.profile.batch import values_sql
from customering.profile.declared import HIDDEN_FACT
from customering.profile.traits import TraitSet

KINDS = ("people", "events", "traits")
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_STATEMENTS = (exp.Select, exp.SetOperation)
_DECLARED = "declared"


class ViewedPurpose(Record, frozen=True):
    """One purpose, and what its views have.

    Parameters
    ----------
    key
        The purpose.
    views
        The names of its views.
    people
        How many people permit it now.
    traits
        The traits that are computed for it.
    """

    key: str
    views: tuple[str, ...]
    people: int
    traits: tuple[str, ...]


class PermittedViews:
    """Views over the history of one home; use it as a context manager.

    Parameters
    ----------
    engine
        The home.

    Notes
    -----
    Before each query the log is folded and everybody is asked anew, so a withdrawal that was
    acknowledged before a query began is in its answer.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        settings = engine.settings.history
        self._connection = duckdb.connect(
            config={
                "threads": settings.threads,
                "memory_limit": settings.memory,
                "temp_directory": str(engine.home.history_folder / "spill"),
                "python_enable_replacements": False,
            }
        )
        # Nobody can name the tables below the views: a name that is guessed could be shadowed.
        mark = secrets.token_hex(8)
        self._names, self._anchors = f"names_{mark}", f"anchors_{mark}"
        self._of = _purposes_by_view(engine)
        self._copied = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def query(self, sql: str) -> pa.Table:
        """Run a query over the views, as of everything in the log.

        Parameters
        ----------
        sql
            One ``SELECT`` in DuckDB's SQL, with any common table expressions.

        Raises
        ------
        Invalid
            When it is something else, names another table than a view, or DuckDB refuses it.
        """
        tree = _read(sql)
        used = _tables_of(tree, self._of)
        self._refresh()
        for view in sorted(used):
            self._make(view)
        try:
            with self._engine.history.reading():
                found: pa.Table = self._connection.sql(tree.sql("duckdb")).to_arrow_table()
        except duckdb.Error as error:
            raise Invalid(
                f"the query cannot be run: {str(error).splitlines()[0]}",
                hint="`customering views` names the views and their columns",
            ) from error
        return found

    def purposes(self) -> list[ViewedPurpose]:
        """Give every purpose with its views and the number of people who permit it now."""
        self._refresh()
        policy, traits = self._engine.consent, self._engine.traits.traits
        found = []
        for key in policy.purposes:
            view = _view("people", key)
            self._make(view)
            rows = self._connection.execute(f"SELECT count(*) FROM {view}").fetchall()
            own = tuple(name for name, one in traits.items() if one.definition.purpose == key)
            views = tuple(_view(kind, key) for kind in KINDS)
            found.append(ViewedPurpose(key=key, views=views, people=rows[0][0], traits=own))
        return found

    def columns(self, view: str) -> list[tuple[str, str]]:
        """Give the columns of a view with their types.

        Raises
        ------
        Invalid
            When there is no such view.
        """
        _tables_of(_read(f'SELECT * FROM "{view}"'), self._of)
        self._refresh()
        self._make(view)
        rows = self._connection.execute(f"DESCRIBE SELECT * FROM {view}").fetchall()
        return [(name, kind) for name, kind, *_ in rows]

    # What stands below the views

    def _refresh(self) -> None:
        """Bring the history up to the log, and ask what everybody permits now."""
        engine, run = self._engine, self._connection.execute
        masks = engine.masks()
        self._connection.register("masks", _masks_table(masks, engine.person_of))
        run(f"CREATE OR REPLACE TEMP TABLE {self._names} AS FROM masks")
        self._connection.unregister("masks")
        self._by_default = masks.by_default
        if self._copied != engine.history.offset:
            run(
                f"CREATE OR REPLACE TEMP TABLE {self._anchors} AS"
                " SELECT anchor, min(occurred_at) AS first_at, max(occurred_at) AS last_at,"
                f" count(*) AS events FROM {engine.history.relation()} GROUP BY anchor"
            )
            self._copied = engine.history.offset

    def _make(self, view: str) -> None:
        """Make one view anew, over the files that hold the history now."""
        kind, purpose = self._of[view]
        make = {"people": self._people, "events": self._events, "traits": self._traits}[kind]
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {make(purpose)}")

    def _permitted(self, relation: str, purpose: str, columns: str) -> str:
        """Give the rows of those whose mask has a purpose."""
        bit = self._engine.consent.bit(purpose)
        return (
            f"SELECT coalesce(n.person, h.anchor) AS person, {columns} FROM {relation} h"
            f" LEFT JOIN {self._names} n ON n.anchor = h.anchor"
            f" WHERE coalesce(n.mask, {self._by_default}::UBIGINT) & {bit}::UBIGINT <> 0"
        )

    def _people(self, purpose: str) -> str:
        rows = self._permitted(self._anchors, purpose, "h.first_at, h.last_at, h.events")
        return (
            "SELECT person, make_timestamp_ms(min(first_at)) AS first_at,"
            " make_timestamp_ms(max(last_at)) AS last_at, sum(events)::BIGINT AS events"
            f" FROM ({rows}) GROUP BY person"
        )

    def _events(self, purpose: str) -> str:
        return self._permitted(self._engine.history.relation(), purpose, "h.*")

    def _traits(self, purpose: str) -> str:
        engine = self._engine
        own = [
            one.definition
            for one in engine.traits.traits.values()
            if one.definition.purpose == purpose
        ]
        events = _view("events", purpose)
        self._make(events)
        values = values_sql(TraitSet(own), events, engine.present).sql("duckdb")
        hidden = f"coalesce(list_contains(json_extract_string(declared, '$.{HIDDEN_FACT}[*]'), "
        columns = [
            f"CASE WHEN {hidden}'{one.name}'), false) THEN NULL ELSE \"{one.name}\" END"
            f' AS "{one.name}"'
            for one in own
        ]
        if _DECLARED in engine.consent.purposes[purpose].categories:
            columns.insert(0, _DECLARED)
        return f"SELECT {', '.join(['person', *columns])} FROM ({values})"


def _purposes_by_view(engine: Engine) -> dict[str, tuple[str, str]]:
    """Give the kind and the purpose of each view by its name."""
    found: dict[str, tuple[str, str]] = {}
    for key in engine.consent.purposes:
        for kind in KINDS:
            name = _view(kind, key)
            if name in found:
                raise InvalidDefinition(
                    f"The purposes {key!r} and {found[name][1]!r} have views of one name.",
                    hint="Name one of them otherwise.",
                    key=key,
                )
            found[name] = kind, key
    return found


def _view(kind: str, purpose: str) -> str:
    return f"{kind}_for_{purpose.replace('.', '_')}"


def _masks_table(masks: PeopleMasks, person_of: dict[str, str]) -> pa.Table:
    """Give the person and the mask of every anchor that has not one name and the usual mask."""
    anchors: dict[str, int] = dict.fromkeys(person_of, masks.by_default)
    anchors.update((str(name), mask) for name, mask in masks.own.items())
    return pa.table(
        {
            "anchor": pa.array(list(anchors), pa.string()),
            "person": pa.array([person_of.get(name, name) for name in anchors], pa.string()),
            "mask": pa.array(list(anchors.values()), pa.uint64()),
        }
    )


def _read(sql: str) -> exp.Expression:
    """Read one query.

    Raises
    ------
    Invalid
        When it cannot be read, or is no query.
    """
    try:
        trees: list[Any] = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree]
    except SqlglotError as error:
        raise Invalid(
            f"the query cannot be read: {str(error).splitlines()[0]}", hint="write one SELECT"
        ) from error
    if len(trees) != 1 or not isinstance(trees[0], _STATEMENTS):
        raise Invalid("this is not one query", hint="write one SELECT; nothing can be changed here")
    tree: exp.Expression = trees[0]
    return tree


def _tables_of(tree: exp.Expression, views: dict[str, tuple[str, str]]) -> set[str]:
    """Give the views that a query reads.

    Raises
    ------
    Invalid
        When it reads anything else.
    """
    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    used: set[str] = set()
    for table in tree.find_all(exp.Table):
        name = table.name if isinstance(table.this, exp.Identifier) else ""
        is_plain = bool(_NAME.match(name)) and not table.db and not table.catalog
        # A name of the query's own may not hide a view: within itself it would mean the view.
        if is_plain and name in views and name not in named:
            used.add(name)
        elif not (is_plain and name in named):
            raise Invalid(
                f"the query reads {table.sql('duckdb')[:100]}, which is no view",
                hint="`customering views` names the views",
            )
    if tree.find(exp.Into):
        raise Invalid("the query writes", hint="write one SELECT; nothing can be changed here")
    return used
