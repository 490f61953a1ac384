"""What is brought along is read strictly: bombs, forgeries and nonsense become no fact."""

import io
import json
import zipfile
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.app.portal_bringing import (
    _FILE_BYTES_MOST,
    ZIP_BYTES_MOST,
    checked_facts,
    read_brought,
)
from customering.kernel.errors import Invalid

TAKEN = ("city", "diet", "household_size")


def fact(value: Any, how: str = "declared") -> dict[str, Any]:
    return {"value": value, "how_we_know": how, "as_of": "", "words": "", "unit": ""}


def packed(
    facts: Any, *, files: dict[str, bytes] | None = None, digest: str = "", method: int = 8
) -> bytes:
    """Write a ZIP as another shop does."""
    profile = json.dumps({"person_id": "per_1", "facts": facts}).encode()
    listed = [{"file": "profile.json", "sha256": digest or sha256(profile).hexdigest()}]
    manifest = json.dumps({"subset": "portable", "files": listed}).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in {
            "profile.json": profile, "manifest.json": manifest, **(files or {})
        }.items():  # fmt: skip
            archive.writestr(name, content)
    return out.getvalue()


def test_what_was_told_is_read_and_all_else_is_left_alone() -> None:
    data = packed(
        {
            "city": fact("Vienna"),
            "household_size": fact(3),
            "diet": fact("vegan", "observed"),
            "employee": fact(True),
            "orders_90d": fact(4, "observed"),
        }
    )
    assert read_brought(data, TAKEN) == ({"city": "Vienna", "household_size": 3}, 3)


@pytest.mark.parametrize(
    "value", [None, "", "x" * 201, "a\nb", "\u202eevil", [1], {"a": 1}, 1e300, 10**13],
)  # fmt: skip
def test_what_cannot_be_shown_is_no_fact(value: Any) -> None:
    assert checked_facts({"city": value}, TAKEN) == {}
    assert read_brought(packed({"city": fact(value)}), TAKEN).facts == {}


def test_a_bomb_is_not_unpacked() -> None:
    bomb = b"[" + b" " * (_FILE_BYTES_MOST + 1)
    data = packed({"city": fact("Vienna")}, files={"profile.json": bomb})
    assert len(data) < 10_000
    with pytest.raises(Invalid):
        read_brought(data, TAKEN)
    # One beside the two files that are read is never looked at.
    data = packed({"city": fact("Vienna")}, files={"events.ndjson": bytes(50_000_000)})
    assert read_brought(data, TAKEN).facts == {"city": "Vienna"}


def test_a_bomb_that_lies_about_its_size_is_not_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"{}")
        archive.writestr("profile.json", b" " * (_FILE_BYTES_MOST + 5))
    size = (_FILE_BYTES_MOST + 5).to_bytes(4, "little")
    with pytest.raises(Invalid):
        read_brought(out.getvalue().replace(size, (10).to_bytes(4, "little")), TAKEN)


def test_deep_nesting_is_no_bug() -> None:
    deep = b'{"facts": {"city": {"how_we_know": "declared", "value": ' + b"[" * 100_000
    with pytest.raises(Invalid):
        read_brought(packed({}, files={"profile.json": deep}), TAKEN)


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"PK\x05\x06" + bytes(18), b"x" * 1_000, bytes(ZIP_BYTES_MOST + 1),
     packed({"city": fact("Vienna")}, digest="0" * 64),
     packed({"city": fact("Vienna")}, method=zipfile.ZIP_BZIP2),
     packed({"city": fact("Vienna")}, method=zipfile.ZIP_LZMA),
     packed([]), packed({"city": 1}), packed({"city": fact("Vienna")})[:-30],
     packed({"city": fact("Vienna")}, files={str(n): b"" for n in range(1_000)}),
     packed({}, files={"manifest.json": b"[]"})],
)  # fmt: skip
def test_what_no_shop_wrote_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_brought(data, TAKEN)


def test_two_files_of_one_name_are_refused() -> None:
    out = io.BytesIO(packed({"city": fact("Vienna")}))
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("profile.json", b"{}")
    with pytest.raises(Invalid):
        read_brought(out.getvalue(), TAKEN)


def test_an_encrypted_file_is_refused() -> None:
    data = bytearray(packed({"city": fact("Vienna")}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Invalid):
        read_brought(bytes(data), TAKEN)


@settings(max_examples=150, deadline=None)
@given(at=st.floats(0, 0.999), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_file_is_no_bug_and_no_other_fact(at: float, bit: int, cut: bool) -> None:
    data = bytearray(packed({"city": fact("Vienna")}))
    place = int(at * len(data))
    if cut:
        del data[place:]
    else:
        data[place] ^= 1 << bit
    try:
        found = read_brought(bytes(data), TAKEN)
    except Invalid:
        return
    assert found.facts == {"city": "Vienna"}
