"""Cross-origin requests: what a browser must hear before, and beside, an answer.

References
----------
WHATWG, "Fetch Standard", section 3.2 "CORS protocol".
"""

from collections.abc import Mapping

from customering.web.answers import Headers, Send

_MAX_AGE_SECONDS = 86_400
_ALLOWED_HEADERS = (
    # Segment; without x-retry-count a browser's first repetition dies before it is sent.
    "authorization, content-type, content-encoding, x-retry-count"
    # Jitsu and RudderStack.
    ", x-write-key, anonymousid, sentat, rsa-retry-attempt, rsa-since-last-attempt"
    ", rsa-since-first-attempt, rsa-retry-reason, rsa-recovered"
    # Ours: streams that go on, writes that may be repeated, reads that need not be sent again.
    ", last-event-id, idempotency-key, if-none-match"
)
_BESIDE = (
    (b"access-control-allow-credentials", b"true"),
    (b"access-control-expose-headers", b"retry-after, x-ratelimit-reset, etag"),
    (b"vary", b"Origin"),
)
_BEFORE = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", _ALLOWED_HEADERS.encode()),
    (b"access-control-max-age", str(_MAX_AGE_SECONDS).encode()),
    (b"access-control-allow-credentials", b"true"),
    (b"vary", b"Origin"),
)
ANYBODY = ((b"access-control-allow-origin", b"*"),)
"""For answers that are the same for every page and hold nothing of anybody."""


def beside(origin: bytes | None) -> Headers:
    """Give the headers that let a page of this origin read an answer; none without an origin.

    An origin that a key does not allow reads its refusal too: a browser that may not read an
    answer takes it for a fault of the network, and its SDK would send again for hours.
    """
    return () if origin is None else ((b"access-control-allow-origin", origin), *_BESIDE)


async def answer_before(send: Send, headers: Mapping[bytes, bytes]) -> None:
    """Answer the question a browser asks before it sends: yes, to every origin.

    The key is not known yet, so which origins it allows cannot be asked; the request itself is
    refused then.
    """
    origin = headers.get(b"origin", b"*")
    await send(
        {
            "type": "http.response.start",
            "status": 204,
            "headers": [(b"access-control-allow-origin", origin), *_BEFORE],
        }
    )
    await send({"type": "http.response.body", "body": b""})
