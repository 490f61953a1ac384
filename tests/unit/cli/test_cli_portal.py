"""The operator's commands about the person's page: a link to hand over, and ending sessions."""

import json
from pathlib import Path

from commanding import Run
from customering.app.engine import real_clock
from customering.app.home import find
from customering.app.sessions import Sessions

WHO = "loyalty_card:3"


def sessions_of(home: Path) -> Sessions:
    found = find(home, environment={})
    return Sessions(found.control_url, found.loaded.settings.portal, real_clock)


def test_a_link_works_once_and_signing_out_ends_what_it_began(run: Run, shop: Path) -> None:
    told = json.loads(run("portal", "link", WHO, "--minutes", "5", "--home", "home", "--json").out)
    place, _, token = told["link"].partition("#")
    assert (place, told["minutes"]) == ("http://127.0.0.1:8000/me/enter", 5)
    sessions = sessions_of(shop / "home")
    entered = sessions.enter(token, device="d" * 43, label="")
    assert sessions.enter(token, device="d" * 43, label="").outcome == "ended"
    held = sessions.find(entered.token, "d" * 43)
    assert held is not None
    assert (held.person, held.how) == (WHO, "care")
    said = run("portal", "sign-out", WHO, "--home", "home")
    assert (said.code, said.out.strip()) == (0, "Sessions ended: 1.")
    assert sessions.find(entered.token, "d" * 43) is None
    sessions.close()


def test_nobody_gets_a_link_to_nobody(run: Run, shop: Path) -> None:
    said = run("portal", "link", "user_id:nobody-here", "--home", "home")
    assert said.code == 1
    assert "nobody-here" not in said.err
