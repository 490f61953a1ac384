"""What a person's own software may do at the doors of their page, and how it is let in.

A program comes to the same doors as its person, with ``Authorization: Bearer cg_...`` in the place
of a cookie, and gets JSON. What it may do stands here, in one table; whatever is not in it (signing
in, erasing, taking along, further grants) is for the person alone.
"""

from customering.app.grants import Grants, GrantScope
from customering.app.sessions import Session
from customering.kernel.errors import Refused

_READ: tuple[str, ...] = ("/me", "/me/facts", "/me/timeline", "/me/identity", "/me/allow",
                          "/me/why", "/me/want")  # fmt: skip
_READ_BELOW = ("/me/why/", "/me/want/")
_CHANGES: dict[str, GrantScope] = {
    "/me/allow": "permit",
    "/me/allow/nothing": "permit",
    "/me/standing": "permit",
    "/me/service": "permit",
    "/me/contact": "permit",
    "/me/facts/correct": "permit",
    "/me/facts/hide": "permit",
    "/me/want": "want",
    "/me/want/withdraw": "want",
    "/me/why/more": "answer",
    "/me/why/not-this": "answer",
    "/me/why/human": "answer",
}


def scope_of(method: str, path: str) -> GrantScope | None:
    """Give what a program needs for a door; None when no program may.

    Examples
    --------
    >>> scope_of("GET", "/me/facts.json"), scope_of("POST", "/me/want")
    ('read', 'want')
    >>> scope_of("POST", "/me/erase") is None
    True
    """
    if method == "POST":
        return _CHANGES.get(path)
    door = path.removesuffix(".json").removesuffix("/index")
    is_read = method == "GET" and (door in _READ or path.startswith(_READ_BELOW))
    return "read" if is_read else None


def bearer_of(authorization: str) -> str:
    """Give what a program shows to be let in; empty for none."""
    scheme, _, text = authorization.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def session_of(grants: Grants, bearer: str, method: str, path: str) -> Session | None:
    """Let a program in; None when what it shows does not hold.

    Raises
    ------
    Refused
        When it may not do this.
    """
    grant = grants.find(bearer)
    if grant is None:
        return None
    needed = scope_of(method, path)
    if needed is None or needed not in grant.scopes:
        raise Refused(
            "this program was not given that",
            hint="the person may give it more on their page, under programs"
            if needed
            else "only the person can do this, on their page",
        )
    return Session(
        digest=b"",
        session_id=grant.grant_id,
        person=grant.person,
        device=b"",
        how="program",
        label=grant.label,
        begun_at=grant.begun_at,
        seen_at=grant.seen_at,
        fresh_at=0,
    )
