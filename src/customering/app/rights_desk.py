"""Where people's rights are exercised in a running home: by themselves, by operators, by agents.

Every door and every page comes here, so that each request is the same row with the same clock, and
each look at a person is in the trail.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO, TypeVar

from customering.app.engine import Engine
from customering.app.erasing_live import LiveErasing
from customering.app.live import Live
from customering.app.portable import Subset, write_takeout
from customering.app.rights_acts import OPERATOR as OPERATOR
from customering.app.rights_acts import PERSON as PERSON
from customering.app.rights_acts import wish_of
from customering.consent.rights import Act, Again, Look, Reminder, Request, moved, opened, reminder
from customering.kernel.errors import CustomeringError, NoSuchPerson
from customering.kernel.ids import Identifier, stable_id
from customering.stores.erasing_journal import Erasure
from customering.stores.rights import AuditVerdict

_logger = logging.getLogger("customering.rights")

R = TypeVar("R")


def desk_of(live: Live) -> "RightsDesk":
    """Give the one desk of a running home; called in the thread of its event loop."""
    desk = _desks.get(live)
    if desk is None:
        desk = _desks[live] = RightsDesk(live)
    return desk


_desks: dict[Live, "RightsDesk"] = {}  # each until its home stops


def finish_requests(engine: Engine) -> None:
    """Note of requests to erase that they are fulfilled, where a start completed the erasure."""
    complete = {one.request_id for one in engine.journal.erasures()}
    complete -= {erasure.request_id for erasure, _ in engine.journal.pending()}
    for request in engine.rights.requests():
        if request.request_id in complete and not request.has_ended:
            done = moved(request, "fulfil", now_ms=engine.clock(), actor=OPERATOR)
            engine.rights.put(done)


class RightsDesk:
    """The desk of one running home; called in the thread of its event loop.

    Parameters
    ----------
    live
        The home.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._engine = live.engine
        self.erasing = LiveErasing(live)
        self._store = live.engine.rights
        self._looks: list[tuple[str, Look]] = []
        self._noting: asyncio.Task[None] | None = None
        self._waiting: set[asyncio.Task[None]] = set()
        self._closers: list[Callable[[], None]] = []
        live.before_stopping(self._stop)
        finish_requests(live.engine)

    # Erasing

    async def erase(
        self, who: Identifier, *, actor: str, again: Again = "new", request_id: str = ""
    ) -> Erasure:
        """Erase a person; in force when this returns, complete soon after.

        Parameters
        ----------
        who
            One of their identifiers.
        actor
            Who asks: `PERSON`, or a key by its id.
        again
            What later events of the same identifiers are.
        request_id
            The request this answers; a new one is made when it is empty.

        Raises
        ------
        NoSuchPerson
            When nothing is known under this identifier.
        """
        self._live.person(who)
        subjects = self._subjects(who)
        if request_id:
            request, _ = await self.in_thread(partial(self._store.get, request_id))
        else:
            request = opened(
                stable_id("req", subjects[0], "erase", str(self._now)),
                "erase",
                now_ms=self._now,
                actor=actor,
                details={"later_events": again},
                subjects=subjects,
            )
        request = moved(request, "begin", now_ms=self._now, actor=actor)
        await self.in_thread(partial(self._store.put, request))
        erasure = await self.erasing.erase(who, again, request_id=request.request_id)
        await self.note_look(subjects[0], actor, "erase")
        task = asyncio.create_task(self._fulfil_erasure(request.request_id, actor))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return erasure

    async def _fulfil_erasure(self, request_id: str, actor: str) -> None:
        try:
            await self.erasing.finished(request_id)
        except CustomeringError as error:
            _logger.warning("an erasure is not complete: %s (%s)", error.message, error.hint)
            return
        # Read again: what was said in it is erased by now.
        request, _ = await self.in_thread(partial(self._store.get, request_id))
        done = moved(request, "fulfil", now_ms=self._now, actor=actor)
        await self.in_thread(partial(self._store.put, done))

    async def certificate(self, request_id: str) -> bytes:
        """Wait until an erasure is complete, and give its certificate as JSON.

        Raises
        ------
        Absent
            When there is no such erasure.
        """
        return await self.erasing.finished(request_id)

    # Taking along

    async def takeout(
        self, who: Identifier, *, actor: str, out: BinaryIO, subset: Subset = "all"
    ) -> None:
        """Write everything of a person into a file as a ZIP.

        Parameters
        ----------
        out
            A file opened for writing; a temporary one, from which it is then sent on.
        subset
            ``all`` for full access; ``portable`` for what they provided and what was observed.

        Raises
        ------
        NoSuchPerson
            When nothing is known under this identifier.
        """
        person = self._live.person(who)
        await self._live.append([])  # what was decided just now is in it too
        subjects = self._subjects(who)
        beside: dict[str, Sequence[Any]] = {
            "requests": await self.in_thread(partial(self._store.requests, subjects)),
            "looks": await self.in_thread(partial(self._store.looks, subjects, 10_000)),
        }
        graph = self._engine.folding.graph
        links = graph.tree_of(who)
        await self._live.in_thread(
            write_takeout, self._engine, person, links, out, subset=subset, beside=beside
        )
        await self.note_look(subjects[0], actor, "export", subset)

    # Requests

    async def open_request(
        self,
        who: Identifier,
        kind: str,
        *,
        actor: str,
        words: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> Request:
        """Keep a request durably; its clock runs from now.

        Raises
        ------
        Invalid
            When there is no such kind.
        NoSuchPerson
            When nothing is known under this identifier.
        """
        self._live.person(who)
        subjects = self._subjects(who)
        request = opened(
            stable_id("req", subjects[0], kind, str(self._now), words),
            kind,
            now_ms=self._now,
            actor=actor,
            words=words,
            details=dict(details or {}),
            subjects=subjects,
        )
        await self.in_thread(partial(self._store.put, request, who))
        return request

    async def request(self, request_id: str) -> Request:
        """Give one request.

        Raises
        ------
        Absent
            When there is none of this id.
        """
        found, _ = await self.in_thread(partial(self._store.get, request_id))
        return found

    async def requests(self) -> list[Request]:
        """Give everybody's requests, the latest first."""
        return await self.in_thread(partial(self._store.requests, None))

    async def requests_of(self, who: Identifier) -> list[Request]:
        """Give the requests of one person, the latest first; also of one who was erased."""
        return await self.in_thread(partial(self._store.requests, self._subjects(who)))

    async def reminders(self) -> list[Reminder]:
        """Give the requests whose answer is due soon or overdue, the most urgent first."""
        settings = self._engine.settings.rights
        found = (reminder(one, settings, self._now) for one in await self.requests())
        return sorted(filter(None, found), key=lambda one: one.days_left)

    async def act(
        self, request_id: str, act: Act, *, actor: str, reason: str = "", words: str = ""
    ) -> Request:
        """Do something about a request; what fulfilling it means for the person is done here.

        Raises
        ------
        Absent
            When there is none of this id.
        Refused, Invalid
            When that cannot be done about it.
        """
        request, who = await self.in_thread(partial(self._store.get, request_id))
        done = moved(request, act, now_ms=self._now, actor=actor, reason=reason, words=words)
        if act == "fulfil":
            if who is None:
                raise NoSuchPerson("who asked is not known any more", hint="deny it: no_match")
            name = Identifier(who)
            if request.kind == "erase":
                await self.erase(name, actor=actor, request_id=request_id)
                return await self.request(request_id)
            await self._carry_out(request, name)
        await self.in_thread(partial(self._store.put, done))
        return done

    async def _carry_out(self, request: Request, who: Identifier) -> None:
        """Append the event by which a request takes effect, for the kinds that have one."""
        wish = wish_of(request, self._live.person(who), self._engine.consent)
        if wish is None:
            return
        event = self._engine.own_event(
            wish.name,
            wish.identifiers,
            wish.properties,
            event_id=stable_id("evt", request.request_id, wish.name),
            occurred_at=self._live.present,
        )
        await self._live.append([event])

    # Who looked

    async def note_look(self, who: str, actor: str, act: str, words: str = "") -> None:
        """Note in the trail what somebody does with what is known of a person.

        It is durable when this returns; looks that come at once share one commit.

        Parameters
        ----------
        who
            An identifier, or the keyed hash of one.
        """
        subject = who if ":" not in who else self.hash_of(Identifier(who))
        self._looks.append((subject, Look(at_ms=self._now, actor=actor, act=act, words=words)))
        if self._noting is None or self._noting.done():
            self._noting = asyncio.create_task(self._write_looks())
        noting = self._noting
        await asyncio.shield(noting)
        if self._looks:  # came while those before were written
            await self._write_looks()

    async def _write_looks(self) -> None:
        looks, self._looks = self._looks, []
        if looks:
            await self.in_thread(partial(self._store.note, looks))

    async def looks_at(self, who: Identifier, limit: int = 100) -> list[Look]:
        """Give who looked at a person, the latest first."""
        return await self.in_thread(partial(self._store.looks, self._subjects(who), limit))

    async def verify(self) -> AuditVerdict:
        """Check the trail."""
        return await self.in_thread(self._store.verify)

    # Beside

    @property
    def _now(self) -> int:
        return self._engine.clock()

    def check_known(self, who: Identifier) -> None:
        """Refuse an identifier of which nothing is known.

        Raises
        ------
        NoSuchPerson
            When nothing is.
        """
        self._live.person(who)

    async def keep(self, request: Request, who: Identifier | None) -> None:
        """Keep a request that was made elsewhere; its clock runs already."""
        await self.in_thread(partial(self._store.put, request, who))

    def hash_of(self, who: Identifier) -> str:
        """Give the keyed hash by which an identifier is known here, in hexadecimal."""
        return self._engine.journal.hash_of(who).hex()

    def _subjects(self, who: Identifier) -> tuple[str, ...]:
        """Give the keyed hashes of a person's identifiers, that of `who` first."""
        names = self._engine.folding.graph.identifiers_of(who)
        return tuple(dict.fromkeys(map(self.hash_of, (who, *names))))

    def when_stopping(self, close: Callable[[], None]) -> None:
        """Have something closed when the home stops."""
        self._closers.append(close)

    async def in_thread(self, act: Callable[[], R]) -> R:
        """Do something short that reads or writes the file of the rights."""
        return await asyncio.get_running_loop().run_in_executor(None, act)

    async def _stop(self) -> None:
        _desks.pop(self._live, None)
        await asyncio.gather(*self._waiting, return_exceptions=True)
        for close in self._closers:
            close()
