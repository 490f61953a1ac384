"""Drives every door of a running shop: the raw ones and those of Litestar."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from customering.api import collect, decide, outcomes
from customering.api.routes import routes
from customering.app.engine import Engine
from customering.app.key_model import SUBJECT_SCOPES
from shop_doors import SHOP, Doors


class AllDoors(Doors):
    """A running shop with every door, and a subject key that may read and write its person."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        super().__init__(engine, folder)
        scopes = SUBJECT_SCOPES | {"people"}
        with patch("customering.app.keys.SUBJECT_SCOPES", scopes):
            self.private = self.keys.create_subject(name="all", origins=[SHOP], scopes=scopes)[1]

    def hot(self) -> dict[str, Any]:
        entrance = self.entrance
        return collect.doors(entrance) | decide.doors(entrance) | outcomes.doors(entrance)

    def others(self) -> Any:
        return routes(self.entrance)

    def secret_with(self, *scopes: str) -> str:
        return self.keys.create_secret(name="some", scopes=scopes)[1]


Run = Callable[[Callable[[AllDoors], Awaitable[Any]]], Any]


def running_all(engine: Engine, folder: Path, act: Callable[[AllDoors], Awaitable[Any]]) -> Any:
    """Run an act on all doors of a running home, then stop it."""

    async def run() -> Any:
        doors = AllDoors(engine, folder)
        await doors.live.start()
        try:
            return await act(doors)
        finally:
            await doors.live.stop()
            doors.keys.close()

    return asyncio.run(run())
