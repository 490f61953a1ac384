"""Commands that decide, and that say how good the deciding is."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from customering.app.deciding import request_for
from customering.app.deciding_all import decide_for_all
from customering.app.engine import Engine
from customering.app.evaluating import (
    BasketEvaluation,
    MethodGrades,
    evaluate_next_basket,
    evaluate_value,
)
from customering.app.home import find
from customering.app.learning import TASTE_PURPOSE, VALUE_PURPOSE
from customering.cli.evaluate_chances import evaluate_the_chances
from customering.cli.evaluate_effect import evaluate_the_effect, evaluate_the_uplift
from customering.cli.evaluate_fairness import evaluate_how_groups_fared
from customering.cli.evaluate_policy import evaluate_policy
from customering.cli.evaluate_report import evaluate_everything
from customering.cli.evaluate_status import evaluate_status
from customering.cli.output import (
    HomeOption,
    JsonOption,
    SetOption,
    console,
    print_json,
    progress,
    table,
)
from customering.decision.model import Decision
from customering.kernel.clock import format_instant
from customering.kernel.errors import Invalid
from customering.relationship.evaluate import HoldOutReport

evaluate = typer.Typer(
    help="How good predictions and decisions are: held-out days, other policies, control group.",
    no_args_is_help=True,
)

evaluate.command("policy")(evaluate_policy)
evaluate.command("effect")(evaluate_the_effect)
evaluate.command("uplift")(evaluate_the_uplift)
evaluate.command("chances")(evaluate_the_chances)
evaluate.command("fairness")(evaluate_how_groups_fared)
evaluate.command("report")(evaluate_everything)

HeldOut = Annotated[int, typer.Option("--held-out-days", help="Days at the end to hide.", min=1)]


def decide(
    who: Annotated[
        str | None, typer.Argument(help="type:value, an e-mail address, or a person id.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Decide for everybody.")] = False,
    placement: Annotated[str, typer.Option("--placement", help="The place to fill.")] = "home",
    channel: Annotated[
        str,
        typer.Option(
            "--channel",
            help="The channel to reach the person by, such as email; best takes the one they answer"
            " most.",
        ),
    ] = "",
    slots: Annotated[int, typer.Option("--n", help="How many actions fit.", min=1, max=100)] = 5,
    out: Annotated[Path | None, typer.Option("--out", help="A .parquet file, with --all.")] = None,
    processes: Annotated[
        int | None,
        typer.Option("--processes", help="How many decide at once, with --all.", min=1, max=256),
    ] = None,
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide what to do next for one person, or for everybody, with the reasons."""
    request = request_for(placement, channel, slots)
    if everybody == (who is not None) or everybody == (out is None):
        raise Invalid(
            "name one person, or use --all with --out FILE.parquet",
            hint="write: decide loyalty_card:1029, or: decide --all --out decisions.parquet",
        )
    with Engine(find(home, overrides=overrides or ())) as engine:
        if who is not None:
            decision = engine.decide(engine.people.identifier(who), request)
        else:
            assert out is not None, "checked above"
            with progress("Deciding") as tell:
                count, chosen = decide_for_all(engine, request, out, tell, processes=processes)
    if who is None:
        if as_json:
            print_json({"people": count, "actions": chosen, "out": str(out)})
        else:
            console.print(f"{count:,} people, {chosen:,} actions, written to {out}")
        return
    if as_json:
        print_json(decision)
        return
    print_decision(decision)


_FACTORS = {"context_weight": "context", "effect": "effect"}


def print_decision(decision: Decision, most: int = 5) -> None:
    """Print what was chosen and why, and the best of what lost and why."""
    by_id = {one.action_id: one for one in decision.candidates}
    told = {by_id[action].words for action in decision.chosen}
    for reason in decision.reasons:
        if reason not in told:
            console.print(reason, markup=False)
    if decision.not_before:
        start = format_instant(decision.not_before)
        console.print(f"By {decision.channel}, not before {start}.", markup=False)
    chosen = [by_id[action] for action in decision.chosen]
    # Factors that say nothing of any of them are left out.
    also = [name for name in _FACTORS if any(getattr(one, name) != 1.0 for one in chosen)]
    rows = [
        (
            one.rank,
            one.title,
            one.propensity,
            one.value_minor,
            one.lever,
            *(getattr(one, name) for name in also),
            round(one.score, 2),
            one.words,
        )
        for one in chosen
    ]
    columns = (
        "", "what", "propensity", "value", "lever", *(_FACTORS[name] for name in also), "score",
        "why",
    )  # fmt: skip
    console.print(table(columns, rows, numbers=f"rlrrr{'r' * len(also)}rl"))
    lost = sorted(
        (one for one in decision.candidates if one.lost is not None), key=lambda one: -one.score
    )
    if lost:
        whys = [(one.title, round(one.score, 2), one.words) for one in lost[:most]]
        console.print(f"\n{len(lost):,} others were considered; the best of them lost because")
        console.print(table(("what", "score", "why not"), whys, numbers="lrl"))
    console.print(
        f"\n{decision.decision_id}: {decision.choice}; this choice had the probability"
        f" {decision.propensity:.4f}; {decision.policy_version}",
        style="dim",
        markup=False,
    )


evaluate.command("status")(evaluate_status)


@evaluate.command("next-basket")
def evaluate_basket(
    held_out_days: HeldOut = 28,
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hide the last days, predict each person's next basket, and compare with what they bought."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        done = evaluate_next_basket(engine.purchases(TASTE_PURPOSE), held_out_days=held_out_days)
    if as_json:
        print_json(done)
        return
    print_basket(done)


def print_basket(done: BasketEvaluation) -> None:
    """Print the grades of the lists."""
    console.print(
        f"Next basket: {done.people:,} people, {done.products:,} products,"
        f" the last {done.held_out_days} days unseen"
    )
    console.print(_grades(done.next_basket))
    console.print("\nDiscovery: what they then bought for the first time")
    console.print(_grades(done.discovery))


def _grades(grades: list[MethodGrades]) -> Table:
    rows = [
        (
            g.method,
            g.recall,
            g.ndcg,
            f"{g.ndcg_low:.3f} to {g.ndcg_high:.3f}",
            g.hit,
            g.repeat_recall,
            g.explore_recall,
        )
        for g in grades
    ]
    columns = ("method", "recall@10", "NDCG@10", "95 % interval", "hit@10", "repeat", "explore")
    return table(columns, rows, numbers="lrrrrrr")


@evaluate.command("value")
def evaluate_worth(
    held_out_days: HeldOut = 28,
    home: HomeOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hide the last days, predict how often people come back, and compare by decile."""
    with Engine(find(home, overrides=overrides or ())) as engine:
        done = evaluate_value(
            engine.purchases(VALUE_PURPOSE),
            held_out_days=held_out_days,
            now_ms=engine.present,
            currency=engine.settings.events.default_currency,
        )
    if as_json:
        print_json(done)
        return
    print_value(done, held_out_days)


def print_value(done: HoldOutReport, held_out_days: int) -> None:
    """Print predicted against real purchases."""
    console.print(
        f"Purchase days in the last {held_out_days} days, unseen, by decile of prediction"
    )
    rows = [
        (f"{number}", decile.people, decile.mean_predicted, decile.mean_actual)
        for number, decile in enumerate(done.deciles, 1)
    ]
    console.print(table(("decile", "people", "predicted", "real"), rows, numbers="rrrr"))
    measures = [(rival.name, rival.held_out) for rival in done.rivals]
    measures.append(("own rate so far", done.own_rate))
    if done.calibration_error is not None:
        console.print(f"Off by {done.calibration_error:.1%} of all purchases over the deciles")
    if done.choice:
        console.print(done.choice, markup=False)
    columns = ("method", "bias", "mean error", "correlation", "top tenth holds")
    console.print()
    console.print(
        table(
            columns,
            [
                (
                    name,
                    "–" if m.bias is None else f"{m.bias:+.1%}",
                    m.mean_absolute_error,
                    m.correlation,
                    "–" if m.top_tenth_capture is None else f"{m.top_tenth_capture:.1%}",
                )
                for name, m in measures
            ],
            numbers="lrrrr",
        )
    )
