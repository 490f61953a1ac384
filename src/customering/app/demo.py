"""The demo: a year of a real retailer, from files to the right next step for one person."""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from customering.app.catalog import import_actions, read_catalog_mapping
from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.app.evaluating import BasketEvaluation, evaluate_next_basket
from customering.app.home import find, init
from customering.app.importing import ImportReport, import_files
from customering.app.learning import TASTE_PURPOSE, Learned
from customering.app.people import Person
from customering.app.settings import FILE_NAME
from customering.decision.model import Decision
from customering.events.store import Appended
from customering.examples import complete_journey
from customering.kernel.errors import Conflict
from customering.kernel.ids import Identifier
from customering.kernel.records import Record

_SETTINGS = """\
# Settings of the demo home; everything else has its default (`customering config show`).

[clock]
# The data ends here; without this line everybody would be long lost.
present = "2018-01-01T05:00:00Z"

[events]
default_currency = "USD"

[decision]
# Many products of this retailer share one name; one of each category is variety enough.
most_per_group = 1

# Nobody in this data can be asked: it was published without names, and nobody is contacted. A real
# shop states what it has a ground for, and asks for the rest.
[consent.defaults."analytics.product"]
answer = "allow"
ground = "published research data without names; nobody is contacted"

[consent.defaults."personalize.web"]
answer = "allow"
ground = "published research data without names; nobody is contacted"

[consent.defaults."personalize.offers"]
answer = "allow"
ground = "published research data without names; nobody is contacted"

[consent.defaults."profile.value_scoring"]
answer = "allow"
ground = "published research data without names; nobody is contacted"
"""
_MARK = ".demo"
_HELD_OUT_DAYS = 28
_STORIES = (("loyal",), ("drifting", "at_risk"), ("new", "growing", "returning"))

Progress = Callable[[str, int], None]


class Stage(Record, frozen=True):
    """One stage of the demo, what it counted, and how long it took in seconds."""

    name: str
    counted: str
    seconds: float


class Story(Record, frozen=True):
    """One person of the demo with their next best actions."""

    person: Person
    decision: Decision


class Demo(Record, frozen=True):
    """Everything the demo shows.

    Parameters
    ----------
    home
        The folder it made.
    stages
        Counts and times.
    statuses
        Number of people by status.
    words
        What a status says of one of its people.
    learned, baskets
        The check of value, and next basket and discovery, on held-out days.
    stories
        Three people.
    """

    home: Path
    stages: list[Stage]
    statuses: dict[str, int]
    learned: Learned
    baskets: BasketEvaluation
    stories: list[Story]


def make_home(folder: Path) -> None:
    """Make a fresh home for the demo, in the place of an earlier demo.

    Raises
    ------
    Conflict
        When the folder holds something else.
    """
    if folder.exists():
        if not (folder / _MARK).exists():
            raise Conflict(
                f"{folder} is there already and is not a demo",
                hint="name another folder with --home",
            )
        shutil.rmtree(folder)
    init(folder)
    (folder / FILE_NAME).write_text(_SETTINGS, encoding="utf-8")
    (folder / _MARK).touch()


def run_demo(folder: Path, progress: Progress) -> Demo:
    """Run the whole demo in a fresh folder.

    Parameters
    ----------
    folder
        Where to make the home.
    progress
        Told the stage under way and how much of it is done.

    Raises
    ------
    Absent
        When the data is not installed.
    """
    make_home(folder)
    stages: list[Stage] = []
    counted = ""

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        progress(name, 0)
        started = time.monotonic()
        yield
        stages.append(Stage(name=name, counted=counted, seconds=time.monotonic() - started))

    with Engine(find(folder, environment={})) as engine:
        with stage("Import"):
            report = _import(engine, progress)
            counted = f"{report.rows:,} rows became {report.appended:,} events"
        with stage("Fold"):
            folded = engine.catch_up(lambda done: progress("Fold", done))
            traits = len(engine.traits.traits)
            counted = f"{folded:,} events folded into {traits} traits of each person"
        with stage("History"):
            copied = engine.copy_to_history()
            counted = f"{copied:,} events copied to Parquet"
        with stage("Catalogue"):
            counted = f"{_offers(engine):,} coupon offers"
        with stage("Held-out check"):
            baskets = evaluate_next_basket(
                engine.purchases(TASTE_PURPOSE), held_out_days=_HELD_OUT_DAYS
            )
            counted = f"next baskets of {baskets.people:,} people, last 4 weeks unseen"
        with stage("Learn"):
            learned = engine.learn()
            counted = f"value and taste, {learned.products:,} products"
        with stage("Judge everybody"):
            statuses, chosen = _judge(engine)
            counted = f"{sum(statuses.values()):,} people, one status each"
        with stage("Decide"):
            request = request_for("home", "", 5)
            stories = [
                Story(
                    person=engine.people.read(name, now_ms=engine.present),
                    decision=engine.decide(name, request),
                )
                for name in chosen
            ]
            considered = sum(len(story.decision.candidates) for story in stories)
            counted = f"{len(stories)} people, {considered:,} candidates weighed"
    return Demo(
        home=folder,
        stages=stages,
        statuses=statuses,
        learned=learned,
        baskets=baskets,
        stories=stories,
    )


def _import(engine: Engine, progress: Progress) -> ImportReport:
    def on_block(appended: Appended, report: ImportReport) -> None:
        progress("Import", report.events)

    return import_files(
        complete_journey.sources(),
        log=engine.log,
        quarantine=engine.quarantine,
        plan=engine.plan,
        settings=engine.settings.events,
        now_ms=engine.clock,
        on_block=on_block,
    )


def _offers(engine: Engine) -> int:
    mapping = read_catalog_mapping(complete_journey.text("offers.toml"), "offers.toml")
    file = complete_journey.folder() / "coupons.parquet"
    engine.catalog.put(import_actions(file, mapping, engine.consent))
    return len(engine.catalog.read())


def _judge(engine: Engine) -> tuple[dict[str, int], list[Identifier]]:
    """Count the statuses, and pick three people to tell of: the one who spent most of each kind."""
    statuses: Counter[str] = Counter()
    best: dict[str, tuple[int, Identifier]] = {}
    for person in engine.everybody():
        name = person.status.name
        statuses[name] += 1
        if engine.deciding.is_control(person):
            continue
        spent = person.values.get("spend_365d_minor", 0)
        best[name] = max(
            best.get(name, (-1, person.identifiers[0])), (spent, person.identifiers[0])
        )
    chosen = [next((best[name][1] for name in names if name in best), None) for names in _STORIES]
    return dict(statuses.most_common()), [name for name in chosen if name is not None]
