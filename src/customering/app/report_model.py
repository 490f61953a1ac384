"""The nouns of a report: sections with a finding, a table, plots, and where we lose."""

from typing import Any

from customering.kernel.records import Record


class Bar(Record, frozen=True, kw_only=True, tag="bar"):
    """One line of a chart of intervals: a value, its interval, and what is written beside it.

    Parameters
    ----------
    label
        What it is of.
    value
        The value; None where it is not known.
    low, high
        Its interval; None where there is none.
    text
        The value in words.
    is_ours
        Whether it is what this system does, and not a rival.
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    text: str = ""
    is_ours: bool = False


class IntervalChart(Record, frozen=True, kw_only=True, tag="intervals"):
    """Values with intervals, one line each.

    Parameters
    ----------
    title
        What is shown, with its unit.
    bars
        The lines.
    reference
        A value to compare with, drawn as a line; None for none.
    alt
        What is to be seen, for who does not see it.
    """

    title: str
    bars: tuple[Bar, ...]
    reference: float | None = None
    alt: str


class Line(Record, frozen=True, kw_only=True, tag="line"):
    """One line of a chart: points from left to right, and a band around it where there is one."""

    label: str
    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float, float], ...] = ()


class LineChart(Record, frozen=True, kw_only=True, tag="lines"):
    """Lines over a common axis.

    Parameters
    ----------
    title, across, upward
        What is shown, and what the axes are.
    lines
        At most three.
    is_percent, is_percent_across, is_percent_upward
        Whether both axes are shares, or only one of them.
    alt
        What is to be seen, for who does not see it.
    """

    title: str
    across: str
    upward: str
    lines: tuple[Line, ...]
    is_percent: bool = False
    is_percent_across: bool = False
    is_percent_upward: bool = False
    alt: str


class Grid(Record, frozen=True, kw_only=True, tag="grid"):
    """A table of shares, from one thing to another; None where nobody is.

    Parameters
    ----------
    title
        What is shown.
    names
        Of rows and columns alike.
    shares
        One row each, in [0, 1].
    alt
        What is to be seen, for who does not see it.
    """

    title: str
    names: tuple[str, ...]
    shares: tuple[tuple[float | None, ...], ...]
    alt: str


Chart = IntervalChart | LineChart | Grid


class Section(Record, frozen=True, kw_only=True):
    """One part of a report.

    Parameters
    ----------
    title
        What it is about.
    command
        The command that gives the same figures.
    headline
        The same in some words, to be read first of all; empty where there is nothing to tell.
    finding
        What was found, in a sentence or two.
    points
        More of it, one sentence each.
    columns, rows
        The figures, as they are read.
    charts
        The same to be seen.
    losses
        Where something else does better, one sentence each.
    missing
        Why there is nothing to tell; empty when there is.
    """

    title: str
    command: str
    headline: str = ""
    finding: str = ""
    points: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    charts: tuple[Chart, ...] = ()
    losses: tuple[str, ...] = ()
    missing: str = ""


class Report(Record, frozen=True, kw_only=True):
    """How good deciding is, on one home.

    Parameters
    ----------
    title
        Of which home.
    made_at
        When, as text.
    summary
        What is known of the home.
    sections
        The parts.
    """

    title: str
    made_at: str
    summary: str
    sections: tuple[Section, ...]

    @property
    def losses(self) -> tuple[str, ...]:
        """Everything in which something else does better."""
        return tuple(loss for section in self.sections for loss in section.losses)


def percent(share: float, digits: int = 0) -> str:
    """Write a share; what rounds to nothing has no sign.

    Examples
    --------
    >>> percent(-0.001), percent(-0.25), percent(0.1234, 1)
    ('0%', '-25%', '12.3%')
    """
    return f"{share + 0.0 if round(share, digits + 2) else 0.0:.{digits}%}"


def cells(*values: Any) -> tuple[str, ...]:
    """Write a row of figures."""
    return tuple(_cell(value) for value in values)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.3f}" if isinstance(value, float) else str(value)
