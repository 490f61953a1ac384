"""The roster of agreements and what each is compiled to."""

import pytest

from customering.consent.agreements import LAUNCH_SET, ROSTER, canonical_id, effect_of
from customering.consent.purposes import shipped_purposes

PURPOSES = shipped_purposes().purposes


@pytest.mark.parametrize(
    ("agreement", "allowed", "denied"),
    [
        (
            "SD-BASE",
            set(),
            {
                "analytics.product", "personalize.web", "personalize.offers",
                "profile.value_scoring", "marketing.email", "marketing.sms", "marketing.push",
                "marketing.whatsapp", "marketing.phone", "marketing.post", "ads.audiences",
                "share.partners", "share.friends",
            },
        ),
        ("PDC-AI", {"train_ai"}, set()),
        ("PDC-GOOD", {"research.public_good"}, set()),
        ("PDC-INTENT", {"intent.answer"}, set()),
        (
            "SD-BASE-ATP",
            {"analytics.product", "personalize.web", "personalize.offers", "profile.value_scoring"},
            {"ads.audiences", "share.partners", "share.friends"},
        ),
    ],
)  # fmt: skip
def test_an_agreement_is_compiled_to_purposes(
    agreement: str, allowed: set[str], denied: set[str]
) -> None:
    effect = effect_of(ROSTER[agreement], PURPOSES)
    assert {key for key, answer in effect.items() if answer == "allow"} == allowed
    assert {key for key, answer in effect.items() if answer == "deny"} == denied


def test_the_duty_of_portability_is_all_that_dp_adds() -> None:
    for name, agreement in ROSTER.items():
        if name.endswith("-DP"):
            plain = ROSTER[name.removesuffix("-DP")]
            assert (agreement.forbids, agreement.allows) == (plain.forbids, plain.allows)
            assert set(agreement.obliges) - set(plain.obliges) == {"portability"}


def test_the_launch_set_and_the_lattice_are_in_the_roster() -> None:
    assert set(LAUNCH_SET) <= set(ROSTER)
    lattice = ("", "-A", "-AT", "-ATP", "-ATP-S3P")
    assert {f"SD-BASE{end}{more}" for end in lattice for more in ("", "-DP")} <= set(ROSTER)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("SD-BY", "SD-BASE"),
        ("SD-BY-ATP-DP", "SD-BASE-ATP-DP"),
        ("SD-BASE", "SD-BASE"),
        ("SD-BYE", "SD-BYE"),
        ("PDC-AI", "PDC-AI"),
    ],
)
def test_earlier_ids_are_read_and_never_written(given: str, meant: str) -> None:
    assert canonical_id(given) == meant


def test_nothing_essential_is_ever_in_an_agreement() -> None:
    essential = {one.key for one in PURPOSES if one.is_essential}
    for agreement in ROSTER.values():
        assert not essential & effect_of(agreement, PURPOSES).keys()
