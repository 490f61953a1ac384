"""How everybody answers, by channel and by hour of the day, counted in the history."""

from collections.abc import Mapping

from customering.app.permission import Permission
from customering.app.purchases import with_people
from customering.kernel.clock import MS_PER_DAY, MS_PER_HOUR
from customering.stores.history import History
from customering.taste.answering import HOURS, NOBODY, Everybody

ANSWERS = (
    "Email Opened", "Email Clicked", "Email Link Clicked", "Push Notification Tapped",
    "Message Opened", "Message Clicked", "Action Clicked", "Action Accepted",
)  # fmt: skip
CONTACTS = (
    "Decision Made", "Campaign Received", "Email Delivered", "Message Sent",
    "Push Notification Received",
)  # fmt: skip
"""The events that the traits ``answered_channels`` and ``contacted_channels`` count as well."""

_CHANNEL = """coalesce(channel, CASE WHEN name LIKE 'Email %' THEN 'email'
    WHEN name LIKE 'Push Notification %' THEN 'push' END)"""


def read_answering(
    history: History, person_of: Mapping[str, str], permission: Permission
) -> Everybody:
    """Count the days of contact and of answers of everybody who permits it.

    Parameters
    ----------
    history
        The history to read.
    person_of
        Anchor to the name of its person, for people with several identifiers.
    permission
        Whose answers may be counted.
    """
    answers, contacts = (", ".join(f"'{name}'" for name in names) for names in (ANSWERS, CONTACTS))
    of_people = with_people(
        history,
        person_of,
        permission,
        f"h.kind = 'track' AND (h.name IN ({answers}) OR (h.name IN ({contacts}) AND"
        " (h.name <> 'Decision Made' OR json_extract(h.properties, '$.contact') IS NOT NULL)))",
    )
    history.execute(
        "CREATE OR REPLACE TEMP TABLE answering AS SELECT DISTINCT person, day,"
        f" {_CHANNEL} AS channel, name IN ({answers}) AS is_answer,"
        f" (occurred_at - day::BIGINT * {MS_PER_DAY}) // {MS_PER_HOUR} AS hour FROM {of_people}"
    )
    people = history.arrow("SELECT count(DISTINCT person) AS n FROM answering WHERE is_answer")
    answered_by = int(people["n"][0].as_py())
    if not answered_by:
        return NOBODY
    rates = history.arrow(
        "SELECT channel, count(*) FILTER (WHERE answered) AS answered, count(*) AS days FROM"
        " (SELECT person, day, channel, bool_or(is_answer) AS answered FROM answering"
        "  WHERE channel IS NOT NULL GROUP BY ALL) GROUP BY channel"
    ).to_pylist()
    counted = history.arrow(
        "SELECT hour, count(*) AS n FROM (SELECT DISTINCT person, day, hour FROM answering"
        " WHERE is_answer) GROUP BY hour"
    ).to_pylist()
    by_hour = {int(row["hour"]): float(row["n"]) for row in counted}
    total = sum(by_hour.values()) + HOURS
    return Everybody(
        rates={row["channel"]: row["answered"] / row["days"] for row in rates},
        hours=tuple((by_hour.get(hour, 0.0) + 1.0) / total for hour in range(HOURS)),
        people=answered_by,
    )
