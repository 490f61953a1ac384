"""The nouns of a relationship: purchase histories, models of value, estimates and statuses."""

from typing import Literal

from customering.kernel.records import Record
from customering.relationship.arrays import Floats, Integers
from customering.relationship.parameters import Buying, Contender, GammaGamma, Positive


class Purchases(Record, frozen=True, kw_only=True):
    """The purchases of many people, one array a field and one position a purchase, in any order.

    Parameters
    ----------
    person
        A whole number that stands for the person.
    day
        Whole UTC day, days since 1970.
    amount_minor
        Value in minor units; NaN when unknown. What is returned counts negative.
    """

    person: Integers
    day: Integers
    amount_minor: Floats


class PurchaseHistory(Record, frozen=True, kw_only=True):
    """What one person bought so far, as far as the models of value need to know.

    Orders of one day count as one order. Time runs from the first order.

    Parameters
    ----------
    frequency
        Purchase days after the first one, >= 0.
    recency_days
        Days from the first to the last purchase day, >= 0; 0 when there is only one.
    age_days
        Days from the first purchase day to the day observation ends (not to the last order).
    mean_order_value_minor
        Mean value of a purchase day in minor units; None when unknown.
    """

    frequency: int
    recency_days: float
    age_days: float
    mean_order_value_minor: float | None = None


class PurchaseHistories(Record, frozen=True, kw_only=True):
    """The purchase histories of many people, one array a field and one position a person.

    Units as in `PurchaseHistory`; an unknown mean order value is NaN. `person` holds whatever
    whole number the caller uses for a person.

    Parameters
    ----------
    sum_log_gaps
        For each person the sum of the natural logarithms of the days between purchase days, all
        that is needed beyond the others to tell how regularly people buy; None where it is not
        known, and then regular buying is not considered.
    """

    person: Integers
    frequency: Floats
    recency_days: Floats
    age_days: Floats
    mean_order_value_minor: Floats
    sum_log_gaps: Floats | None = None


class HeldOut(Record, frozen=True, kw_only=True):
    """How predictions compared with what people did in days the model had not seen.

    Parameters
    ----------
    people
        People predicted for.
    predicted_total, actual_total
        Purchase days of all of them, in the held-out days.
    bias
        Predicted total over actual total, less 1; 0.05 is five percent too many. None when
        nothing was bought.
    mean_absolute_error, root_mean_square_error
        Over people, in purchase days.
    wmape
        Sum of absolute errors over the actual total; None when nothing was bought.
    correlation
        Pearson's, over people; None when either side does not vary.
    top_tenth_capture
        Share of the actual purchases made by the tenth of people ranked highest, in [0, 1].
    """

    people: int
    predicted_total: float
    actual_total: float
    bias: float | None
    mean_absolute_error: float
    root_mean_square_error: float
    wmape: float | None
    correlation: float | None
    top_tenth_capture: float | None


class ValueModel(Record, frozen=True, kw_only=True):
    """All that is needed to estimate one person's value: the artifact of a fit.

    Parameters
    ----------
    buying
        Repeat buying; time in days.
    spending
        Order values in minor units of `currency`; None when too few orders had a value.
    currency
        ISO 4217 code of the order values; empty when there are none.
    fitted_at_ms
        When the fit was made.
    observed_from_day, observed_until_day
        The window of the data: first whole UTC day in it, and the day observation ended (days
        since 1970). A purchase on the last day is in the window.
    people, repeaters
        People with at least one, and with at least two, purchase days in the window.
    log_likelihood
        Of the repeat buying, in natural logarithms, with time in days.
    usual_gap_days
        The median over repeaters of their own mean time between purchase days.
    held_out_days
        Length of the window held out to check the model; 0 when it was not checked.
    held_out
        The check against the held-out days.
    scale
        What expected purchases are multiplied by, so that their total was right in the held-out
        days; 1 when it was not checked.
    contenders
        All models that were fitted, the best explanation first: `buying` is the first of them.
        Empty in models of earlier versions.
    """

    buying: Buying
    spending: GammaGamma | None
    currency: str
    fitted_at_ms: int
    observed_from_day: int
    observed_until_day: int
    people: int
    repeaters: int
    log_likelihood: float
    usual_gap_days: float
    held_out_days: int = 0
    held_out: HeldOut | None = None
    scale: Positive = 1.0
    contenders: tuple[Contender, ...] = ()


class ValueEstimate(Record, frozen=True, kw_only=True):
    """What a model expects of one person.

    Parameters
    ----------
    p_alive
        Probability in [0, 1] that this person still is a customer.
    expected_purchases_30, expected_purchases_90
        Purchase days expected in the next 30 and 90 days.
    expected_order_value_minor
        Value expected of one purchase day, minor units; None when values are unknown.
    expected_value_90_minor
        Purchases times order value over the next 90 days, minor units, not discounted.
    usual_gap_days
        What is usual among all people of the model between two purchase days.
    """

    p_alive: float
    expected_purchases_30: float
    expected_purchases_90: float
    expected_order_value_minor: int | None = None
    expected_value_90_minor: int | None = None
    usual_gap_days: float | None = None


class ValueEstimates(Record, frozen=True, kw_only=True):
    """What a model expects of many people, one array a field; an unknown amount is NaN."""

    p_alive: Floats
    expected_purchases_30: Floats
    expected_purchases_90: Floats
    expected_order_value_minor: Floats
    expected_value_90_minor: Floats


StatusName = Literal[
    "stranger",
    "new",
    "growing",
    "loyal",
    "drifting",
    "at_risk",
    "lost",
    "returning",
    "on_a_break",
    "just_a_transaction",
    "not_that_into_you",
    "partner",
    "left",
]
"""The one relationship status of a person."""

SettableStatus = Literal["on_a_break", "just_a_transaction", "not_that_into_you", "partner", "left"]
"""The statuses a person may set themselves."""

ContactKind = Literal[
    "order", "answer", "show", "offer", "message", "question", "consultation", "invitation"
]
"""A kind of contact: about what was ordered; an answer to what they asked; something shown where
they already are; an offer; a message nobody asked for; a question to them; a consultation; an
invitation to come back."""


class DeclaredStatus(Record, frozen=True, kw_only=True):
    """A status a person set themselves; it wins over anything observed until it ends.

    Parameters
    ----------
    status
        What they set.
    since_ms
        When they set it.
    until_ms
        When it ends, not included; None means until they change it.
    """

    status: SettableStatus
    since_ms: int
    until_ms: int | None = None


PersuasionKind = Literal["persuadable", "would buy anyway", "would not buy either way", "put off"]
"""What acting does to a person: it helps; it changes nothing, for they buy or do not buy in any
case; it does harm."""


class Persuasion(Record, frozen=True, kw_only=True):
    """The effect of acting for a person against leaving them alone, measured on a control group.

    It is measured among people like them: no one person can be both contacted and left alone.

    Parameters
    ----------
    effect
        The best estimate, such as the difference in the chance to buy; above 0 contact helps.
    low, high
        Its interval.
    kind
        What that means; empty where it was not said.
    share
        Of what they take up, the share that would not have come without us, in [0, 1]: by that
        much their acceptance counts.
    rate_with, rate_without
        The share of people like them who bought, when we acted and when we did not; None where it
        was not told.
    days
        Within how many days they bought; 0 where it was not told.
    """

    effect: float
    low: float
    high: float
    kind: PersuasionKind | Literal[""] = ""
    share: float = 1.0
    rate_with: float | None = None
    rate_without: float | None = None
    days: int = 0


class StatusFacts(Record, frozen=True, kw_only=True):
    """Everything a status may depend on; None is unknown, and unknown never counts for or against.

    Parameters
    ----------
    now_ms
        The instant the status is asked for.
    order_days
        Distinct days with a purchase, ever.
    first_order_at, last_order_at
        Instants, milliseconds since 1970.
    mean_gap_days, sd_gap_days
        Mean and standard deviation of the days between consecutive purchase days.
    last_gap_days
        Days between the last purchase day and the one before it.
    orders_90d, orders_prior_90d
        Purchase days in the last 90 days, and in the 90 days before those.
    p_alive, expected_purchases_30, expected_purchases_90, usual_gap_days
        As in `ValueEstimate`.
    messages_received_90d, messages_answered_90d
        Messages nobody asked for in the last 90 days, and those of them the person answered in
        any way (opened a link, replied, bought).
    orders_total, returns_total
        Orders and returns, ever.
    unsubscribed_at
        When the person last told us to send no more messages; None when they did not.
    dismissed_days
        The days in the last 90 on which they said no to something we suggested, one a suggestion,
        rising; whole UTC days since 1970.
    sentiment_90d
        How they speak of us in the last 90 days, from -1 (very unhappy) to 1.
    persuasion
        What being contacted does to what people like them buy; None where nobody measured it.
    declared
        What the person set.
    """

    now_ms: int
    order_days: int = 0
    first_order_at: int | None = None
    last_order_at: int | None = None
    mean_gap_days: float | None = None
    sd_gap_days: float | None = None
    last_gap_days: float | None = None
    orders_90d: int | None = None
    orders_prior_90d: int | None = None
    p_alive: float | None = None
    expected_purchases_30: float | None = None
    expected_purchases_90: float | None = None
    usual_gap_days: float | None = None
    messages_received_90d: int | None = None
    messages_answered_90d: int | None = None
    orders_total: int | None = None
    returns_total: int | None = None
    unsubscribed_at: int | None = None
    dismissed_days: tuple[int, ...] = ()
    sentiment_90d: float | None = None
    persuasion: Persuasion | None = None
    declared: DeclaredStatus | None = None


class ContactContract(Record, frozen=True, kw_only=True):
    """What a status permits: the kinds of contact that are fine, and how many unasked messages.

    It only narrows: consent and contact policy still decide, and a refusal there always wins.

    Parameters
    ----------
    kinds
        Kinds that are fine; everything else is not.
    unasked_messages_per_30_days
        Most messages nobody asked for in any 30 days.
    words
        The contract in one sentence, for the person and the operator alike.
    """

    kinds: tuple[ContactKind, ...]
    unasked_messages_per_30_days: int
    words: str


class Status(Record, frozen=True, kw_only=True):
    """The one status of a person, with its reasons.

    Parameters
    ----------
    name
        The status.
    set_by
        ``person`` when they declared it, ``facts`` when it follows from what was observed.
    person_words
        What the person reads.
    operator_words
        What the people who work here read.
    facts
        The numbers behind it, each a sentence with units.
    since_ms
        Since when it holds; None when that cannot be known from the facts.
    would_change
        What would change it, each a sentence.
    contract
        The contact that is fine.
    """

    name: StatusName
    set_by: Literal["person", "facts"]
    person_words: str
    operator_words: str
    facts: tuple[str, ...]
    since_ms: int | None
    would_change: tuple[str, ...]
    contract: ContactContract
