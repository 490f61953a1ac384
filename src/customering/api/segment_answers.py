"""Answers in the words that Segment's and RudderStack's SDKs understand.

Success is exactly 200 with this body: some SDKs take any other status for a failure and send again.
An error names ``code`` and ``message``, without which some raise and send again, and ``error``.
"""

from customering.kernel.records import to_json

JSON = b"application/json"
SUCCESS = b'{"success": true}'

METHOD_NOT_ALLOWED = "method_not_allowed"


def refusal(code: str, message: str) -> bytes:
    """Give the body of an error.

    Parameters
    ----------
    code
        One word for programs.
    message
        One sentence for people.
    """
    return to_json({"success": False, "code": code, "message": message, "error": message})
