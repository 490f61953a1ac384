"""Drives one of the Python SDKs, whichever can be imported.

Reads one JSON object from stdin, writes one to stdout::

    {"sdk": "segment", "host": ..., "key": ..., "options": {...}, "calls": [...],
     "pause_seconds": 0, "clock_ahead_seconds": 0}
    {"told": [{"message_id": ..., "at_ms": ..., "error": ...}, ...]}
"""

import datetime as dt
import importlib
import json
import re
import sys
import time


def main() -> None:
    """Make the calls of the script and tell what became of each."""
    script = json.load(sys.stdin)
    if script["clock_ahead_seconds"]:
        shift_clock(script["clock_ahead_seconds"])
    package = {"segment": "segment.analytics", "rudder": "rudderstack.analytics"}[script["sdk"]]
    failed = {}

    def on_error(error, batch):
        failed.update({message["messageId"]: str(error) for message in batch})

    client = importlib.import_module(f"{package}.client").Client(
        script["key"], host=script["host"], on_error=on_error, **script["options"]
    )
    told = []
    for call in script["calls"]:
        at_ms = time.time_ns() // 1_000_000
        was_queued, message = say(client, call)
        assert was_queued
        told.append({"message_id": message["messageId"], "at_ms": at_ms, "error": None})
        time.sleep(script["pause_seconds"])
    client.flush()
    client.join()
    for one in told:
        one["error"] = failed.get(one["message_id"])
    json.dump({"told": told}, sys.stdout)


def say(client, call):
    """Make one call; its names are those of the Segment spec, the SDK's are in snake case."""
    given = {re.sub("[A-Z]", lambda m: f"_{m[0].lower()}", k): v for k, v in call.items()}
    if "timestamp" in given:
        given["timestamp"] = dt.datetime.fromisoformat(given["timestamp"])
    return getattr(client, given.pop("type"))(**given)


def shift_clock(seconds):
    """Let everything that asks for the date from now on hear a wrong one."""

    class Ahead(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + dt.timedelta(seconds=seconds)

    dt.datetime = Ahead


if __name__ == "__main__":
    main()
