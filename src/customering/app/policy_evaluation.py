"""What another policy would have earned on this home's own decisions."""

from collections.abc import Sequence
from pathlib import Path

from customering.app.decided import begin_of, latest_ms, open_decided, read_decided
from customering.app.engine import Engine
from customering.kernel.clock import MS_PER_DAY
from customering.kernel.errors import InvalidFile
from customering.kernel.records import Record
from customering.outcomes.evidence import Evidence, EvidenceBuilder, Success
from customering.outcomes.gate import Gated, gate
from customering.outcomes.model import OutcomeSettings
from customering.outcomes.off_policy import Estimate
from customering.outcomes.policies import greedy
from customering.outcomes.support import PolicyValue, judge
from customering.outcomes.trials import Floats
from customering.outcomes.what_if import BUILT_IN, built_in, read_what_if, rescored

AS_DONE = "as it was"
MOST_DECISIONS = 20_000


class Question(Record, frozen=True, kw_only=True):
    """What is asked.

    Parameters
    ----------
    policies
        Names of built-in policies, or paths of TOML files.
    success
        What counts as success, and what it is worth.
    placement
        Only decisions of this place; empty for all.
    days
        Only decisions of so many days before the latest event; 0 for all.
    window_days
        Decisions younger than this are left out, for their outcomes may still come.
    most
        Most decisions to read; of more, the newest.
    seed
        Seed of the bootstrap.
    """

    policies: tuple[str, ...] = tuple(BUILT_IN)
    success: Success = Success()
    placement: str = ""
    days: int = 0
    window_days: int = OutcomeSettings().window_days
    most: int = MOST_DECISIONS
    seed: int = 1


class PolicyRow(Record, frozen=True, kw_only=True):
    """One policy: what it is, its success rate, and its margin in minor units, a decision."""

    policy: str
    title: str
    success: PolicyValue
    margin: PolicyValue


class PolicyEvaluation(Record, frozen=True, kw_only=True):
    """What the log says about policies.

    Parameters
    ----------
    decisions, people
        On how many decisions, for how many people, it rests.
    left_out
        Why other decisions do not count, and how many.
    currency
        Of the margins.
    rows
        What was done, then the policies that were asked about.
    gate
        Whether choosing for each person by score is as good as one action for everybody; None
        without decisions.
    missing
        What there would have to be for a verdict, in words.
    """

    decisions: int
    people: int
    left_out: dict[str, int]
    currency: str
    rows: tuple[PolicyRow, ...]
    gate: Gated | None
    missing: tuple[str, ...]


def told(row: PolicyRow) -> tuple[Estimate | None, Estimate | None]:
    """Give success and margin of a policy as they may be shown: not without a verdict."""
    if row.policy != AS_DONE and not row.margin.has_verdict:
        return None, None
    return row.success.best, row.margin.best


def read_evidence(engine: Engine, question: Question) -> Evidence:
    """Lay out the decisions of a home with what came of them."""
    builder = EvidenceBuilder(question.success)
    settings = OutcomeSettings(window_days=max(question.window_days, 1))
    engine.copy_to_history()
    counted = open_decided(engine, begin_of(engine, question.days))
    builder.leave_out("their people do not permit to be counted", counted.withheld)
    builder.leave_out("older than the newest", max(0, counted.permitted - question.most))
    ripe_until = max(engine.present, latest_ms(engine)) - question.window_days * MS_PER_DAY
    for one in read_decided(engine, most=question.most, settings=settings):
        for decision in one.decisions:
            if question.placement not in ("", decision.placement):
                builder.leave_out("other places")
            elif decision.decided_at > ripe_until:
                builder.leave_out("too young to know what came of them")
            else:
                builder.add(decision, one.person, one.outcomes.get(decision.decision_id, ()))
    return builder.build()


def evaluate_policies(engine: Engine, question: Question) -> PolicyEvaluation:
    """Say what policies would have earned, against what was done.

    Raises
    ------
    InvalidDefinition
        When a policy is no built-in one, or its file makes no sense.
    InvalidFile
        When its file cannot be read.
    """
    read = {name: _read(name) for name in question.policies}
    evidence = read_evidence(engine, question)
    return judged(
        evidence,
        read,
        seed=question.seed,
        currency=engine.settings.events.default_currency,
    )


def judged(
    evidence: Evidence, policies: dict[str, str | None], *, seed: int, currency: str
) -> PolicyEvaluation:
    """Judge policies by decisions that are laid out.

    Parameters
    ----------
    policies
        Each policy, with the text of its file; None for a built-in one.
    seed
        Seed of the bootstrap.
    currency
        Of the margins.
    """
    trials = evidence.trials
    chance, margin = evidence.predictions(seed) if len(trials) else (trials.chances, trials.chances)
    rows = [_row(evidence, AS_DONE, "what was done", trials.chances, chance, margin, seed)]
    for name, text in policies.items():
        if text is None:
            target, title = built_in(name, evidence, margin, seed=seed), BUILT_IN[name]
        else:
            what_if = read_what_if(text, file=name)
            target, title = rescored(what_if, evidence), what_if.title or Path(name).stem
        rows.append(_row(evidence, name, title, target, chance, margin, seed))
    return PolicyEvaluation(
        decisions=len(trials),
        people=trials.number_of_people,
        left_out=evidence.left_out,
        currency=currency,
        rows=tuple(rows),
        gate=gate(trials, greedy(trials, evidence.score), margin, seed=seed)
        if len(trials)
        else None,
        missing=tuple(_missing(evidence)),
    )


def _row(
    evidence: Evidence,
    name: str,
    title: str,
    target: Floats,
    chance: Floats,
    margin: Floats,
    seed: int,
) -> PolicyRow:
    return PolicyRow(
        policy=name,
        title=title,
        success=judge(evidence.successes, target, chance, seed=seed),
        margin=judge(evidence.trials, target, margin, seed=seed),
    )


def _read(name: str) -> str | None:
    """Give the text of a policy file; None for the name of a built-in policy."""
    if not name.endswith(".toml"):
        return None
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(
            f"{name}: {error}", hint="give the path of a TOML file in UTF-8", file=name
        ) from error


def _missing(evidence: Evidence) -> Sequence[str]:
    """Say what keeps the log from saying more."""
    trials, left_out = evidence.trials, evidence.left_out
    missing: list[str] = []
    young = left_out.get("too young to know what came of them", 0)
    if not len(trials):
        missing.append(
            f"Wait: {young:,} decisions are too young." if young else
            "Ask for decisions, in the server or with `customering decide`, and tell what came of"
            " them."
        )  # fmt: skip
        return missing
    if not evidence.happened.any():
        missing.append("Tell outcomes (`/v1/outcomes`): none of these decisions was a success.")
    if (trials.at_chosen(trials.chances) >= 1.0 - 1e-9).all():
        missing.append(
            "Leave something to chance (`decision.exploration_share`): what is never tried cannot"
            " be judged."
        )
    return missing
