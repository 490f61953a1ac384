"""The client that waits for each answer."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import httpx

from customering.client import calls
from customering.client.calls import Call, Event, Identifiers
from customering.client.errors import ClientError, NoAnswer
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


class Client:
    """Talks to one server; for one thread at a time.

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

        with Client("http://127.0.0.1:8000", key) as shop:
            shop.track("Product Viewed", user_id="ada", properties={"product_id": "bread"})
            decision = shop.decide("home", {"user_id": "ada"}, n=3)
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retries: int = 5,
        timeout_s: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
            timeout=timeout_s,
            transport=transport,
        )
        self._retries = retries
        self._sleep = time.sleep

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Events

    def track(self, name: str, *, properties: Mapping[str, Any] | None = None, **who: Any) -> str:
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
        return self.send(calls.event("track", event=name, properties=properties, **who))

    def identify(self, traits: Mapping[str, Any] | None = None, **who: Any) -> str:
        """Tell what a person declared about themselves."""
        return self.send(calls.event("identify", traits=traits, **who))

    def page(
        self, name: str = "", *, properties: Mapping[str, Any] | None = None, **who: Any
    ) -> str:
        """Tell that a page was looked at."""
        return self.send(calls.event("page", name=name, properties=properties, **who))

    def screen(
        self, name: str = "", *, properties: Mapping[str, Any] | None = None, **who: Any
    ) -> str:
        """Tell that a screen of an app was looked at."""
        return self.send(calls.event("screen", name=name, properties=properties, **who))

    def group(self, group_id: str, traits: Mapping[str, Any] | None = None, **who: Any) -> str:
        """Tell that a person belongs to a group, such as a company."""
        return self.send(calls.event("group", groupId=group_id, traits=traits, **who))

    def alias(self, previous_id: str, **who: Any) -> str:
        """Tell that two ids mean one person."""
        return self.send(calls.event("alias", previousId=previous_id, **who))

    def send(self, event: Event) -> str:
        """Send one event made by `calls.event`, and give its message id."""
        self._do(Call("POST", f"/v1/{event['type']}", event, dict[str, Any]))
        message_id: str = event["messageId"]
        return message_id

    def batch(self, events: Iterable[Event]) -> int:
        """Send many events, in as many calls as are needed, and give how many were sent.

        What the server sets aside (an event that is wrong in itself) is not an error here.
        """
        sent = 0
        for call in calls.batches(events):
            self._do(call)
            sent += len(call.body["batch"])
        return sent

    # Decisions

    def decide(
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
        return self._do(calls.decide(asked))

    def decide_batch(self, asked: Sequence[Asked]) -> list[Decision | ClientError]:
        """Ask up to 100 questions; each becomes a decision or an error of its own, in order."""
        return calls.decisions_in(self._do(calls.decide_batch(asked)))

    def outcome(
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
        return self._do(calls.outcome(report)).event_id

    def outcomes(self, reports: Sequence[Report]) -> list[str | ClientError]:
        """Tell what came of up to 100 decisions; each becomes an id or an error of its own."""
        return calls.ids_in(self._do(calls.outcomes(reports)))

    def decision(self, decision_id: str) -> Explanation:
        """Read one decision whole: every candidate with its fate, and what came of it."""
        return self._do(calls.explanation(decision_id))

    # People

    def person(self, name: str) -> Person:
        """Read one person, named by ``type:value`` or by their id."""
        return self._do(calls.person(name))

    def timeline(self, name: str, *, page_events: int = 100) -> Iterator[TimelineEvent]:
        """Give what happened to one person, newest first, a page of events at a time."""
        cursor: str | None = None
        while True:
            page = self._do(calls.timeline(name, page_events, cursor))
            yield from page.events
            cursor = page.next
            if cursor is None:
                return

    def stream(
        self,
        identifiers: Identifiers | None = None,
        placement: str = "",
        *,
        n: int = 1,
        last_id: str = "",
    ) -> Iterator[Pushed]:
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
            with self._http.stream(
                "POST", "/v1/live", json=body, headers=headers, timeout=timeout
            ) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise calls.failed(answer.status_code, answer.read())
                for line in answer.iter_lines():
                    message = messages.take(line)
                    if message is not None:
                        yield message
        except httpx.TransportError as error:
            raise no_answer(error) from error

    def _do(self, call: Call[T]) -> T:
        """Send a call, again and again while that may help, and read the answer."""
        content = call.content
        attempt = 0
        while True:
            attempt += 1
            told = None
            try:
                answer = self._http.request(call.method, call.path, content=content)
            except httpx.TransportError as error:
                if attempt > self._retries:
                    raise no_answer(error) from error
            else:
                if answer.is_success:
                    return call.read(answer.content)
                if attempt > self._retries or not calls.should_retry(answer.status_code):
                    raise calls.failed(answer.status_code, answer.content)
                told = answer.headers.get("retry-after")
            self._sleep(calls.wait_before(attempt, told))


def no_answer(error: httpx.TransportError) -> NoAnswer:
    """Give the error for a server that did not answer."""
    return NoAnswer(
        f"the server did not answer: {type(error).__name__}",
        hint="check the address, and that `customering serve` is running",
    )
