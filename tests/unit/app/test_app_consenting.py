"""Permission over everybody: choices, voices and statuses together, as batch acts ask it."""

from msgspec.structs import replace

from customering.app.doctor import examine
from customering.events.model import FACT_CORRECTED, OBJECTION_UPDATED, RESTRICTION_UPDATED, Event
from customering.kernel.ids import Identifier
from town import NOON, OpenShop, assert_rebuild_changes_nothing, order, view

ADA, BOB, EVE = (Identifier(f"user_id:{name}") for name in ("ada", "bob", "eve"))
STATUS = {"relationship_status": {"status": "not_that_into_you", "since_ms": NOON}}


def test_a_batch_obeys_statuses_and_objections(open_shop: OpenShop) -> None:
    engine = open_shop(permitted=("profile.value_scoring", "personalize.offers"))
    engine.ingest([order({"userId": name}, 1, "milk") for name in ("ada", "bob", "eve")])
    engine.note(FACT_CORRECTED, (ADA,), {"facts": STATUS})
    engine.note(OBJECTION_UPDATED, (BOB,), {"purposes": {"objection:marketing": "deny"}})
    allowed = engine.permission("profile.value_scoring")
    assert [allowed(name) for name in (ADA, BOB, EVE)] == [False, False, True]
    engine.note(FACT_CORRECTED, (ADA,), {"facts": {"relationship_status": None}})
    engine.note(OBJECTION_UPDATED, (BOB,), {"purposes": {"objection:marketing": "allow"}})
    allowed = engine.permission("profile.value_scoring")
    assert [allowed(name) for name in (ADA, BOB, EVE)] == [True, True, True]


def test_a_batch_and_a_single_person_agree_on_a_break_that_ended(open_shop: OpenShop) -> None:
    engine = open_shop(permitted=("marketing.email",))
    engine.ingest([order({"userId": "ada"}, 1, "milk")])
    for days, expected in ((1, False), (-1, True)):
        until = engine.present + days * 86_400_000
        status = {"status": "on_a_break", "since_ms": NOON, "until_ms": until}
        engine.note(FACT_CORRECTED, (ADA,), {"facts": {"relationship_status": status}})
        assert engine.permission("marketing.email")(ADA) is expected


def test_purposes_of_the_home_hold_everywhere(open_shop: OpenShop) -> None:
    engine = open_shop()
    (engine.home.folder / "purposes.toml").write_text(
        '[[purpose]]\nkey = "club.letters"\ntitle = "Club"\ntext = "We write."\nbasis = "consent"\n'
    )
    assert "club.letters" in engine.consent.keys
    assert not engine.permission("club.letters")(ADA)


def test_what_was_permitted_for_a_moment_only_leaves_nothing_behind(open_shop: OpenShop) -> None:
    """Refused at the last checkpoint, permitted for one event, refused again before the next."""
    engine = open_shop(permitted=("personalize.web",))
    engine.note(RESTRICTION_UPDATED, (ADA,), {"purposes": {"restriction:all": "deny"}})
    said: list[Event] = []
    for number, answer in enumerate(("allow", "deny")):
        said.append(
            Event(
                event_id=f"restriction-{number}",
                kind="track",
                name=RESTRICTION_UPDATED,
                identifiers=(ADA,),
                occurred_at=engine.present + number,
                recorded_at=engine.clock() + number,
                properties={"purposes": {"restriction:all": answer}},
            )
        )
    seen = engine.ingest([view({"userId": "eve"}, 3, "milk")]).accepted[0]
    seen = replace(seen, event_id="seen-by-ada", identifiers=(ADA,))
    engine.log.append([said[0], seen, said[1]])
    engine.folding.catch_up()
    assert_rebuild_changes_nothing(engine)


def test_the_doctor_tells_of_a_broken_file_of_purposes(open_shop: OpenShop) -> None:
    engine = open_shop()
    (engine.home.folder / "purposes.toml").write_text('without = ["essential.service"]\n')
    problems = [one for one in examine(engine) if one.level == "problem"]
    assert any("purposes.toml" in one.words for one in problems)
