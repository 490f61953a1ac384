"""The catalogue: what may be done beside showing products, written by hand or imported."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from customering.consent.gate import CompiledPolicy
from customering.decision.actions import read_actions
from customering.decision.model import Action
from customering.kernel.errors import Corrupt, InvalidDefinition, InvalidFile
from customering.kernel.records import Record, from_json, to_json

_FILE = "actions.json"


class CatalogJoin(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another file whose columns may be used.

    Parameters
    ----------
    file
        The file, relative to the imported one.
    using
        The column both have.
    """

    file: str
    using: str


class CatalogMapping(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the rows of a table become actions.

    Parameters
    ----------
    group_by
        The columns that make one action.
    action
        Field of the action to the SQL that gives it: over the columns of `group_by`, or an
        aggregate over others, such as ``mode(category)``. Dates as text, such as 2017-06-30.
    products
        The column that holds a product the action is about, one a row; empty for none.
    join
        Files to join by name.
    where
        Rows that count, as a SQL condition; empty for all.
    """

    group_by: tuple[str, ...]
    action: dict[str, str]
    products: str = ""
    join: tuple[CatalogJoin, ...] = ()
    where: str = ""


def read_catalog_mapping(text: str, file: str) -> CatalogMapping:
    """Read a mapping from TOML.

    Raises
    ------
    InvalidDefinition
        When a key is misspelt or missing; the message names it.
    """
    try:
        return msgspec.convert(tomllib.loads(text), CatalogMapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidDefinition(
            f"{file}: {error}", hint="keys are group_by, action, products, join and where"
        ) from error


def import_actions(path: Path, mapping: CatalogMapping, policy: CompiledPolicy) -> list[Action]:
    """Make actions of the rows of a CSV or Parquet file.

    Raises
    ------
    InvalidFile
        When the file cannot be read, or a column is not there.
    InvalidDefinition
        When a row gives an action that makes no sense; the message names the action and the key.
    """
    import duckdb  # here: a server that imports nothing does without its 13 MB

    with duckdb.connect() as connection:
        try:
            rows = connection.sql(_sql(path, mapping)).to_arrow_table().to_pylist()
        except duckdb.Error as error:
            raise InvalidFile(
                f"{path} cannot be read as the mapping says: {str(error).splitlines()[0]}",
                hint="check the columns of the file against the mapping",
            ) from error
    tables = [{name: value for name, value in row.items() if value is not None} for row in rows]
    text = "\n".join(_toml(table) for table in tables)
    return list(read_actions(text, file=str(path), policy=policy))


def _toml(table: dict[str, Any]) -> str:
    """Write one action as TOML, so that imported and written actions are read and checked alike."""
    lines = [
        f"{name} = {msgspec.json.encode(_plain(value)).decode()}" for name, value in table.items()
    ]
    return "\n".join(["[[action]]", *lines])


def _plain(value: Any) -> Any:
    """Give a decimal of SQL as a number of JSON, whole where it is whole."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def _sql(path: Path, mapping: CatalogMapping) -> str:
    def scan(file: Path) -> str:
        return "'" + str(file).replace("'", "''") + "'"

    joins = " ".join(
        f'JOIN {scan(path.parent / join.file)} AS joined_{number} USING ("{join.using}")'
        for number, join in enumerate(mapping.join)
    )
    fields = [f"{sql} AS {name}" for name, sql in mapping.action.items()]
    if mapping.products:
        fields.append(f'list_sort(list(DISTINCT "{mapping.products}"::VARCHAR)) AS products')
    keys = ", ".join(f'"{key}"' for key in mapping.group_by)
    where = f" WHERE {mapping.where}" if mapping.where else ""
    return (
        f"SELECT {', '.join(fields)} FROM {scan(path)} AS main {joins}{where}"
        f" GROUP BY {keys} ORDER BY {keys}"
    )


class Catalog:
    """The imported actions of one home.

    Parameters
    ----------
    folder
        Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def read(self) -> list[Action]:
        """Give the imported actions.

        Raises
        ------
        Corrupt
            When the file is not what was written.
        """
        if not self._path.exists():
            return []
        try:
            return from_json(self._path.read_bytes(), list[Action])
        except msgspec.DecodeError as error:
            raise Corrupt(
                f"{self._path} cannot be read: {error}",
                hint="delete it and import the catalogue again",
            ) from error

    def put(self, actions: list[Action]) -> tuple[int, int]:
        """Add actions, replacing those of the same id; give how many are new and are there now."""
        kept = {action.action_id: action for action in self.read()}
        before = len(kept)
        kept.update((action.action_id, action) for action in actions)
        self._path.parent.mkdir(exist_ok=True)
        scratch = self._path.with_suffix(".new")
        scratch.write_bytes(to_json(list(kept.values())))
        scratch.replace(self._path)
        return len(kept) - before, len(kept)
