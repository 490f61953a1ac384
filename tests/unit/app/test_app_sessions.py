"""Signing in to the person's page: what lets somebody in, once, for how long, and who else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from customering.app.portal_settings import PortalSettings
from customering.app.sessions import Sessions, code_of
from customering.kernel.ids import Identifier

ADA, BOB = Identifier("email:ada@example.org"), Identifier("email:bob@example.org")
MINUTE, HOUR = 60_000, 3_600_000
LAPTOP, PHONE = "l" * 43, "p" * 43


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Iterator[Sessions]:
    made = Sessions(f"sqlite:///{tmp_path / 'control.sqlite'}", PortalSettings(), clock)
    yield made
    made.close()


def entered(sessions: Sessions, person: Identifier = ADA, device: str = LAPTOP) -> str:
    """Sign in by a link, and give the token of the session."""
    begun = sessions.begin(person, "email", device=device)
    found = sessions.enter(begun.token, device=device, label="Firefox")
    assert found.outcome == "in"
    return found.token


def test_a_link_works_once_in_the_browser_that_asked(sessions: Sessions) -> None:
    begun = sessions.begin(ADA, "email", device=LAPTOP)
    found = sessions.enter(begun.token, device=LAPTOP, label="Firefox")
    assert (found.outcome, found.is_new_device) == ("in", False)
    held = sessions.find(found.token, LAPTOP)
    assert held is not None
    assert (held.person, held.how, held.label) == (ADA, "email", "Firefox")
    assert sessions.enter(begun.token, device=LAPTOP, label="").outcome == "ended"


def test_another_browser_learns_the_code_and_is_not_signed_in(sessions: Sessions) -> None:
    begun = sessions.begin(ADA, "email", device=LAPTOP)
    found = sessions.enter(begun.token, device=PHONE, label="")
    assert (found.outcome, found.token, found.code) == ("elsewhere", "", begun.code)
    assert sessions.enter_code(begun.code, device=PHONE, label="").outcome == "ended"
    spoken = f"{begun.code[:4]} {begun.code[4:]}"
    assert sessions.enter_code(spoken, device=LAPTOP, label="").outcome == "in"
    assert sessions.enter_code(begun.code, device=LAPTOP, label="").outcome == "ended"
    assert sessions.enter(begun.token, device=LAPTOP, label="").outcome == "ended"


def test_after_five_wrong_codes_the_link_ends_too(sessions: Sessions) -> None:
    begun = sessions.begin(ADA, "email", device=LAPTOP)
    wrong = "0" * 8 if begun.code != "0" * 8 else "1" * 8
    for _ in range(5):
        assert sessions.enter_code(wrong, device=LAPTOP, label="").outcome == "ended"
    assert sessions.enter_code(begun.code, device=LAPTOP, label="").outcome == "ended"
    assert sessions.enter(begun.token, device=LAPTOP, label="").outcome == "ended"


def test_a_link_ends_after_ten_minutes(sessions: Sessions, clock: Clock) -> None:
    begun = sessions.begin(ADA, "email", device=LAPTOP)
    clock.now_ms += 10 * MINUTE
    assert sessions.enter(begun.token, device=LAPTOP, label="").outcome == "ended"
    assert sessions.enter_code(begun.code, device=LAPTOP, label="").outcome == "ended"


def test_a_link_of_the_care_desk_works_in_any_browser_once(sessions: Sessions) -> None:
    begun = sessions.begin(ADA, "care")
    assert begun.code == ""
    assert sessions.enter(begun.token, device=PHONE, label="").outcome == "in"
    assert sessions.enter(begun.token, device=PHONE, label="").outcome == "ended"


def test_a_token_of_the_shop_works_once_and_is_as_fresh_as_it_says(
    sessions: Sessions, clock: Clock
) -> None:
    at = clock.now_ms
    fresh = sessions.enter_by_shop("token-1", ADA, device=LAPTOP, label="", fresh_at=at - MINUTE)
    stale = sessions.enter_by_shop("token-2", ADA, device=LAPTOP, label="", fresh_at=0)
    again = sessions.enter_by_shop("token-1", ADA, device=LAPTOP, label="", fresh_at=at)
    ahead = sessions.enter_by_shop("token-3", ADA, device=LAPTOP, label="", fresh_at=at + HOUR)
    assert again.outcome == "ended"
    assert fresh.session is not None
    assert stale.session is not None
    assert ahead.session is not None
    assert ahead.session.fresh_at == at
    assert (sessions.is_fresh(fresh.session), sessions.is_fresh(stale.session)) == (True, False)


def test_a_session_belongs_to_its_browser(sessions: Sessions) -> None:
    token = entered(sessions)
    assert sessions.find(token, PHONE) is None
    assert sessions.find("", LAPTOP) is None
    assert sessions.find(token[:-1], LAPTOP) is None


def test_a_session_ends_when_it_rests_and_in_any_case(sessions: Sessions, clock: Clock) -> None:
    resting = entered(sessions)
    clock.now_ms += 60 * MINUTE
    assert sessions.find(resting, LAPTOP) is None
    busy = entered(sessions)
    for _ in range(23):
        clock.now_ms += 31 * MINUTE
        assert sessions.find(busy, LAPTOP) is not None
    clock.now_ms += 10 * MINUTE
    assert sessions.find(busy, LAPTOP) is None


def test_a_sign_in_is_fresh_for_five_minutes(sessions: Sessions, clock: Clock) -> None:
    held = sessions.find(entered(sessions), LAPTOP)
    assert held is not None
    clock.now_ms += 5 * MINUTE
    assert sessions.is_fresh(held)
    clock.now_ms += 1
    assert not sessions.is_fresh(held)


def test_signing_in_anew_ends_the_session_before(sessions: Sessions) -> None:
    before = entered(sessions)
    begun = sessions.begin(ADA, "email", device=LAPTOP)
    after = sessions.enter(begun.token, device=LAPTOP, label="", before=before)
    assert after.token != before
    assert sessions.find(before, LAPTOP) is None
    assert sessions.find(after.token, LAPTOP) is not None


def test_a_browser_not_seen_before_is_told_of_but_the_first(sessions: Sessions) -> None:
    def is_new(device: str) -> bool:
        begun = sessions.begin(ADA, "email", device=device)
        return sessions.enter(begun.token, device=device, label="").is_new_device

    assert [is_new(LAPTOP), is_new(PHONE), is_new(PHONE), is_new(LAPTOP)] == [
        False, True, False, False,
    ]  # fmt: skip


def test_everywhere_is_everywhere_and_nobody_else(sessions: Sessions) -> None:
    tokens = [entered(sessions), entered(sessions, device=PHONE)]
    others = entered(sessions, BOB)
    assert sessions.end_all([ADA]) == 2
    assert [sessions.find(tokens[0], LAPTOP), sessions.find(tokens[1], PHONE)] == [None, None]
    assert sessions.find(others, LAPTOP) is not None


def test_one_ends_only_what_is_theirs(sessions: Sessions) -> None:
    token = entered(sessions)
    (held,) = sessions.of([ADA])
    assert not sessions.end_one([BOB], held.session_id)
    assert sessions.find(token, LAPTOP) is not None
    assert sessions.end_one([ADA], held.session_id)
    assert sessions.find(token, LAPTOP) is None


def test_forgetting_leaves_nothing(sessions: Sessions, tmp_path: Path) -> None:
    entered(sessions)
    sessions.begin(ADA, "email", device=PHONE)
    assert sessions.forget([ADA]) == 4  # two sign-ins, a session, a device
    assert sessions.of([ADA]) == []
    assert sessions.forget([ADA]) == 0


def test_nothing_that_lets_in_is_on_disk(sessions: Sessions, tmp_path: Path) -> None:
    begun = sessions.begin(ADA, "email", device=LAPTOP)
    token = sessions.enter(begun.token, device=LAPTOP, label="").token
    sessions.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"ada@example.org" in kept
    for secret in (begun.token, begun.code, token, LAPTOP):
        assert secret.encode() not in kept


def test_codes_are_digits_that_follow_from_the_link() -> None:
    codes = {code_of(f"token-{number}") for number in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 8 and code.isdigit() for code in codes)


def test_a_secret_of_the_home_stays(sessions: Sessions) -> None:
    assert sessions.secret("unsubscribe") == sessions.secret("unsubscribe")
    assert sessions.secret("unsubscribe") != sessions.secret("other")
    assert len(sessions.secret("other")) == 32
