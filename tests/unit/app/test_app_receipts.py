"""The consent ledger of a home: filled from the log, proved row by row, and receipts of it."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from customering.app.backup import back_up, restore
from customering.app.engine import Engine
from customering.app.home import find
from customering.app.home_key import holding
from customering.app.live import Live
from customering.app.proving import verify
from customering.consent.chain import canonical
from customering.consent.receipt import fault_of_receipt
from customering.events.model import CONSENT_UPDATED, SIGNAL_UPDATED, Event
from customering.kernel.errors import Absent, Unavailable
from customering.kernel.ids import Identifier
from town import NOON, OpenShop, order

ADA, BOB = Identifier("email:ada.lovelace@example.org"), Identifier("user_id:bob-the-builder")


def said(who: Identifier, number: int, name: str = CONSENT_UPDATED, **answers: str) -> Event:
    return Event(
        event_id=f"said-{who}-{number}",
        kind="track",
        name=name,
        identifiers=(who,),
        occurred_at=NOON + number,
        recorded_at=NOON + number,
        properties={"purposes": {k.replace("__", "."): v for k, v in answers.items()}},
        source="web",
    )


@pytest.fixture
def shop(open_shop: OpenShop) -> Engine:
    engine = open_shop()
    engine.append([said(ADA, 1, marketing__email="allow", personalize__web="allow")])
    engine.append([said(BOB, 2, marketing="deny"), said(ADA, 3, marketing__email="deny")])
    engine.append([said(BOB, 4, SIGNAL_UPDATED, **{"signal:gpc": "deny"})])
    return engine


def change(engine: Engine, sql: str, *parameters: object) -> None:
    with sqlite3.connect(engine.home.folder / "consent.sqlite") as connection:
        connection.execute(sql, parameters)


def test_what_people_say_is_in_the_ledger_once_and_names_nobody(shop: Engine) -> None:
    assert verify(shop.receipts).rows == 4
    shop.receipts.note([said(ADA, 1, marketing__email="allow")])
    assert shop.receipts.catch_up(shop.reading_log) == 0
    assert verify(shop.receipts).is_whole
    kept = (shop.home.folder / "consent.sqlite").read_bytes()
    kept += (shop.home.folder / "consent.sqlite-wal").read_bytes()
    for token in (b"lovelace", b"example.org", b"the-builder"):
        assert token not in kept


def test_a_person_sees_their_own_and_nobody_elses(shop: Engine) -> None:
    lines = shop.receipts.of([ADA])
    assert [(line.seq, line.said) for line in lines] == [
        (3, {"marketing.email": "deny"}),
        (1, {"marketing.email": "allow", "personalize.web": "allow"}),
    ]
    assert [line.at_ms for line in lines] == [NOON + 3, NOON + 1]
    with pytest.raises(Absent):
        shop.receipts.receipt([ADA], 2)
    assert shop.receipts.of([Identifier("user_id:nobody")]) == []


def test_what_was_not_noted_is_caught_up_with(open_shop: OpenShop) -> None:
    engine = open_shop()
    engine.log.append([said(ADA, 1, marketing="deny"), said(BOB, 2, marketing="deny")])
    assert engine.receipts.catch_up(engine.reading_log) == 2
    assert engine.receipts.catch_up(engine.reading_log) == 0
    engine.log.append([said(ADA, 3, marketing="allow")])
    assert engine.receipts.catch_up(engine.reading_log) == 1
    assert [row.seq for row in engine.receipts.chain.rows()] == [1, 2, 3]


def test_what_could_not_be_written_is_written_with_the_next(
    shop: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Unavailable("no room", hint="make room")

    with monkeypatch.context() as patched:
        patched.setattr(shop.receipts.chain, "append", refuse)
        shop.append([said(ADA, 8, marketing="deny")])
        assert verify(shop.receipts).rows == 4
    shop.append([said(BOB, 9, marketing="allow")])
    assert verify(shop.receipts).rows == 6
    assert verify(shop.receipts).is_whole


def test_a_running_home_fills_the_ledger(open_shop: OpenShop) -> None:
    engine = open_shop()
    engine.log.append([said(ADA, 1, marketing="deny")])  # as before a crash

    async def act() -> None:
        live = Live(engine)
        await live.start()
        await live.take(live.read([order({"userId": "ada"}, 1, "milk")], source="till"))
        await asyncio.gather(
            *(live.append([said(BOB, number, marketing="allow")]) for number in range(2, 12))
        )
        await live.stop()

    asyncio.run(act())
    verdict = verify(engine.receipts)
    assert (verdict.rows, verdict.faults) == (11, ())
    assert engine.receipts.chain.offset == engine.log.end == 12


TAMPER: list[tuple[str, str, str]] = [
    (
        "UPDATE rows SET record = CAST(replace(record, 'allow', 'alloW') AS BLOB) WHERE seq = 1",
        "row 1",
        "record",
    ),
    ("UPDATE rows SET record = 'a text' WHERE seq = 2", "row 2", "record"),
    ("UPDATE rows SET subject = 'x' || substr(subject, 2) WHERE seq = 2", "row 2", "pseudonym"),
    ("UPDATE rows SET event_ref = 'x' || substr(event_ref, 2) WHERE seq = 2", "row 2", "reference"),
    ("UPDATE rows SET kid = 'x' || substr(kid, 2) WHERE seq = 3", "row 3", "signature"),
    ("UPDATE rows SET signature = zeroblob(64) WHERE seq = 3", "row 3", "signature"),
    ("UPDATE rows SET hash = zeroblob(32) WHERE seq = 4", "row 4", "hash"),
    ("UPDATE rows SET prev_hash = zeroblob(32) WHERE seq = 3", "row 3", "follow"),
    ("DELETE FROM rows WHERE seq = 2", "row 3", "gone"),
    ("DELETE FROM rows WHERE seq = 4", "rows 4 to 4", "cut off"),
    ("DELETE FROM rows", "rows 1 to 4", "cut off"),
    ("UPDATE nodes SET hash = zeroblob(32) WHERE height = 1 AND number = 0", "tree", "changed"),
    ("UPDATE notices SET text = x'00'", "words", "changed"),
    ("UPDATE checkpoints SET document = x'00'", "head 1 of 1", "changed"),
    ("UPDATE checkpoints SET document = replace(document, '2', '3')", "head 1 of 1", "changed"),
]


@pytest.mark.parametrize(("sql", "where", "what"), TAMPER)
def test_tampering_is_found_and_located(shop: Engine, sql: str, where: str, what: str) -> None:
    shop.receipts.checkpoint()
    change(shop, sql)
    verdict = verify(shop.receipts)
    assert not verdict.is_whole
    assert any(where in fault and what in fault for fault in verdict.faults), verdict.faults


def test_an_inserted_row_is_found(shop: Engine) -> None:
    change(
        shop,
        "INSERT INTO rows SELECT 5, 'forged', subject, record, hash, hash, signature, kid"
        " FROM rows WHERE seq = 4",
    )
    assert any(fault.startswith("row 5") for fault in verify(shop.receipts).faults)


def test_a_ledger_signed_anew_by_who_has_every_file_is_betrayed_by_a_kept_head(
    shop: Engine,
) -> None:
    kept = json.loads(json.dumps(shop.receipts.published()))
    folder = shop.home.folder
    change(shop, "DELETE FROM rows WHERE seq > 2")
    change(shop, "DELETE FROM nodes")
    change(shop, "DELETE FROM checkpoints")
    with sqlite3.connect(folder / "control.sqlite") as connection:
        connection.execute("DELETE FROM consent_heads")
    assert not any("gone" in fault for fault in verify(shop.receipts).faults)
    assert "rows 3 to 4 are gone: the tail was cut off" in verify(shop.receipts, kept=kept).faults


def test_a_receipt_proves_itself_with_the_public_key_alone(shop: Engine) -> None:
    holds = holding(shop.receipts.published())
    for seq in (1, 3):
        receipt = shop.receipts.receipt([ADA], seq)
        assert fault_of_receipt(receipt, holds) is None
        assert fault_of_receipt(msgspec.json.format(receipt, indent=2), holds) is None
        assert b"lovelace" not in receipt


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the path of every text and number in a JSON value."""
    if isinstance(value, dict):
        return [leaf for key, inside in value.items() for leaf in leaves(inside, (*path, key))]
    if isinstance(value, list):
        return [leaf for at, inside in enumerate(value) for leaf in leaves(inside, (*path, at))]
    return [path]


def test_a_receipt_that_was_changed_anywhere_is_refused(shop: Engine) -> None:
    holds = holding(shop.receipts.key.jwks())
    receipt = shop.receipts.receipt([ADA], 1)
    paths = leaves(json.loads(receipt))
    assert len(paths) > 80
    for path in paths:
        document = json.loads(receipt)
        place = document
        for key in path[:-1]:
            place = place[key]
        value = place[path[-1]]
        place[path[-1]] = value + 1 if isinstance(value, int) else f"{value}x"
        assert fault_of_receipt(canonical(document), holds) is not None, path


def resigned(shop: Engine, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """A receipt changed by somebody who has the key: the outer signature fits again."""
    document = json.loads(shop.receipts.receipt([ADA], 1))
    edit(document)
    document.pop("proof", None)
    kid, signature = shop.receipts.key.sign_text(canonical(document))
    proof = {"alg": "Ed25519", "kid": kid, "signature": signature}
    return canonical({**document, "proof": proof})


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d["ledger"]["record"].update(source="till"), "hash of its row"),
        (lambda d: d["ledger"].update(signature="00" * 64), "signature of its row"),
        (lambda d: d["inclusion"]["head"].update(size=5), "head of the ledger"),
        (lambda d: d["inclusion"].update(index=1), "another row"),
        (lambda d: d["inclusion"].update(path=[]), "does not lead"),
        (lambda d: d.update(type="letter"), "not a consent receipt"),
        (lambda d: d.pop("ledger"), "not a consent receipt"),
    ],
)
def test_each_layer_of_a_receipt_is_checked(
    shop: Engine, edit: Callable[[dict[str, Any]], None], words: str
) -> None:
    fault = fault_of_receipt(resigned(shop, edit), holding(shop.receipts.key.jwks()))
    assert fault is not None
    assert words in fault


def test_another_homes_key_does_not_vouch(shop: Engine, open_shop: OpenShop) -> None:
    other = open_shop(folder="other")
    receipt = shop.receipts.receipt([ADA], 1)
    assert fault_of_receipt(receipt, holding(other.receipts.key.jwks())) is not None


def test_a_new_key_signs_and_the_old_one_still_verifies(shop: Engine) -> None:
    old = shop.receipts.receipt([ADA], 1)
    shop.receipts.key.renew()
    shop.append([said(ADA, 7, marketing="deny")])
    assert verify(shop.receipts).is_whole
    assert fault_of_receipt(old, holding(shop.receipts.key.jwks())) is None
    assert len({row.kid for row in shop.receipts.chain.rows()}) == 2


def test_forgetting_cuts_the_rows_and_leaves_the_chain(shop: Engine) -> None:
    assert shop.receipts.forget([ADA]) == 1
    assert shop.receipts.of([ADA]) == []
    assert shop.receipts.forget([ADA]) == 0
    verdict = verify(shop.receipts)
    assert (verdict.rows, verdict.faults) == (4, ())
    shop.append([said(ADA, 9, marketing="deny")])
    assert [line.said for line in shop.receipts.of([ADA])] == [{"marketing": "deny"}]


def test_what_is_published_names_a_head_for_the_day(shop: Engine) -> None:
    first = shop.receipts.published()
    shop.append([said(ADA, 9, marketing="deny")])
    again = shop.receipts.published()
    assert len(again["checkpoints"]) == 1
    assert first["checkpoints"] == again["checkpoints"]
    assert (first["head"]["size"], again["head"]["size"]) == (4, 5)


def test_a_damaged_file_is_told(shop: Engine, tmp_path: Path) -> None:
    path = shop.home.folder / "consent.sqlite"
    shop.receipts.close()
    with path.open("r+b") as file:
        file.seek(0)
        file.write(b"not a database at all")
    with pytest.raises(Unavailable, match="consent ledger"):
        verify(Engine(shop.home).receipts)


def content(path: Path) -> object:
    """Everything that the file says of anybody; None when it cannot be read."""
    tables = ("rows", "nodes", "notices", "checkpoints")
    try:
        with sqlite3.connect(path) as connection:
            return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    except sqlite3.DatabaseError:
        return None


@pytest.mark.parametrize("seed", range(4))
def test_one_flipped_byte_of_the_file_is_found_wherever_it_changes_anything(
    shop: Engine, seed: int
) -> None:
    random, path = Random(seed), shop.home.folder / "consent.sqlite"
    shop.receipts.checkpoint()
    shop.receipts.close()
    whole, good = content(path), path.read_bytes()
    changed = 0
    for _ in range(40):
        bad = bytearray(good)
        bad[random.randrange(len(bad))] ^= 1 << random.randrange(8)
        path.write_bytes(bad)
        if content(path) != whole:
            changed += 1
            try:
                with Engine(shop.home) as engine:
                    assert not verify(engine.receipts).is_whole
            except Unavailable:
                continue
    assert changed > 0
    path.write_bytes(good)


def test_two_processes_that_need_the_first_key_at_once_get_the_same(open_shop: OpenShop) -> None:
    one, other = open_shop(), open_shop()
    one.receipts.key.sign(b"x")
    kid, signature = other.receipts.key.sign(b"x")
    assert one.receipts.key.holds(kid, b"x", signature)
    other.receipts.key.renew()
    kid, signature = other.receipts.key.sign(b"x")
    assert one.receipts.key.holds(kid, b"x", signature)


def test_a_backup_has_the_ledger_and_what_it_is_verified_with(shop: Engine, tmp_path: Path) -> None:
    receipt = shop.receipts.receipt([ADA], 1)
    back_up(shop.home, tmp_path / "backup", NOON)
    restore(tmp_path / "backup", tmp_path / "again")
    with Engine(find(tmp_path / "again", environment={})) as engine:
        assert verify(engine.receipts).is_whole
        assert [line.seq for line in engine.receipts.of([ADA])] == [3, 1]
        assert engine.receipts.catch_up(engine.reading_log) == 0
        assert fault_of_receipt(receipt, holding(engine.receipts.key.jwks())) is None
