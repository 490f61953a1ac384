"""Fitted models in the home folder, each a file that is replaced in one step."""

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec

from customering.app.model_version import CHAMPION_FILES
from customering.app.product_catalog import ProductCatalog, laid_over
from customering.app.purchases import Item
from customering.kernel.errors import Corrupt
from customering.kernel.records import from_json, to_json
from customering.outcomes.persuasion import PersuasionModel
from customering.relationship.model import ValueModel
from customering.relationship.value import read_value_model
from customering.taste.answering import NOBODY, Everybody
from customering.taste.coldstart import Arrivals
from customering.taste.model import TasteModel
from customering.taste.rank import shortlist
from customering.taste.words import Words

_VALUE, _TASTE = CHAMPION_FILES["value"], CHAMPION_FILES["taste"]
_PERSUASION = CHAMPION_FILES["persuasion"]
_ITEMS = "items.json"
_ANSWERING = "answering.json"
_ARRIVALS_MOST = 1_000  # of the latest: each is compared with all products by its words


class Models(NamedTuple):
    """All models of one home, and the stamps of the files they were read from."""

    value: ValueModel | None
    taste: TasteModel | None
    persuasion: PersuasionModel | None
    items: dict[str, Item]
    words: Words
    answering: Everybody
    arrivals: Arrivals | None
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
    catalog_folder
        Where the products lie that the operator told of; None for none.
    """

    def __init__(self, folder: Path, catalog_folder: Path | None = None) -> None:
        self.folder = folder
        self._products = None if catalog_folder is None else ProductCatalog(catalog_folder)
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
    def persuasion(self) -> PersuasionModel | None:
        """What acting does to whom; None before the first fit."""
        data = self._read(_PERSUASION)
        try:
            return None if data is None else from_json(data, PersuasionModel)
        except msgspec.DecodeError as error:
            raise Corrupt(
                f"{self.folder / _PERSUASION} cannot be read: {error}",
                hint="run `customering learn`: it writes the models anew",
            ) from error

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
        return laid_over({item.product_id: item for item in listed}, self._told)

    @cached_property
    def _told(self) -> dict[str, Item]:
        """The products that the operator told of."""
        return {} if self._products is None else self._products.read()

    @cached_property
    def arrivals(self) -> Arrivals | None:
        """Products the operator told of and nobody has bought; None when there are none."""
        model = self.taste
        new = [] if model is None else [one for one in self._told if one not in model.index]
        if model is None or not new:
            return None
        return Arrivals(model, self.words, new[-_ARRIVALS_MOST:])

    @cached_property
    def answering(self) -> Everybody:
        """Where and when everybody answers; nobody before the first fit."""
        data = self._read(_ANSWERING)
        try:
            return NOBODY if data is None else from_json(data, Everybody)
        except msgspec.DecodeError as error:
            raise Corrupt(
                f"{self.folder / _ANSWERING} cannot be read: {error}",
                hint="run `customering learn`: it writes the models anew",
            ) from error

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
        self.forget()

    def put_answering(self, answering: Everybody) -> None:
        """Replace what is known of how everybody answers."""
        self._write(_ANSWERING, to_json(answering))
        self.forget()

    def forget(self) -> None:
        """Read everything anew at its next use, because files were replaced."""
        for name in ("_told", "value", "taste", "persuasion", "items", "answering", "words",
                     "arrivals"):  # fmt: skip
            self.__dict__.pop(name, None)
        self._stamps = self._look()

    def find_changed(self) -> Models | None:
        """Read the models when their files are not those seen last; None when they are.

        Four looks at the folder, some 13 us, when nothing changed. It changes nothing here. Files
        that are replaced while they are read are left for the next time.

        Raises
        ------
        Corrupt
            When a file cannot be read; the models in use stay.
        """
        found = self._look()
        if found == self._stamps:
            return None
        fresh = ModelShelf(
            self.folder, None if self._products is None else self._products.path.parent
        )
        models = Models(
            fresh.value,
            fresh.taste,
            fresh.persuasion,
            fresh.items,
            fresh.words,
            fresh.answering,
            fresh.arrivals,
            found,
        )
        if self._look() != found:
            return None
        if models.taste is not None:
            # The first answer works out what all later ones need: not while somebody waits for it.
            shortlist(models.taste, {}, (), models.taste.through_day, 1)
            models.words.prepare()
        return models

    def take(self, models: Models) -> None:
        """Use other models from now on; what `find_changed` gave, in the thread that decides."""
        self.value, self.taste, self.persuasion = models.value, models.taste, models.persuasion
        self.items, self.words, self.arrivals = models.items, models.words, models.arrivals
        self.answering, self._stamps = models.answering, models.stamps

    def _look(self) -> tuple[tuple[int, int, int], ...]:
        """Tell the files apart from others that were put in their place."""
        paths = [self.folder / name for name in (_VALUE, _TASTE, _PERSUASION, _ITEMS)]
        told = [] if self._products is None else [self._products.path]
        return tuple(_stamp(path) for path in (*paths, *told))

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
