"""The door at which processors tell how far they are with a request, by OpenDSR 2.0.

Nothing is read before the signature was checked by the certificate that the settings hold.
"""

from typing import Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency

from customering.api.operation import Body, Operation, Parameter
from customering.api.reception import Reception, answered
from customering.app.rights_telling import CALLBACK_PATH
from customering.kernel.errors import Absent, Refused
from customering.web.keys import Denied
from customering.web.problems import AnyRequest, NotLetIn

_BODY_BYTES_MAX = 65_536
_NOT_SIGNED = Denied(403, "forbidden", "this is not signed by a processor that is known here")


class CallbackTaken(msgspec.Struct, frozen=True, kw_only=True):
    """Says that a status was taken in.

    Parameters
    ----------
    subject_request_id
        Of the request.
    """

    subject_request_id: str


class CallbackSent(msgspec.Struct, frozen=True, kw_only=True):
    """What a processor tells of a request; fields as the protocol names them.

    Parameters
    ----------
    subject_request_id
        Of the request.
    request_status
        How far it is: ``pending``, ``in_progress``, ``completed`` or ``cancelled``.
    status_callback_url
        The address this is sent to, as the request named it.
    """

    subject_request_id: str
    request_status: str
    status_callback_url: str


@post(CALLBACK_PATH, status_code=202)
async def called_back(
    request: AnyRequest, reception: NamedDependency[Reception]
) -> Response[bytes]:
    """Take the status of a request from a processor."""
    body = await reception.body(request, _BODY_BYTES_MAX)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        told = await reception.desk.take_callback(headers, body)
    except (Refused, Absent) as error:
        # Who is not known here learns nothing about which requests there are.
        raise NotLetIn(_NOT_SIGNED) from error
    taken = CallbackTaken(subject_request_id=told.subject_request_id)
    return answered(taken, status=202, headers={"cache-control": "no-store"})


handlers = [called_back]

_EXAMPLE: dict[str, Any] = {
    "subject_request_id": "a7551968-d5d6-44b2-9831-815ac9017798",
    "request_status": "completed",
    "status_callback_url": f"https://shop.example{CALLBACK_PATH}",
}

CALLBACKS = (
    Operation(
        method="post",
        path=CALLBACK_PATH,
        name="takeProcessorStatus",
        chapter="Rights",
        summary="Take the status of a request from a processor",
        words="OpenDSR 2.0. Signed by the certificate that `[rights.processors]` holds for the"
        " domain; anything else is answered with 403.",
        parameters=(
            Parameter(
                name="X-OpenDSR-Processor-Domain",
                place="header",
                words="The domain of the processor.",
                schema={"type": "string"},
            ),
            Parameter(
                name="X-OpenDSR-Signature",
                place="header",
                words="Base64 of the signature over the body.",
                schema={"type": "string"},
            ),
        ),
        body=Body(kind=CallbackSent, example=_EXAMPLE),
        answers={
            202: Body(
                kind=CallbackTaken,
                example={"subject_request_id": _EXAMPLE["subject_request_id"]},
            )
        },
        errors=(400, 403, 429),
    ),
)
