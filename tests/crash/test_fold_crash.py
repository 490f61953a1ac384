"""Kill the fold, a rebuild or a copy without warning; going on gives what a clean start gives."""

import itertools
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from random import Random
from typing import Any

import pytest

from customering.app.engine import Engine
from customering.app.home import find, init
from customering.events.model import (
    CONSENT_UPDATED,
    FACT_CORRECTED,
    IDENTIFIERS_JOINED,
    IDENTIFIERS_SEPARATED,
    Event,
)
from customering.kernel.clock import MS_PER_HOUR
from customering.stores.history import History
from customering.stores.state import State
from town import NOON, PERMITTED, assert_same_profiles, profiles_of

EVENTS = 600
SMALL = (
    'clock.present="2026-06-01"',
    "events.block_events_max=20",
    "fold.checkpoint_events=40",
    "history.buckets=3",
    *(f'consent.defaults."{key}"' for key in ()),
)
PURPOSES = ("profile.value_scoring", "personalize", "analytics.product")


def happened(random: Random) -> list[Event]:
    """Make a log's worth: shopping, choices, links and rulings, not in the order of time."""
    made = []
    for number in range(EVENTS):
        one, other = (f"user_id:p{random.randrange(25)}" for _ in range(2))
        device = f"anonymous_id:d{random.randrange(40)}"
        email = f"email:p{random.randrange(25)}@example.org"
        name, names, properties = random.choices(
            [
                ("Order Completed", (one,), _order(random)),
                ("Product Viewed", (device,), {"product_id": f"s{random.randrange(9)}"}),
                ("Product Viewed", (one, device), {"product_id": f"s{random.randrange(9)}"}),
                ("Email Opened", (email,), {}),
                ("Newsletter Joined", (email, one), {}),
                (CONSENT_UPDATED, (random.choice((one, email, device)),), _choice(random)),
                (FACT_CORRECTED, (one,), {"facts": {"size": random.choice("SML")}}),
                (IDENTIFIERS_JOINED, (one, other), {}),
                (IDENTIFIERS_SEPARATED, (one, other), {}),
            ],
            weights=(30, 20, 15, 10, 5, 8, 4, 3, 2),
        )[0]
        at_ms = NOON + number * MS_PER_HOUR - random.choice((0, 0, 0, 24 * 9)) * MS_PER_HOUR
        made.append(
            Event(
                event_id=f"e{number}",
                kind="track",
                name=name,
                identifiers=tuple(dict.fromkeys(names)),  # type: ignore[arg-type]
                occurred_at=at_ms,
                recorded_at=NOON + EVENTS * MS_PER_HOUR,
                properties=properties,
                source="test",
            )
        )
    return [event for event in made if event.name != IDENTIFIERS_JOINED or _is_pair(event)]
