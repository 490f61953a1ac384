"""Gathers a report of one home: predictions, statuses, chances, policies, effect, groups."""

from collections.abc import Callable

from customering.app.engine import Engine
from customering.app.report_chances import TITLE as CHANCES
from customering.app.report_chances import chances_section
from customering.app.report_decisions import effect_section, policy_section, uplift_section
from customering.app.report_fairness import fairness_section
from customering.app.report_model import Report, Section
from customering.app.report_predictions import basket_sections, status_section, value_section
from customering.app.report_town import town_sections
from customering.kernel.clock import format_instant
from customering.kernel.errors import CustomeringError

Tell = Callable[[int, str | None], None]


def make_report(engine: Engine, *, held_out_days: int, by: str = "", tell: Tell) -> Report:
    """Work out every section; one that cannot be worked out says why.

    Parameters
    ----------
    engine
        The home.
    held_out_days
        Days at the end that the models of the report do not see.
    by
        The declared fact that names the groups whose treatment is compared; empty for the one that
        most people declared.
    tell
        Takes how many sections are done, and what is under way.
    """
    wanted: tuple[tuple[str, str, Callable[[], tuple[Section, ...]]], ...] = (
        (
            "What people are worth",
            f"customering evaluate value --held-out-days {held_out_days}",
            lambda: (value_section(engine, held_out_days),),
        ),
        (
            "What people want",
            f"customering evaluate next-basket --held-out-days {held_out_days}",
            lambda: basket_sections(engine, held_out_days),
        ),
        ("How we stand", "customering evaluate status", lambda: (status_section(engine),)),
        ("What was missed", "customering town", lambda: town_sections(engine)),
        (CHANCES, "customering evaluate chances", lambda: (chances_section(engine),)),
        (
            "What another policy would have earned",
            "customering evaluate policy",
            lambda: (policy_section(engine),),
        ),
        ("What deciding brings", "customering evaluate effect", lambda: (effect_section(engine),)),
        ("Whom it changes", "customering evaluate uplift", lambda: (uplift_section(engine),)),
        (
            "How groups fared",
            f"customering evaluate fairness --by {by or 'FACT'}",
            lambda: (fairness_section(engine, by),),
        ),
    )
    sections: list[Section] = []
    for number, (title, command, work) in enumerate(wanted):
        tell(number, title)
        try:
            sections += work()
        except CustomeringError as error:
            why = f"Nothing to tell yet: {error.message}. {error.hint}".strip()
            sections.append(Section(title=title, command=command, missing=why))
    return Report(
        title=f"How good deciding is: {engine.home.folder.name}",
        made_at=f"Made on {format_instant(engine.clock())[:10]}.",
        summary=f"{engine.reading_log.end:,} events; every figure names the command that gives it.",
        sections=tuple(sections),
    )
