"""One click and no more letters of a kind: without cookies, without a sign-in (RFC 8058).

Opening the link changes nothing, whoever opens it: programs that look into letters do. The POST
does, and mail programs send it by themselves. It says one thing in the person's name, which is no.
"""

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from customering.app.portal_links import Unsubscribing, read_unsubscribe_token
from customering.consent.ledger import check_choices
from customering.portal.desk import Desk
from customering.portal.refusing import keep_answers
from customering.web.problems import AnyRequest


class UnsubscribeView(msgspec.Struct, frozen=True, kw_only=True):
    """What a link is about.

    Parameters
    ----------
    purpose, title
        What is refused.
    is_done
        Whether it is refused now by this very request.
    place
        Where the form goes.
    """

    purpose: str
    title: str
    is_done: bool
    place: str


@get("/u/{token:str}")
async def unsubscribe_page(
    request: AnyRequest, desk: NamedDependency[Desk], token: FromPath[str]
) -> Response[bytes]:
    """Show what the link is about; nothing is changed."""
    about = read_unsubscribe_token(desk.unsubscribe_secret, token)
    return desk.open_page(desk.guest(request), "unsubscribe", _view(desk, about, token))


@post("/u/{token:str}")
async def unsubscribe(
    request: AnyRequest, desk: NamedDependency[Desk], token: FromPath[str]
) -> Response[bytes]:
    """Refuse the purpose the letter came under; once or often, it is the same."""
    about = read_unsubscribe_token(desk.unsubscribe_secret, token)
    desk.clicks.check(desk.address_of(request))
    answers = {about.purpose: "deny"}
    check_choices({"purposes": answers}, desk.engine.consent.keys)
    if desk.is_known(about.person):  # of somebody who was erased nothing begins anew
        person = desk.live.person(about.person)
        await keep_answers(desk, person, answers, channel=about.channel)
    view = _view(desk, about, token, is_done=True)
    return desk.open_page(desk.guest(request), "unsubscribe", view)


handlers = [unsubscribe_page, unsubscribe]


def _view(
    desk: Desk, about: Unsubscribing, token: str, *, is_done: bool = False
) -> UnsubscribeView:
    purpose = desk.engine.consent.purposes.get(about.purpose)
    return UnsubscribeView(
        purpose=about.purpose,
        title=about.purpose if purpose is None else purpose.title,
        is_done=is_done,
        place=f"/u/{token}",
    )
