"""Passkeys: what a device signed lets its owner in once, here, in this browser, and nobody else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.app.passkeys import PASSKEYS_MOST, Passkeys, Site, Told
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier
from soft_passkey import ATTESTED, PRESENT, VERIFIED, SoftDevice, bytes_of, client_data, text_of

SITE = Site("data.shop.example", "https://data.shop.example", "Corner & Sons")
ADA, BOB = Identifier("email:ada@example.org"), Identifier("email:bob@example.org")
LAPTOP, PHONE = "laptop cookie", "phone cookie"
SECRET = bytes(range(32))


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_790_000_000_000

    def __call__(self) -> int:
        return self.now_ms


class Stand:
    """The passkeys of a home, and a device."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.place = folder / "control.sqlite"
        self.passkeys = Passkeys(f"sqlite:///{self.place}", self.clock, SECRET)
        self.device = SoftDevice()

    def ask(self, person: Identifier = ADA) -> dict[str, Any]:
        return self.passkeys.ask_to_add(SITE, person, [person], "ada", bound_to=LAPTOP)

    def add(self, person: Identifier = ADA, label: str = "my laptop", **asked: Any) -> Any:
        told = Told(**self.device.make(self.ask(person), SITE.origin))
        return self.passkeys.add(SITE, person, [person], told, label, bound_to=LAPTOP)

    def signed(self, bound_to: str = LAPTOP, origin: str = SITE.origin) -> Told:
        asked = self.passkeys.ask_to_enter(SITE, "enter", bound_to=bound_to)
        return Told(**self.device.sign(asked, origin))

    def enter(self, told: Told, bound_to: str = LAPTOP) -> Any:
        return self.passkeys.enter(SITE, "enter", told, bound_to=bound_to)


@pytest.fixture
def stand(tmp_path: Path) -> Any:
    made = Stand(tmp_path)
    yield made
    made.passkeys.close()


def test_a_passkey_is_made_and_lets_its_owner_in(stand: Stand) -> None:
    made = stand.add()
    assert (made.person, made.label, made.is_synced, made.used_at) == (ADA, "my laptop", True, 0)
    stand.clock.now_ms += 1_000
    entered = stand.enter(stand.signed())
    assert (entered.person, entered.passkey_id) == (ADA, made.passkey_id)
    (held,) = stand.passkeys.of([ADA])
    assert (held.sign_count, held.used_at) == (1, stand.clock.now_ms)
    assert stand.passkeys.of([BOB]) == []


def test_what_is_asked_for_is_strict_and_the_same_for_everybody(stand: Stand) -> None:
    asked = stand.ask()
    choice = asked["authenticatorSelection"]
    assert (choice["residentKey"], choice["userVerification"]) == ("required", "required")
    assert asked["rp"] == {"id": "data.shop.example", "name": "Corner & Sons"}
    assert "ada" not in bytes_of(asked["user"]["id"]).decode("latin-1")
    before = stand.passkeys.ask_to_enter(SITE, "enter", bound_to=LAPTOP)
    stand.add()
    after = stand.passkeys.ask_to_enter(SITE, "enter", bound_to=LAPTOP)
    assert before.pop("challenge") != after.pop("challenge")
    assert before == after
    assert after["allowCredentials"] == []
    assert after["userVerification"] == "required"
    mine = stand.passkeys.ask_to_enter(SITE, "confirm", [ADA], bound_to=LAPTOP)
    assert [bytes_of(one["id"]) for one in mine["allowCredentials"]] == list(stand.device.kept)
    excluded = stand.ask()["excludeCredentials"]
    assert [bytes_of(one["id"]) for one in excluded] == list(stand.device.kept)


def test_an_answer_holds_once(stand: Stand) -> None:
    stand.device.counts = False
    stand.add()
    told = stand.signed()
    stand.enter(told)
    with pytest.raises(Invalid, match="does not hold"):
        stand.enter(told)


def test_a_new_passkey_is_kept_once(stand: Stand) -> None:
    told = Told(**stand.device.make(stand.ask(), SITE.origin))
    stand.passkeys.add(SITE, ADA, [ADA], told, "one", bound_to=LAPTOP)
    with pytest.raises(Invalid, match="does not hold"):
        stand.passkeys.add(SITE, BOB, [BOB], told, "two", bound_to=LAPTOP)
    assert len(stand.passkeys.of([ADA, BOB])) == 1


def test_an_answer_holds_in_the_browser_that_asked_alone(stand: Stand) -> None:
    stand.add()
    told = stand.signed(bound_to=PHONE)
    with pytest.raises(Invalid, match="does not hold"):
        stand.enter(told, bound_to=LAPTOP)
    assert stand.enter(told, bound_to=PHONE).person == ADA


def test_an_answer_holds_for_what_was_asked_alone(stand: Stand) -> None:
    stand.add()
    asked = stand.passkeys.ask_to_enter(SITE, "confirm", [ADA], bound_to=LAPTOP)
    told = Told(**stand.device.sign(asked, SITE.origin))
    with pytest.raises(Invalid, match="does not hold"):
        stand.enter(told)


def test_an_answer_holds_ten_minutes(stand: Stand) -> None:
    stand.add()
    late, in_time = stand.signed(), stand.signed()
    stand.clock.now_ms += 10 * 60_000 - 1
    stand.enter(in_time)
    stand.clock.now_ms += 1
    with pytest.raises(Invalid, match="does not hold"):
        stand.enter(late)


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://data.shop.example", "https://data.shop.example:8443",
     "https://data.shop.example.evil.example", "https://DATA.shop.example", ""],
)  # fmt: skip
def test_an_answer_of_another_page_does_not_hold(stand: Stand, origin: str) -> None:
    stand.add()
    with pytest.raises(Invalid, match="does not hold"):
        stand.enter(stand.signed(origin=origin))
    told = Told(**SoftDevice().make(stand.ask(BOB), origin))
    with pytest.raises(Invalid, match="does not hold"):
        stand.passkeys.add(SITE, BOB, [BOB], told, "x", bound_to=LAPTOP)


def test_an_answer_for_another_site_does_not_hold(stand: Stand) -> None:
    stand.add()
    asked = stand.passkeys.ask_to_enter(SITE, "enter", bound_to=LAPTOP)
    told = Told(**stand.device.sign({**asked, "rpId": "evil.example"}, SITE.origin))
    with pytest.raises(Invalid, match="does not hold"):
        stand.enter(told)


def test_a_device_that_was_not_unlocked_lets_nobody_in(stand: Stand) -> None:
    stand.add()
    for flags in (PRESENT, VERIFIED, 0):
        stand.device.flags = flags
        with pytest.raises(Invalid, match="does not hold"):
            stand.enter(stand.signed())
        with pytest.raises(Invalid, match="does not hold"):
            stand.add(BOB)
    stand.device.flags = PRESENT | VERIFIED
    asked = stand.passkeys.ask_to_enter(SITE, "enter", bound_to=LAPTOP)
    first = next(iter(stand.device.kept))
    stand.enter(Told(**stand.device.sign(asked, SITE.origin, first)))


def test_a_copied_passkey_is_noticed_by_its_count(stand: Stand) -> None:
    stand.device.signed = 10
    stand.add()
    stand.enter(stand.signed())
    stand.device.signed = 5
    with pytest.raises(Invalid, match="does not hold"):
        stand.enter(stand.signed())
    (held,) = stand.passkeys.of([ADA])
    assert held.sign_count == 11


def test_a_page_within_another_page_is_refused(stand: Stand) -> None:
    stand.add()
    asked = stand.passkeys.ask_to_enter(SITE, "enter", bound_to=LAPTOP)
    told = Told(**stand.device.sign(asked, SITE.origin))
    framed = client_data("webauthn.get", asked["challenge"], SITE.origin, crossOrigin=True)
    with pytest.raises(Invalid, match="does not hold"):
        stand.enter(told._replace(client_data=text_of(framed)))


def test_a_passkey_of_somebody_else_keeps_its_owner(stand: Stand) -> None:
    """Neither another's handle nor another's signature with one's own credential lets in."""
    stand.add(ADA)
    ada = list(stand.device.kept)[-1]
    stand.add(BOB)
    asked = stand.passkeys.ask_to_enter(SITE, "enter", bound_to=LAPTOP)
    by_ada = stand.device.sign(asked, SITE.origin, ada)
    asked = stand.passkeys.ask_to_enter(SITE, "enter", bound_to=LAPTOP)
    by_bob = stand.device.sign(asked, SITE.origin)
    mixed = {**by_bob, "credential": by_ada["credential"], "handle": by_ada["handle"]}
    for fields in ({**by_ada, "handle": by_bob["handle"]}, {**by_ada, "handle": ""}, mixed):
        with pytest.raises(Invalid, match="does not hold"):
            stand.enter(Told(**fields))


def test_a_removed_passkey_lets_nobody_in(stand: Stand) -> None:
    made = stand.add()
    assert not stand.passkeys.remove([BOB], made.passkey_id)
    assert not stand.passkeys.rename([BOB], made.passkey_id, "mine now")
    assert stand.passkeys.rename([ADA], made.passkey_id, "  the old   laptop ")
    assert stand.passkeys.of([ADA])[0].label == "the old laptop"
    assert stand.passkeys.remove([ADA], made.passkey_id)
    with pytest.raises(Invalid, match="does not hold"):
        stand.enter(stand.signed())


@pytest.mark.parametrize("label", ["", "   ", "x" * 61, "a\x00b", "\u202etxt"])
def test_a_name_can_be_shown(stand: Stand, label: str) -> None:
    with pytest.raises(Invalid, match="name"):
        stand.add(label=label)


def test_there_are_so_many_and_no_more(stand: Stand) -> None:
    for number in range(PASSKEYS_MOST):
        stand.add(label=f"number {number}")
    with pytest.raises(Invalid, match="already"):
        stand.add()
    stand.passkeys.forget([ADA])
    assert stand.passkeys.of([ADA]) == []


def test_nothing_is_kept_of_what_was_only_asked_for(stand: Stand) -> None:
    stand.add()
    size = used_up(stand)
    for _ in range(50):
        stand.passkeys.ask_to_enter(SITE, "enter", bound_to=LAPTOP)
    assert used_up(stand) == size == 1
    stand.clock.now_ms += 11 * 60_000
    stand.enter(stand.signed())
    assert used_up(stand) == 1, "what ended is forgotten"


def used_up(stand: Stand) -> int:
    import sqlite3

    with sqlite3.connect(stand.place) as connection:
        (count,) = connection.execute("SELECT count(*) FROM portal_used_challenges").fetchone()
    connection.close()
    return int(count)


def test_seals_of_another_home_do_not_hold(stand: Stand, tmp_path: Path) -> None:
    other = Passkeys(f"sqlite:///{tmp_path / 'other.sqlite'}", stand.clock, bytes(32))
    stand.add()
    asked = other.ask_to_enter(SITE, "enter", bound_to=LAPTOP)
    other.close()
    with pytest.raises(Invalid, match="does not hold"):
        stand.enter(Told(**stand.device.sign(asked, SITE.origin)))


def _public() -> bytes:
    return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)})


@pytest.mark.parametrize(
    "proof",
    [b"", b"\xff", b"\xa0", cbor2.dumps([1]), cbor2.dumps({"fmt": "none"}),
     cbor2.dumps({"fmt": 1, "attStmt": {}, "authData": bytes(37)}),
     cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": bytes(36)}),
     cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": "text"}),
     cbor2.dumps({"fmt": "packed", "attStmt": {}, "authData": bytes(37)}),
     cbor2.dumps({"fmt": "tpm", "attStmt": {"ver": 1}, "authData": bytes(37)}),
     b"\x9f" * 2_000, b"\xd8\x1c" * 900],
)  # fmt: skip
def test_nonsense_does_not_hold(stand: Stand, proof: bytes) -> None:
    asked = stand.ask()
    told = Told(**stand.device.make(asked, SITE.origin))._replace(proof=text_of(proof))
    with pytest.raises(Invalid, match="does not hold"):
        stand.passkeys.add(SITE, ADA, [ADA], told, "x", bound_to=LAPTOP)


Change = Callable[[Told], Told]


@settings(max_examples=120, deadline=None)
@given(field=st.sampled_from(Told._fields), at=st.floats(0, 0.999), bit=st.integers(0, 7),
       how=st.sampled_from(["flip", "cut", "text"]))  # fmt: skip
def test_a_changed_byte_does_not_hold_and_is_no_bug(
    shared: Stand, field: str, at: float, bit: int, how: str
) -> None:
    told = shared.signed()
    data = bytearray(bytes_of(getattr(told, field)))
    place = int(at * len(data))
    if how == "flip":
        data[place] ^= 1 << bit
    elif how == "cut":
        del data[place:]
    changed = "é" * 10 if how == "text" else text_of(bytes(data))
    with pytest.raises(Invalid, match="does not hold"):
        shared.enter(told._replace(**{field: changed}))
    made = Told(**SoftDevice().make(shared.ask(BOB), SITE.origin))
    if field in ("client_data", "proof"):
        data = bytearray(bytes_of(getattr(made, field)))
        del data[int(at * len(data)) :]
        with pytest.raises(Invalid, match="does not hold"):
            shared.passkeys.add(
                SITE, BOB, [BOB], made._replace(**{field: text_of(bytes(data))}), "x",
                bound_to=LAPTOP,
            )  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Stand(tmp_path_factory.mktemp("passkeys"))
    made.device.counts = False
    made.add()
    yield made
    made.passkeys.close()


def test_keys_of_no_known_kind_do_not_hold(stand: Stand) -> None:
    for public in (_public(), cbor2.dumps({1: 9, 3: -7}), cbor2.dumps({}), b"\x04" + bytes(64)):
        asked = stand.ask()
        credential = bytes(16)
        said = stand.device._said(SITE.host, ATTESTED) + bytes(15) + b"\1\0\x10" + credential
        proof = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": said + public})
        told = Told(
            text_of(credential),
            text_of(client_data("webauthn.create", asked["challenge"], SITE.origin)),
            text_of(proof),
        )
        try:
            stand.passkeys.add(SITE, ADA, [ADA], told, "x", bound_to=LAPTOP)
        except Invalid:
            continue
        asked = stand.passkeys.ask_to_enter(SITE, "enter", bound_to=LAPTOP)
        signed = Told(
            text_of(credential),
            text_of(client_data("webauthn.get", asked["challenge"], SITE.origin)),
            text_of(stand.device._said(SITE.host, 0)),
            text_of(bytes(70)),
            text_of(stand.passkeys.of([ADA])[0].handle),
        )
        with pytest.raises(Invalid, match="does not hold"):
            stand.enter(signed)
        stand.passkeys.forget([ADA])
