"""The arithmetic of the ledger against a slow tree written straight from RFC 6962."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.consent.chain import (
    FIRST_HASH,
    Place,
    Row,
    canonical,
    fault_of,
    leaf,
    next_row,
    nodes_for,
    parent,
    path_of,
    root_from,
    root_of,
)


def slow_root(digests: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not digests:
        return sha256(b"").digest()
    if len(digests) == 1:
        return leaf(digests[0])
    split = 1
    while split * 2 < len(digests):
        split *= 2
    return parent(slow_root(digests[:split]), slow_root(digests[split:]))


def slow_path(index: int, digests: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, word for word."""
    if len(digests) == 1:
        return []
    split = 1
    while split * 2 < len(digests):
        split *= 2
    if index < split:
        return [*slow_path(index, digests[:split]), slow_root(digests[split:])]
    return [*slow_path(index - split, digests[split:]), slow_root(digests[:split])]


def tree(digests: list[bytes]) -> dict[Place, bytes]:
    nodes: dict[Place, bytes] = {}
    for index, digest in enumerate(digests):
        nodes |= nodes_for(index, digest, nodes.__getitem__)
    return nodes


DIGESTS = [sha256(bytes([number])).digest() for number in range(70)]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 70), st.data())
def test_roots_and_paths_are_those_of_the_rfc(size: int, data: st.DataObject) -> None:
    digests = DIGESTS[:size]
    nodes = tree(DIGESTS)  # nodes beyond the size are there too: they must not be read
    assert root_of(size, nodes.__getitem__) == slow_root(digests)
    if size:
        index = data.draw(st.integers(0, size - 1))
        path = path_of(index, size, nodes.__getitem__)
        assert path == slow_path(index, digests)
        assert root_from(index, size, digests[index], path) == slow_root(digests)
        other = data.draw(st.integers(0, size - 1))
        if other != index:
            assert root_from(other, size, digests[index], path) != slow_root(digests)


@pytest.mark.parametrize(("index", "size"), [(3, 3), (-1, 3), (0, 0)])
def test_a_place_that_is_not_in_the_tree_has_no_root(index: int, size: int) -> None:
    assert root_from(index, size, DIGESTS[0], []) is None


def test_a_path_of_another_length_has_no_root() -> None:
    nodes = tree(DIGESTS[:5])
    path = path_of(1, 5, nodes.__getitem__)
    assert root_from(1, 5, DIGESTS[1], path[:-1]) is None
    assert root_from(1, 5, DIGESTS[1], [*path, DIGESTS[0]]) is None


def test_equal_values_have_equal_bytes() -> None:
    assert canonical({"b": 1, "a": [True, None, "é"]}) == '{"a":[true,null,"é"],"b":1}'.encode()


def sign(data: bytes) -> tuple[str, bytes]:
    return "k", sha256(b"secret" + data).digest()


def holds(kid: str, data: bytes, signature: bytes) -> bool:
    return kid == "k" and signature == sha256(b"secret" + data).digest()


def chain(length: int) -> list[Row]:
    rows: list[Row] = []
    before = (0, FIRST_HASH)
    for number in range(length):
        row = next_row(before, {"event": f"e{number}", "subject": "s", "said": {"a": "b"}}, sign)
        rows.append(row)
        before = (row.seq, row.hash)
    return rows


def first_fault(rows: list[Row]) -> tuple[int, str] | None:
    before = (0, FIRST_HASH)
    for row in rows:
        fault = fault_of(row, before, holds)
        if fault is not None:
            return row.seq, fault
        before = (row.seq, row.hash)
    return None


def test_an_honest_chain_has_no_fault() -> None:
    assert first_fault(chain(5)) is None


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 4), st.sampled_from(Row._fields), st.data())
def test_one_flipped_byte_is_found_in_its_row_or_the_next(
    number: int, field: str, data: st.DataObject
) -> None:
    rows = chain(5)
    value = getattr(rows[number], field)
    if isinstance(value, int):
        changed: object = value + data.draw(st.sampled_from([-1, 1]))
    else:
        raw = bytearray(value.encode() if isinstance(value, str) else value)
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] ^= data.draw(st.integers(1, 127))
        changed = raw.decode("latin-1") if isinstance(value, str) else bytes(raw)
    rows[number] = rows[number]._replace(**{field: changed})
    found = first_fault(rows)
    assert found is not None
    assert found[0] in (rows[number].seq, number + 2)


def test_a_removed_and_an_inserted_row_are_found() -> None:
    rows = chain(5)
    assert first_fault(rows[:2] + rows[3:]) == (4, "row 3 should come before it and is gone")
    assert first_fault(rows[:1] + rows[4:]) == (5, "rows 2 to 4 should come before it and are gone")
    forged = next_row((2, rows[1].hash), {"event": "x", "subject": "s"}, sign)
    assert first_fault([*rows[:2], forged, *rows[2:]]) is not None
    assert first_fault([*rows[:2], forged, *rows[3:]]) == (
        4,
        "it does not follow on the row before it",
    )
