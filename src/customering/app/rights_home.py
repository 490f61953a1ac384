"""Rights exercised by the command line, in a home that nobody else uses.

What is done of a running home is in `customering.app.rights_desk`.
"""

from contextlib import closing
from pathlib import Path
from typing import Any

from customering.app.engine import Engine
from customering.app.erasing_certificate import Certificate
from customering.app.erasing_part import names_meant
from customering.app.portable import Subset, write_takeout
from customering.app.rights_acts import OPERATOR, erasing_details, wish_of
from customering.app.rights_telling import Telling
from customering.consent.rights import Act, Again, Look, Request, moved, opened
from customering.consent.rights_scope import EVERYTHING, Scope
from customering.consent.rights_told import Told
from customering.kernel.errors import CustomeringError, NoSuchPerson
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
    engine: Engine,
    who: Identifier,
    again: Again = "new",
    request: Request | None = None,
    scope: Scope = EVERYTHING,
) -> tuple[Request, Certificate | None]:
    """Erase a person or a part of them, as the answer to a request or as one of its own.

    Returns
    -------
    tuple
        The request, and the certificate; None for a model, which is left when it is fitted anew.

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
    scope = scope if request is None else request.scope
    asked = request or opened(
        stable_id("req", subjects[0], "erase", *scope.told().values(), str(now_ms)),
        "erase",
        now_ms=now_ms,
        actor=OPERATOR,
        details=erasing_details(scope, again),
        subjects=subjects,
    )
    names = names_meant(scope, engine.folding.graph.identifiers_of(who))
    with closing(Telling(engine)) as telling:
        if scope.is_everything or scope.is_of_names:
            telling.note(asked.request_id, "erasure", names)
        try:
            done = _erase(engine, who, again, asked, scope, subjects[0])
        except CustomeringError:
            telling.take_back(asked.request_id)
            raise
        telling.certify_anew(asked.request_id)
    return done


def _erase(
    engine: Engine, who: Identifier, again: Again, asked: Request, scope: Scope, subject: str
) -> tuple[Request, Certificate | None]:
    """Do what a request asks for, which is to be told to others already."""
    now_ms = engine.clock()
    engine.begin_erasure(who, again, request_id=asked.request_id, scope=scope)
    begun = moved(asked, "begin", now_ms=now_ms, actor=OPERATOR)
    engine.rights.put(begun)
    note_look(engine, subject, "erase", "" if scope.is_everything else scope.words)
    done_now = engine.finish_erasures()
    engine.catch_up()  # of what it said itself: a model that was left, a no that goes on to hold
    if scope.model:
        return begun, None
    certificate = done_now[-1]
    kept, _ = engine.rights.get(asked.request_id)  # what was said in it is erased by now
    done = moved(kept, "fulfil", now_ms=engine.clock(), actor=OPERATOR)
    engine.rights.put(done)
    return done, certificate


def tell(engine: Engine) -> int:
    """Tell processors and agents whatever is due now; give how many calls were made."""
    with closing(Telling(engine)) as telling:
        return telling.tell_due()


def told_of(engine: Engine, request_id: str) -> list[Told]:
    """Give the processors that were told of a request, and how far each is."""
    with closing(Telling(engine)) as telling:
        return telling.store.of(request_id)


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
    if request.kind == "access" and what in ("begin", "fulfil") and who is not None:
        names = engine.folding.graph.identifiers_of(Identifier(who))
        with closing(Telling(engine)) as telling:
            telling.note(request_id, "access", names)
    engine.rights.put(done)
    return done
