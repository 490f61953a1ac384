"""Handing one's data to somebody else: the link on one's page, and the door it leads to.

Whoever holds the link needs no cookie and no account. Opening it shows whose it is not: only for
whom it was made and until when. The POST gives the data, once.
"""

from asyncio import to_thread

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from customering.app.portal_transfers import Transfer
from customering.app.rights_desk import PERSON
from customering.kernel.errors import Absent, CustomeringError
from customering.portal.desk import Desk
from customering.portal.guest import Visit
from customering.portal.taking import taken_along
from customering.web.problems import AnyRequest

RECEIVER = "receiver"
"""Who acts when a link is used: whoever the person gave it to."""


class TransferView(msgspec.Struct, frozen=True, kw_only=True):
    """One link.

    Parameters
    ----------
    transfer_id, request_id
        Names it, and the request it answers.
    label
        To whom.
    state
        ``waiting``, ``fetched``, ``revoked`` or ``expired``.
    begun_at, ends_at, used_at
        Since when, until when, and when it was used. Milliseconds since 1970.
    """

    transfer_id: str
    request_id: str
    label: str
    state: str
    begun_at: int
    ends_at: int
    used_at: int | None


class OfferedView(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever holds a link is told before they use it.

    Parameters
    ----------
    label
        For whom it was made.
    ends_at
        Until when it holds. Milliseconds since 1970.
    place
        Where to send a POST.
    """

    label: str
    ends_at: int
    place: str


@get("/t/{token:str}")
async def offered(
    request: AnyRequest, desk: NamedDependency[Desk], token: FromPath[str]
) -> Response[bytes]:
    """Show what a link is; nothing is handed over, whoever opens it."""
    desk.clicks.check(desk.address_of(request))
    transfer = await to_thread(desk.transfers.find, token)
    if transfer is None or not await _is_wanted(desk, transfer):
        raise _absent()
    view = OfferedView(label=transfer.label, ends_at=transfer.ends_at, place=f"/t/{token}")
    return desk.open_page(desk.guest(request), "offered", view)


@post("/t/{token:str}", status_code=200)
async def fetch(request: AnyRequest, desk: NamedDependency[Desk], token: FromPath[str]) -> Stream:
    """Hand the data over, once, to whoever holds the link."""
    desk.entries.check(desk.address_of(request))
    transfer = await to_thread(desk.transfers.use, token)
    if transfer is None:
        raise _absent()
    try:
        if not await _is_wanted(desk, transfer):
            raise _absent()
        answer = await taken_along(desk, transfer.person, transfer.subset, RECEIVER)
    except Absent:
        raise
    except CustomeringError:
        await to_thread(desk.transfers.give_back, token)
        raise
    await desk.rights.act(transfer.request_id, "fulfil", actor=RECEIVER)
    return answer


handlers = [offered, fetch]


async def transfers_of(desk: Desk, visit: Visit) -> list[TransferView]:
    """Give the links of a person, and note of requests that their links are over."""
    requests = {one.request_id: one for one in await desk.rights.requests_of(visit.session.person)}
    views = []
    for one in await to_thread(desk.transfers.of, visit.names):
        request = requests.get(one.request_id)
        state = "fetched" if one.used_at is not None else "waiting"
        if request is not None and request.status == "revoked":
            state = "revoked"
        elif one.used_at is None and not desk.transfers.is_waiting(one):
            state = "expired"
            if request is not None and not request.has_ended:
                await desk.rights.act(one.request_id, "expire", actor=PERSON)
        views.append(
            TransferView(
                transfer_id=one.transfer_id,
                request_id=one.request_id,
                label=one.label,
                state=state,
                begun_at=one.begun_at,
                ends_at=one.ends_at,
                used_at=one.used_at,
            )
        )
    return views


async def _is_wanted(desk: Desk, transfer: Transfer) -> bool:
    """Tell whether the person still wants it: they may have taken the request back."""
    request = await desk.rights.request(transfer.request_id)
    return not request.has_ended


def _absent() -> Absent:
    return Absent(
        "this link does not hold",
        hint="it works once, for the time it was made for; ask whoever gave it to you for another",
    )
