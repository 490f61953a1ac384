"""Who I am to you: everything that names me, why it is one person, and "this is not me"."""

from asyncio import to_thread

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from customering.events.model import IDENTIFIERS_SEPARATED
from customering.identity.explain import explain
from customering.kernel.errors import Absent, Invalid
from customering.kernel.ids import Identifier, kind_of, value_of
from customering.portal.desk import Desk
from customering.portal.guest import Visit
from customering.web.problems import AnyRequest


class NameView(msgspec.Struct, frozen=True, kw_only=True):
    """One name of a person.

    Parameters
    ----------
    identifier, kind, value
        It, whole and in parts.
    is_signed_in_by
        Whether this session is under it, so that it cannot be taken away here.
    evidence
        Why it belongs to the person, a sentence a link.
    """

    identifier: str
    kind: str
    value: str
    is_signed_in_by: bool
    evidence: tuple[str, ...]


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """One proof that two names are one person."""

    left: str
    right: str
    kind: str
    occurred_at: int
    source: str


class IdentityView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that names a person, and the proofs."""

    names: list[NameView]
    links: list[LinkView]


@get(["/me/identity", "/me/identity.json"])
async def identity(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Show who the person is to us."""
    visit = await desk.visit(request)
    told = request.query_params.get("told", "")[:60]
    return desk.page(visit, "identity", view_of(desk, visit), said=told)


@post("/me/identity/not-me")
async def not_me(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[bytes]:
    """Take a name away that belongs to somebody else; what came under it goes with it."""
    visit, form = await desk.act(request, fresh=True)  # it may be one by which they sign in
    name = Identifier(form.text("identifier", most=600))
    if name == visit.session.person:
        raise Invalid("you are signed in by this very name", hint="sign in by another one first")
    if name not in visit.names:
        raise Absent("this name is not among yours", hint="load the page again")
    await desk.note(IDENTIFIERS_SEPARATED, (visit.session.person, name), {"by": "person"})
    for ways_in in (desk.sessions.end_all, desk.passkeys.forget, desk.grants.forget):
        await to_thread(ways_in, (name,))
    return desk.done(visit, "/me/identity", "identity.apart")


handlers = [identity, not_me]


def view_of(desk: Desk, visit: Visit) -> IdentityView:
    """Give what the page tells."""
    graph = desk.engine.folding.graph
    whole = explain(graph, visit.session.person, refused_max=0)
    return IdentityView(
        names=[
            NameView(
                identifier=name,
                kind=kind_of(name),
                value=value_of(name),
                is_signed_in_by=name == visit.session.person,
                evidence=tuple(
                    sorted(
                        {
                            link.right if link.left == name else link.left
                            for link in whole.tree
                            if name in (link.left, link.right)
                        }
                    )
                ),
            )
            for name in visit.names
        ],
        links=[
            LinkView(
                left=link.left,
                right=link.right,
                kind=link.kind,
                occurred_at=link.occurred_at,
                source=link.source,
            )
            for link in whole.tree
        ],
    )
