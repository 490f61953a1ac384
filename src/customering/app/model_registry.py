"""The registry of fitted models: every version with its facts, which is in use, and back again.

The model in use of each kind, its *champion*, lies under a fixed name, ``value.json`` or
``taste.bin``; that is all a decision reads. Beside it, ``registry.json`` says what each version is,
and ``versions/`` holds them. No row of a single person is in a model: parameters and sums over
people only. `first_day`, `through_day` and `people` say whose purchases have gone into it.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from customering.app.model_version import CHAMPION_FILES, Kind, ModelVersion, Role
from customering.kernel.errors import Absent, Conflict, Corrupt
from customering.kernel.ids import stable_id
from customering.kernel.records import Record, from_json, to_json

_REGISTRY = "registry.json"
_VERSIONS = "versions"


class _Book(Record, frozen=True, kw_only=True):
    """All versions, oldest first; and for each kind the champions so far, the present one last."""

    versions: tuple[ModelVersion, ...] = ()
    champions: dict[Kind, tuple[str, ...]] = msgspec.field(default_factory=dict)
    by_hand: tuple[Kind, ...] = ()


class ModelRegistry:
    """The versions of the models of one home.

    Parameters
    ----------
    folder
        Where models lie.
    kept_most
        Versions kept of each kind.
    """

    def __init__(self, folder: Path, *, kept_most: int = 5) -> None:
        self.folder = folder
        self._kept_most = kept_most

    def versions(self, kind: Kind | None = None) -> tuple[ModelVersion, ...]:
        """Give all versions, of one kind or of all, the latest first.

        Raises
        ------
        Corrupt
            When the registry cannot be read.
        """
        found = self._book().versions
        return tuple(one for one in reversed(found) if kind in (None, one.kind))

    def champion(self, kind: Kind) -> ModelVersion | None:
        """Give the version in use; None where there is none, or it is of before the registry."""
        book = self._book()
        used = book.champions.get(kind, ())
        return _named(book, used[-1]) if used else None

    def role(self, version: ModelVersion) -> Role:
        """Say whether a version is in use, was, or never has been."""
        used = self._book().champions.get(version.kind, ())
        if used and used[-1] == version.model_id:
            return "champion"
        return "former" if version.model_id in used else "challenger"

    def is_by_hand(self, kind: Kind) -> bool:
        """Say whether somebody, and no comparison, chose the champion."""
        return kind in self._book().by_hand

    def read(self, version: ModelVersion) -> bytes:
        """Give the bytes of a version.

        Raises
        ------
        Corrupt
            When its file is gone, or is not the one that was written.
        """
        path = self._path(version)
        data = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(data).hexdigest() != version.sha256:
            raise Corrupt(
                f"the file of model {version.model_id} is gone or damaged",
                hint="run `customering learn`: it fits a model anew",
            )
        return data

    def add(self, version: ModelVersion, data: bytes, *, use: bool) -> ModelVersion:
        """Keep a new version, and put it in use if it is to be the champion.

        Returns
        -------
        ModelVersion
            As it is kept: with its id and the hash of its bytes.
        """
        digest = hashlib.sha256(data).hexdigest()
        model_id = stable_id("mdl", version.kind, str(version.made_at), digest)
        kept = msgspec.structs.replace(version, model_id=model_id, sha256=digest)
        path = self._path(kept)
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, data)
        book = self._book()
        others = (one for one in book.versions if one.model_id != model_id)
        book = msgspec.structs.replace(book, versions=(*others, kept))
        if use:
            book = _with_champion(book, kept, by_hand=False)
        self._write(book)
        if use:
            self._put_in_use(kept, data)
        return kept

    def promote(self, model_id: str) -> ModelVersion:
        """Put a version in use that somebody chose.

        Raises
        ------
        Absent
            When there is none of this id.
        Corrupt
            When its file is gone or damaged.
        """
        book = self._book()
        found = _named(book, model_id)
        if found is None:
            raise Absent(
                f"there is no model {model_id}", hint="`customering models list` shows all ids"
            )
        data = self.read(found)
        self._write(_with_champion(book, found, by_hand=True))
        self._put_in_use(found, data)
        return found

    def rollback(self, kind: Kind) -> ModelVersion:
        """Put the version in use that was so before the present one.

        Raises
        ------
        Conflict
            When there was none before, or it is not kept any more.
        Corrupt
            When its file is gone or damaged.
        """
        book = self._book()
        used = book.champions.get(kind, ())
        before = _named(book, used[-2]) if len(used) > 1 else None
        if before is None:
            raise Conflict(
                f"no {kind} model was in use before this one",
                hint="`customering models promote` puts any other in use",
            )
        data = self.read(before)
        shortened = {**book.champions, kind: used[:-2]}
        book = msgspec.structs.replace(book, champions=shortened)
        self._write(_with_champion(book, before, by_hand=True))
        self._put_in_use(before, data)
        return before

    def withdraw(self, kind: Kind) -> None:
        """Take the model of a kind out of use and forget all its versions.

        For when nobody permits any more what it was fitted to.
        """
        (self.folder / CHAMPION_FILES[kind]).unlink(missing_ok=True)
        self._drop(list(self.versions(kind)))

    def forget(self, kind: Kind, erasures: int) -> None:
        """Drop the versions that were fitted before the latest of so many erasures.

        For when there is a model to take their place: what is in use stays until it is replaced.
        """
        self._drop([one for one in self.versions(kind) if one.erasures < erasures])

    def _drop(self, versions: list[ModelVersion]) -> None:
        if not versions:
            return
        book, dropped = self._book(), {one.model_id for one in versions}
        for one in versions:
            self._path(one).unlink(missing_ok=True)
        champions = {
            kind: tuple(one for one in used if one not in dropped)
            for kind, used in book.champions.items()
        }
        self._write(
            _Book(
                versions=tuple(one for one in book.versions if one.model_id not in dropped),
                champions=champions,
                by_hand=tuple(kind for kind in book.by_hand if champions.get(kind)),
            )
        )

    def _path(self, version: ModelVersion) -> Path:
        suffix = Path(CHAMPION_FILES[version.kind]).suffix
        return self.folder / _VERSIONS / f"{version.model_id}{suffix}"

    def _put_in_use(self, version: ModelVersion, data: bytes) -> None:
        _replace(self.folder / CHAMPION_FILES[version.kind], data)

    def _book(self) -> _Book:
        path = self.folder / _REGISTRY
        if not path.exists():
            return _Book()
        try:
            return from_json(path.read_bytes(), _Book)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Corrupt(
                f"{path} cannot be read: {error}",
                hint="delete it and run `customering learn`: the models in use stay",
            ) from error

    def _write(self, book: _Book) -> None:
        """Keep the book, without the versions that are too many."""
        kept = {one.model_id for one in _kept(book, self._kept_most)}
        for one in book.versions:
            if one.model_id not in kept:
                self._path(one).unlink(missing_ok=True)
        book = msgspec.structs.replace(
            book,
            versions=tuple(one for one in book.versions if one.model_id in kept),
            champions={
                kind: tuple(one for one in used if one in kept)
                for kind, used in book.champions.items()
            },
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        _replace(self.folder / _REGISTRY, to_json(book))


def _named(book: _Book, model_id: str) -> ModelVersion | None:
    return next((one for one in book.versions if one.model_id == model_id), None)


def _with_champion(book: _Book, version: ModelVersion, *, by_hand: bool) -> _Book:
    used = book.champions.get(version.kind, ())
    if not used or used[-1] != version.model_id:
        used = (*used, version.model_id)
    others = tuple(kind for kind in book.by_hand if kind != version.kind)
    return msgspec.structs.replace(
        book,
        champions={**book.champions, version.kind: used},
        by_hand=(*others, version.kind) if by_hand else others,
    )


def _kept(book: _Book, most: int) -> Iterable[ModelVersion]:
    """Give the versions to keep: in use, used before that, and then the latest of each kind."""
    for kind in CHAMPION_FILES:
        mine = [one for one in book.versions if one.kind == kind]
        first = book.champions.get(kind, ())[-2:]
        kept = [one for one in mine if one.model_id in first]
        others = [one for one in mine if one.model_id not in first]
        yield from kept
        yield from others[max(0, len(others) - (most - len(kept))) :]


def _replace(path: Path, data: bytes) -> None:
    scratch = path.with_suffix(".new")
    scratch.write_bytes(data)
    scratch.replace(path)
