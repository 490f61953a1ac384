"""Fitted models in the home folder, each a file that is replaced in one step."""

from functools import cached_property
from pathlib import Path

import msgspec

from customering.app.purchases import Item
from customering.kernel.errors import Corrupt
from customering.kernel.records import from_json, to_json
from customering.relationship.model import ValueModel
from customering.relationship.value import read_value_model
from customering.taste.model import TasteModel

_VALUE = "value.json"
_TASTE = "taste.bin"
_ITEMS = "items.json"


class ModelShelf:
    """The models of one home; each is read at first use.

    Parameters
    ----------
    folder
        Where the files lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def value(self) -> ValueModel | None:
        """How often and for how much people will buy; None before the first fit."""
        data = self._read(_VALUE)
        return None if data is None else read_value_model(data)

    @cached_property
    def taste(self) -> TasteModel | None:
        """What people want next; None before the first fit."""
        data = self._read(_TASTE)
        return None if data is None else TasteModel.from_bytes(data)

    @cached_property
    def items(self) -> dict[str, Item]:
        """What is known of the products; empty before the first fit."""
        data = self._read(_ITEMS)
        try:
            listed = [] if data is None else from_json(data, list[Item])
        except msgspec.DecodeError as error:
            raise Corrupt(
                f"{self._folder / _ITEMS} cannot be read: {error}",
                hint="run `customering learn`: it writes the models anew",
            ) from error
        return {item.product_id: item for item in listed}

    def put(
        self, *, value: ValueModel | None, taste: TasteModel | None, items: dict[str, Item]
    ) -> None:
        """Replace the models; one that is None is taken away."""
        self._write(_VALUE, None if value is None else to_json(value))
        self._write(_TASTE, None if taste is None else taste.to_bytes())
        self._write(_ITEMS, to_json(list(items.values())))
        for name in ("value", "taste", "items"):
            self.__dict__.pop(name, None)

    def _read(self, name: str) -> bytes | None:
        path = self._folder / name
        return path.read_bytes() if path.exists() else None

    def _write(self, name: str, data: bytes | None) -> None:
        path = self._folder / name
        if data is None:
            path.unlink(missing_ok=True)
            return
        self._folder.mkdir(exist_ok=True)
        scratch = path.with_suffix(".new")
        scratch.write_bytes(data)
        scratch.replace(path)
