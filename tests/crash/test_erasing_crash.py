"""Kill a server amid an erasure at random moments; the next start completes it, bytes included."""

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from canary import ADA, event_of, fill, found_in, mentions, of_others, of_the_person
from town import OpenShop, assert_rebuild_changes_nothing

ERASER = """
import asyncio, sys
from pathlib import Path
from customering.app.engine import Engine
from customering.app.erasing_live import LiveErasing
from customering.app.home import find
from customering.app.live import Live
from customering.kernel.ids import Identifier

async def run():
    live = Live(Engine(find(Path(sys.argv[1]), environment={})))
    await live.start()
    erasing = LiveErasing(live)
    erasure = await erasing.erase(Identifier(sys.argv[2]))
    print("in force", flush=True)
    await erasing.finished(erasure.request_id)
    print("complete", flush=True)
    await asyncio.sleep(60)

asyncio.run(run())
"""


@pytest.mark.parametrize("seed", range(5))
def test_an_erasure_that_was_acknowledged_is_completed_whatever_happens(
    open_shop: OpenShop, seed: int
) -> None:
    engine = open_shop(overrides=("events.block_events_max=1",))
    fill(engine, [*of_others(), *of_the_person(), *mentions()])
    engine.copy_to_history()
    engine.__exit__(None, None, None)
    arguments = [sys.executable, "-c", ERASER, str(engine.home.folder), ADA]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as eraser:
        assert eraser.stdout is not None
        assert eraser.stdout.readline() == "in force\n"
        time.sleep(Random(seed).uniform(0.0, 0.3))
        eraser.kill()

    again = open_shop(overrides=("events.block_events_max=1",))
    again.catch_up()
    assert again.journal.pending() == []
    assert [name for name in found_in(Path(again.home.folder)) if "writer" not in name] == []
    assert again.log.verify().events == again.log.end
    assert again.log.append([event_of("late", ADA, at=1)]).appended == 0
    assert_rebuild_changes_nothing(again)
