"""A purchase that names no decision teaches the action that was met last, through a whole home."""

from customering.app.deciding import request_for
from customering.app.learner import FILE
from customering.kernel.clock import MS_PER_HOUR, format_instant
from customering.kernel.ids import Identifier
from customering.outcomes.model import ACTION_SHOWN
from town import NOON, OpenShop

ACTIONS = """
[[action]]
action_id = "bread_week"
kind = "show_item"
title = "Bread week"
purpose = "personalize.web"
products = ["bread", "rolls"]
base_propensity = 0.1
value_minor = 100
"""
CALM = ("decision.control_share=0", "decision.exploration_share=0", "clock.present=''")
ADA = Identifier("user_id:ada")


def test_it_is_learned_from_the_log_alone_and_the_same_again(open_shop: OpenShop) -> None:
    engine = open_shop(overrides=(*CALM, "learning.last_touch=true", 'learning.success=["bought"]'))
    (engine.home.folder / "actions.toml").write_text(ACTIONS)
    clock = {"now": NOON}
    engine.clock = lambda: clock["now"]

    def told(name: str, hour: float, **properties: object) -> None:
        clock["now"] = NOON + round(hour * MS_PER_HOUR)
        engine.ingest(
            [
                {
                    "type": "track",
                    "event": name,
                    "userId": "ada",
                    "messageId": f"{name}-{hour}",
                    "timestamp": format_instant(clock["now"]),
                    "properties": properties,
                }
            ]
        )

    told("Product Viewed", 0, product_id="tea")
    decision = engine.decide(ADA, request_for("home", "", 1))
    assert decision.chosen == ("bread_week",)
    told(ACTION_SHOWN, 1, decision_id=decision.decision_id)
    lines = [{"product_id": "rolls", "amount_minor": 250, "quantity": 1}]
    told("Order Completed", 2, order_id="1", revenue_minor=250, currency="EUR", products=lines)
    clock["now"] = NOON + 200 * MS_PER_HOUR
    engine.decide(ADA, request_for("home", "", 1))
    engine.learner.catch_up(engine.reading_log)
    counts = engine.learner.feedback.counts
    assert (counts.touched, counts.successes, counts.failures) == (1, 1, 0)
    kept = engine.learner.picture()
    (engine.home.models_folder / FILE).unlink(missing_ok=True)
    again = open_shop(overrides=(*CALM, "learning.last_touch=true", 'learning.success=["bought"]'))
    again.learner.catch_up(again.reading_log)
    assert again.learner.picture() == kept


def test_without_the_setting_the_record_says_nothing_of_products(open_shop: OpenShop) -> None:
    engine = open_shop(overrides=CALM)
    (engine.home.folder / "actions.toml").write_text(ACTIONS)
    engine.clock = lambda: NOON
    engine.ingest(
        [
            {
                "type": "track",
                "event": "Product Viewed",
                "userId": "ada",
                "messageId": "v",
                "timestamp": format_instant(NOON),
                "properties": {"product_id": "tea"},
            }
        ]
    )
    engine.decide(ADA, request_for("home", "", 1))
    events = [event for block in engine.reading_log.read(after=-1) for event in block.events()]
    assert "seen" in events[-1].properties["learning"]
    assert "about" not in events[-1].properties["learning"]
