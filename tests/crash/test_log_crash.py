"""Kill a writer without warning at random moments; whatever it acknowledged must be there, once."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from customering.events.model import Event
from customering.events.settings import EventsSettings
from customering.stores.sqlite_log import SqliteLog

SETTINGS = EventsSettings(block_events_max=50)

WRITER = """
import sys
from pathlib import Path
from random import Random
sys.path.insert(0, sys.argv[3])
from test_log_crash import SETTINGS, sent
from customering.stores.sqlite_log import SqliteLog

log = SqliteLog(Path(sys.argv[1]), SETTINGS)
random = Random(int(sys.argv[2]))
number = log.end
print("ready", flush=True)
while True:
    upto = number + random.randrange(1, 200)
    done = log.append([sent(one) for one in range(number, upto)])
    assert done.appended == upto - number, done.duplicates
    number = upto
    print(number, flush=True)
"""


def sent(number: int) -> Event:
    """Give the event of a number: always the same one, of varying size."""
    return Event(
        event_id=f"m{number}",
        kind="track",
        name="Tested",
        identifiers=(f"user_id:{number % 7}",),  # type: ignore[arg-type]
        occurred_at=1_714_564_800_000 + number,
        recorded_at=1_714_564_800_000 + number,
        properties={"number": number, "text": f"{number * 2654435761:x}" * (number % 40)},
    )


def killed(path: Path, seed: int) -> int:
    """Run the writer, kill it at a random moment, and give the count it acknowledged last."""
    random = Random(seed)
    arguments = [sys.executable, "-c", WRITER, str(path), str(seed), str(Path(__file__).parent)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        told = [writer.stdout.readline() for _ in range(random.randrange(1, 12))]
        time.sleep(random.uniform(0.0, 0.02))
        writer.kill()
        told += writer.stdout.readlines()
    # The kill may have cut the last line; those before were printed whole.
    return max(int(line) for line in told if line.endswith("\n"))


@pytest.mark.parametrize("seed", range(8))
def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "log.sqlite"
    acknowledged = killed(path, seed)
    assert acknowledged > 0
    with SqliteLog(path, SETTINGS) as log:
        end = log.end
        assert end >= acknowledged
        assert log.verify().events == end
        found = [event for block in log.read() for event in block.events()]
        assert found == [sent(number) for number in range(end)]
        # The sender got no answer for the last ones, so it sends everything again, and some more.
        again = log.append([sent(number) for number in range(end + 10)])
        assert (again.duplicates, again.appended) == (end, 10)
        ids = Counter(event.event_id for block in log.read() for event in block.events())
        assert set(ids.values()) == {1}
        assert len(ids) == end + 10
