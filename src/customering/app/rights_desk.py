"""Where people's rights are exercised in a running home: by themselves, by operators, by agents.

Every door and every page comes here, so that each request is the same row with the same clock, and
each look at a person is in the trail.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO, TypeVar

from customering.app.erasing_live import LiveErasing
from customering.app.erasing_part import names_meant
from customering.app.erasing_waiting import finish_requests
from customering.app.live import Live
from customering.app.portable import Subset, write_takeout
from customering.app.rights_acts import OPERATOR as OPERATOR
from customering.app.rights_acts import PERSON as PERSON
from customering.app.rights_acts import erasing_details, wish_of
from customering.app.rights_courier import Courier
from customering.app.rights_telling import Telling
from customering.app.rights_trail import Trail
from customering.consent.rights import (
    Act,
    Again,
    Look,
    Reminder,
    Request,
    due,
    moved,
    opened,
    reminding,
)
from customering.consent.rights_scope import EVERYTHING, Scope, check_part
from customering.consent.rights_told import Told
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import CustomeringError, NoSuchPerson
from customering.kernel.ids import Identifier, stable_id
from customering.stores.erasing_journal import Erasure
from customering.stores.rights import AuditVerdict

_logger = logging.getLogger("customering.rights")

R = TypeVar("R")
Give = Callable[[tuple[Identifier, ...]], Sequence[Any]]
"""Gives a list of what is kept of somebody, by their identifiers."""


def desk_of(live: Live) -> "RightsDesk":
    """Give the one desk of a running home; called in the thread of its event loop."""
    desk = _desks.get(live)
    if desk is None:
        desk = _desks[live] = RightsDesk(live)
    return desk


_desks: dict[Live, "RightsDesk"] = {}  # each until its home stops


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
        self._trail = Trail(live.engine.rights)
        self._waiting: set[asyncio.Task[None]] = set()
        self._closers: list[Callable[[], None]] = []
        self.telling = Telling(live.engine)
        self._courier = Courier(self.telling, live.engine.clock, self._once_a_minute)
        self._reminded_day = -1
        self._also: dict[str, tuple[str, Give]] = {}
        live.before_stopping(self._stop)
        finish_requests(live.engine)
        self._courier.wake()  # what was still to be told when the home stopped

    def _once_a_minute(self) -> None:
        """Write down what was done with many, and once a day say which answers are due."""
        self._engine.uses.write()
        today = self._now // MS_PER_DAY
        if today == self._reminded_day:
            return
        self._reminded_day = today
        settings = self._engine.settings.rights
        for words in reminding(self._store.requests(), settings, self._now):
            _logger.warning("%s", words)

    # Erasing

    async def erase(
        self,
        who: Identifier,
        *,
        actor: str,
        again: Again = "new",
        request_id: str = "",
        scope: Scope = EVERYTHING,
    ) -> Erasure:
        """Erase a person, or a part of them; in force when this returns, complete soon after.

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
        scope
            What is erased; a request that is answered says it itself.

        Raises
        ------
        NoSuchPerson
            When nothing is known under this identifier.
        Invalid, Refused
            When that part cannot be erased.
        """
        person = self._live.person(who)
        subjects = self._subjects(who)
        if request_id:
            request, _ = await self.in_thread(partial(self._store.get, request_id))
            scope = request.scope
        else:
            request = opened(
                stable_id("req", subjects[0], "erase", *scope.told().values(), str(self._now)),
                "erase",
                now_ms=self._now,
                actor=actor,
                details=erasing_details(scope, again),
                subjects=subjects,
            )
        check_part(scope, again)
        names_meant(scope, person.identifiers)
        request = moved(request, "begin", now_ms=self._now, actor=actor)
        await self._put(request)
        names = names_meant(scope, person.identifiers)
        if scope.is_everything or scope.is_of_names:
            await self.in_thread(partial(self.telling.note, request.request_id, "erasure", names))
        erasing = self.erasing.erase(who, again, request_id=request.request_id, scope=scope)
        try:
            erasure = await erasing
        except BaseException:
            await self.in_thread(partial(self.telling.take_back, request.request_id))
            raise
        self._courier.wake()
        words = "" if scope.is_everything else scope.words
        await self.note_look(subjects[0], actor, "erase", words)
        if scope.model:  # complete when models were fitted anew: `models_fitted`
            return erasure
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
        await self.in_thread(partial(self.telling.certify_anew, request_id))
        request, _ = await self.in_thread(partial(self._store.get, request_id))
        await self._put(moved(request, "fulfil", now_ms=self._now, actor=actor))

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
        for name, (_, give) in self._also.items():
            beside[name] = await self.in_thread(partial(give, person.identifiers))
        graph = self._engine.folding.graph
        links = graph.tree_of(who)
        await self._live.in_thread(
            write_takeout,
            self._engine,
            person,
            links,
            out,
            subset=subset,
            beside=beside,
            words={name: words for name, (words, _) in self._also.items()},
        )
        await self.note_look(subjects[0], actor, "export", subset)

    def take_along_also(self, name: str, words: str, give: Give) -> None:
        """Have a further list of each person put into what they take along.

        Parameters
        ----------
        name
            Of the list and its file; one registered before under it is replaced.
        words
            What it is, as the person reads it.
        give
            Gives the list of somebody by their identifiers; called in a thread.
        """
        self._also[name] = (words, give)

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
        return due(await self.requests(), self._engine.settings.rights, self._now)

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
        if request.kind == "access" and act in ("begin", "fulfil") and who is not None:
            names = self._engine.folding.graph.identifiers_of(Identifier(who))
            await self.in_thread(partial(self.telling.note, request_id, "access", names))
            self._courier.wake()
        await self._put(done)
        return done

    async def _put(self, request: Request) -> None:
        """Keep a request as it is now, and have an agent told that wants to hear of it."""
        await self.in_thread(partial(self._store.put, request))
        if await self.in_thread(partial(self.telling.changed, request.request_id)):
            self._courier.wake()

    # Whom we told

    async def told_of(self, request_id: str) -> list[Told]:
        """Give the processors that were told of a request, and how far each is."""
        return await self.in_thread(partial(self.telling.store.of, request_id))

    async def take_callback(self, headers: Mapping[str, str], body: bytes) -> Told:
        """Take what a processor tells us by itself.

        Raises
        ------
        Refused, Invalid, Absent
            When it is not signed, not what the protocol says, or about nothing known here.
        """
        return await self.in_thread(partial(self.telling.take_callback, headers, body))

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
        """Note in the trail what somebody does with what is known of a person; durable then.

        Parameters
        ----------
        who
            An identifier, or the keyed hash of one.
        """
        subject = who if ":" not in who else self.hash_of(Identifier(who))
        await self._trail.note(subject, Look(at_ms=self._now, actor=actor, act=act, words=words))

    async def looks_at(self, who: Identifier, limit: int = 100) -> list[Look]:
        """Give who looked at a person, the latest first."""
        return await self.in_thread(partial(self._store.looks, self._subjects(who), limit))

    async def acts_on_many(
        self, who: Identifier, limit: int = 100
    ) -> list[tuple[Look, bool | None]]:
        """Give the acts on many people's data, the latest first.

        Returns
        -------
        list of tuple
            Each act, and whether this person was among those it reached; None where that was not
            kept, because it reached too many.
        """
        return await self.in_thread(partial(self._store.looks_at_many, self._subjects(who), limit))

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
        await self._courier.stop()
        self.telling.close()
        for close in self._closers:
            close()
