"""The command that shows everything at once on real data."""

from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding

from customering.app.demo import Demo, Story, run_demo
from customering.app.people import Person
from customering.cli.deciding import print_basket, print_value
from customering.cli.output import JsonOption, console, print_json, progress, table
from customering.kernel.money import format_money

_TITLES = {
    "stranger": "has never bought",
    "new": "bought for the first time lately",
    "growing": "buys more than before",
    "loyal": "comes back in their own rhythm",
    "drifting": "later than their own rhythm",
    "at_risk": "much later than their own rhythm",
    "lost": "so late that they have most likely left",
    "returning": "came back after a long silence",
    "on_a_break": "asked us for a pause",
    "just_a_transaction": "wants to order and nothing else",
    "not_that_into_you": "does not want to be courted",
    "partner": "wants to think along",
    "left": "has left",
}


def demo(
    folder: Annotated[Path, typer.Option("--home", help="Where to make the demo.")] = Path(
        "demo-home"
    ),
    as_json: JsonOption = False,
) -> None:
    """Run a year of a real retailer: from events to the right next step for one person."""
    if not as_json:
        console.print("customering demo", style="bold")
        console.print(
            "The Complete Journey (84.51°): every purchase of 2,469 households in a year of grocery"
            " shopping, the campaigns they were sent and the coupons they used.\n"
        )
    with progress("Working") as tell:
        done = run_demo(folder, lambda stage, count: tell(count, stage))
    if as_json:
        print_json(done)
        return
    _print(done)


def _print(done: Demo) -> None:
    total = sum(stage.seconds for stage in done.stages)
    rows = [(stage.name, stage.counted, f"{stage.seconds:.1f} s") for stage in done.stages]
    console.print(table(("stage", "what it did", "time"), rows, numbers="llr"))
    console.print(f"{total:.0f} seconds in all\n")
    people = sum(done.statuses.values())
    console.print("How we stand with everybody", style="bold")
    standing = [
        (name.replace("_", " "), count, f"{count / people:.0%}", _TITLES.get(name, ""))
        for name, count in done.statuses.items()
    ]
    console.print(table(("status", "people", "share", "who that is"), standing, numbers="lrrl"))
    console.print("\nIs it any good? Compared on weeks the models have not seen", style="bold")
    print_basket(done.baskets)
    if done.learned.value is not None:
        console.print()
        print_value(done.learned.value, done.learned.value.model.held_out_days)
    for story in done.stories:
        _print_story(story)
    _print_next(done)


def _print_story(story: Story) -> None:
    person, decision = story.person, story.decision
    console.print(f"\n{person.identifiers[0]}", style="bold", markup=False)
    console.print(Padding(_told(person), (0, 0, 0, 2)))
    by_id = {one.action_id: one for one in decision.candidates}
    for action in decision.chosen:
        one = by_id[action]
        console.print(Padding(f"{one.rank}. {one.title}", (0, 0, 0, 2)))
        console.print(Padding(one.words, (0, 0, 0, 5)), style="dim")


def _told(person: Person) -> str:
    known = person.values
    sentences = [person.status.operator_words]
    spent = known.get("spend_365d_minor")
    if spent:
        departments = [name.lower() for name, _ in known.get("top_departments", [])[:2]]
        taste = f", most of it on {' and '.join(departments)}" if departments else ""
        sentences.append(f"Spent {format_money(spent, 'USD')} this year{taste}.")
    if person.estimate is not None:
        sentences.append(
            f"{person.estimate.expected_purchases_30:.1f} visits expected in the next 30 days."
        )
    return " ".join(sentences)


def _print_next(done: Demo) -> None:
    who = done.stories[0].person.identifiers[0] if done.stories else "loyalty_card:1"
    console.print("\nWhat to type next", style="bold")
    commands = (
        ("person " + who, "everything known of one person, and how we know"),
        (f"person {who} --as-of 2017-06-01", "the same person, as known then"),
        (f"decide {who} --n 5", "what to do next, every candidate with its reason"),
        (f"status set {who} not_that_into_you", "... and ask again: nothing is pushed any more"),
        (f"consent set {who} personalize deny", "what a refusal does, at once"),
        ("audience list", "saved questions over everybody"),
        ("decide --all --out decisions.parquet", "one decision for each person"),
        ("evaluate report --out report.html", "how good all of it is, on one page with pictures"),
        ("journeys list", "welcome, win-back and others, as actions with rules"),
        (f"takeout {who} --out mine.zip", "everything of one person, for them"),
        ("town --home a-town", "people whose true wishes are known: watch it learn"),
        ("log verify", "check every block of the log"),
        ("serve", "all of it live: open http://127.0.0.1:8000 for what is running and the API"),
        (f"portal link {who}", "... and, beside it, a link that lets them into their own page"),
    )
    console.print(f"  export CUSTOMERING_HOME={done.home}", markup=False)
    for command, why in commands:
        console.print(f"  # {why}", style="dim", markup=False)
        console.print(f"  .venv/bin/customering {command}", markup=False)
