"""Commands about fitted models: which there are, which is in use, and back again."""

from typing import Annotated, get_args

import typer

from customering.app.home import find
from customering.app.model_registry import ModelRegistry
from customering.app.model_version import Kind, ModelVersion
from customering.cli.output import HomeOption, JsonOption, console, print_json, table
from customering.kernel.clock import format_day, format_instant
from customering.kernel.errors import Invalid

models = typer.Typer(
    help="Fitted models: which there are, which is in use, and back again.", no_args_is_help=True
)
_KINDS: tuple[Kind, ...] = get_args(Kind)


@models.command("list")
def list_models(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List all models with their data, their figures and why they are in use or not."""
    registry = _registry(home)
    told = [(registry.role(one), one) for one in registry.versions()]
    if as_json:
        print_json([{"role": role, "model": one} for role, one in told])
        return
    if not told:
        console.print("There is no model yet: run `customering learn` once there are purchases.")
        return
    rows = [
        (
            one.model_id,
            one.kind,
            role,
            one.name,
            format_instant(one.made_at)[:16].replace("T", " "),
            f"{format_day(one.first_day)} to {format_day(one.through_day)}",
            one.people,
        )
        for role, one in told
    ]
    columns = ("key", "kind", "role", "what", "fitted", "purchases", "people")
    console.print(table(columns, rows, numbers="llllllr"))
    for role, one in told:
        console.print(f"\n{one.model_id} ({role}): {one.verdict}", markup=False)


@models.command("promote")
def promote_model(
    model_id: Annotated[str, typer.Argument(help="The id of a model, from `models list`.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a model in use; a running server takes it within seconds."""
    found = _registry(home).promote(model_id)
    if as_json:
        print_json(found)
        return
    _print_in_use(found)


@models.command("rollback")
def rollback_model(
    kind: Annotated[str, typer.Argument(help="Which kind: value, taste or persuasion.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the model in use that was so before; it stays until another proves better."""
    known = next((one for one in _KINDS if one == kind), None)
    if known is None:
        raise Invalid(f"there are no models of {kind!r}", hint=f"kinds: {', '.join(_KINDS)}")
    found = _registry(home).rollback(known)
    if as_json:
        print_json(found)
        return
    _print_in_use(found)


def _registry(home: HomeOption) -> ModelRegistry:
    found = find(home)
    kept_most = found.loaded.settings.models.kept_most
    return ModelRegistry(found.models_folder, kept_most=kept_most)


def _print_in_use(version: ModelVersion) -> None:
    console.print(
        f"{version.name} of {format_instant(version.made_at)[:10]} is in use for {version.kind}:"
        f" {version.people:,} people, purchases through {format_day(version.through_day)}",
        markup=False,
    )
