"""Erasure: the person's bytes are in no file any more, and everybody else is as before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canary import (
    ADA,
    CANARY,
    MAIL,
    USER,
    event_of,
    fill,
    found_in,
    mentions,
    of_others,
    of_the_person,
    payload,
)
from customering.app import erasing_home
from customering.app.backup import back_up, restore
from customering.app.deciding import request_for
from customering.app.engine import Engine
from customering.app.erasing_certificate import Certificate
from customering.app.erasing_gate import open_journal
from customering.app.erasing_match import MARK
from customering.consent.rights import Again
from customering.events.model import IDENTIFIERS_JOINED, IDENTIFIERS_SEPARATED
from customering.kernel.errors import Absent, Conflict, NoSuchPerson, Unavailable
from customering.kernel.ids import Identifier
from customering.stores.erasing_journal import ErasureJournal
from customering.stores.history import History
from customering.stores.sqlite_log import SqliteLog
from town import (
    NOON,
    OpenShop,
    assert_rebuild_changes_nothing,
    assert_same_profiles,
    profiles_of,
)


def erase(engine: Engine, who: Identifier, again: Again = "new") -> Certificate:
    engine.begin_erasure(who, again)
    return engine.finish_erasures()[-1]


def use_everything(engine: Engine) -> None:
    """Go through all that makes files: rebuild, models, decisions, checkpoints."""
    engine.catch_up()
    engine.rebuild()
    engine.learn()
    for who in (ADA, Identifier("user_id:ben")):
        engine.decide(who, request_for("home", "", 2))


def test_after_an_erasure_no_file_holds_a_byte_of_the_person(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    engine = open_shop()
    fill(engine, [*of_others(), *of_the_person()])
    fill(engine, mentions())
    engine.note(IDENTIFIERS_JOINED, (ADA, Identifier(f"device:{CANARY}-phone")), {})
    engine.note(IDENTIFIERS_SEPARATED, (ADA, Identifier("user_id:cleo")), {})
    refused = {"type": "track", "userId": USER, "event": {"not": f"{CANARY} a name"}}
    assert fill(engine, [refused]).quarantined
    use_everything(engine)
    (engine.home.folder / "outbox").mkdir()
    (engine.home.folder / "outbox" / "1.eml").write_text(f"To: {MAIL}\n\nhello {CANARY}")
    before = found_in(engine.home.folder)
    assert "1.eml" in before
    assert any("state.sqlite" in name for name in before)
    assert len(before) > 6

    certificate = msgspec.json.decode(erase(engine, ADA).text)

    assert found_in(engine.home.folder) == []
    deleted = {one["store"]: one["rows_deleted"] for one in certificate["per_store"]}
    assert deleted["log"] >= deleted["history"] >= 7
    assert deleted["quarantine"] == deleted["letters"] == 1
    assert deleted["states"] >= 2
    assert deleted["links"] >= 2
    assert certificate["write_ahead_logs_still_read"] == []
    assert engine.log.verify().events == engine.log.end
    back_up(engine.home, tmp_path / "copy", NOON)
    assert found_in(tmp_path / "copy") == []
    assert_rebuild_changes_nothing(engine)
    with pytest.raises(NoSuchPerson):
        engine.people.read(ADA, now_ms=NOON)


def without_offsets(engine: Engine) -> Any:
    return profiles_of(engine)._replace(offset=0)


def test_everybody_else_is_as_in_a_home_that_never_had_the_person(open_shop: OpenShop) -> None:
    erased, never = open_shop(folder="erased"), open_shop(folder="never")
    for part in (of_others()[:4], of_the_person(), of_others()[4:]):
        fill(erased, part)
    fill(never, of_others())
    erase(erased, ADA)
    assert_same_profiles(without_offsets(erased), without_offsets(never))
    assert_rebuild_changes_nothing(erased)


def test_a_mention_in_events_of_others_is_blotted_out_and_their_profile_too(
    open_shop: OpenShop,
) -> None:
    engine = open_shop()
    fill(engine, [*of_others(), *of_the_person(), *mentions()])
    ben = Identifier("user_id:ben")
    declared = engine.people.read(ben, now_ms=NOON * 2).values["declared"]
    assert declared["gift_for"] == MAIL
    erase(engine, ADA)
    person = engine.people.read(ben, now_ms=NOON * 2)
    assert person.values["declared"]["gift_for"] == MARK
    assert person.values["declared"]["city"] == "Berlin"
    told = {e.event_id: e for e in engine.people.timeline(person, 20)}["ben-invites"].properties
    assert told == {"friend_email": MARK, "friend_user_id": MARK, "note": f"for {MARK}, soon"}
    assert person.values["orders_total"] == 4


def test_what_was_erased_does_not_come_back_when_it_is_sent_again(open_shop: OpenShop) -> None:
    engine = open_shop()
    fill(engine, of_others())
    fill(engine, of_the_person())
    erased = [event for block in engine.log.read() for event in block.events()]
    erase(engine, ADA)
    end = engine.log.end
    fill(engine, of_the_person())
    unseen = payload("track", event="Seen Late", messageId="queued-on-a-phone", userId=USER)
    fill(engine, [unseen])
    assert engine.log.append(erased).appended == 0
    # One that was stamped on arrival looks new but for its id.
    arrived = [msgspec.structs.replace(event, occurred_at=NOON * 3) for event in erased]
    assert engine.log.append(arrived).appended == 0
    assert engine.log.end == end
    # Neither after the home was opened again.
    again = open_shop()
    engine.__exit__(None, None, None)
    assert again.log.append([*erased, *arrived]).appended == 0


def test_what_happens_later_is_a_new_beginning_without_a_past(open_shop: OpenShop) -> None:
    engine = open_shop()
    fill(engine, [*of_others(), *of_the_person()])
    erase(engine, ADA)
    engine.append([event_of("new", ADA)])
    person = engine.people.read(ADA, now_ms=NOON * 3)
    assert person.identifiers == (ADA,)
    assert person.values["orders_total"] == 0
    assert len(engine.people.timeline(person, 10)) == 1
    assert_rebuild_changes_nothing(engine)


def test_who_wants_never_to_be_known_again_is_kept_out_for_good(open_shop: OpenShop) -> None:
    engine = open_shop()
    fill(engine, [*of_others(), *of_the_person()])
    erase(engine, ADA, again="never")
    engine.append([event_of("new", ADA), event_of("ben's", "user_id:ben", f"email:{MAIL}")])
    last = engine.log.tail(1)[0]
    assert (last.event_id, last.identifiers) == ("ben's", ("user_id:ben",))
    assert found_in(engine.home.folder) == []


Break = Callable[[Engine], None]
STEPS = (
    ("note_work", 1),
    ("replace", 1),
    ("replace", 2),
    ("publish", 1),
    ("finish", 1),
    ("_fold_again", 1),
    ("remove_files", 1),
    ("scrub_all", 1),
)


@pytest.mark.parametrize(("step", "calls"), STEPS)
def test_an_erasure_that_was_cut_off_is_completed_at_the_next_start(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, step: str, calls: int
) -> None:
    engine = open_shop(overrides=("events.block_events_max=2",))
    fill(engine, [*of_others(), *of_the_person(), *mentions()])
    engine.copy_to_history()
    never = open_shop(folder="never")
    fill(never, [*of_others(), *mentions()])

    class PowerCut(BaseException):
        pass

    left = calls

    def cut(act: Callable[..., Any]) -> Callable[..., Any]:
        def acted(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise PowerCut
            return act(*arguments, **named)

        return acted

    places = {
        "note_work": ErasureJournal,
        "replace": SqliteLog,
        "publish": History,
        "finish": ErasureJournal,
        "_fold_again": erasing_home,
        "remove_files": erasing_home,
        "scrub_all": erasing_home,
    }
    with monkeypatch.context() as patched:
        patched.setattr(places[step], step, cut(getattr(places[step], step)))
        try:
            erase(engine, ADA)
        except PowerCut:
            assert engine.journal.pending()
    engine.__exit__(None, None, None)

    opened = open_shop(overrides=("events.block_events_max=2",))
    opened.catch_up()
    assert opened.journal.pending() == []
    assert found_in(opened.home.folder) == []
    never_mended = without_offsets(never)
    mended = without_offsets(opened)
    assert mended.states.keys() == never_mended.states.keys()
    assert mended.links == never_mended.links
    assert opened.log.verify().events == opened.log.end
    assert_rebuild_changes_nothing(opened)


def test_an_erasure_is_done_again_in_a_home_restored_from_an_older_backup(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    engine = open_shop()
    fill(engine, [*of_others(), *of_the_person(), *mentions()])
    back_up(engine.home, tmp_path / "old", NOON)
    erase(engine, ADA)
    engine.append([event_of("new", ADA)])
    restore(tmp_path / "old", tmp_path / "restored")
    assert found_in(tmp_path / "restored")
    restored = open_shop(folder="restored")
    with pytest.raises(Absent):
        restored.take_erasures_from(tmp_path / "nowhere")
    assert restored.take_erasures_from(engine.home.folder) == 1
    restored.catch_up()
    assert found_in(restored.home.folder) == []
    assert restored.log.append([event_of("late", ADA, at=NOON)]).appended == 0
    assert restored.take_erasures_from(engine.home.folder) == 0
    assert_rebuild_changes_nothing(restored)
    journal = open_journal(restored.home.folder)
    assert journal.certificate(journal.erasures()[0].request_id) is not None
    journal.close()


def test_a_restored_home_erases_again_what_the_copy_of_the_journal_knows(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    outside = tmp_path / "elsewhere"
    settings = (f'rights.journal_copy="{outside}"',)
    engine = open_shop(overrides=settings)
    with pytest.raises(Unavailable):
        engine.create()
    engine.__exit__(None, None, None)
    outside.mkdir()
    engine = open_shop(overrides=settings)
    fill(engine, [*of_others(), *of_the_person()])
    back_up(engine.home, tmp_path / "old", NOON)
    erase(engine, ADA)
    assert not found_in(outside)
    restore(tmp_path / "old", tmp_path / "restored")
    restored = open_shop(folder="restored", overrides=settings)
    restored.create()
    restored.catch_up()
    assert found_in(restored.home.folder) == []
    assert_rebuild_changes_nothing(restored)
    another = open_shop(folder="another")
    fill(another, of_the_person())
    erase(another, ADA)
    with pytest.raises(Conflict):
        another.take_erasures_from(outside)
