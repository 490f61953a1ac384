"""The plain words of every status: for the person, for the operator, and the contact that is fine.

Both read the same facts, and nothing is said to the operator that the person may not read.
"""

from customering.kernel.clock import day_of, format_day
from customering.relationship.model import (
    ContactContract,
    ContactKind,
    Persuasion,
    StatusFacts,
    StatusName,
)
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
    "just_a_transaction": ContactContract(
        kinds=("order", "answer", "show"),
        unasked_messages_per_30_days=0,
        words="Serve and answer them well where they are; send nothing unasked.",
    ),
    "partner": ContactContract(
        kinds=(*_ALL, "invitation"),
        unasked_messages_per_30_days=4,
        words="They want to think along: ask them, show them early, and design with them.",
    ),
    "left": ContactContract(
        kinds=("order", "answer"),
        unasked_messages_per_30_days=0,
        words="Only what we still owe them.",
    ),
}


# A chance below the one, or above the other, says the contrary of being on time, or late.
_LIKELY, _SURE = 0.5, 0.8


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
        "at_risk:unhappy": "You are unhappy with us. We want to put that right first.",
        "lost": "You seem to have moved on. We send you nothing; you are welcome at any time.",
        "returning": "You are back after a long time. It is good to see you.",
        "on_a_break": f"You asked for a break{_until(facts)}. We keep quiet.",
        "just_a_transaction": f"You told us to do what you order{_until(facts)}, and to send you "
        "nothing else.",
        "partner": "You told us that you like to think along. Thank you.",
        "left": "You told us that you are leaving. We only do what we still owe you.",
        "not_that_into_you": "You told us that you want nothing from us but what you order. "
        "We keep to that.",
        "not_that_into_you:ignored": "You did not answer what we sent you, so we send you nothing "
        "but what you order. Tell us if you want it otherwise.",
        "not_that_into_you:dismissed": "You said no to what we suggested, so we suggest nothing "
        "more. Tell us if you want it otherwise.",
        "not_that_into_you:unsubscribed": "You told us to send you no messages. We keep to that, "
        "and try to sell you nothing.",
        "not_that_into_you:unmoved": "What we send does nothing for people like you, so we send "
        "you nothing but what you order. Tell us if you want it otherwise.",
        "not_that_into_you:put_off": "What we send seems to bother people like you, so we send "
        "you nothing but what you order. Tell us if you want it otherwise.",
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
        "at_risk:unhappy": "Very unhappy with us: settle that before anything else.",
        "lost": f"Gone: silent {late} times as long as is usual for them.",
        "lost:model": "Gone: late by their own rhythm, and the model expects next to nothing more.",
        "lost:ever": "Gone: silent for longer than anybody is waited for.",
        "returning": "Bought again after a silence much longer than was usual for them.",
        "on_a_break": f"Asked for a break{_until(facts)}.",
        "just_a_transaction": f"Wants to order and no messages{_until(facts)}; said so.",
        "partner": "Wants to think along and to be asked; said so.",
        "left": "Has left; said so.",
        "not_that_into_you": f"Wants nothing but what they order{_until(facts)}; said so.",
        "not_that_into_you:ignored": "Suggested: has neither answered any message nor bought "
        "anything in the last 90 days.",
        "not_that_into_you:dismissed": "Suggested: said no to several suggestions, and has neither "
        "answered nor bought anything in the last 90 days. Stop persuading.",
        "not_that_into_you:unsubscribed": "Suggested: unsubscribed, and has bought nothing since. "
        "Stop persuading.",
        "not_that_into_you:unmoved": "Suggested: contact surely does nothing for people like them, "
        "and they have not bought lately. Stop persuading.",
        "not_that_into_you:put_off": "Suggested: contact surely puts people like them off. "
        "Stop persuading.",
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
            *_model_sentences(facts, rhythm),
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


def alive_in_words(p_alive: float, rhythm: Rhythm | None, who: str = "their") -> str:
    """Say why the chance of still being a customer is not what the status says; empty if it is.

    The model knows how often and how lately everybody buys, and takes all for as regular as each
    other; the status asks what is usual for this one person. In rare cases they disagree.

    Parameters
    ----------
    who
        ``their``, or ``your`` for the person themselves.
    """
    if rhythm is None:
        return ""
    they = "you" if who == "your" else "they"
    if rhythm.lateness <= 1 and p_alive < _LIKELY:
        return f"by how people usually buy; by {who} own rhythm {they} are on time, and that counts"
    if rhythm.lateness > 1 and p_alive > _SURE:
        return f"by how people usually buy; by {who} own rhythm {they} are late, and that counts"
    return ""


def _model_sentences(facts: StatusFacts, rhythm: Rhythm | None) -> list[str]:
    said = []
    # BG/NBD takes everybody for alive after one purchase day, which would say nothing.
    if facts.p_alive is not None and (facts.order_days > 1 or facts.p_alive < 1):
        why = alive_in_words(facts.p_alive, rhythm)
        chance = f"Still a customer with a probability of {_chance(facts.p_alive)}"
        said.append(f"{chance}, {why}." if why else f"{chance}.")
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
    said = []
    received, answered = facts.messages_received_90d, facts.messages_answered_90d
    if received is not None:
        got = f"Received {times_in_words(received, 'message')} in the last 90 days"
        said.append(f"{got}." if answered is None else f"{got} and answered {answered or 'none'}.")
    if facts.dismissed_days:
        count = times_in_words(len(facts.dismissed_days), "suggestion")
        said.append(f"Said no to {count} in the last 90 days.")
    if facts.unsubscribed_at is not None:
        said.append(f"Unsubscribed on {date_in_words(facts.unsubscribed_at)}.")
    if facts.sentiment_90d is not None:
        said.append(
            f"Spoke of us with {facts.sentiment_90d:+.1f} on a scale from -1 to 1, in the last 90"
            " days."
        )
    if facts.persuasion is not None:
        said += _persuasion_sentences(facts.persuasion)
    return said


def _persuasion_sentences(found: Persuasion) -> list[str]:
    """Tell what was measured of people like them, and what it means."""
    within = f"(between {found.low:+.1%} and {found.high:+.1%})"
    means = {
        "": "",
        "persuadable": "So hearing from us helps them.",
        "would buy anyway": "So they buy as often without hearing from us.",
        "would not buy either way": "So hearing from us changes nothing.",
        "put off": "So hearing from us puts them off.",
    }[found.kind]
    if found.rate_with is None or found.rate_without is None:
        return [f"Contact changes what people like them do by {found.effect:+.1%} {within}.", means]
    return [
        f"Of people like them {found.rate_with:.1%} bought within {found.days} days when we got in"
        f" touch, and {found.rate_without:.1%} when we left them alone: {found.effect:+.1%}"
        f" {within}.",
        means,
    ]
