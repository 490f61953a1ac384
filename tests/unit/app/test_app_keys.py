"""The key ring: what is found, what ends, and what another process did meanwhile."""

import sqlite3
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from customering.app.key_text import kind_of_text
from customering.app.keys import Key, KeyRing
from customering.app.subject_tokens import mint
from customering.kernel.errors import Absent, Invalid, Refused, Unavailable
from customering.stores.control import KeptKey

NOW_MS = 1_800_000_000_000
SHOP = "https://shop.example"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'control.sqlite'}"


@pytest.fixture
def ring(url: str) -> Iterator[KeyRing]:
    with KeyRing(url, lambda: NOW_MS) as made:
        yield made


def test_each_kind_is_found_by_its_text(ring: KeyRing) -> None:
    made = [
        ring.create_write(name="shop", source="web", origins=["HTTPS://Shop.example/"]),
        ring.create_server(name="till", source="till/berlin"),
        ring.create_secret(name="crm", scopes=["decide", "people"]),
    ]
    for key, text in made:
        assert kind_of_text(text) == key.kind
        assert ring.find(text, NOW_MS) == key
    write, server, secret = (key for key, _ in made)
    assert (write.origins, write.scopes) == ((SHOP,), {"collect"})
    assert write.believed == {"user_id", "anonymous_id", "device"}
    assert (server.source, server.scopes, server.believed) == ("till/berlin", {"collect"}, None)
    assert (secret.scopes, secret.believed) == ({"decide", "people"}, None)


def test_keys_are_found_after_a_restart(ring: KeyRing, url: str) -> None:
    made = [
        ring.create_write(name="shop", source="web"),
        ring.create_server(name="till", source="till", expires_at=NOW_MS + 1),
    ]
    with KeyRing(url, lambda: NOW_MS) as again:
        assert [again.find(text, NOW_MS) for _, text in made] == [key for key, _ in made]
        assert again.list() == sorted((k for k, _ in made), key=lambda k: (k.created_at, k.key_id))


def test_secrets_are_not_in_the_file(ring: KeyRing, tmp_path: Path) -> None:
    texts = [
        ring.create_server(name="till", source="till")[1],
        ring.create_secret(name="crm", scopes=["import"])[1],
        ring.create_subject(name="page")[1].split('"d":"')[1].split('"')[0],
    ]
    public = ring.create_write(name="shop", source="web")[1]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("control.sqlite*"))
    assert public.encode() in stored
    assert sha256(texts[0].encode()).digest() in stored
    for text in texts:
        assert text.encode() not in stored


@pytest.mark.parametrize(
    "text",
    ["", "cw_", "cs_" + "0" * 38, "x" * 1_000_000, "\ud800", "ключ", "\x00", "key_a", '{"kty":1}'],
)
def test_whatever_is_no_key_finds_nothing(ring: KeyRing, text: str) -> None:
    ring.create_server(name="till", source="till")
    assert ring.find(text, NOW_MS) is None


def test_the_stored_hash_and_the_id_open_nothing(ring: KeyRing) -> None:
    key, text = ring.create_server(name="till", source="till")
    assert ring.find(sha256(text.encode()).hexdigest(), NOW_MS) is None
    assert ring.find(key.key_id, NOW_MS) is None


def test_a_key_ends_at_its_instant(ring: KeyRing) -> None:
    _, text = ring.create_secret(name="crm", scopes=["import"], expires_at=NOW_MS + 10)
    assert ring.find(text, NOW_MS + 9) is not None
    assert ring.find(text, NOW_MS + 10) is None


def test_a_revoked_key_is_not_found_and_still_listed(ring: KeyRing) -> None:
    key, text = ring.create_write(name="shop", source="web")
    assert ring.revoke(key.key_id).revoked_at == NOW_MS
    assert ring.find(text, NOW_MS) is None
    assert [one.revoked_at for one in ring.list()] == [NOW_MS]
    assert ring.get(key.key_id).name == "shop"


def test_unknown_ids_are_told(ring: KeyRing) -> None:
    for act in (ring.revoke, ring.get):
        with pytest.raises(Absent, match="key_z"):
            act("key_z")


def test_what_another_process_does_is_seen_within_a_second(ring: KeyRing, url: str) -> None:
    key, text = ring.create_server(name="till", source="till")
    subject, private = ring.create_subject(name="page")
    token = mint(private, "user_id:ada", NOW_MS)
    assert ring.find(text, NOW_MS) is not None
    assert ring.subject_of(token, NOW_MS)[1] == "user_id:ada"
    with KeyRing(url, lambda: NOW_MS) as command:
        command.revoke(key.key_id)
        command.revoke(subject.key_id)
        _, another = command.create_server(name="new", source="till")
    assert ring.find(text, NOW_MS + 999) is not None  # no look yet: the answer of memory
    assert ring.find(text, NOW_MS + 1_000) is None
    assert ring.find(another, NOW_MS + 1_000) is not None
    with pytest.raises(Refused):
        ring.subject_of(token, NOW_MS + 1_000)


def test_a_clock_set_back_does_not_stop_the_looking(ring: KeyRing, url: str) -> None:
    key, text = ring.create_server(name="till", source="till")
    assert ring.find(text, NOW_MS) is not None
    with KeyRing(url, lambda: NOW_MS) as command:
        command.revoke(key.key_id)
    assert ring.find(text, NOW_MS - 3_600_000) is None


def test_a_subject_token_names_its_key_and_person(ring: KeyRing) -> None:
    key, private = ring.create_subject(name="page", origins=[SHOP], scopes=["decide"])
    token = mint(private, "user_id:ada", NOW_MS)
    for _ in range(2):  # read, then remembered
        assert ring.subject_of(token, NOW_MS) == (key, "user_id:ada")
    assert (key.origins, key.scopes, key.believed) == ((SHOP,), {"decide"}, frozenset())


def test_a_remembered_token_ends_too(ring: KeyRing) -> None:
    _, private = ring.create_subject(name="page", expires_at=NOW_MS + 3_600_000)
    token = mint(private, "user_id:ada", NOW_MS, minutes=1)
    ring.subject_of(token, NOW_MS)
    ring.subject_of(token, NOW_MS + 119_999)
    with pytest.raises(Refused):
        ring.subject_of(token, NOW_MS + 120_000)


def test_every_refusal_of_a_token_reads_alike(ring: KeyRing) -> None:
    key, private = ring.create_subject(name="page")
    ended, ended_private = ring.create_subject(name="old", expires_at=NOW_MS + 1)
    _, foreign = ring.create_subject(name="other")
    token = mint(private, "user_id:ada", NOW_MS)
    attempts = [
        (token, NOW_MS + 3_600_000),
        (mint(ended_private, "user_id:ada", NOW_MS), NOW_MS + 1),
        (mint(foreign.replace("key_", "key-"), "user_id:ada", NOW_MS), NOW_MS),
        ("nonsense", NOW_MS),
        (key.key_id, NOW_MS),
        (ended.public, NOW_MS),
    ]
    ring.revoke(key.key_id)
    attempts.append((token, NOW_MS))
    told = set()
    for text, now_ms in attempts:
        with pytest.raises(Refused) as refused:
            ring.subject_of(text, now_ms)
        told.add((refused.value.message, refused.value.hint, str(refused.value.facts)))
    assert len(told) == 1


def test_uses_are_written_once_a_minute_and_at_the_end(ring: KeyRing, url: str) -> None:
    key, _ = ring.create_server(name="till", source="till")

    def last() -> int | None:
        return ring.list()[0].last_used_at

    ring.note_use(key.key_id, NOW_MS)
    ring.note_use(key.key_id, NOW_MS + 59_999)
    assert last() is None
    ring.note_use(key.key_id, NOW_MS + 60_000)
    assert last() == NOW_MS + 60_000
    ring.note_use(key.key_id, NOW_MS + 60_001)
    ring.close()
    with KeyRing(url, lambda: NOW_MS) as again:
        assert again.list()[0].last_used_at == NOW_MS + 60_001


def test_a_server_has_uses_written_where_it_wants(url: str) -> None:
    acts: list[Callable[[], None]] = []
    with KeyRing(url, lambda: NOW_MS, run=acts.append) as ring:
        key, _ = ring.create_server(name="till", source="till")
        for minute in range(3):
            ring.note_use(key.key_id, NOW_MS + minute * 60_000)
        assert len(acts) == 2
        assert ring.list()[0].last_used_at is None


def test_uses_that_cannot_be_written_are_kept(
    ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = ring.create_server(name="till", source="till")

    def full(uses: object) -> None:
        raise Unavailable("no room")

    ring.note_use(key.key_id, 7)
    with monkeypatch.context() as patch:
        patch.setattr(ring.control, "note_uses", full)
        with pytest.raises(Unavailable):
            ring.write_uses()
    ring.write_uses()
    assert ring.list()[0].last_used_at == 7


@pytest.mark.parametrize(
    "attempt",
    [
        lambda ring: ring.create_write(name=" ", source="web"),
        lambda ring: ring.create_write(name="shop", source="x" * 101),
        lambda ring: ring.create_write(name="shop\x00", source="web"),
        lambda ring: ring.create_write(name="shop", source="web", origins=["shop.example"]),
        lambda ring: ring.create_write(name="shop", source="web", believed=["9 lives!"]),
        lambda ring: ring.create_server(name="till", source="till", expires_at=NOW_MS),
        lambda ring: ring.create_secret(name="crm", scopes=[]),
        lambda ring: ring.create_secret(name="crm", scopes=["collect", "everything"]),
        lambda ring: ring.create_subject(name="page", scopes=["import"]),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    ring: KeyRing, attempt: Callable[[KeyRing], object]
) -> None:
    with pytest.raises(Invalid) as refused:
        attempt(ring)
    assert refused.value.hint
    assert ring.list() == []


def test_chance_is_what_was_handed_in(url: str) -> None:
    asked: list[int] = []

    def chance(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    with KeyRing(url, lambda: NOW_MS, chance=chance) as ring:
        _, text = ring.create_write(name="shop", source="web")
        with pytest.raises(Unavailable):  # the same dice twice: the same key, which is refused
            ring.create_write(name="shop", source="web")
    assert text.startswith("cw_00000")
    assert min(asked) * 8 >= 128


def test_a_file_damaged_meanwhile_is_told(ring: KeyRing, tmp_path: Path) -> None:
    ring.control.add(KeptKey("key_x", b"x", b"{}"))
    with sqlite3.connect(tmp_path / "control.sqlite") as raw:
        raw.execute("DROP TABLE meta")
    raw.close()
    with pytest.raises(Unavailable):
        ring.find("cs_", NOW_MS)


def test_a_key_holds_until_its_end_or_its_revocation() -> None:
    key = Key(key_id="key_a", kind="server", name="a", created_at=1, expires_at=10)
    assert key.holds(9)
    assert not key.holds(10)
    assert not Key(key_id="key_a", kind="server", name="a", created_at=1, revoked_at=5).holds(3)
