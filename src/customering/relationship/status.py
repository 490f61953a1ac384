"""The one status of a person, from facts: what they set wins, then their own rhythm decides.

The rules, in order; the first that holds gives the status:

1. what the person set, while it lasts (`on_a_break`, `not_that_into_you`);
2. `not_that_into_you` is suggested, and means that we stop persuading: to whom it surely does harm;
   and to whoever has not bought lately and left many messages unanswered, said no to several
   suggestions, unsubscribed, or is surely not moved by contact;
3. no purchase: `stranger`;
4. very unhappy with us: `at_risk`, whatever they buy; otherwise late, that is silent for longer
   than is usual for them: `drifting`; very late, or late and the model expects little: `at_risk`;
   far too late, or late and the model expects next to nothing: `lost`, but not before some months
   have passed, nor while the model still expects purchases;
5. on time, but only just back from a very long silence: `returning`;
6. on time, but clearly fewer purchase days than in the 90 days before: `drifting`;
7. too few purchase days to know a rhythm: `new`;
8. clearly more purchase days than in the 90 days before: `growing`;
9. often and long enough to be a habit: `loyal`; otherwise still `growing`.

"Clearly" is a difference of two counts by more than chance would give: for Poisson counts n and m
the spread of n - m is sqrt(n + m).
"""

import math
from collections.abc import Callable
from typing import Literal

from customering.kernel.clock import MS_PER_DAY, day_of, format_day
from customering.kernel.records import Record
from customering.relationship import words
from customering.relationship.began import began
from customering.relationship.model import Status, StatusFacts, StatusName, ValueEstimate
from customering.relationship.rhythm import Rhythm, patience_before, rhythm_of
from customering.relationship.settings import StatusSettings

_WINDOW_DAYS = 90


class Judgement(Record, frozen=True, kw_only=True):
    """Which rule held: the status, who set it, and which of its variants; no words yet.

    Parameters
    ----------
    name, set_by
        As in `Status`.
    why
        The variant of the status, such as ``more`` of `growing`; empty for the usual one.
    rhythm
        The person's rhythm; None when they have not bought, or it is not known when.
    """

    name: StatusName
    set_by: Literal["person", "facts"] = "facts"
    why: str = ""
    rhythm: Rhythm | None = None


_DEFAULTS = StatusSettings()
_CHANGES = {
    "ignored": "Any answer to a message, or a purchase.",
    "dismissed": "Any answer to a message, or a purchase.",
    "unsubscribed": "A purchase, or their word that messages are welcome again.",
    "unmoved": "A purchase, or a later measurement that finds that contact helps.",
    "put_off": "A later measurement that finds that contact does no harm.",
    "unhappy": "A kinder word from them, once what went wrong is settled.",
}


def status_of(
    facts: StatusFacts,
    settings: StatusSettings = _DEFAULTS,
    *,
    outlook_at: Callable[[int], ValueEstimate | None] | None = None,
) -> Status:
    """Give the one status of a person with its words, reasons and contact contract.

    Any facts give exactly one status. Instants must lie between the years 1 and 9999.

    Parameters
    ----------
    facts
        Everything that is known.
    settings
        The thresholds.
    outlook_at
        What the value model expected at an instant since the last purchase; with it, also a status
        that the model decided has a beginning.
    """
    found = judge(facts, settings)
    return Status(
        name=found.name,
        set_by=found.set_by,
        person_words=words.person_words(found.name, found.why, facts, found.rhythm),
        operator_words=words.operator_words(found.name, found.why, facts, found.rhythm),
        facts=words.fact_sentences(facts, found.rhythm),
        since_ms=_since(found, facts, settings, outlook_at),
        would_change=_would_change(found, facts, settings),
        contract=words.CONTRACTS[found.name],
    )


def judge(facts: StatusFacts, settings: StatusSettings = _DEFAULTS) -> Judgement:
    """Apply the rules alone, in a few microseconds: for counting statuses over many people."""
    declared = facts.declared
    if (
        declared is not None
        and declared.since_ms <= facts.now_ms
        and (declared.until_ms is None or facts.now_ms < declared.until_ms)
    ):
        return Judgement(name=declared.status, set_by="person", rhythm=rhythm_of(facts, settings))
    rhythm = rhythm_of(facts, settings)
    unmoved = _why_not_that_into_us(facts, rhythm, settings)
    if unmoved:
        return Judgement(name="not_that_into_you", why=unmoved, rhythm=rhythm)
    if rhythm is None:
        if facts.order_days < 1:
            return Judgement(name="stranger")
        return Judgement(name="new", why="undated")
    mood = facts.sentiment_90d
    is_here = rhythm.silence_days <= settings.lost_days_min
    if mood is not None and mood <= settings.unhappy_sentiment and is_here:
        return Judgement(name="at_risk", why="unhappy", rhythm=rhythm)
    return _judge_lateness(facts, rhythm, settings) or _judge_on_time(facts, rhythm, settings)


def _why_not_that_into_us(
    facts: StatusFacts, rhythm: Rhythm | None, settings: StatusSettings
) -> str:
    """Say by what somebody shows that persuading is in vain; empty when they do not.

    Whoever buys answers in the way that counts; only certain harm is heeded nevertheless.
    """
    measured = facts.persuasion
    if measured is not None and measured.high < 0:
        return "put_off"
    if rhythm is not None and rhythm.silence_days < _WINDOW_DAYS:
        return ""
    received, answered = facts.messages_received_90d, facts.messages_answered_90d
    if received is not None and answered is not None and answered < 1:
        if received >= settings.ignored_messages_min:
            return "ignored"
        if len(facts.dismissed_days) >= settings.dismissed_min:
            return "dismissed"
    if _has_unsubscribed(facts, settings):
        return "unsubscribed"
    if measured is not None and measured.high <= settings.persuasion_least:
        return "unmoved"
    return ""


def _has_unsubscribed(facts: StatusFacts, settings: StatusSettings) -> bool:
    """Say whether they refused messages lately, and since the last purchase."""
    at = facts.unsubscribed_at
    if at is None or at > facts.now_ms or at < (facts.last_order_at or at):
        return False
    return day_of(facts.now_ms) - day_of(at) <= settings.unsubscribed_days


def _judge_lateness(
    facts: StatusFacts, rhythm: Rhythm, settings: StatusSettings
) -> Judgement | None:
    """Apply rule 4; None when the person is on time."""
    if rhythm.silence_days > settings.lost_days_max:
        return Judgement(name="lost", why="ever", rhythm=rhythm)
    if rhythm.lateness <= 1:
        return None
    expected, alive = facts.expected_purchases_90, facts.p_alive
    if rhythm.silence_days > settings.lost_days_min:
        if expected is not None and expected < settings.lost_expected_90:
            return Judgement(name="lost", why="model", rhythm=rhythm)
        if rhythm.lateness > settings.lost_patience:
            if expected is None or expected < settings.kept_expected_90:
                return Judgement(name="lost", rhythm=rhythm)
            return Judgement(name="at_risk", why="kept", rhythm=rhythm)
    if rhythm.lateness > settings.at_risk_patience:
        return Judgement(name="at_risk", rhythm=rhythm)
    gone = alive is not None and alive < settings.at_risk_p_alive
    if gone or (expected is not None and expected < settings.at_risk_expected_90):
        return Judgement(name="at_risk", why="model", rhythm=rhythm)
    return Judgement(name="drifting", rhythm=rhythm)


def _judge_on_time(facts: StatusFacts, rhythm: Rhythm, settings: StatusSettings) -> Judgement:
    change = _change(facts, settings)
    if _is_just_back(facts, rhythm, settings):
        return Judgement(name="returning", rhythm=rhythm)
    if change == "fewer":
        return Judgement(name="drifting", why="fewer", rhythm=rhythm)
    if facts.order_days <= settings.new_orders_max:
        return Judgement(name="new", rhythm=rhythm)
    if change == "more":
        return Judgement(name="growing", why="more", rhythm=rhythm)
    often = facts.order_days >= settings.loyal_orders_min
    if often and _span_days(facts) >= settings.loyal_days_min:
        return Judgement(name="loyal", rhythm=rhythm)
    return Judgement(name="growing", rhythm=rhythm)


def _is_just_back(facts: StatusFacts, rhythm: Rhythm, settings: StatusSettings) -> bool:
    """Say whether the last gap, or else an empty window before this one, was a long silence."""
    before = patience_before(facts, settings)
    if before is not None and facts.last_gap_days is not None:
        return _is_long_silence(facts.last_gap_days, before, settings)
    quiet = facts.orders_prior_90d == 0 and _knew_both_windows(facts)
    came = facts.orders_90d is not None and facts.orders_90d >= 1
    return quiet and came and _is_long_silence(_WINDOW_DAYS, rhythm.patience_days, settings)


def _is_long_silence(days: float, patience: float, settings: StatusSettings) -> bool:
    """Say whether a purchase after so long a silence is a return rather than a late purchase."""
    unusual = days > patience and days > settings.lost_days_min
    return unusual or days > settings.at_risk_patience * patience


def _knew_both_windows(facts: StatusFacts) -> bool:
    """Say whether the person had begun before the earlier window, so that the two compare."""
    first = facts.first_order_at
    return first is not None and facts.now_ms - first >= 2 * _WINDOW_DAYS * MS_PER_DAY


def _change(facts: StatusFacts, settings: StatusSettings) -> Literal["more", "fewer", "same"]:
    """Compare the last 90 days with the 90 before them."""
    recent, prior = facts.orders_90d, facts.orders_prior_90d
    if recent is None or prior is None or not _knew_both_windows(facts):
        return "same"
    high, low = max(recent, prior), min(recent, prior)
    by_chance = settings.change_spreads * math.sqrt(max(high + low, 0))
    if high - low <= by_chance or high < settings.change_ratio * low:
        return "same"
    return "more" if recent > prior else "fewer"


def _span_days(facts: StatusFacts) -> int:
    if facts.first_order_at is None or facts.last_order_at is None:
        return 0
    return day_of(facts.last_order_at) - day_of(facts.first_order_at)


def _since(
    found: Judgement,
    facts: StatusFacts,
    settings: StatusSettings,
    outlook_at: Callable[[int], ValueEstimate | None] | None,
) -> int | None:
    """Give the instant the status began, where the facts tell it.

    A silence began a status on the day it became that long. Where counts of windows, words or a
    measurement decided, it is not known when they first would have.
    """
    if found.set_by == "person" and facts.declared is not None:
        return facts.declared.since_ms
    match found.name, found.why:
        case "stranger", _:
            return None
        case "new", _:
            return facts.first_order_at
        case "returning", _:
            return facts.last_order_at
        case _, "unsubscribed":
            return facts.unsubscribed_at
        case _, "dismissed":
            return facts.dismissed_days[settings.dismissed_min - 1] * MS_PER_DAY
        case _, "model" | "kept" if outlook_at is not None:
            return began(facts, outlook_at, lambda then: judge(then, settings).name == found.name)
        case _, "fewer" | "model" | "kept" | "unhappy":
            return None
    limit = _silence_limits(found, settings).get(found.name)
    if limit is None or facts.last_order_at is None:
        return None
    return (day_of(facts.last_order_at) + math.floor(limit) + 1) * MS_PER_DAY


def _silence_limits(found: Judgement, settings: StatusSettings) -> dict[StatusName, float]:
    """Give the silence, in days, beyond which each status of lateness begins by rhythm alone."""
    if found.rhythm is None:
        return {}
    patience = found.rhythm.patience_days
    at_risk = patience * settings.at_risk_patience
    lost = max(patience * settings.lost_patience, settings.lost_days_min)
    kept = found.why in ("kept", "ever")
    return {
        "drifting": patience,
        "at_risk": at_risk,
        "lost": settings.lost_days_max if kept else min(lost, settings.lost_days_max),
    }


def _would_change(
    found: Judgement, facts: StatusFacts, settings: StatusSettings
) -> tuple[str, ...]:
    """Say what would change the status."""
    if found.set_by == "person":
        until = facts.declared.until_ms if facts.declared else None
        ends = "" if until is None else f", or when it ends on {words.date_in_words(until)}"
        return (f"The person's own word{ends}.",)
    said = ["The person may set a break, or that they want nothing but what they order."]
    if found.why in _CHANGES:
        said.append(_CHANGES[found.why])
    elif found.rhythm is None:
        said.append("A purchase." if found.name == "stranger" else "The day of a purchase.")
    elif _is_long_silence(found.rhythm.silence_days, found.rhythm.patience_days, settings):
        said.append("A purchase makes them returning.")
    elif found.why == "fewer":
        said.append("Buying as often again as in the 90 days before.")
    elif found.rhythm.lateness > 1:
        said.append("A purchase brings them back into their rhythm.")
    said += _gets_there(found, facts, settings) + _gets_late(found, facts, settings)
    return tuple(said)


def _gets_there(found: Judgement, facts: StatusFacts, settings: StatusSettings) -> list[str]:
    """Say what is still missing for the next better status."""
    if found.name == "new" and found.rhythm is not None:
        missing = settings.new_orders_max + 1 - facts.order_days
        return [f"Purchases on {words.times_in_words(missing, 'more day')} make them growing."]
    if found.name == "growing" and not found.why:
        return [
            f"Loyal from {settings.loyal_orders_min} purchase days that span "
            f"{words.days_in_words(settings.loyal_days_min)} or more."
        ]
    if found.name == "returning":
        return ["A second purchase in their usual time ends the return."]
    return []


def _gets_late(found: Judgement, facts: StatusFacts, settings: StatusSettings) -> list[str]:
    """Say when further silence leads to the next worse status."""
    rhythm, last = found.rhythm, facts.last_order_at
    if rhythm is None or last is None or found.name in ("lost", "not_that_into_you"):
        return []
    for name, limit in _silence_limits(found, settings).items():
        if rhythm.silence_days <= limit and name != found.name:
            day = format_day(day_of(last) + math.floor(limit) + 1)
            said = name.replace("_", " ")
            return [f"By rhythm alone, without a purchase before {day} they count as {said}."]
    return []
