"""The stored profiles of a running home: checkpoints of them, and folds of people anew."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import islice
from typing import Any, ParamSpec, TypeVar

from customering.app.engine import Engine
from customering.app.folding import copy_to_history
from customering.events.model import Event
from customering.kernel.errors import CustomeringError
from customering.kernel.ids import Identifier

_PICTURE_ANCHORS = 100  # drawn between two turns of the loop: less than half a millisecond
_FREED_AT_ONCE = 100  # profiles: a tenth of a millisecond
_WARMED_AT_ONCE = 100  # profiles: less than a millisecond of the loop
_CALCULATING = "scipy.special"  # imported at its first use, which would be amid a decision
_logger = logging.getLogger("customering.live")

P = ParamSpec("P")
R = TypeVar("R")


class Keeping:
    """Keeps what is stored of people in step with what is folded, while the fold goes on.

    Its methods are called in the thread of the event loop. Two threads do what would hold that up:
    one stores, and one reads the history.

    Parameters
    ----------
    engine
        The home.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._one_at_a_time = asyncio.Lock()
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._analyst = ThreadPoolExecutor(1, thread_name_prefix="analyst")

    def close(self) -> None:
        """End the threads."""
        self._analyst.shutdown()
        self._keeper.shutdown()

    def soon(self, act: Callable[P, object], *args: P.args, **named: P.kwargs) -> None:
        """Do something in the thread that stores, after what it is at; nobody waits for it."""
        self._keeper.submit(act, *args, **named)

    async def stored(self, act: Callable[[], R]) -> R:
        """Do something in the thread that stores."""
        return await asyncio.get_running_loop().run_in_executor(self._keeper, act)

    async def read(self, act: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """Do something slow in the one thread that may read the history."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._analyst, lambda: act(*args, **named))

    async def warm_up(self) -> None:
        """Read profiles into memory while there is nothing better to do, as far as it has room."""
        if self._will_calculate:
            await self.read(import_module, _CALCULATING)
        rows = self._engine.state.scan()
        has_room = True
        while has_room:
            some = await self.stored(lambda: list(islice(rows, _WARMED_AT_ONCE)))
            has_room = bool(some) and self._engine.folding.warm(some)
            if not some:
                self._engine.folding.has_warmed()
        await self.stored(rows.close)

    @property
    def _will_calculate(self) -> bool:
        """Whether decisions need what takes a fifth of a second to import."""
        decision = self._engine.settings.decision
        return decision.exploration == "thompson" or self._engine.models.value is not None

    async def checkpoint_now_and_then(self, seconds: float) -> None:
        """Store a checkpoint now and then; a failure is told, and tried again."""
        while True:
            await asyncio.sleep(seconds)
            await self.try_checkpoint()
            self.soon(self._engine.receipts.try_note, (), self._engine.folding.offset)

    async def try_checkpoint(self) -> None:
        """Store a checkpoint; that it cannot be is told, and no error."""
        try:
            await self.checkpoint()
        except CustomeringError as error:
            _logger.warning("no checkpoint: %s (%s)", error.message, error.hint)

    async def checkpoint(self) -> None:
        """Store the profiles as of now, while the fold goes on.

        Raises
        ------
        Conflict, Unavailable
            When they cannot be stored now; the next checkpoint will store what this one would have.
        """
        async with self._one_at_a_time:
            await self._checkpoint()

    async def _checkpoint(self) -> None:
        folding = self._engine.folding
        while folding.must_settle:
            await self._settle()
        if folding.offset == folding.stored and not folding.has_changes:
            return
        folding.begin_picture()
        while folding.draw_picture(_PICTURE_ANCHORS):
            await asyncio.sleep(0)
        try:
            await self.stored(folding.store_picture)
        except (CustomeringError, OSError):
            folding.drop_picture()
            raise
        await _take_apart(folding.end_picture())
        await self._store_what_was_learned()

    async def _store_what_was_learned(self) -> None:
        """Store what decisions learned, or take what another process learned anew meanwhile."""
        learner = self._engine.learner
        if learner.was_replaced:
            learner.adopt(self._engine.reading_log)
        elif learner.is_stale:
            picture = learner.picture()
            await self.stored(lambda: learner.write(picture))

    async def _settle(self) -> None:
        """Fold anew, from the history, the profiles of people who permit more than before."""
        folding = self._engine.folding
        widened, until = folding.settle(), folding.offset
        if widened:
            found = await self.read(self._events_before, widened, until)
            for anchor in widened:
                folding.refold(anchor, found[anchor])

    def _events_before(
        self, anchors: Sequence[Identifier], offset: int
    ) -> dict[Identifier, list[Event]]:
        engine = self._engine
        copy_to_history(engine.reading_log, engine.history, engine.rules, until=offset)
        return {
            anchor: list(engine.history.events_of([anchor], before_offset=offset))
            for anchor in anchors
        }

    # Erasure

    async def change_stored(self, act: Callable[[], R], then: Callable[[R], None]) -> None:
        """Change stored profiles in the thread that stores them, while no checkpoint is under way.

        Parameters
        ----------
        act
            What is done in that thread.
        then
            What is done in the event loop before the next checkpoint may begin.
        """
        async with self._one_at_a_time:
            then(await self.stored(act))

    async def fold_again(self, anchors: Sequence[Identifier]) -> list[Identifier]:
        """Fold anchors anew, from the history, because events of theirs are not what they were.

        Returns
        -------
        list of Identifier
            Those under which nothing is filed any more. Memory has let go of them; they are to be
            removed by `change_stored`.
        """
        async with self._one_at_a_time:
            folding = self._engine.folding
            folding.set_aside(anchors)
            found = await self.read(self._events_before, anchors, folding.offset)
            empty = [one for one in anchors if not found[one] and not folding.has_missed(one)]
            folding.vacate(empty)
            for anchor in anchors:
                folding.refold(anchor, found[anchor])
            learner = self._engine.learner
            picture = learner.picture()
            await self.stored(lambda: learner.write(picture))
            return empty


async def _take_apart(unneeded: Iterable[dict[Identifier, Any]]) -> None:
    """Free profiles a few at a time: a hundred thousand at once would hold the loop up for long."""
    for some in unneeded:
        while some:
            for _ in range(min(_FREED_AT_ONCE, len(some))):
                some.popitem()
            await asyncio.sleep(0)
