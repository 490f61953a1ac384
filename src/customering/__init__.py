"""customering: one live profile, one status and the next best step for every single customer."""

from importlib import import_module
from typing import Any

_OF_THE_CLIENT = ("AsyncClient", "Client", "ClientError", "subject_token")


def __getattr__(name: str) -> Any:
    """Give the client when it is asked for: nothing else here should wait for its imports."""
    if name in _OF_THE_CLIENT:
        return getattr(import_module("customering.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
