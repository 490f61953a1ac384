"""The plan we ship: the commerce events of the Segment spec and those of the other channels."""

from functools import cache
from importlib.resources import files

from customering.events.plan import TrackingPlan
from customering.events.plan_file import PlanDefinition, merge_plans, parse_plan


@cache
def shipped_plan() -> PlanDefinition:
    """Give the plan that stands beside this module, ``commerce.toml``, as part of the code."""
    text = files("customering.events").joinpath("commerce.toml").read_text(encoding="utf-8")
    return parse_plan(text, file="commerce.toml")


def tracking_plan(own: PlanDefinition | None = None) -> TrackingPlan:
    """Give the shipped plan with the operator's own laid over it."""
    return TrackingPlan(shipped_plan() if own is None else merge_plans(shipped_plan(), own))
