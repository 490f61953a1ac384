"""Says why, in words the person can read and check: each sentence rests on a fact it names.

Facts are read by name from `Candidate.facts`; a fact that is absent is not spoken of:

- ``times_bought``, ``gap_days``, ``days_since_last``: the person's own purchases of it.
- ``repeat_rate``: share of its buyers who bought it again, in [0, 1].
- ``bought_with``: titles of what the person bought that its buyers buy as well.
- ``buyers_share``: share of all people who bought it, in [0, 1].
- ``about_bought``: titles of what the person buys and the offer is about.
- ``wished_for``: what the person told us they look for.
- ``now``: a whole sentence about what they do in this very visit.
- ``others``: whole sentences about what others do, such as people they know.
- ``alike_times``: how many times as often as others people who shop alike buy it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_MOST_TITLES = 3
FOR_ALL = "Everybody is shown this."
"""What is said of a candidate that was chosen without regard to the person."""

_NO_FACTS = "It fits you best by what we know."


def reasons_of(facts: Mapping[str, Any]) -> str:
    """Give the sentences that speak for a candidate, the most personal first.

    Parameters
    ----------
    facts
        What the expectation of it rests on.
    """
    if not facts:
        return _NO_FACTS
    sentences = [
        sentence
        for sentence in (
            _wish(facts),
            facts.get("now", ""),
            facts.get("others", ""),
            _own_purchases(facts),
            _repeat_rate(facts),
            _about(facts),
            _bought_with(facts),
            _alike(facts),
            _buyers(facts),
        )
        if sentence
    ]
    return " ".join(sentences) or _NO_FACTS


def drawn_reason(count: int, probability: float) -> str:
    """Say that chance chose, and how likely that was."""
    return (
        f"It was drawn by chance among {count} that came into question, to learn what you like; "
        f"the chance of this choice was {_percent(probability)}."
    )


def quiet_reason(count: int) -> str:
    """Say why the person is left alone although nothing forbids otherwise.

    Parameters
    ----------
    count
        Number of candidates that came into question.
    """
    if count == 0:
        return "Nothing comes into question for you now, so we leave you alone."
    return "Nothing we could do now is worth your attention, so we leave you alone."


def _wish(facts: Mapping[str, Any]) -> str:
    wished_for = facts.get("wished_for")
    return f"You told us that you look for {wished_for}." if wished_for else ""


def _own_purchases(facts: Mapping[str, Any]) -> str:
    times = facts.get("times_bought", 0)
    if not times:
        return ""
    said = ["You bought it once" if times == 1 else f"You bought it {times} times"]
    if times > 1 and "gap_days" in facts:
        said.append(f"about every {_days(facts['gap_days'])}")
    if "days_since_last" in facts:
        last = _ago(facts["days_since_last"])
        said.append(last if times == 1 else f"last {last}")
    return ", ".join(said) + "."


def _repeat_rate(facts: Mapping[str, Any]) -> str:
    rate = facts.get("repeat_rate")
    return f"{_percent(rate)} of those who bought it buy it again." if rate else ""


def _about(facts: Mapping[str, Any]) -> str:
    titles = facts.get("about_bought")
    return f"It is on products you buy: {_listed(titles)}." if titles else ""


def _bought_with(facts: Mapping[str, Any]) -> str:
    titles = facts.get("bought_with")
    return f"People who buy {_listed(titles)} also buy it." if titles else ""


def _alike(facts: Mapping[str, Any]) -> str:
    times = facts.get("alike_times")
    return f"People who shop like you buy it {times:.1f} times as often as others." if times else ""


def _buyers(facts: Mapping[str, Any]) -> str:
    share = facts.get("buyers_share")
    return f"{_percent(share)} of all people bought it." if share else ""


def _listed(titles: Sequence[str]) -> str:
    """Join titles, as ``a, b and c``; at most three are named."""
    named = list(titles[:_MOST_TITLES])
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _days(days: float) -> str:
    """Write a number of days, rounded."""
    whole = round(days)
    return "1 day" if whole == 1 else f"{whole} days"


def _ago(days: float) -> str:
    """Write how long ago something was."""
    return f"{_days(days)} ago" if round(days) else "today"


def _percent(rate: float) -> str:
    """Write a rate in [0, 1] as a percentage; small ones keep two digits."""
    percent = rate * 100
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"
