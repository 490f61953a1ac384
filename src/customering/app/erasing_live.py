"""Erasure in a running home: in force in milliseconds, complete while everything goes on.

1. New events are asked whether they are of the person; what was on its way is written and folded.
2. The erasure is noted durably. From here on no crash forgets it.
3. Memory lets go of the person, in one step of the event loop: the next decision knows nothing.
4. In the background the stored profiles, the log, the history and all else lose the person, and the
   certificate is signed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from customering.app.erasing import (
    StoreReport,
    concerns,
    remove_from_history,
    remove_from_log,
)
from customering.app.erasing_beside import not_overwritten, scrub_all
from customering.app.erasing_certificate import Certificate, certify
from customering.app.erasing_ground import STATE, let_in, part_of, stores_of
from customering.app.erasing_home import remove_beside, request_id_of, touched_by
from customering.app.erasing_match import Naming
from customering.app.erasing_part import leaving, names_meant, said_again, unmentioned
from customering.app.erasing_part_home import remove_of_part
from customering.app.live import Live
from customering.consent.rights import Again
from customering.consent.rights_scope import EVERYTHING, Scope, check_part
from customering.events.model import Event
from customering.kernel.errors import CustomeringError, Unavailable
from customering.kernel.ids import Identifier
from customering.profile.fold import merge_states
from customering.stores.erasing_journal import Erasure
from customering.stores.erasing_sqlite import erase_people, erase_states

_AGAIN_SECONDS = 30.0
_SCRUB_SECONDS = 2.0
_SCRUBS_MOST = 20
_logger = logging.getLogger("customering.erasing")

R = TypeVar("R")


class _Begun(NamedTuple):
    """An erasure that is in force, whom it is about, and since when. Milliseconds since 1970."""

    erasure: Erasure
    names: frozenset[Identifier]
    effective_at: int


class LiveErasing:
    """Erases people of a running home, one at a time; called in the thread of its event loop.

    Parameters
    ----------
    live
        The home. When it stops, an erasure under way stops too and goes on at the next start.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._engine = live.engine
        self._turn = asyncio.Lock()
        self._completing = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="eraser")
        # Who asks to be erased while another one's bytes are looked for does not wait for those.
        self._quick = ThreadPoolExecutor(1, thread_name_prefix="eraser-journal")
        self._running: dict[str, asyncio.Task[Certificate]] = {}
        self._stopping = asyncio.Event()
        live.before_stopping(self._stop)

    async def erase(
        self,
        who: Identifier,
        again: Again = "new",
        *,
        request_id: str = "",
        scope: Scope = EVERYTHING,
    ) -> Erasure:
        """Erase one person, or a part of them; when this returns, it is durable and in force.

        Parameters
        ----------
        who
            One of their identifiers.
        again
            What later events of the same identifiers are.
        request_id
            The request this answers; it gets an id of its own when it is empty.
        scope
            What is erased.

        Raises
        ------
        NoSuchPerson
            When nothing is known under this identifier.
        Invalid, Refused
            When that part cannot be erased.
        Unavailable
            When it cannot be noted durably; nothing has changed then.
        """
        check_part(scope, again)
        async with self._turn:
            self._live.person(who)
            begun = await self._begin(who, again, request_id, scope)
        erasure = begun.erasure
        if scope.model:
            return erasure
        running = asyncio.create_task(self._complete(begun))
        self._running[erasure.request_id] = running
        running.add_done_callback(partial(self._ended, erasure.request_id))
        return erasure

    async def finished(self, request_id: str) -> bytes:
        """Wait until an erasure is complete, and give its certificate.

        Raises
        ------
        Absent
            When there is no such erasure.
        Unavailable
            When it could not be completed; it is tried again at the next start.
        """
        running = self._running.get(request_id)
        if running is not None:
            return (await asyncio.shield(running)).text
        found = await self._quickly(partial(self._engine.journal.certificate, request_id))
        if found is None:
            raise Unavailable(
                "this erasure is not complete",
                hint="it goes on when the server is started again; one of a model is complete when"
                " models were fitted anew (`customering learn`)",
            )
        return found

    @property
    def under_way(self) -> Collection[str]:
        """The requests that are in force and not complete."""
        return self._running.keys()

    # In force

    async def _begin(self, who: Identifier, again: Again, request_id: str, scope: Scope) -> _Begun:
        engine, folding = self._engine, self._engine.folding
        erasure = Erasure(
            request_id=request_id or request_id_of(engine, who, scope),
            requested_at=engine.clock(),
            until_ms=self._live.present,
            end_offset=folding.offset,
            again=again,
            scope=scope,
        )
        journal, graph = engine.journal, folding.graph
        first = names_meant(scope, graph.identifiers_of(who))
        erasure = await self._quickly(partial(journal.begin, erasure, first))
        await self._quickly(partial(let_in, engine))
        # Whatever was admitted before is written and folded after this.
        await self._live.append(self._said(erasure, who, first))
        if scope.model:
            await self._quickly(partial(journal.release, erasure.request_id))
            await self._quickly(engine.keep_journal_copy)
            return _Begun(erasure, frozenset(first), engine.clock())
        # What follows, up to `_let_go`, is one step for everybody else.
        now = graph.identifiers_of(who)
        names = frozenset((*first, *names_meant(scope, now)))
        erasure = replace(erasure, end_offset=folding.offset)
        self._let_go(erasure, names, [name for name in now if name not in names])
        effective_at = engine.clock()
        erasure = await self._quickly(partial(journal.begin, erasure, names))
        await self._quickly(engine.keep_journal_copy)
        return _Begun(erasure, names, effective_at)

    def _said(self, erasure: Erasure, who: Identifier, gone: Collection[Identifier]) -> list[Event]:
        """Give the events by which a part is in force: leaving a model, saying a no again."""
        folding, scope = self._engine.folding, erasure.scope
        whole = folding.graph.identifiers_of(who)
        now_ms = self._engine.clock()
        if scope.model:
            settings = self._engine.settings
            named = (erasure.request_id, scope.model, whole, settings)
            return [leaving(*named, at_ms=erasure.until_ms, recorded_at=now_ms)]
        if not scope.is_of_names:
            return []
        return said_again(
            erasure.request_id,
            [name for name in whole if name not in gone],
            at_ms=erasure.until_ms + 1,
            recorded_at=now_ms,
            record=folding.record_of(who),
            state=merge_states(self._engine.traits, folding.states_of(whole)),
        )

    def _let_go(
        self, erasure: Erasure, names: frozenset[Identifier], left: Sequence[Identifier]
    ) -> None:
        """Have memory let go of what is erased, in one step."""
        engine, live = self._engine, self._live
        if erasure.is_of_people:
            live.forget(names)
            naming = Naming(names, engine.rules)
            engine.folding.amend(left, partial(unmentioned, naming))
            return
        part = part_of(engine, erasure.scope, names)
        engine.folding.amend(sorted(names), partial(part.blanked, engine.traits))
        if part.reaches_decisions:
            live.forget_decisions(names)

    # Complete

    async def _complete(self, begun: _Begun) -> Certificate:
        async with self._completing:
            if not begun.erasure.is_of_people:
                return await self._retried(partial(self._remove_part, begun))
            stored = await self._retried(partial(self._remove_stored, begun.names))
            return await self._retried(partial(self._remove, begun, stored))

    async def _retried(self, act: Callable[[], Awaitable[R]]) -> R:
        """Do something again and again until it is done or the home stops."""
        while True:
            try:
                return await act()
            except (CustomeringError, OSError) as error:
                if self._stopping.is_set():
                    raise
                _logger.warning("an erasure is not complete and is tried again: %s", error)
                await self._pause(_AGAIN_SECONDS)

    async def _remove_stored(self, names: frozenset[Identifier]) -> list[StoreReport]:
        """Remove stored profiles and links; only once, for a new beginning is stored there too."""
        reports: list[StoreReport] = []

        def removed(counts: tuple[int, int]) -> None:
            self._engine.folding.forgotten(names)
            reports.extend(
                StoreReport(store=store, rows_deleted=rows)
                for store, rows in zip(("states", "links"), counts, strict=True)
            )

        path = self._engine.home.folder / STATE
        await self._live.keeping.change_stored(partial(erase_people, path, names), removed)
        return reports

    async def _remove(self, begun: _Begun, stored: Sequence[StoreReport]) -> Certificate:
        engine, live = self._engine, self._live
        erasure, names = begun.erasure, begun.names
        naming = Naming(names, engine.rules)
        done, log_report = await self._in_thread(
            partial(
                remove_from_log,
                stores_of(engine),
                erasure,
                naming,
                concerns(erasure),
                self._go_on,
            )
        )
        await self._in_thread(partial(let_in, engine))
        history = await live.in_thread(remove_from_history, stores_of(engine), done)
        await self._fold_again(touched_by(engine, done))
        beside = await self._in_thread(partial(remove_beside, engine, naming))
        return await self._certified(begun, [log_report, history, *stored, *beside])

    async def _remove_part(self, begun: _Begun) -> Certificate:
        """Remove a category or a time; who the person is stays."""
        engine, live = self._engine, self._live
        erasure, names = begun.erasure, begun.names
        await live.keeping.checkpoint()  # so that every link of the events before is stored
        links = await self._in_thread(partial(engine.state.touching, names))
        part = part_of(engine, erasure.scope, names, {link.evidence for link in links})
        stores = stores_of(engine)
        done, log_report = await self._in_thread(
            partial(remove_from_log, stores, erasure, part, concerns(erasure), self._go_on)
        )
        await self._in_thread(partial(let_in, engine))
        history = await live.in_thread(remove_from_history, stores, done)
        # Those that lost nothing too: they were blanked.
        await self._fold_again(sorted(names & {*done.leaving.values(), *self._known(names)}))
        beside = await self._in_thread(partial(remove_of_part, engine, part))
        return await self._certified(begun, [log_report, history, *beside])

    def _known(self, names: Collection[Identifier]) -> list[Identifier]:
        folding = self._engine.folding
        return [name for name in names if folding.states_of([name])]

    async def _fold_again(self, anchors: Sequence[Identifier]) -> None:
        """Fold anchors anew, and remove what is stored of those under which nothing is left."""
        empty = await self._live.keeping.fold_again(anchors)
        path = self._engine.home.folder / STATE
        await self._live.keeping.change_stored(
            partial(erase_states, path, empty),
            lambda rows: self._engine.folding.forgotten(empty),
        )

    async def _certified(self, begun: _Begun, reports: Sequence[StoreReport]) -> Certificate:
        """Store and overwrite what is left to, and sign what was done."""
        engine, erasure = self._engine, begun.erasure
        await self._live.keeping.checkpoint()
        busy = await self._scrubbed()
        left = await self._in_thread(partial(not_overwritten, engine.home.folder))
        certificate = certify(
            erasure,
            [*reports, *left],
            effective_at=begun.effective_at,
            completed_at=engine.clock(),
            still_read=busy,
            signer=engine.signer,
        )
        await self._in_thread(partial(engine.journal.finish, erasure.request_id, certificate.text))
        await self._in_thread(engine.keep_journal_copy)
        return certificate

    async def _scrubbed(self) -> list[str]:
        """Overwrite what files let go of; give those that somebody still reads after a while."""
        busy: list[str] = []
        for _ in range(_SCRUBS_MOST):
            again, busy = busy, []
            act = partial(scrub_all, self._engine.home.folder, again)
            await self._live.keeping.change_stored(act, busy.extend)
            if not busy or self._stopping.is_set():
                break
            await self._pause(_SCRUB_SECONDS)
        return busy

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise Unavailable(
                "the server stops", hint="the erasure goes on when it is started again"
            )

    async def _in_thread(self, act: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    async def _quickly(self, act: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._quick, act)

    def _ended(self, request_id: str, task: "asyncio.Task[Certificate]") -> None:
        self._running.pop(request_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            hint = error.hint if isinstance(error, CustomeringError) else ""
            _logger.error("the erasure %s is not complete: %s (%s)", request_id, error, hint)

    async def _stop(self) -> None:
        """Let the step under way end, and leave the rest to the next start."""
        self._stopping.set()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        self._thread.shutdown()
        self._quick.shutdown()
