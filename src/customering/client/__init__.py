"""A small typed client for the server, in a blocking form and an asynchronous one."""

from customering.client.asynchronous import AsyncClient
from customering.client.blocking import Client
from customering.client.errors import (
    ClientError,
    Forbidden,
    NoAnswer,
    NotFound,
    Rejected,
    TooMuch,
    Trouble,
    Unauthorized,
)
from customering.client.model import (
    Action,
    Asked,
    Candidate,
    Decision,
    Explanation,
    Fact,
    Person,
    Pushed,
    Report,
    Status,
    TimelineEvent,
    Told,
    Weighing,
)
from customering.client.tokens import subject_token

__all__ = [
    "Action",
    "Asked",
    "AsyncClient",
    "Candidate",
    "Client",
    "ClientError",
    "Decision",
    "Explanation",
    "Fact",
    "Forbidden",
    "NoAnswer",
    "NotFound",
    "Person",
    "Pushed",
    "Rejected",
    "Report",
    "Status",
    "TimelineEvent",
    "Told",
    "TooMuch",
    "Trouble",
    "Unauthorized",
    "Weighing",
    "subject_token",
]
