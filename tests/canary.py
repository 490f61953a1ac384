"""A person with a token in every field that can hold one, and what finds the token in files."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import zstandard

from customering.app.engine import Engine
from customering.events.intake import Intake
from customering.events.model import Event
from customering.kernel.ids import Identifier
from town import NOON, order, view

CANARY = "canary7"
USER = f"{CANARY}-user-31"
MAIL = f"{CANARY}.mail@example.org"
BROWSER = f"{CANARY}-browser-55"
ADA = Identifier(f"user_id:{USER}")
BEN = {"userId": "ben"}


def payload(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": "2026-03-02T08:00:00Z", **fields}


def of_the_person() -> list[dict[str, Any]]:
    """What one person leaves behind, with a token in each field that can hold one."""
    who = {"userId": USER, "anonymousId": BROWSER}
    told = {
        "name": f"{CANARY} name",
        "email": MAIL,
        "nested": {f"{CANARY}_key": [f"{CANARY} in a list", {"deep": f"{CANARY} deep"}]},
    }
    bought = order(who, 3, "milk", "bread", cents=700)
    bought["properties"] |= {"gift_message": f"{CANARY} with love", "coupon": f"{CANARY}-10"}
    place = {"ip": "10.0.0.7", "page": {"url": f"https://shop.example/?q={CANARY}+query"}}
    return [
        payload("identify", traits=told, context=place, messageId=f"{CANARY}-m1", **who),
        payload(
            "track",
            event="Search Performed",
            properties={"query": f"{CANARY} search"},
            context={**place, "externalIds": [{"type": "loyalty_card", "id": f"{CANARY}-card-1"}]},
            messageId=f"{CANARY}-m2",
            **who,
        ),
        bought,
        view({"anonymousId": BROWSER}, 1, "milk"),
        payload("page", name=f"{CANARY} page", messageId=f"{CANARY}-m3", **who),
    ]


def of_others() -> list[dict[str, Any]]:
    return [
        *(order(BEN, day, "milk", "bread") for day in range(4)),
        *(view({"anonymousId": "till"}, day, "milk") for day in range(2)),
        order({"userId": "cleo", "anonymousId": "b9"}, 2, "apple"),
    ]


def mentions() -> list[dict[str, Any]]:
    """Events of others that mention the person."""
    return [
        payload(
            "track",
            event="Friend Invited",
            properties={"friend_email": MAIL, "friend_user_id": USER, "note": f"for {MAIL}, soon"},
            messageId="ben-invites",
            **BEN,
        ),
        payload(
            "identify",
            traits={"gift_for": MAIL, "city": "Berlin"},
            messageId="ben-tells",
            **BEN,
        ),
    ]


def bytes_of(folder: Path) -> Iterable[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()


def unpacked(folder: Path) -> Iterable[tuple[str, bytes]]:
    """Every file as it is, and what is compressed in the log and the history as text."""
    yield from bytes_of(folder)
    if (folder / "log.sqlite").exists():
        with sqlite3.connect(folder / "log.sqlite") as connection:
            for first, data in connection.execute("SELECT first, payload FROM blocks"):
                yield f"block {first}", zstandard.ZstdDecompressor().decompress(data)
    for path in sorted(folder.glob("history/*/*.parquet")):
        yield path.name, msgspec.json.encode(pq.read_table(path).to_pylist())


def found_in(folder: Path) -> list[str]:
    token = CANARY.encode()
    return [name for name, data in unpacked(folder) if token in data]


def fill(engine: Engine, payloads: list[dict[str, Any]], times: int = 1) -> Intake:
    for _ in range(times):
        taken = engine.ingest(payloads, source="web")
    return taken


def event_of(name: str, *identifiers: str, at: int = NOON * 3) -> Event:
    return Event(
        event_id=name,
        kind="track",
        name="Seen",
        identifiers=tuple(map(Identifier, identifiers)),
        occurred_at=at,
        recorded_at=NOON * 2,
    )
