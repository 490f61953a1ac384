"""Backup while the home is written to, and restoration: nothing acknowledged before is missing."""

import asyncio
from pathlib import Path

import pytest

from customering.app.backup import MANIFEST, back_up, read_manifest, restore
from customering.app.engine import Engine
from customering.app.home import find
from customering.app.live import Live
from customering.kernel.errors import Conflict, Corrupt, InvalidFile
from town import NOON, OpenShop, assert_same_profiles, order, profiles_of, view


def test_a_restored_home_is_the_home(open_shop: OpenShop, tmp_path: Path) -> None:
    engine = open_shop()
    engine.ingest([order({"userId": "ada"}, day, "milk") for day in range(5)])
    (engine.home.catalog_folder / "offers.json").write_text("[]")
    manifest = back_up(engine.home, tmp_path / "copy", NOON)
    assert manifest.events == 5
    assert restore(tmp_path / "copy", tmp_path / "again") == manifest
    assert (tmp_path / "again" / "catalog" / "offers.json").read_text() == "[]"
    with Engine(find(tmp_path / "again", environment={}), clock=engine.clock) as again:
        again.catch_up()
        assert_same_profiles(profiles_of(engine), profiles_of(again))


def test_a_backup_amid_writing_holds_all_that_was_acknowledged(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    engine = open_shop()

    async def run() -> tuple[int, int]:
        live = Live(engine)
        await live.start()
        acknowledged = 0
        going = True

        async def shop(worker: int) -> None:
            nonlocal acknowledged
            number = 0
            while going:
                who = {"userId": f"p{worker}"}
                await live.take(live.read([view(who, 1, f"{worker}-{number}")], source="web"))
                acknowledged += 1
                number += 1

        shoppers = [asyncio.create_task(shop(worker)) for worker in range(4)]
        await asyncio.sleep(0.1)
        before = acknowledged
        loop = asyncio.get_running_loop()
        manifest = await loop.run_in_executor(None, back_up, engine.home, tmp_path / "copy", NOON)
        going = False
        await asyncio.gather(*shoppers)
        await live.stop()
        return before, manifest.events

    before, copied = asyncio.run(run())
    assert 0 < before <= copied <= engine.log.end
    restore(tmp_path / "copy", tmp_path / "again")
    with Engine(find(tmp_path / "again", environment={})) as again:
        assert again.log.verify().events == copied


def test_a_changed_byte_is_found_before_anything_is_made(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    engine = open_shop()
    engine.ingest([order({"userId": "ada"}, 1, "milk")])
    back_up(engine.home, tmp_path / "copy", NOON)
    path = tmp_path / "copy" / "log.sqlite"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=r"log\.sqlite"):
        restore(tmp_path / "copy", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_nothing_is_ever_written_over(open_shop: OpenShop, tmp_path: Path) -> None:
    engine = open_shop()
    engine.create()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    with pytest.raises(Conflict):
        back_up(engine.home, tmp_path / "full", NOON)
    back_up(engine.home, tmp_path / "copy", NOON)
    with pytest.raises(Conflict):
        restore(tmp_path / "copy", tmp_path / "full")


def test_a_backup_that_was_cut_off_is_none(open_shop: OpenShop, tmp_path: Path) -> None:
    engine = open_shop()
    engine.create()
    back_up(engine.home, tmp_path / "copy", NOON)
    (tmp_path / "copy" / MANIFEST).unlink()
    with pytest.raises(InvalidFile):
        read_manifest(tmp_path / "copy")
    with pytest.raises(InvalidFile):
        restore(tmp_path / "copy", tmp_path / "again")
