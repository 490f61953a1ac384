"""The client for programs on an event loop: the same calls as `Client`, awaited."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import httpx

from customering.client import calls
from customering.client.blocking import no_answer
from customering.client.calls import Call, Event, Identifiers
from customering.client.errors import ClientError
from customering.client.model import (
    Asked,
    Decision,
    Explanation,
    OutcomeName,
    Person,
    Pushed,
    Report,
    TimelineEvent,
)

T = TypeVar("T")


class AsyncClient:
    """Talks to one server; any number of calls at the same time.

    Parameters
    ----------
    url
        Where it is, such as ``https://data.example.org``.
    key
        A secret or server key, or a subject token.
    retries
        How often a call is sent again after no answer, 429 or 5xx. Events and outcomes carry ids,
        so that they count once.
    timeout_s
        Seconds to wait for an answer.
    transport
        Of httpx, in place of the network.

    Examples
    --------
    ::

        async with AsyncClient("http://127.0.0.1:8000", key) as shop:
            await shop.track("Product Viewed", user_id="ada")
            decision = await shop.decide("home", {"user_id": "ada"}, n=3)
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retries: int = 5,
        timeout_s: float = 10.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
            timeout=timeout_s,
            transport=transport,
        )
        self._retries = retries
        self._sleep = asyncio.sleep

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # Events

    async def track(
        self, name: str, *, properties: Mapping[str, Any] | None = None, **who: Any
    ) -> str:
        """Tell that something happened, and give its message id; durable when this returns.

        Parameters
        ----------
        name
            What happened, such as ``Order Completed``.
        properties
            What is told about it.
        who
            Who and when: ``user_id``, ``anonymous_id``, ``identifiers``, ``at``, ``message_id``,
            ``context``, as in `calls.event`.
        """
        return await self.send(calls.event("track", event=name, properties=properties, **who))

    async def identify(self, traits: Mapping[str, Any] | None = None, **who: Any) -> str:
        """Tell what a person declared about themselves."""
        return await self.send(calls.event("identify", traits=traits, **who))

    async def page(
        self, name: str = "", *, properties: Mapping[str, Any] | None = None, **who: Any
    ) -> str:
        """Tell that a page was looked at."""
        return await self.send(calls.event("page", name=name, properties=properties, **who))

    async def screen(
        self, name: str = "", *, properties: Mapping[str, Any] | None = None, **who: Any
    ) -> str:
        """Tell that a screen of an app was looked at."""
        return await self.send(calls.event("screen", name=name, properties=properties, **who))

    async def group(
        self, group_id: str, traits: Mapping[str, Any] | None = None, **who: Any
    ) -> str:
        """Tell that a person belongs to a group, such as a company."""
        return await self.send(calls.event("group", groupId=group_id, traits=traits, **who))

    async def alias(self, previous_id: str, **who: Any) -> str:
        """Tell that two ids mean one person."""
        return await self.send(calls.event("alias", previousId=previous_id, **who))

    async def send(self, event: Event) -> str:
        """Send one event made by `calls.event`, and give its message id."""
        await self._do(Call("POST", f"/v1/{event['type']}", event, dict[str, Any]))
        message_id: str = event["messageId"]
        return message_id

    async def batch(self, events: Iterable[Event]) -> int:
        """Send many events, in as many calls as are needed, and give how many were sent.

        What the server sets aside (an event that is wrong in itself) is not an error here.
        """
        sent = 0
        for call in calls.batches(events):
            await self._do(call)
            sent += len(call.body["batch"])
        return sent

    # Decisions

    async def decide(
        self,
        placement: str,
        identifiers: Identifiers | None = None,
        *,
        n: int = 1,
        context: Mapping[str, Any] | None = None,
        mode: Literal["decide", "preview"] = "decide",
        channel: str = "",
    ) -> Decision:
        """Ask what to do for a person at a place.

        Parameters
        ----------
        placement
            The place, such as ``home``.
        identifiers
            Names of the person by type; left out with a subject token.
        n
            How many actions fit.
        context
            The circumstances, such as the page.
        mode
            ``preview`` keeps nothing.
        channel
            By which the person would be reached; empty where they already are.
        """
        asked = Asked(
            placement=placement,
            identifiers=identifiers or {},
            context=dict(context or {}),
            n=n,
            mode=mode,
            channel=channel,
        )
        return await self._do(calls.decide(asked))

    async def decide_batch(self, asked: Sequence[Asked]) -> list[Decision | ClientError]:
        """Ask up to 100 questions; each becomes a decision or an error of its own, in order."""
        return calls.decisions_in(await self._do(calls.decide_batch(asked)))

    async def outcome(
        self,
        decision_id: str,
        outcome: OutcomeName,
        *,
        action_id: str = "",
        because: str = "",
        revenue: float | str | None = None,
        currency: str = "",
        at: datetime | str | None = None,
        message_id: str = "",
    ) -> str:
        """Tell what came of a decision, and give the id of the event that keeps it."""
        report = Report(
            decision_id=decision_id,
            outcome=outcome,
            action_id=action_id,
            because=because,
            revenue=revenue,
            currency=currency,
            at=None if at is None else calls.instant(at),
            message_id=message_id,
        )
        return (await self._do(calls.outcome(report))).event_id

    async def outcomes(self, reports: Sequence[Report]) -> list[str | ClientError]:
        """Tell what came of up to 100 decisions; each becomes an id or an error of its own."""
        return calls.ids_in(await self._do(calls.outcomes(reports)))

    async def decision(self, decision_id: str) -> Explanation:
        """Read one decision whole: every candidate with its fate, and what came of it."""
        return await self._do(calls.explanation(decision_id))

    # People

    async def person(self, name: str) -> Person:
        """Read one person, named by ``type:value`` or by their id."""
        return await self._do(calls.person(name))

    async def timeline(self, name: str, *, page_events: int = 100) -> AsyncIterator[TimelineEvent]:
        """Give what happened to one person, newest first, a page of events at a time."""
        cursor: str | None = None
        while True:
            page = await self._do(calls.timeline(name, page_events, cursor))
            for event in page.events:
                yield event
            cursor = page.next
            if cursor is None:
                return

    async def stream(
        self,
        identifiers: Identifiers | None = None,
        placement: str = "",
        *,
        n: int = 1,
        last_id: str = "",
    ) -> AsyncIterator[Pushed]:
        """Give decisions and changes of a profile as they happen, until the server ends it.

        Parameters
        ----------
        last_id
            The id of the last message that was seen, when this goes on from an earlier stream.

        Raises
        ------
        NoAnswer
            When the connection is lost; begin again with `last_id`.
        """
        body = {"identifiers": identifiers or {}, "placement": placement, "n": n}
        headers = {"last-event-id": last_id} if last_id else {}
        timeout = httpx.Timeout(self._http.timeout.connect, read=60.0)
        messages = calls.Messages()
        try:
            async with self._http.stream(
                "POST", "/v1/live", json=body, headers=headers, timeout=timeout
            ) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise calls.failed(answer.status_code, await answer.aread())
                async for line in answer.aiter_lines():
                    message = messages.take(line)
                    if message is not None:
                        yield message
        except httpx.TransportError as error:
            raise no_answer(error) from error

    async def _do(self, call: Call[T]) -> T:
        """Send a call, again and again while that may help, and read the answer."""
        content = call.content
        attempt = 0
        while True:
            attempt += 1
            told = None
            try:
                answer = await self._http.request(call.method, call.path, content=content)
            except httpx.TransportError as error:
                if attempt > self._retries:
                    raise no_answer(error) from error
            else:
                if answer.is_success:
                    return call.read(answer.content)
                if attempt > self._retries or not calls.should_retry(answer.status_code):
                    raise calls.failed(answer.status_code, answer.content)
                told = answer.headers.get("retry-after")
            await self._sleep(calls.wait_before(attempt, told))
