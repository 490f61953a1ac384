"""Fitted models in the home folder, each a file that is replaced in one step."""

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec

from customering.app.model_version import CHAMPION_FILES
from customering.app.purchases import Item
from customering.kernel.errors import Corrupt
from customering.kernel.records import from_json, to_json
from customering.relationship.model import ValueModel
from customering.relationship.value import read_value_model
from customering.taste.model import TasteModel
from customering.taste.rank import shortlist
from customering.taste.words import Words

_VALUE, _TASTE = CHAMPION_FILES["value"], CHAMPION_FILES["taste"]
_ITEMS = "items.json"


class Models(NamedTuple):
    """All models of one home, and the stamps of the files they were read from."""

    value: ValueModel | None
    taste: TasteModel | None
    items: dict[str, Item]
    words: Words
    stamps: tuple[tuple[int, int, int], ...]


class ModelShelf:
    """The models of one home; each is read at first use.

    A process that runs for long looks now and then whether another one fitted them anew::

        found = shelf.find_changed()  # in any thread: it reads the files
        if found is not None:
            shelf.take(found)  # in the thread that decides

    Parameters
    ----------
    folder
        Where the files lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stamps = self._look()

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
                f"{self.folder / _ITEMS} cannot be read: {error}",
                hint="run `customering learn`: it writes the models anew",
            ) from error
        return {item.product_id: item for item in listed}

    @cached_property
    def words(self) -> Words:
        """What the products are called, to search in; worked out at its first use."""
        return Words(self.items)

    def put(
        self, *, value: ValueModel | None, taste: TasteModel | None, items: dict[str, Item]
    ) -> None:
        """Replace the models; one that is None is taken away."""
        self._write(_VALUE, None if value is None else to_json(value))
        self._write(_TASTE, None if taste is None else taste.to_bytes())
        self.put_items(items)

    def put_items(self, items: dict[str, Item]) -> None:
        """Replace what is known of the products, and read everything anew at its next use."""
        self._write(_ITEMS, to_json(list(items.values())))
        for name in ("value", "taste", "items", "words"):
            self.__dict__.pop(name, None)
        self._stamps = self._look()

    def find_changed(self) -> Models | None:
        """Read the models when their files are not those seen last; None when they are.

        Three looks at the folder, some 10 us, when nothing changed. It changes nothing here. Files
        that are replaced while they are read are left for the next time.

        Raises
        ------
        Corrupt
            When a file cannot be read; the models in use stay.
        """
        found = self._look()
        if found == self._stamps:
            return None
        fresh = ModelShelf(self.folder)
        models = Models(fresh.value, fresh.taste, fresh.items, fresh.words, found)
        if self._look() != found:
            return None
        if models.taste is not None:
            # The first answer works out what all later ones need: not while somebody waits for it.
            shortlist(models.taste, {}, (), models.taste.through_day, 1)
            models.words.prepare()
        return models

    def take(self, models: Models) -> None:
        """Use other models from now on; what `find_changed` gave, in the thread that decides."""
        self.value, self.taste, self.items, self.words, self._stamps = models

    def _look(self) -> tuple[tuple[int, int, int], ...]:
        """Tell the files apart from others that were put in their place."""
        return tuple(_stamp(self.folder / name) for name in (_VALUE, _TASTE, _ITEMS))

    def _read(self, name: str) -> bytes | None:
        path = self.folder / name
        return path.read_bytes() if path.exists() else None

    def _write(self, name: str, data: bytes | None) -> None:
        path = self.folder / name
        if data is None:
            path.unlink(missing_ok=True)
            return
        self.folder.mkdir(exist_ok=True)
        scratch = path.with_suffix(".new")
        scratch.write_bytes(data)
        scratch.replace(path)


def _stamp(path: Path) -> tuple[int, int, int]:
    """Give what changes whenever a file is replaced; zeros where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size
