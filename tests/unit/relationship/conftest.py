"""The CDNOW people of Fader, Hardie & Lee, read as data from the package `lifetimes`."""

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from customering.relationship.arrays import Floats


@pytest.fixture(scope="session")
def cdnow() -> dict[str, Floats]:
    """Frequency x, recency t_x and age T in weeks, and mean repeat order value zbar in dollars."""
    found = importlib.util.find_spec("lifetimes")
    if found is None or found.origin is None:
        pytest.skip("the data of the package lifetimes is not installed")
    name = "cdnow_customers_summary_with_transactions.csv"
    text = (Path(found.origin).parent / "datasets" / name).read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 2357
    return {key: np.array([float(row[key]) for row in rows]) for key in ("x", "t_x", "T", "zbar")}
