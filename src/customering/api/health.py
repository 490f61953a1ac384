"""Whether the server lives, whether it can serve, and what it counts."""

import re
import shutil
from ipaddress import ip_address

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import generate_latest

from customering.api.reception import Reception, answered
from customering.web.problems import AnyRequest

_PROMETHEUS_TEXT = "text/plain; version=0.0.4"
_SIGNS_OF_OTHERS = ("authorization", "x-forwarded-for", "forwarded", "via", "origin")
_LOCAL_HOST = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")
_FREE_BYTES_MIN = 50_000_000


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """That the process lives.

    Parameters
    ----------
    status
        Always ``ok``: who does not live does not answer.
    """

    status: str = "ok"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether events can be taken.

    Parameters
    ----------
    ready
        Whether they can.
    reasons
        Why not; empty when they can.
    events_waiting
        Events that are not durable yet.
    checkpoint_lag_events
        Events that a start would fold again.
    """

    ready: bool
    reasons: tuple[str, ...]
    events_waiting: int
    checkpoint_lag_events: int


@get("/v1/health")
async def health() -> Response[bytes]:
    """Say that the process lives; asks nothing of the home."""
    return answered(Health())


@get("/v1/ready")
async def ready(reception: NamedDependency[Reception]) -> Response[bytes]:
    """Say whether events can be taken; 503 when not, for whoever spreads the load."""
    live = reception.live
    reasons = []
    if live.stopping.is_set():
        reasons.append("the server stops")
    if live.waiting_events >= live.settings.queued_events_max:
        reasons.append("too many events wait to be written")
    if shutil.disk_usage(reception.engine.home.folder).free < _FREE_BYTES_MIN:
        reasons.append("the disk is full")
    told = Readiness(
        ready=not reasons,
        reasons=tuple(reasons),
        events_waiting=live.waiting_events,
        checkpoint_lag_events=_lag(reception),
    )
    return answered(told, status=503 if reasons else 200)


@get("/metrics")
async def metrics(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Give everything that is counted, for Prometheus."""
    if not _is_from_here(request, reception):
        reception.caller(request, "metrics")
    figures, live = reception.entrance.figures, reception.live
    figures.waiting.set(live.waiting_events)
    figures.behind.set(_lag(reception))
    figures.log_end.set(reception.engine.folding.offset)
    for kind, number in reception.engine.collecting.not_kept.items():
        figures.not_recorded.labels(kind).set(number)
    return Response(generate_latest(figures.registry), media_type=_PROMETHEUS_TEXT, status_code=200)


handlers = [health, ready, metrics]


def _lag(reception: Reception) -> int:
    folding = reception.engine.folding
    return folding.offset - folding.stored


def _is_from_here(request: AnyRequest, reception: Reception) -> bool:
    """Tell whether a request without a key comes from this machine and through no proxy."""
    headers = request.headers
    if any(name in headers for name in _SIGNS_OF_OTHERS):
        return False
    if not _LOCAL_HOST.fullmatch(headers.get("host", "localhost")):
        return False
    try:
        return ip_address(reception.address_of(request)).is_loopback
    except ValueError:
        return False
