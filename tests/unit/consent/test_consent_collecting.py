"""What may be recorded of whom: kinds of facts, purposes that collect them, and silence."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from customering.consent.collecting import CompiledCollecting
from customering.consent.gate import CompiledPolicy
from customering.consent.model import (
    Collected,
    ConsentRecord,
    ConsentSettings,
    SetStatus,
    StatedDefault,
)
from customering.consent.purposes import PurposeBook, purposes_in_force, shipped_purposes
from customering.events.model import RESERVED_NAMES, Event
from customering.identity.claims import CLAIMED
from customering.kernel.errors import InvalidDefinition
from customering.kernel.ids import Identifier

BOOK = shipped_purposes()


def compiled(settings: ConsentSettings | None = None, book: PurposeBook = BOOK) -> Any:
    settings = settings or ConsentSettings()
    return CompiledCollecting(book, settings, CompiledPolicy(book, settings))


RULES = compiled()
STRICT = compiled(ConsentSettings(before_asked="drop"))
BITS = {kind.category: bit for bit, kind in RULES.kinds.items()}


def event(name: str, kind: Any = "track", **more: Any) -> Event:
    told: dict[str, Any] = {"identifiers": (Identifier("user_id:ada"),), **more}
    return Event(event_id="e1", kind=kind, name=name, occurred_at=1, recorded_at=1, **told)


def kinds(bits: int, rules: Any = RULES) -> set[str]:
    return {kind.category for bit, kind in rules.kinds.items() if bit & bits}


def test_the_shipped_kinds_are_collected_by_purposes_of_choice() -> None:
    assert set(BITS) == {"visits", "location", "device", "reactions"}
    collecting = {purpose.key for purpose in BOOK.purposes if purpose.collects}
    policy = CompiledPolicy(BOOK, ConsentSettings())
    assert collecting
    assert not any(policy.is_essential(key) for key in collecting)


@pytest.mark.parametrize(
    ("record", "gone"),
    [
        ({}, set()),
        ({"personalize.web": (1, "deny")}, {"visits", "location", "device"}),
        ({"personalize": (1, "deny")}, {"visits", "location", "device"}),
        # Whoever permits one of the purposes lets us record what it collects.
        (
            {"personalize": (1, "deny"), "analytics.product": (1, "allow")},
            {"location"},
        ),
        ({"train_ai": (1, "deny")}, set()),
        ({"ads.audiences": (1, "deny")}, set()),
        ({"signal:gpc": (1, "deny")}, set()),
        ({"marketing.email": (1, "deny")}, {"reactions"}),
        # Profiling for marketing goes with marketing.
        ({"objection:marketing": (1, "deny")}, {"visits", "location", "reactions"}),
        ({"objection:*": (1, "deny")}, {"visits", "location", "device", "reactions"}),
        ({"restriction:all": (1, "deny")}, {"visits", "location", "device", "reactions"}),
        ({"agreement:SD-BASE": (1, "deny")}, {"visits", "location", "device", "reactions"}),
        ({"agreement:SD-BASE-A": (1, "deny")}, {"location"}),
        ({"agreement:SD-BASE-ATP": (1, "deny")}, set()),
        ({"restriction:all": (1, "allow")}, set()),
        ({"personalize.web": (None, "maybe")}, {"visits", "location", "device"}),
    ],
)
def test_a_kind_goes_when_one_of_its_purposes_is_refused_and_none_permitted(
    record: Any, gone: set[str]
) -> None:
    assert kinds(RULES.not_kept(record, None, 0)) == gone


def test_a_status_counts_as_long_as_it_holds() -> None:
    left = SetStatus(status="left", until_ms=10)
    assert kinds(RULES.not_kept({}, left, 9)) == set(BITS)
    assert kinds(RULES.not_kept({}, left, 10)) == set()
    # A status never lets more be recorded than was permitted.
    allowed: ConsentRecord = {"personalize.web": (1, "allow")}
    assert kinds(RULES.not_kept(allowed, SetStatus(status="partner"), 0)) == set()
    assert kinds(RULES.not_kept(allowed, SetStatus(status="smitten"), 0)) == set(BITS)


def test_an_operator_may_record_nothing_before_somebody_is_asked() -> None:
    assert kinds(STRICT.of_nobody) == set(BITS)
    assert kinds(STRICT.not_kept({"analytics.product": (1, "allow")}, None, 0)) == {
        "location", "reactions",
    }  # fmt: skip
    stated = StatedDefault(answer="allow", ground="stated")
    settings = ConsentSettings(before_asked="drop", defaults={"analytics.product": stated})
    assert kinds(compiled(settings).of_nobody) == {"location", "reactions"}


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_what_is_said_of_permission_is_never_optional(name: str) -> None:
    assert RULES.kind_of(event(name)) == 0


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (event("", "page"), "visits"),
        (event("Home", "screen"), "visits"),
        (event("Product Viewed"), "visits"),
        (event("Application Opened"), "visits"),
        (event("Video Playback Started"), "visits"),
        (event("Location Visited"), "location"),
        (event("Email Opened"), "reactions"),
    ],
)
def test_events_are_told_by_kind_and_name(one: Event, kind: str) -> None:
    assert RULES.kind_of(one) == BITS[kind]
    assert RULES.reduced(one, BITS[kind]) is None
    assert RULES.reduced(one, 0) is one


@pytest.mark.parametrize(
    "name",
    ["Order Completed", "Product Added", "Checkout Started", "Ticket Opened", "Action Dismissed",
     "Survey Answered", "Tasting Booked", "Application"],
)  # fmt: skip
def test_what_the_service_needs_is_recorded_of_everybody(name: str) -> None:
    one = event(name)
    assert RULES.reduced(one, sum(BITS.values())) == one


def test_parts_are_taken_out_of_what_is_recorded() -> None:
    order = event(
        "Order Completed",
        identifiers=(Identifier("user_id:ada"), Identifier("device:d1")),
        properties={"order_id": "1"},
        context={
            "ip": "203.0.113.9",
            "userAgent": "Firefox",
            "device": {"id": "d1"},
            "locale": "de",
            CLAIMED: ["device:d1", "email:ada@example.org"],
        },
    )
    assert RULES.reduced(order, BITS["visits"]) is order
    near = RULES.reduced(order, BITS["location"])
    assert near is not None
    assert near == replace(order, context={k: v for k, v in order.context.items() if k != "ip"})
    bare = RULES.reduced(order, BITS["device"])
    assert bare is not None
    assert bare.identifiers == ("user_id:ada",)
    assert bare.context == {
        "ip": "203.0.113.9", "locale": "de", CLAIMED: ["email:ada@example.org"]
    }  # fmt: skip
    only = replace(order, identifiers=(Identifier("device:d1"),))
    kept = RULES.reduced(only, BITS["device"])
    assert kept is not None
    assert kept.identifiers == ("device:d1",)  # an event of nobody could not be kept


def test_an_operators_kind_may_name_members_below_others() -> None:
    own = Collected(category="mood", title="How you feel", properties=("survey.mood",))
    collector = replace(BOOK.purposes[3], key="mood.reading", collects=("mood",))
    book = replace(BOOK, purposes=(*BOOK.purposes, collector), collected=(*BOOK.collected, own))
    rules = compiled(book=book)
    bit = next(bit for bit, kind in rules.kinds.items() if kind.category == "mood")
    told = event("Survey Answered", properties={"survey": {"mood": 2, "stars": 5}, "n": 1})
    kept = rules.reduced(told, bit)
    assert kept.properties == {"survey": {"stars": 5}, "n": 1}
    assert told.properties["survey"] == {"mood": 2, "stars": 5}  # the event was not changed
    flat = event("Survey Answered", properties={"survey": 4})
    assert rules.reduced(flat, bit) is flat


@pytest.mark.parametrize(
    ("purpose", "collects", "named"),
    [(3, "dreams", "no kind"), (0, "visits", "essential")],
)
def test_a_wrong_mark_is_an_error(purpose: int, collects: str, named: str) -> None:
    wrong = replace(BOOK.purposes[purpose], collects=(collects,))
    others = (*BOOK.purposes[:purpose], wrong, *BOOK.purposes[purpose + 1 :])
    with pytest.raises(InvalidDefinition, match=named):
        compiled(book=replace(BOOK, purposes=others))


def test_an_operators_file_is_laid_over_the_kinds() -> None:
    own = '[[collected]]\ncategory = "visits"\ntitle = "What you read"\nevents = ["Article Read"]\n'
    rules = compiled(book=purposes_in_force(own))
    assert rules.kind_of(event("Article Read"))
    assert not rules.kind_of(event("", "page"))
    with pytest.raises(InvalidDefinition, match="twice"):
        purposes_in_force(own + own)


def test_a_person_reads_what_is_not_recorded_and_why() -> None:
    told = RULES.told({"personalize.web": (0, "deny"), "analytics.product": (0, "allow")}, None, 0)
    assert [(one.category, one.title) for one in told] == [("location", "Where you are")]
    assert told[0].words == "You refused 'A shop arranged for you' on 1970-01-01."
    assert RULES.told({}, None, 0) == ()
    asked = STRICT.told({}, None, 0)
    assert {one.words for one in asked} >= {"You have not agreed to 'E-mail'."}


keys = st.sampled_from([
    *sorted(CompiledPolicy(BOOK, ConsentSettings()).keys), "signal:gpc", "objection:marketing",
    "objection:*", "restriction:all", "agreement:SD-BASE", "agreement:SD-BASE-A", "whisper:ear",
])  # fmt: skip
answers = st.tuples(st.integers(0, 3), st.sampled_from(["allow", "deny"]))
records = st.dictionaries(keys, answers, max_size=6)
statuses = st.one_of(
    st.none(),
    st.builds(SetStatus, status=st.sampled_from(["left", "not_that_into_you", "partner", "odd"])),
)


@settings(max_examples=150, deadline=None)
@given(records, statuses)
def test_nothing_is_recorded_for_a_purpose_that_was_refused_alone(
    record: ConsentRecord, status: SetStatus | None
) -> None:
    policy = CompiledPolicy(BOOK, ConsentSettings())
    mask = policy.restrict(policy.mask(record), status, 0)
    gone = kinds(RULES.not_kept(record, status, 0))
    strictly_gone = kinds(STRICT.not_kept(record, status, 0))
    for category in BITS:
        keys = [one.key for one in BOOK.purposes if category in one.collects]
        is_permitted = any(policy.allows(mask, key) for key in keys)
        assert is_permitted == (category not in strictly_gone)
        if is_permitted:
            assert category not in gone  # what is permitted is never lost
        if any(record.get(key, (0, ""))[1] == "deny" for key in keys) and not is_permitted:
            assert category in gone


@settings(max_examples=100, deadline=None)
@given(records, keys, statuses)
def test_saying_no_never_lets_more_be_recorded(
    record: ConsentRecord, key: str, status: SetStatus | None
) -> None:
    if key.startswith("agreement:"):
        return  # what it allows, the person allows
    before = RULES.not_kept({k: v for k, v in record.items() if k != key}, status, 0)
    after = RULES.not_kept({**record, key: (9, "deny")}, status, 0)
    assert before & ~after == 0
