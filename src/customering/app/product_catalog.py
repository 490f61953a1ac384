"""The products you have, told by you: known by name and price before anybody has bought them."""

from pathlib import Path

import msgspec

from customering.app.purchases import Item
from customering.kernel.errors import Corrupt, InvalidFile
from customering.kernel.records import from_json, to_json

PRODUCTS_FILE = "products.json"

_TEXTS = ("title", "category", "department", "brand")
_OTHER_NAMES = {"name": "title", "id": "product_id"}


def read_products(path: Path) -> dict[str, Item]:
    """Read products from a CSV or Parquet file.

    Columns are ``product_id`` (or ``id``), and of these what there is: ``title`` (or ``name``),
    ``category``, ``department``, ``brand``, and ``price_minor`` or ``price`` with two decimals.

    Raises
    ------
    InvalidFile
        When the file cannot be read or has no column of ids.
    """
    import duckdb  # here: a server that imports nothing does without its 13 MB

    with duckdb.connect() as connection:
        try:
            source = "'" + str(path).replace("'", "''") + "'"
            named = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
            columns = {_OTHER_NAMES.get(row[0].lower(), row[0].lower()): row[0] for row in named}
            if "product_id" not in columns:
                raise InvalidFile(
                    f"{path} has no column product_id", hint="name the column of the products so"
                )
            rows = connection.sql(_query(columns, source)).to_arrow_table().to_pylist()
        except duckdb.Error as error:
            raise InvalidFile(
                f"{path} cannot be read: {str(error).splitlines()[0]}",
                hint="products come as CSV or Parquet, prices as numbers",
            ) from error
    return {row["product_id"]: Item(**row) for row in rows}


def _query(columns: dict[str, str], source: str) -> str:
    def column(name: str) -> str:
        return f'"{columns[name]}"'

    texts = [
        f"coalesce({column(name)}::VARCHAR, '') AS {name}" if name in columns else f"'' AS {name}"
        for name in _TEXTS
    ]
    price = "0"
    if "price_minor" in columns:
        price = f"coalesce({column('price_minor')}, 0)"
    elif "price" in columns:
        price = f"coalesce(round({column('price')}::DECIMAL(18, 4) * 100), 0)"
    return (
        f"SELECT {column('product_id')}::VARCHAR AS product_id, {', '.join(texts)},"
        f" {price}::BIGINT AS price_minor FROM {source}"
        f" WHERE {column('product_id')} IS NOT NULL"
    )


class ProductCatalog:
    """The products of one home as its operator told them.

    Parameters
    ----------
    folder
        Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / PRODUCTS_FILE

    def read(self) -> dict[str, Item]:
        """Give the products by id, in the order in which they were told of.

        Raises
        ------
        Corrupt
            When the file is not what was written.
        """
        if not self.path.exists():
            return {}
        try:
            listed = from_json(self.path.read_bytes(), list[Item])
        except msgspec.DecodeError as error:
            raise Corrupt(
                f"{self.path} cannot be read: {error}",
                hint="delete it and import the products again",
            ) from error
        return {item.product_id: item for item in listed}

    def put(self, products: dict[str, Item]) -> tuple[int, int]:
        """Add products, replacing those of the same id; give how many are new and are there now."""
        kept = self.read()
        before = len(kept)
        kept.update(products)
        self.path.parent.mkdir(exist_ok=True)
        scratch = self.path.with_suffix(".new")
        scratch.write_bytes(to_json(list(kept.values())))
        scratch.replace(self.path)
        return len(kept) - before, len(kept)


def laid_over(learned: dict[str, Item], told: dict[str, Item]) -> dict[str, Item]:
    """Give what purchases tell of products, with what the operator told laid over it."""
    if not told:
        return learned
    both = dict(learned)
    for product, item in told.items():
        known = both.get(product)
        both[product] = item if known is None else _over(known, item)
    return both


def _over(known: Item, told: Item) -> Item:
    fields = msgspec.structs.asdict(told)
    return msgspec.structs.replace(known, **{name: one for name, one in fields.items() if one})
