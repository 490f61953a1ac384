"""Fixtures of the whole suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from customering.app.engine import Engine
from customering.app.home import find, init
from town import NOON, PERMITTED, OpenShop


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[OpenShop]:
    """Open the shop's home; what is permitted by default and the present can be set."""
    opened: list[Engine] = []

    def shop(
        *,
        permitted: tuple[str, ...] = PERMITTED,
        present: str = "2026-06-01",
        folder: str = "shop",
        overrides: tuple[str, ...] = (),
    ) -> Engine:
        home = tmp_path / folder
        if not (home / "customering.toml").exists():
            init(home)
            stated = "\n".join(
                f'[consent.defaults."{key}"]\nanswer = "allow"\nground = "a test"'
                for key in permitted
            )
            text = f'[clock]\npresent = "{present}"\n[history]\nbuckets = 4\n{stated}\n'
            (home / "customering.toml").write_text(text)
        engine = Engine(find(home, environment={}, overrides=overrides), clock=lambda: NOON * 2)
        opened.append(engine)
        return engine

    yield shop
    for engine in opened:
        engine.__exit__(None, None, None)
