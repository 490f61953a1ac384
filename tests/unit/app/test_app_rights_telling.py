"""Telling processors and agents: over real sockets, signed or not believed, tried until told."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canary import ADA, CANARY, MAIL, fill, found_in, of_others, of_the_person
from customering.app import rights_home
from customering.app.engine import Engine
from customering.app.erasing_certificate import canonical
from customering.app.home_key import from_text
from customering.app.rights_outward import call, check_address, is_public
from customering.app.rights_telling import Telling
from customering.consent.rights_told import RETRIES_MS
from customering.kernel.errors import Absent, Invalid, Refused, Unavailable
from customering.kernel.ids import Identifier
from processors import DOMAIN, OTHER_KEY, PEM, Fake, listening, signed_headers
from town import OpenShop

BEN = Identifier("user_id:ben")


def settings_of(fake: Fake, **changed: Any) -> str:
    processor = {
        "name": "Mailer Inc.",
        "url": fake.url,
        "domain": DOMAIN,
        "certificate": PEM,
        "is_local": True,
        "requests": ["erasure", "access"],
        **changed,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in processor.items()]
    return (
        '[serve]\npublic_url = "https://shop.example"\n[rights.processors.mailer]\n'
        + "\n".join(lines)
        + '\n[rights.processors.mailer.identities]\nemail = "raw"\n'
    )


class Shop:
    """A shop whose clock can be moved on."""

    def __init__(self, open_shop: OpenShop, fake: Fake, **changed: Any) -> None:
        with (open_shop().home.folder / "customering.toml").open("a") as file:
            file.write(settings_of(fake, **changed))
        self.engine: Engine = open_shop()
        self.later_ms = 0
        clock = self.engine.clock
        self.engine.clock = lambda: clock() + self.later_ms
        fill(self.engine, [*of_others(), *of_the_person()])

    def erase(self, who: Identifier = ADA) -> str:
        return rights_home.erase(self.engine, who)[0].request_id

    def status(self, request_id: str) -> str:
        return rights_home.told_of(self.engine, request_id)[0].status

    def certificate(self, request_id: str) -> dict[str, Any]:
        text = self.engine.journal.certificate(request_id)
        assert text is not None
        told: dict[str, Any] = msgspec.json.decode(text)
        return told


def test_an_erasure_is_told_followed_and_stands_in_the_certificate(open_shop: OpenShop) -> None:
    with listening(Fake()) as fake:
        shop = Shop(open_shop, fake)
        request_id = shop.erase()
        assert shop.status(request_id) == "waiting"
        assert shop.certificate(request_id)["recipients"][0]["status"] == "waiting"
        assert rights_home.tell(shop.engine) == 1
        assert rights_home.tell(shop.engine) == 0
        (method, path, _, sent), *_ = fake.calls
        assert (method, path) == ("POST", "/v2/requests")
        assert sent["subject_request_type"] == "erasure"
        assert sent["status_callback_urls"] == ["https://shop.example/v1/opendsr/callbacks"]
        assert sent["subject_identities"] == [
            {"identity_type": "email", "identity_value": MAIL, "identity_format": "raw"}
        ]
        # Once it was taken in, nothing here says any more whom it was about.
        assert found_in(shop.engine.home.folder) == []
        assert shop.status(request_id) == "pending"
        fake.status = "completed"
        shop.later_ms += 7 * 3_600_000
        assert rights_home.tell(shop.engine) == 1
        assert fake.calls[-1][:2] == ("GET", f"/v2/requests/{sent['subject_request_id']}")
    told = shop.certificate(request_id)
    assert (told["recipients"][0]["recipient"], told["recipients"][0]["status"]) == (
        "Mailer Inc.", "completed",
    )  # fmt: skip
    signature, key_id = told.pop("signature"), told.pop("key_id")
    told.pop("algorithm")
    assert shop.engine.receipts.key.holds(key_id, canonical(told), from_text(signature))


def test_an_answer_that_is_not_signed_by_the_processor_is_not_believed(
    open_shop: OpenShop,
) -> None:
    with listening(Fake()) as fake:
        fake.key = OTHER_KEY
        fake.status = "completed"
        shop = Shop(open_shop, fake)
        request_id = shop.erase()
        rights_home.tell(shop.engine)
    told = rights_home.told_of(shop.engine, request_id)[0]
    assert (told.status, told.tries) == ("waiting", 1)
    assert "not signed" in told.words


def test_what_is_not_taken_in_is_tried_by_the_clock_and_given_up(open_shop: OpenShop) -> None:
    with listening(Fake()) as fake:
        fake.answers = [500, 302]
        shop = Shop(open_shop, fake)
        request_id = shop.erase()
        assert rights_home.tell(shop.engine) == 1
        assert rights_home.tell(shop.engine) == 0
        shop.later_ms += RETRIES_MS[0]
        assert rights_home.tell(shop.engine) == 1
        assert CANARY in "".join(found_in_names(shop))
        shop.later_ms += RETRIES_MS[1]
        assert rights_home.tell(shop.engine) == 1
        assert shop.status(request_id) == "pending"
        assert len(fake.calls) == 3


def test_who_cannot_be_reached_is_given_up_and_nothing_stays_here(open_shop: OpenShop) -> None:
    gone = Shop(open_shop, Fake(), url="http://127.0.0.1:9/v2")
    request_id = gone.erase()
    for wait in (0, *RETRIES_MS):
        gone.later_ms += wait
        assert rights_home.tell(gone.engine) == 1
    assert gone.status(request_id) == "given_up"
    assert rights_home.tell(gone.engine) == 0
    assert found_in(gone.engine.home.folder) == []


def found_in_names(shop: Shop) -> list[str]:
    return [CANARY for name in found_in(shop.engine.home.folder) if name.startswith("rights")]


def test_who_is_not_known_by_what_it_knows_people_by_is_not_asked(open_shop: OpenShop) -> None:
    with listening(Fake()) as fake:
        shop = Shop(open_shop, fake)
        request_id = shop.erase(BEN)
        assert rights_home.tell(shop.engine) == 0
        assert fake.calls == []
    assert shop.status(request_id) == "nothing"


def test_access_is_asked_when_it_is_begun(open_shop: OpenShop) -> None:
    with listening(Fake()) as fake:
        shop = Shop(open_shop, fake)
        asked = rights_home.open_request(shop.engine, ADA, "access", "", {})
        assert rights_home.told_of(shop.engine, asked.request_id) == []
        rights_home.act(shop.engine, asked.request_id, "begin")
        rights_home.act(shop.engine, asked.request_id, "fulfil")
        assert rights_home.tell(shop.engine) == 1
        assert [call[3]["subject_request_type"] for call in fake.calls] == ["access"]


def callback(told: Any, **changed: Any) -> bytes:
    return json.dumps(
        {
            "controller_id": "shop",
            "subject_request_id": told.subject_request_id,
            "request_status": "completed",
            "status_callback_url": "https://shop.example/v1/opendsr/callbacks",
            **changed,
        }
    ).encode()


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_a_callback_counts_only_with_a_signature_that_fits(open_shop: OpenShop) -> None:
    with listening(Fake()) as fake:
        shop = Shop(open_shop, fake)
        request_id = shop.erase()
        rights_home.tell(shop.engine)
    told = rights_home.told_of(shop.engine, request_id)[0]
    telling = Telling(shop.engine)
    body = callback(told)
    spoilt: list[tuple[dict[str, str], bytes]] = [
        (signed_headers(body, OTHER_KEY), body),
        (signed_headers(body), body.replace(b"completed", b"cancelled")),
        (signed_headers(body, domain="another.example"), body),
        ({"X-OpenDSR-Processor-Domain": DOMAIN}, body),
        ({"X-OpenDSR-Processor-Domain": DOMAIN, "X-OpenDSR-Signature": "no base64!"}, body),
        ({}, body),
    ]
    for headers, sent in spoilt:
        with pytest.raises(Refused):
            telling.take_callback(lower(headers), sent)
    elsewhere = callback(told, status_callback_url="https://other.example/")
    with pytest.raises(Refused):
        telling.take_callback(lower(signed_headers(elsewhere)), elsewhere)
    unknown = callback(told, subject_request_id="00000000-0000-4000-8000-000000000000")
    with pytest.raises(Absent):
        telling.take_callback(lower(signed_headers(unknown)), unknown)
    nonsense = callback(told, request_status="done")
    with pytest.raises(Invalid):
        telling.take_callback(lower(signed_headers(nonsense)), nonsense)
    assert shop.status(request_id) == "pending"
    telling.take_callback(lower(signed_headers(body)), body)
    assert shop.status(request_id) == "completed"
    late = callback(told, request_status="in_progress")
    telling.take_callback(lower(signed_headers(late)), late)
    assert shop.status(request_id) == "completed"
    assert shop.certificate(request_id)["recipients"][0]["status"] == "completed"
    telling.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://example.org:22/",
        "https://user:pass@example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:7f00:1::]/",
        "https://100.64.0.1/",
        "not an address",
        "https://",
        "https://example.org:99999/",
    ],
)
def test_addresses_within_our_own_network_are_never_called(url: str) -> None:
    with pytest.raises(Invalid):
        check_address(url)


def test_a_public_name_with_a_private_address_behind_it_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolved(host: str, port: int, **named: Any) -> list[Any]:
        both = ("93.184.215.14", "127.0.0.1")
        return [(2, 1, 6, "", (address, port)) for address in both]

    monkeypatch.setattr("socket.getaddrinfo", resolved)
    with pytest.raises(Invalid):
        call("GET", "https://rebinding.example/")
    assert is_public("93.184.215.14")


def test_redirects_are_not_followed_and_long_answers_not_read(tmp_path: Path) -> None:
    with listening(Fake()) as fake:
        fake.answers = [307]
        assert call("GET", f"{fake.url}/a", is_local=True).status == 307
        assert len(fake.calls) == 1


def test_nobody_is_told_of_an_erasure_that_did_not_come_about(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(Fake()) as fake:
        shop = Shop(open_shop, fake)

        def fails(*arguments: Any, **named: Any) -> None:
            raise Unavailable("the disk is full", hint="")

        with monkeypatch.context() as patched:
            patched.setattr(shop.engine, "begin_erasure", fails)
            with pytest.raises(Unavailable):
                shop.erase()
        assert rights_home.tell(shop.engine) == 0
        assert fake.calls == []
