"""The name of what this process does, for the rows it leaves in the trail; quick to import."""

from contextvars import ContextVar

command: ContextVar[str] = ContextVar("command", default="program")


def doing(name: str) -> None:
    """Say which command runs; no words of people's."""
    command.set(name)
