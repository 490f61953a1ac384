"""The page at ``/``: what is running here, and how to begin. No personal data, no keys."""

import re
from importlib.metadata import version

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from customering.api.pages import Html, filled, page
from customering.api.reception import Reception, answered, query_of
from customering.kernel.clock import format_instant
from customering.kernel.errors import Invalid
from customering.web.problems import AnyRequest

_COUNTED_MS = 30_000
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_FIGURE = "<div><dt>$label</dt><dd>$value</dd></div>"
_REFUSED = (
    '<h2>Refused</h2><div class="wide"><table><thead><tr><th scope="col">Reason</th>'
    '<th scope="col">Requests</th></tr></thead><tbody>$rows</tbody></table></div>'
)
_ROW = '<tr><td>$reason</td><td class="number">$requests</td></tr>'


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What is running.

    Parameters
    ----------
    version
        Of customering.
    since
        When the server was started. ISO 8601.
    events
        Events in the log.
    profiles
        Profiles stored: one for each identifier that events are filed under. Those of one person
        are read as one. At most half a minute old.
    decisions
        Decisions made since the start.
    events_waiting
        Events that are not durable yet.
    quarantined
        Payloads set aside since the start.
    refused
        Requests refused since the start, by reason.
    """

    version: str
    since: str
    events: int
    profiles: int
    decisions: int
    events_waiting: int
    quarantined: int
    refused: dict[str, int]


class Front:
    """What the page tells.

    Parameters
    ----------
    reception
        What the doors share.
    """

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._since = reception.engine.clock()
        self._version = version("customering")
        self._profiles = 0
        self._counted_at: int | None = None

    async def running(self) -> Running:
        """Tell what is running."""
        live, engine = self._reception.live, self._reception.engine
        now_ms = engine.clock()
        if self._counted_at is None or now_ms - self._counted_at >= _COUNTED_MS:
            self._counted_at = now_ms
            self._profiles = len(await live.in_thread(engine.state.anchors))
        figures = self._reception.entrance.figures
        return Running(
            version=self._version,
            since=format_instant(self._since),
            events=engine.folding.offset,
            profiles=self._profiles,
            decisions=live.decisions,
            events_waiting=live.waiting_events,
            quarantined=sum(_counts(figures.quarantined).values()),
            refused=_counts(figures.refused),
        )

    def address(self, request: AnyRequest) -> str:
        """Give how the reader reaches this server."""
        public = self._reception.live.settings.public_url
        if public:
            return public
        host = request.headers.get("host", "")
        scheme: str = request.scope["scheme"]
        return f"{scheme}://{host if _HOST.fullmatch(host) else 'localhost:8000'}"


@get("/")
async def front(
    request: AnyRequest, reception: NamedDependency[Reception], front_page: NamedDependency[Front]
) -> Response[bytes]:
    """Say what is running: a page for people, JSON for programs that ask for it."""
    form = query_of(request, ("format",)).get("format")
    if form not in (None, "json", "html"):
        raise Invalid("there is no such form - at `?format`", hint="send format=json")
    told = await front_page.running()
    accepted = request.headers.get("accept", "")
    wants_json = "application/json" in accepted and "text/html" not in accepted
    if form == "json" or (form is None and wants_json):
        return answered(told, headers={"vary": "accept"})
    rows = [
        filled(_ROW, reason=reason.replace("_", " "), requests=f"{requests:,}")
        for reason, requests in sorted(told.refused.items())
    ]
    is_stopping = reception.live.stopping.is_set()
    return page(
        "front",
        version=told.version,
        since=told.since,
        since_words=told.since[:16].replace("T", " ") + " UTC",
        ready="It is being stopped." if is_stopping else "Events are taken, decisions are made.",
        address=front_page.address(request),
        figures=_figures(told),
        refused=filled(_REFUSED, rows=Html("".join(rows))) if rows else "",
    )


handlers = [front]


def _figures(told: Running) -> Html:
    figures = {
        "Events": told.events,
        "Profiles": told.profiles,
        "Decisions": told.decisions,
        "Waiting": told.events_waiting,
        "Set aside": told.quarantined,
    }
    return Html("".join(filled(_FIGURE, label=name, value=f"{n:,}") for name, n in figures.items()))


def _counts(counter: object) -> dict[str, int]:
    """Give what a counter with one label counted, by the label."""
    return {
        next(iter(sample.labels.values())): int(sample.value)
        for family in counter.collect()  # type: ignore[attr-defined]
        for sample in family.samples
        if sample.name.endswith("_total")
    }
