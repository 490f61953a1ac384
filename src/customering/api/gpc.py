"""What anybody may read about permission here, programs first: no key is asked for.

That Global Privacy Control is heeded, the purposes there are, the configuration of a Klaro banner
for them, and the signed heads of the consent ledger, by which tampering shows.
"""

import asyncio
from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from customering.api.reception import Reception, answered, query_of
from customering.consent.banners import klaro_config
from customering.consent.model import Purpose
from customering.web.problems import AnyRequest

GPC_SINCE = "2026-11-22"
"""When what we do about the signal last changed, as ``lastUpdate`` has it."""

FOR_EVERYBODY = {"access-control-allow-origin": "*", "cache-control": "public, max-age=300"}


class GpcSupport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """That Global Privacy Control is heeded.

    Parameters
    ----------
    gpc
        Always true.
    last_update
        When what we do about it last changed. RFC 3339 date.
    """

    gpc: bool = True
    last_update: str = GPC_SINCE


class PurposeList(msgspec.Struct, frozen=True, kw_only=True):
    """Every purpose there is, in the order people are shown them."""

    purposes: tuple[Purpose, ...]


class ConsentLog(msgspec.Struct, frozen=True, kw_only=True):
    """By what the consent ledger is verified.

    Parameters
    ----------
    keys
        The public keys that ever signed, as JSON Web Keys.
    tree
        How the root is computed.
    head
        The signed head of now: rows, the last hash, the root of the tree.
    checkpoints
        The signed head of each day.
    """

    keys: list[dict[str, Any]]
    tree: str
    head: dict[str, Any]
    checkpoints: list[dict[str, Any]]


@get("/.well-known/gpc.json")
async def gpc(request: AnyRequest) -> Response[bytes]:
    """Say that the signal is heeded."""
    return answered(GpcSupport(), headers=FOR_EVERYBODY)


@get("/.well-known/consent-log.json")
async def consent_log(
    request: AnyRequest, reception: NamedDependency[Reception]
) -> Response[bytes]:
    """Publish the heads of the consent ledger."""
    published = await asyncio.to_thread(reception.engine.receipts.published)
    return answered(published, headers={**FOR_EVERYBODY, "cache-control": "public, max-age=10"})


@get("/v1/consent/purposes")
async def purposes(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """List the purposes."""
    query_of(request, ())
    book = reception.engine.purposes
    return answered(PurposeList(purposes=book.purposes), headers=FOR_EVERYBODY)


@get("/v1/consent/klaro.json")
async def klaro(request: AnyRequest, reception: NamedDependency[Reception]) -> Response[bytes]:
    """Give the configuration of a Klaro banner."""
    query_of(request, ())
    engine = reception.engine
    config = klaro_config(engine.consent, engine.settings.consent.controller)
    return answered(config, headers=FOR_EVERYBODY)


handlers = [gpc, consent_log, purposes, klaro]
