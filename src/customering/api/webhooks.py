"""The webhook door: messages of other systems, signed by them, become events.

What is not signed as ``webhooks.toml`` says is refused before it is read. A message that is signed
is always answered with 200, so that its sender does not repeat for days what will not get better:
what cannot be made an event is set aside, to be mended and replayed.
"""

import logging

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from customering.api.reception import Reception, answered, headers_of
from customering.app.webhook_payloads import payload_of
from customering.app.webhook_sources import FILE_NAME, WebhookSource, read_sources
from customering.events.intake import Intake, quarantined
from customering.kernel.errors import Invalid, InvalidEvent, Overloaded, Refused, Unavailable
from customering.web.bodies import read_json
from customering.web.keys import Denied
from customering.web.problems import AnyRequest, NotLetIn
from customering.web.standard_webhooks import verify, verify_shopify, verify_stripe

_BODY_BYTES_MAX = 1_000_000
_BAD_SIGNATURE = Denied(401, "unauthorized", "there is no such webhook, or its signature is wrong")

_logger = logging.getLogger("customering.webhooks")


class WebhookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message.

    Parameters
    ----------
    events
        Events it made; a message that is sent again makes none anew.
    quarantined
        1 when it was set aside, because no event can be made of it as it is.
    ignored
        1 when ``webhooks.toml`` names no event for it.
    """

    events: int = 0
    quarantined: int = 0
    ignored: int = 0


class Webhooks:
    """The sources of one home.

    Parameters
    ----------
    reception
        What the doors share.

    Raises
    ------
    InvalidDefinition
        When ``webhooks.toml`` makes no sense.
    """

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        text = reception.engine.home.text_of(FILE_NAME)
        self._sources = {} if text is None else read_sources(text)
        self._secrets: dict[str, tuple[str, ...]] = {}
        for name, source in self._sources.items():
            self._secrets[name] = source.secrets(reception.engine.home.folder)
            if not self._secrets[name]:
                _logger.warning(
                    "the webhook %s has no secret: what it sends is refused until it has", name
                )

    async def take(self, request: AnyRequest, name: str) -> WebhookAnswer:
        """Take one message.

        Raises
        ------
        NotLetIn
            When there is no such source, or the signature is wrong.
        Unavailable
            When the source has no secret here, or the log cannot be written.
        """
        self._slow_down(request)
        body = await self._reception.body(request, _BODY_BYTES_MAX)
        source = self._sources.get(name)
        if source is None:
            raise NotLetIn(_BAD_SIGNATURE)
        if not self._secrets[name]:
            raise Unavailable(
                "this webhook has no secret yet", hint="see docs/how-to/webhooks.md, then restart"
            )
        headers = {
            key.decode("latin-1"): value.decode("latin-1")
            for key, value in headers_of(request).items()
        }
        message_id = self._verified(name, source, headers, body)
        return await self._keep(name, source, headers, body, message_id)

    def _verified(
        self, name: str, source: WebhookSource, headers: dict[str, str], body: bytes
    ) -> str:
        """Check the signature and give what names the message; empty where the body does."""
        secrets, now_ms = self._secrets[name], self._reception.engine.clock()
        try:
            if source.signature == "standard":
                return verify(headers, body, secrets, now_ms)
            if source.signature == "shopify":
                return verify_shopify(headers, body, secrets)
            verify_stripe(headers, body, secrets, now_ms)
        except Refused:
            raise NotLetIn(_BAD_SIGNATURE) from None
        return ""

    async def _keep(
        self,
        name: str,
        source: WebhookSource,
        headers: dict[str, str],
        body: bytes,
        message_id: str,
    ) -> WebhookAnswer:
        live = self._reception.live
        label = f"webhook:{name}"
        told: object = body.decode("utf-8", errors="replace")
        try:
            told = read_json(body)
            if not message_id and isinstance(told, dict):
                message_id = str(told.get("id") or "")
            payload = payload_of(name, source, told, headers, message_id, live.present)
            if payload is None:
                return WebhookAnswer(ignored=1)
            taken = live.read([payload], source=label, places=[message_id])
        except (InvalidEvent, Invalid) as error:
            held = quarantined(
                told,
                reason=error.message,
                path=error.facts.get("path", ""),
                source=label,
                place=message_id,
                received_at=live.present,
            )
            taken = Intake(accepted=[], quarantined=[held])
        accepted = await live.take(taken, len(body))
        return WebhookAnswer(events=accepted.events, quarantined=accepted.quarantined)

    def _slow_down(self, request: AnyRequest) -> None:
        address = self._reception.address_of(request)
        seconds = self._reception.entrance.limiter.wait(None, address)
        if seconds is not None:
            raise Overloaded("too many requests", hint="send fewer", retry_after_s=seconds)


@post("/v1/webhooks/{source:str}")
async def webhook(
    request: AnyRequest, source: FromPath[str], webhooks: NamedDependency[Webhooks]
) -> Response[bytes]:
    """Take a message of another system."""
    return answered(await webhooks.take(request, source))


handlers = [webhook]
