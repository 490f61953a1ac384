"""MyTerms: proffers are answered, records have the same bytes on both sides and take effect."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from all_doors import AllDoors, Run, running_all
from customering.app.home_key import holding, thumbprint, to_text
from customering.app.proving import verify
from customering.consent.chain import canonical
from customering.consent.myterms import fault_of_record
from customering.kernel.clock import format_instant
from customering.kernel.ids import Identifier
from shop_doors import SHOP
from town import PERMITTED, OpenShop, order

PROFFERS = "/v1/myterms/proffers?who=user_id:ada"
ACTIONS = """
[[action]]
action_id = "counted"
kind = "show_item"
title = "Counted"
purpose = "analytics.product"
placements = ["home"]
value_minor = 900
base_propensity = 0.9

[[action]]
action_id = "learning"
kind = "show_item"
title = "Learning"
purpose = "train_ai"
placements = ["home"]
value_minor = 900
base_propensity = 0.9

[[action]]
action_id = "good"
kind = "show_item"
title = "Good"
purpose = "research.public_good"
placements = ["home"]
value_minor = 900
base_propensity = 0.9

[[action]]
action_id = "found"
kind = "show_item"
title = "Found"
purpose = "intent.answer"
placements = ["home"]
value_minor = 900
base_propensity = 0.9
"""


class PersonsAgent:
    """The first party's own software, which has its own key and keeps its own copy."""

    def __init__(self, now_ms: int) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        x = to_text(self.key.public_key().public_bytes_raw())
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": thumbprint(x)}
        self.now_ms = now_ms

    def sign(self, words: dict[str, Any]) -> str:
        return to_text(self.key.sign(canonical(words)))

    def proffer(self, *ids: str, nonce: str = "nonce-0001", **changes: Any) -> dict[str, Any]:
        words: dict[str, Any] = {
            "agreements": [{"id": one, "version": "1", "url": "", "sha256": ""} for one in ids],
            "first_party": {"id": "did:key:ada", "jwk": self.jwk},
            "agent": {"name": "agent", "version": "1"},
            "nonce": nonce,
            "proffered_at": format_instant(self.now_ms - 1_000),
            "expires_at": format_instant(self.now_ms + 3_600_000),
            **changes,
        }
        return {**words, "signature": self.sign(words)}

    def acceptance(self, answer: dict[str, Any]) -> dict[str, Any]:
        words = {
            "accepted_at": format_instant(self.now_ms),
            "agreement": answer["alternative"],
            "proffer_id": answer["proffer_id"],
        }
        signature = self.sign(words)
        del words["proffer_id"]
        return {**words, "signature": signature}


@pytest.fixture
def shop(open_shop: OpenShop, tmp_path: Path) -> Callable[..., Any]:
    def run(act: Any, *accepted: str) -> Any:
        chosen = (f"consent.agreements={json.dumps(list(accepted))}",) if accepted else ()
        engine = open_shop(permitted=PERMITTED, overrides=("decision.control_share=0", *chosen))
        (engine.home.folder / "actions.toml").write_text(ACTIONS)
        return running_all(engine, tmp_path, act)

    return run


async def decided(doors: AllDoors) -> tuple[set[str], str]:
    """Decide for ada: what was chosen, and how."""
    asked = {"placement": "home", "identifiers": {"user_id": "ada"}, "n": 9}
    answer = await doors.post("/v1/decide", asked, key=doors.secret)
    record = await doors.get(f"/v1/decisions/{answer.json['decision_id']}", key=doors.secret)
    return {one["action_id"] for one in answer.json["actions"]}, record.json["choice"]


async def proffered(doors: AllDoors, proffer: dict[str, Any], at: str = PROFFERS) -> Any:
    answer = await doors.post(at, proffer, key=doors.secret)
    assert answer.status == 200, answer.body
    return answer


def agent_of(doors: AllDoors) -> PersonsAgent:
    return PersonsAgent(doors.live.present)


@pytest.mark.parametrize(
    ("agreement", "gained", "lost", "is_common"),
    [
        ("SD-BASE", set(), {"counted"}, True),
        ("SD-BASE-DP", set(), {"counted"}, True),
        ("PDC-AI", {"learning"}, set(), False),
        ("PDC-GOOD", {"good"}, set(), False),
        ("PDC-INTENT", {"found"}, set(), False),
    ],
)
def test_each_launch_agreement_changes_the_next_decision_and_both_keep_the_same_bytes(
    shop: Run, agreement: str, gained: set[str], lost: set[str], is_common: bool
) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        before, choice = await decided(doors)
        assert choice != "common"
        answer = await proffered(doors, agent_of(doors).proffer(agreement))
        assert answer.json["decision"] == "accept"
        record = answer.json["record"]
        ours = await doors.get(f"/v1/myterms/records/{record['record_id']}", key=doors.secret)
        # The bytes in the answer, which the person's agent keeps, are those that we keep.
        assert ours.body in answer.body
        assert canonical(record) == ours.body
        assert doors.engine.agreements.fault_of(ours.body) is None
        after, choice = await decided(doors)
        assert after - before == gained
        assert before - after >= lost
        assert (choice == "common") is is_common
        said = {"agreements": {agreement: "end"}}
        ended = await doors.post("/v1/people/user_id:ada/consent", said, key=doors.secret)
        assert ended.status == 200
        assert await decided(doors) == (before, "best")

    shop(act)


def test_an_earlier_id_is_read_and_the_new_one_is_written(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        answer = await proffered(doors, agent_of(doors).proffer("SD-BY-DP"))
        assert answer.json["agreement"]["id"] == "SD-BASE-DP"
        assert answer.json["record"]["obligations"] == ["portability"]

    shop(act)


def test_one_alternative_is_offered_and_its_acceptance_takes_effect(
    shop: Callable[..., Any],
) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        agent = agent_of(doors)
        answer = (await proffered(doors, agent.proffer("SD-BASE-A", "SD-BASE-AT"))).json
        assert (answer["decision"], answer["alternative"]["id"]) == ("alternative", "SD-BASE-DP")
        assert (await decided(doors))[1] != "common"
        at = f"/v1/myterms/proffers/{answer['proffer_id']}/accept?who=user_id:ada"
        accepted = await proffered(doors, agent.acceptance(answer), at)
        record = accepted.json["record"]
        assert [step["state"] for step in record["negotiation"]] == [
            "AgreementNegotiationRequested",
            "AgreementNegotiationCounterOfferMade",
            "AgreementAccepted",
        ]
        assert doors.engine.agreements.fault_of(canonical(record)) is None
        assert (await decided(doors))[1] == "common"

    shop(act, "SD-BASE-DP", "PDC-AI")


def test_what_is_not_accepted_and_has_no_alternative_is_refused(shop: Callable[..., Any]) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        agent, end = agent_of(doors), doors.engine.folding.offset
        for name in ("PDC-AI", "TPR", "NO-SUCH"):
            answer = (await proffered(doors, agent.proffer(name))).json
            assert (answer["decision"], answer["reason"]) == (
                "refuse",
                "We accept none of these agreements.",
            )
        assert doors.engine.folding.offset == end

    shop(act, "SD-BASE")


def test_a_proffer_that_is_repeated_is_one_agreement(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        proffer = agent_of(doors).proffer("SD-BASE")
        first = await proffered(doors, proffer)
        end = doors.engine.folding.offset
        again = await proffered(doors, proffer)
        assert first.json["record"] == again.json["record"]
        assert doors.engine.folding.offset == end
        assert len(doors.engine.agreements.of([Identifier("user_id:ada")])) == 1

    shop(act)


def test_only_the_first_partys_own_words_count(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        agent, now_ms = agent_of(doors), doors.live.present
        good = agent.proffer("PDC-AI")
        wrong = [
            ({**good, "nonce": "another-nonce"}, "signature"),
            ({**good, "agreements": agent.proffer("SD-BASE")["agreements"]}, "signature"),
            ({**good, "signature": "x"}, "signature"),
            (agent.proffer("PDC-AI", first_party={"id": "a", "jwk": {"crv": "P-256"}}), "Ed25519"),
            (agent.proffer("PDC-AI", expires_at=format_instant(now_ms - 1)), "expired"),
            (agent.proffer("PDC-AI", proffered_at=format_instant(now_ms + 99_999)), "to come"),
            (agent.proffer("PDC-AI", expires_at=format_instant(now_ms + 10**9)), "longer"),
            (agent.proffer("PDC-AI", expires_at="soon"), "$.expires_at"),
            (agent.proffer("pdc ai"), "$.agreements"),
            ({**good, "more": 1}, "more"),
        ]
        end = doors.engine.folding.offset
        for body, words in wrong:
            answer = await doors.post(PROFFERS, body, key=doors.secret)
            assert answer.status == 400, body
            assert words in answer.json["detail"], answer.json
        assert doors.engine.folding.offset == end
        assert (await decided(doors))[0].isdisjoint({"learning"})

    shop(act)


def test_nobody_speaks_for_another_person(shop: Run) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"), order({"userId": "bob"}, 0, "milk"))
        proffer = agent_of(doors).proffer("SD-BASE")
        token, own = doors.token("user_id:ada"), "/v1/myterms/proffers"
        assert (await doors.post(PROFFERS, proffer)).status == 401
        assert (await doors.post(own, proffer, key=doors.secret)).status == 400
        others = f"{own}?who=user_id:bob"
        assert (await doors.post(others, proffer, key=token)).status == 403
        page = {"key": doors.write, "origin": SHOP}
        assert (await doors.post(others, proffer, **page)).status == 403
        assert (await doors.post(f"{own}?who=anonymous_id:b1", proffer, **page)).status == 200
        answer = await doors.post(own, agent_of(doors).proffer("PDC-AI"), key=token)
        record = f"/v1/myterms/records/{answer.json['record']['record_id']}"
        assert (await doors.get(record, key=token)).status == 200
        assert (await doors.get(record, key=doors.token("user_id:bob"))).status == 404
        assert (await doors.get(record)).status == 401

    shop(act)


def test_an_alternative_is_accepted_word_for_word_by_the_same_person(
    shop: Callable[..., Any],
) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        agent = agent_of(doors)
        answer = (await proffered(doors, agent.proffer("SD-BASE-A"))).json
        good = agent.acceptance(answer)
        at = f"/v1/myterms/proffers/{answer['proffer_id']}/accept?who=user_id:"
        other = {**good["agreement"], "id": "SD-BASE-ATP"}
        cases = [
            (f"{at}ada", {**good, "agreement": other}, 400),
            (f"{at}ada", {**good, "accepted_at": "2020-01-01"}, 400),
            (f"{at}bob", good, 404),
            ("/v1/myterms/proffers/prf_none/accept?who=user_id:ada", good, 404),
            (f"{at}ada", good, 200),
        ]
        for path, body, status in cases:
            assert (await doors.post(path, body, key=doors.secret)).status == status, body

    shop(act, "SD-BASE")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda r: r.update(accepted_at="2020"), "second party"),
        (lambda r: r["permissions"].update(train_ai="allow"), "second party"),
        (lambda r: r["signatures"][0].update(sig="x"), "first party"),
        (lambda r: r["signatures"].pop(), "not the record"),
        (lambda r: r.pop("signatures"), "not the record"),
    ],
)
def test_a_record_that_was_changed_is_refused(
    shop: Run, edit: Callable[[dict[str, Any]], Any], words: str
) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        answer = await proffered(doors, agent_of(doors).proffer("SD-BASE"))
        record = answer.json["record"]
        edit(record)
        keys = doors.engine.receipts.key
        fault = fault_of_record(canonical(record), keys.holds, holding)
        assert fault is not None
        assert words in fault
        pretty = json.dumps(answer.json["record"], indent=1).encode()
        assert fault_of_record(pretty, keys.holds, holding) == "its bytes are not canonical"

    shop(act)


def test_what_is_accepted_is_published(shop: Callable[..., Any]) -> None:
    async def act(doors: AllDoors) -> None:
        terms = (await doors.get("/.well-known/myterms.json")).json
        assert [one["id"] for one in terms["agreements"]] == ["SD-BASE", "PDC-AI"]
        assert terms["second_party"]["jwk"]["crv"] == "Ed25519"
        assert terms["effective_date"].endswith("GMT")

    shop(act, "SD-BASE", "PDC-AI", "NOT-KNOWN")


def test_an_agreement_is_in_the_ledger_by_its_digest_and_is_forgotten_with_the_person(
    shop: Run,
) -> None:
    async def act(doors: AllDoors) -> None:
        await doors.take(order({"userId": "ada"}, 0, "bread"))
        await proffered(doors, agent_of(doors).proffer("SD-BASE"))
        receipts, ada = doors.engine.receipts, Identifier("user_id:ada")
        await doors.live.in_thread(receipts.catch_up, doors.engine.reading_log)
        assert [line.said for line in receipts.of([ada])] == [{"agreement:SD-BASE": "deny"}]
        assert verify(receipts).is_whole
        kept = next(receipts.chain.agreements())
        receipts.chain.drop_agreements([kept.subject])
        changed = kept.document.replace(b"SD-BASE", b"SD-BASO")
        receipts.chain.keep_agreement(kept._replace(document=changed))
        assert "signature" in verify(receipts).faults[0]
        assert receipts.forget([ada]) == 2
        assert doors.engine.agreements.of([ada]) == []

    shop(act)
