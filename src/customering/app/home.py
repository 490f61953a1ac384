"""The home folder: one business, one folder, everything in it."""

import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from customering.app.settings import FILE_NAME, Loaded, load, template
from customering.kernel.errors import Conflict, InvalidFile, NoHome
from customering.kernel.records import Record

HOME_VARIABLE = "CUSTOMERING_HOME"
_FOLDERS = ("history", "models", "catalog", "mappings")
_WRITTEN = {
    "traits.toml": "traits.toml",
    "audiences.toml": "audiences.toml",
    "actions.toml": "actions.toml",
    "plan.toml": "plan.toml",
}


class Home(Record, frozen=True):
    """Where the parts of one home lie, and its settings.

    Parameters
    ----------
    folder
        The folder itself.
    loaded
        The settings with their origins.
    """

    folder: Path
    loaded: Loaded

    @property
    def log_path(self) -> Path:
        """The log of events: the only truth."""
        return self.folder / "log.sqlite"

    @property
    def state_url(self) -> str:
        """The database of derived state."""
        return f"sqlite:///{self.folder / 'state.sqlite'}"

    @property
    def control_url(self) -> str:
        """The database of keys: not derived from the log, so it is backed up too."""
        return f"sqlite:///{self.folder / 'control.sqlite'}"

    @property
    def consent_url(self) -> str:
        """The consent ledger: ground data too, which proves what people said."""
        return f"sqlite:///{self.folder / 'consent.sqlite'}"

    @property
    def history_folder(self) -> Path:
        """The Parquet copy of the log."""
        return self.folder / "history"

    @property
    def models_folder(self) -> Path:
        """Fitted models."""
        return self.folder / "models"

    @property
    def catalog_folder(self) -> Path:
        """Imported items and offers."""
        return self.folder / "catalog"

    def text_of(self, name: str) -> str | None:
        """Read one of the definition files people write; None when it is not there."""
        path = self.folder / name
        return read_text(path) if path.exists() else None


def read_text(path: Path) -> str:
    """Read a file that people write.

    Raises
    ------
    InvalidFile
        When it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidFile(
            f"{path} is not text in UTF-8: {error.reason} at byte {error.start}",
            hint="save it anew as UTF-8",
        ) from error


def init(folder: Path) -> list[str]:
    """Make a home in a folder and give the names of the files written.

    Raises
    ------
    Conflict
        When the folder already is a home.
    """
    if (folder / FILE_NAME).exists():
        raise Conflict(
            f"{folder} already is a customering home",
            hint="use it as it is, or choose another folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    (folder / FILE_NAME).write_text(template(), encoding="utf-8")
    templates = resources.files("customering.app") / "templates"
    for name, source in _WRITTEN.items():
        if not (folder / name).exists():
            text = (templates / source).read_text(encoding="utf-8")
            (folder / name).write_text(text, encoding="utf-8")
    return [FILE_NAME, *_WRITTEN]


def find(
    folder: Path | None,
    *,
    environment: Mapping[str, str] = os.environ,
    overrides: Sequence[str] = (),
) -> Home:
    """Open the home that was named, by flag, by variable, or by being the current folder.

    Raises
    ------
    NoHome
        Saying where it looked.
    InvalidSettings, InvalidFile
        When a setting cannot be accepted, or the file is not text.
    """
    named = environment.get(HOME_VARIABLE)
    place = folder or (Path(named) if named else Path())
    path = place / FILE_NAME
    if not path.exists():
        origin = "--home" if folder else HOME_VARIABLE if named else "the current folder"
        raise NoHome(
            f"there is no customering home in {place.resolve()} ({origin})",
            hint=f"make one with `customering init DIR`, then use --home DIR or {HOME_VARIABLE}",
        )
    loaded = load(
        read_text(path),
        file=str(path),
        environment=environment,
        overrides=overrides,
    )
    return Home(folder=place.resolve(), loaded=loaded)
