"""A form with a file, as browsers send it: read strictly, every part within its bound.

References
----------
L. Masinter, RFC 7578 "Returning Values from Forms: multipart/form-data", 2015.
"""

import re
from typing import NamedTuple

from customering.kernel.errors import Invalid
from customering.portal.forms import Form

_PARTS_MOST = 20
_HEAD_BYTES_MOST = 1_000
_FIELD_BYTES_MOST = 4_000
_BOUNDARY = re.compile(r'multipart/form-data;\s*boundary="?([0-9A-Za-z\'()+_,./:=? -]{1,70})"?')
_NAME = re.compile(rb'form-data;(?:.*;)?\s*name="([a-z_]{1,40})"', re.IGNORECASE)


class Upload(NamedTuple):
    """What was sent.

    Parameters
    ----------
    form
        The plain fields.
    file
        The content of the one file; empty where none was chosen.
    """

    form: Form
    file: bytes


def read_upload(body: bytes, content_type: str, file_name: str) -> Upload:
    """Read a form of which one field is a file; what the browser calls the file is not read.

    Parameters
    ----------
    file_name
        Name of the field with the file.

    Raises
    ------
    Invalid
        When it is no such form, or has too many or too long fields.
    """
    found = _BOUNDARY.fullmatch(content_type.strip())
    if found is None:
        raise Invalid("a form of another kind", hint="send multipart/form-data")
    pieces = (b"\r\n" + body).split(b"\r\n--" + found[1].encode())
    if len(pieces) < 2 or pieces[0] or pieces[-1].rstrip(b"\r\n") != b"--":
        raise _unreadable()
    if len(pieces) - 2 > _PARTS_MOST:
        raise _unreadable()
    fields: dict[str, list[str]] = {}
    file = b""
    for piece in pieces[1:-1]:
        name, content = _part(piece)
        if name == file_name:
            file = content
        else:
            fields.setdefault(name, []).append(_text(content))
    return Upload(Form(fields), file)


def _part(piece: bytes) -> tuple[str, bytes]:
    head, between, content = piece.partition(b"\r\n\r\n")
    found = _NAME.search(head)
    if not between or found is None or len(head) > _HEAD_BYTES_MOST:
        raise _unreadable()
    return found[1].decode(), content


def _text(content: bytes) -> str:
    if len(content) > _FIELD_BYTES_MOST:
        raise Invalid(f"a field has more than {_FIELD_BYTES_MOST} bytes", hint="write less")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Invalid("the form cannot be read", hint="send UTF-8") from error


def _unreadable() -> Invalid:
    return Invalid("the form cannot be read", hint="choose the file again")
