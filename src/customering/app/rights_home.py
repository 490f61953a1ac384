"""Rights exercised by the command line, in a home that nobody else uses.

What is done of a running home is in `customering.app.rights_desk`.
"""

from pathlib import Path
from typing import Any

from customering.app.engine import Engine
from customering.app.erasing_certificate import Certificate
from customering.app.portable import Subset, write_takeout
from customering.app.rights_acts import OPERATOR, wish_of
from customering.consent.rights import Act, Again, Look, Request, moved, opened
from customering.kernel.errors import NoSuchPerson
from customering.kernel.ids import Identifier, stable_id

_LOOKS_MOST = 10_000


def subjects_of(engine: Engine, who: Identifier) -> tuple[str, ...]:
    """Give the keyed hashes of a person's identifiers, that of `who` first."""
    names = engine.folding.graph.identifiers_of(who)
    return tuple(dict.fromkeys(engine.journal.hash_of(name).hex() for name in (who, *names)))


def note_look(engine: Engine, subject: str, act: str, words: str = "") -> None:
    """Note in the trail what the operator does with what is known of a person."""
    look = Look(at_ms=engine.clock(), actor=OPERATOR, act=act, words=words)
    engine.rights.note([(subject, look)])


def erase(
    engine: Engine, who: Identifier, again: Again = "new", request: Request | None = None
) -> tuple[Request, Certificate]:
    """Erase a person, as the answer to a request or as one of its own.

    Raises
    ------
    NoSuchPerson
        When nothing is known under this identifier.
    Conflict
        When a server runs on this home.
    """
    _ = engine.log
    engine.catch_up()
    subjects = subjects_of(engine, who)
    now_ms = engine.clock()
    asked = request or opened(
        stable_id("req", subjects[0], "erase", str(now_ms)),
        "erase",
        now_ms=now_ms,
        actor=OPERATOR,
        details={"later_events": again},
        subjects=subjects,
    )
    engine.begin_erasure(who, again, request_id=asked.request_id)
    engine.rights.put(moved(asked, "begin", now_ms=now_ms, actor=OPERATOR))
    note_look(engine, subjects[0], "erase")
    certificate = engine.finish_erasures()[-1]
    kept, _ = engine.rights.get(asked.request_id)  # what was said in it is erased by now
    done = moved(kept, "fulfil", now_ms=engine.clock(), actor=OPERATOR)
    engine.rights.put(done)
    return done, certificate


def takeout(engine: Engine, who: Identifier, out: Path, subset: Subset) -> None:
    """Write everything of a person into a ZIP.

    Raises
    ------
    NoSuchPerson
        When nothing is known under this identifier.
    """
    engine.catch_up()
    person = engine.people.read(who, now_ms=engine.present)
    subjects = subjects_of(engine, who)
    beside: dict[str, Any] = {
        "requests": engine.rights.requests(subjects),
        "looks": engine.rights.looks(subjects, _LOOKS_MOST),
    }
    links = engine.folding.graph.tree_of(who)
    with out.open("wb") as file:
        write_takeout(engine, person, links, file, subset=subset, beside=beside)
    note_look(engine, subjects[0], "export", subset)


def open_request(
    engine: Engine, who: Identifier, kind: str, words: str, details: dict[str, Any]
) -> Request:
    """Keep what a person asked for; its clock runs from now.

    Raises
    ------
    Invalid
        When there is no such kind.
    NoSuchPerson
        When nothing is known under this identifier.
    """
    engine.catch_up()
    engine.people.read(who, now_ms=engine.present)
    subjects, now_ms = subjects_of(engine, who), engine.clock()
    request = opened(
        stable_id("req", subjects[0], kind, str(now_ms), words),
        kind,
        now_ms=now_ms,
        actor=OPERATOR,
        words=words,
        details=details,
        subjects=subjects,
    )
    engine.rights.put(request, who)
    return request


def act(engine: Engine, request_id: str, what: Act, reason: str = "", words: str = "") -> Request:
    """Do something about a request; what fulfilling it means for the person is done here.

    Raises
    ------
    Absent
        When there is none of this id.
    Refused, Invalid
        When that cannot be done about it.
    """
    request, who = engine.rights.get(request_id)
    done = moved(request, what, now_ms=engine.clock(), actor=OPERATOR, reason=reason, words=words)
    if what == "fulfil":
        if who is None:
            raise NoSuchPerson("who asked is not known any more", hint="deny it: no_match")
        name = Identifier(who)
        if request.kind == "erase":
            return erase(engine, name, request=request)[0]
        engine.catch_up()
        person = engine.people.read(name, now_ms=engine.present)
        wish = wish_of(request, person, engine.consent)
        if wish is not None:
            engine.note(wish.name, wish.identifiers, wish.properties)
    engine.rights.put(done)
    return done
