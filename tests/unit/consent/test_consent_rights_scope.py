"""What part is erased: read, refused, said in words; what processors are sent and answer."""

from typing import Any

import pytest
from msgspec.structs import replace

from customering.consent.rights_scope import CATEGORIES, MODELS, Scope, scope_of
from customering.consent.rights_told import (
    RETRIES_MS,
    ProcessorSettings,
    Told,
    answered,
    failed,
    identities_for,
    read_answer,
)
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier

TOLD = Told(
    request_id="req_1",
    recipient="mailer",
    name="Mailer",
    asked="erasure",
    subject_request_id="a",
    began_at=0,
    next_at=0,
)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"category": "visits"},
        {"model": "taste"},
        {"since": "2026-01-01", "before": "2026-02-01"},
        {"category": "messages", "before": "2026-02-01T10:00:00Z"},
    ],
)
def test_what_is_told_of_a_scope_is_read_back_equal(told: dict[str, Any]) -> None:
    scope = scope_of(told)
    assert scope_of(scope.told()) == scope
    assert scope.is_everything == (not told)
    assert scope.words


@pytest.mark.parametrize(
    "told",
    [
        {"category": "x"},
        {"model": "x"},
        {"before": "soon"},
        {"what": "visits"},
        {"category": "visits", "model": "taste"},
        {"category": "contact.email", "before": "2026-01-01"},
        {"since": "2026-02-01", "before": "2026-01-01"},
    ],
)
def test_what_cannot_be_erased_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        scope_of(told)


def test_the_time_holds_its_beginning_and_not_its_end() -> None:
    scope = Scope(since_ms=10, before_ms=20)
    assert [scope.includes(at) for at in (9, 10, 19, 20)] == [False, True, True, False]
    assert all(words for words in (*CATEGORIES.values(), *MODELS.values()))


def test_a_processor_is_sent_only_what_it_knows_people_by() -> None:
    names = [Identifier("email:a@example.org"), Identifier("phone:+43123"), Identifier("user_id:7")]
    knows = ProcessorSettings(identities={"email": "sha256", "user_id": "raw"})
    sent = identities_for(knows, names)
    assert [one["identity_type"] for one in sent] == ["email", "controller_customer_id"]
    assert len(sent[0]["identity_value"]) == 64
    assert sent[1]["identity_value"] == "7"


def answer(status: str, of: str = "a") -> bytes:
    return f'{{"subject_request_id": "{of}", "request_status": "{status}"}}'.encode()


def test_a_recipient_moves_on_and_stays_where_it_ended() -> None:
    taken = answered(TOLD, read_answer(answer("pending")), 5)
    assert (taken.status, taken.told_at, taken.has_ended) == ("pending", 5, False)
    assert taken.next_at is not None
    done = answered(taken, read_answer(answer("completed")), 9)
    assert (done.status, done.told_at, done.ended_at, done.next_at) == ("completed", 5, 9, None)
    assert answered(done, read_answer(answer("pending")), 12) == done
    assert failed(done, "no", 12) == done
    with pytest.raises(Invalid):
        answered(TOLD, read_answer(answer("completed", "b")), 5)
    for nonsense in (b"", b"[]", answer("finished")):
        with pytest.raises(Invalid):
            read_answer(nonsense)


def test_what_fails_is_tried_after_ever_longer_times_and_then_given_up() -> None:
    told, now_ms, waits = TOLD, 0, []
    while not told.has_ended:
        told = failed(told, "no answer", now_ms)
        if told.next_at is not None:
            waits.append(told.next_at - now_ms)
            now_ms = told.next_at
    assert tuple(waits) == RETRIES_MS
    assert (told.status, told.words) == ("given_up", "no answer")
    # One that was taken in is followed further, and for weeks.
    taken = replace(TOLD, status="pending", told_at=1, tries=50)
    assert failed(taken, "no", 2).status == "pending"
