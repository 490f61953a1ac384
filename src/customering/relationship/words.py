"""The plain words of every status: for the person, for the operator, and the contact that is fine.

Both read the same facts, and nothing is said to the operator that the person may not read.
"""

from customering.kernel.clock import day_of, format_day
from customering.relationship.model import ContactContract, ContactKind, StatusFacts, StatusName
from customering.relationship.rhythm import Rhythm

_ALL: tuple[ContactKind, ...] = (
    "order",
    "answer",
    "show",
    "offer",
    "message",
    "question",
    "consultation",
)

CONTRACTS: dict[StatusName, ContactContract] = {
    "stranger": ContactContract(
        kinds=("order", "answer", "show", "question"),
        unasked_messages_per_30_days=1,
        words="Show what may help where they already are and answer; do not press.",
    ),
    "new": ContactContract(
        kinds=("order", "answer", "show", "message", "question", "consultation"),
        unasked_messages_per_30_days=2,
        words="Make the first purchases go well and ask little; no offers yet.",
    ),
    "growing": ContactContract(
        kinds=_ALL,
        unasked_messages_per_30_days=4,
        words="Every kind of contact is fine, at a calm pace.",
    ),
    "loyal": ContactContract(
        kinds=_ALL,
        unasked_messages_per_30_days=4,
        words="Every kind of contact is fine; do not pay for what they do anyway.",
    ),
    "drifting": ContactContract(
        kinds=_ALL,
        unasked_messages_per_30_days=2,
        words="Every kind of contact is fine, less often; a question is better than an offer.",
    ),
    "at_risk": ContactContract(
        kinds=("order", "answer", "show", "offer", "question", "consultation", "invitation"),
        unasked_messages_per_30_days=1,
        words="One honest question or invitation, then silence.",
    ),
    "lost": ContactContract(
        kinds=("order", "answer", "show"),
        unasked_messages_per_30_days=0,
        words="They have gone: answer and serve when they come, and send nothing unasked.",
    ),
    "returning": ContactContract(
        kinds=("order", "answer", "show", "message", "question", "consultation"),
        unasked_messages_per_30_days=2,
        words="Welcome them and ask what has changed; what was known of them may be out of date.",
    ),
    "on_a_break": ContactContract(
        kinds=("order", "answer"),
        unasked_messages_per_30_days=0,
        words="Only what they order and answers to what they ask, until the break ends.",
    ),
    "not_that_into_you": ContactContract(
        kinds=("order", "answer"),
        unasked_messages_per_30_days=0,
        words="Only what they order and answers to what they ask.",
    ),
}


def days_in_words(days: float) -> str:
    """Write a number of days.

    Examples
    --------
    >>> days_in_words(1), days_in_words(6.5), days_in_words(41.7)
    ('1 day', '6.5 days', '42 days')
    """
    number = f"{days:.1f}".removesuffix(".0") if days < 10 else f"{days:.0f}"
    return f"{number} day" if number == "1" else f"{number} days"


def times_in_words(count: float, thing: str = "day") -> str:
    """Write a count of things.

    Examples
    --------
    >>> times_in_words(1, "message"), times_in_words(3)
    ('1 message', '3 days')
    """
    return f"{count:g} {thing}" if count == 1 else f"{count:g} {thing}s"


def date_in_words(instant_ms: int) -> str:
    """Write the UTC day of an instant as an ISO date."""
    return format_day(day_of(instant_ms))


def person_words(name: StatusName, why: str, facts: StatusFacts, rhythm: Rhythm | None) -> str:
    """Say a status to the person it is about."""
    gap = days_in_words(rhythm.gap_days) if rhythm else ""
    silence = days_in_words(rhythm.silence_days) if rhythm else ""
    words: dict[str, str] = {
        "stranger": "You have not bought anything from us yet.",
        "new": "You have just begun to buy from us. Welcome.",
        "growing": "You have come back, and we are getting to know each other.",
        "growing:more": "You come more often than you used to. Thank you.",
        "loyal": f"You keep coming back, about every {gap}. Thank you.",
        "drifting": f"We have not seen you for {silence}, longer than is usual for you.",
        "drifting:fewer": "You come less often than you used to.",
        "at_risk": f"We have not seen you for {silence}, much longer than is usual for you. "
        "If something went wrong, please tell us.",
        "lost": "You seem to have moved on. We send you nothing; you are welcome at any time.",
        "returning": "You are back after a long time. It is good to see you.",
        "on_a_break": f"You asked for a break{_until(facts)}. We keep quiet.",
        "not_that_into_you": "You told us that you want nothing from us but what you order. "
        "We keep to that.",
        "not_that_into_you:ignored": "You did not answer what we sent you, so we send you nothing "
        "but what you order. Tell us if you want it otherwise.",
    }
    return words.get(f"{name}:{why}", words[name])


def operator_words(name: StatusName, why: str, facts: StatusFacts, rhythm: Rhythm | None) -> str:
    """Say a status to the people who work here."""
    patience = days_in_words(rhythm.patience_days) if rhythm else ""
    late = f"{rhythm.lateness:.1f}" if rhythm else ""
    words: dict[str, str] = {
        "stranger": "Known by name or device only: no purchase so far.",
        "new": "First purchases: too few yet to know a rhythm.",
        "new:undated": "Has bought, but it is not known when.",
        "growing": "Has come back and is on time; not yet long or often enough to be a habit.",
        "growing:more": "Buys clearly more often than in the 90 days before.",
        "loyal": f"Keeps to their own rhythm; silences up to {patience} are usual for them.",
        "drifting": f"Late by their own rhythm: silent {late} times as long as is usual for them.",
        "drifting:fewer": "Still on time, but buys clearly less often than in the 90 days before.",
        "at_risk": f"Very late: silent {late} times as long as is usual for them.",
        "at_risk:model": "Late by their own rhythm, and the model expects little more.",
        "at_risk:kept": f"Silent {late} times as long as is usual for them, yet the model "
        "still expects purchases.",
        "lost": f"Gone: silent {late} times as long as is usual for them.",
        "lost:model": "Gone: late by their own rhythm, and the model expects next to nothing more.",
        "lost:ever": "Gone: silent for longer than anybody is waited for.",
        "returning": "Bought again after a silence much longer than was usual for them.",
        "on_a_break": f"Asked for a break{_until(facts)}.",
        "not_that_into_you": f"Wants nothing but what they order{_until(facts)}; said so.",
        "not_that_into_you:ignored": "Suggested: has neither answered any message nor bought "
        "anything in the last 90 days.",
    }
    return words.get(f"{name}:{why}", words[name])


def _until(facts: StatusFacts) -> str:
    declared = facts.declared
    if declared is None or declared.until_ms is None:
        return ""
    return f" until {date_in_words(declared.until_ms)}"


def fact_sentences(facts: StatusFacts, rhythm: Rhythm | None) -> tuple[str, ...]:
    """Give every known fact as a sentence with numbers and units."""
    return tuple(
        sentence
        for sentence in (
            *_declared_sentences(facts),
            *_purchase_sentences(facts, rhythm),
            *_model_sentences(facts),
            *_contact_sentences(facts),
        )
        if sentence
    )


def _declared_sentences(facts: StatusFacts) -> list[str]:
    if facts.declared is None:
        return []
    said = facts.declared.status.replace("_", " ")
    since = date_in_words(facts.declared.since_ms)
    return [f"Set by the person on {since}: {said}{_until(facts)}."]


def _purchase_sentences(facts: StatusFacts, rhythm: Rhythm | None) -> list[str]:
    if facts.order_days < 1:
        return ["No purchase so far."]
    said = [f"Bought on {times_in_words(facts.order_days)} so far."]
    if facts.first_order_at is not None:
        first = date_in_words(facts.first_order_at)
        said[0] = f"Bought on {times_in_words(facts.order_days)} since {first}."
    if rhythm is not None and facts.last_order_at is not None:
        last = date_in_words(facts.last_order_at)
        ago = f"{days_in_words(rhythm.silence_days)} ago" if rhythm.silence_days else "today"
        said.append(f"Last bought {ago}, on {last}.")
        if facts.mean_gap_days is not None:
            spread = facts.sd_gap_days
            several = spread is not None and facts.order_days > 2
            give = f", give or take {days_in_words(spread or 0)}" if several else ""
            said.append(f"{days_in_words(facts.mean_gap_days)} between purchases on average{give}.")
        patience = days_in_words(rhythm.patience_days)
        said.append(f"A silence of up to {patience} is usual for this person.")
    if facts.last_gap_days is not None:
        said.append(
            f"The last purchase came {days_in_words(facts.last_gap_days)} after the one before."
        )
    if facts.orders_90d is not None:
        recent = f"Bought on {times_in_words(facts.orders_90d)} in the last 90 days"
        prior = facts.orders_prior_90d
        said.append(
            f"{recent}." if prior is None else f"{recent}, and on {prior} in the 90 days before."
        )
    if facts.returns_total:
        of = f" of {facts.orders_total}" if facts.orders_total else ""
        said.append(f"Sent back {times_in_words(facts.returns_total, 'order')}{of}.")
    return said


def _model_sentences(facts: StatusFacts) -> list[str]:
    said = []
    # After one purchase day this model takes everybody for alive, which would say nothing.
    if facts.p_alive is not None and facts.order_days > 1:
        said.append(f"Still a customer with a probability of {_chance(facts.p_alive)}.")
    if facts.expected_purchases_90 is not None:
        said.append(
            f"Purchases on {facts.expected_purchases_90:.1f} of the next 90 days are expected."
        )
    return said


def _chance(probability: float) -> str:
    if probability < 0.01:
        return "less than 0.01"
    return "more than 0.99" if probability > 0.99 else f"{probability:.2f}"


def _contact_sentences(facts: StatusFacts) -> list[str]:
    received, answered = facts.messages_received_90d, facts.messages_answered_90d
    if received is None:
        return []
    said = f"Received {times_in_words(received, 'message')} in the last 90 days"
    return [f"{said}." if answered is None else f"{said} and answered {answered or 'none'}."]
