"""The files of the consent ledger: all or nothing, one writer, no trace of what was deleted."""

from hashlib import sha256
from pathlib import Path

import pytest

from customering.consent.chain import FIRST_HASH, Head, Place, Row, next_row, nodes_for
from customering.kernel.errors import Conflict, Unavailable
from customering.stores.consent_chain import ConsentChain, KeptAgreement
from customering.stores.home_secrets import HomeSecrets


def sign(data: bytes) -> tuple[str, bytes]:
    return "k", sha256(data).digest()


def rows_after(
    before: tuple[int, bytes], count: int, nodes: dict[Place, bytes], mark: str = ""
) -> list[Row]:
    made = []
    for number in range(count):
        row = next_row(before, {"event": f"{mark}{before[0]}-{number}", "subject": "s"}, sign)
        nodes |= nodes_for(row.seq - 1, row.hash, nodes.__getitem__)
        made.append(row)
        before = row.seq, row.hash
    return made


@pytest.fixture
def chain(tmp_path: Path) -> ConsentChain:
    return ConsentChain(f"sqlite:///{tmp_path / 'consent.sqlite'}")


def test_rows_come_back_as_they_were_written(chain: ConsentChain) -> None:
    nodes: dict[Place, bytes] = {}
    rows = rows_after((0, FIRST_HASH), 5, nodes)
    assert chain.last() == (0, FIRST_HASH)
    chain.append(rows, nodes, 7)
    assert list(chain.rows()) == rows
    assert chain.last() == (5, rows[-1].hash)
    assert dict(chain.nodes()) == nodes
    assert chain.nodes_at([(0, 3), (9, 9)]) == {(0, 3): nodes[0, 3]}
    assert chain.known([rows[2].event_ref, "other"]) == {rows[2].event_ref}
    assert chain.offset == 7


def test_the_offset_never_goes_back(chain: ConsentChain) -> None:
    for offset in (5, 3):
        chain.append([], {}, offset)
    assert chain.offset == 5


def test_of_two_writers_one_is_told_and_nothing_is_half_written(
    chain: ConsentChain, tmp_path: Path
) -> None:
    other = ConsentChain(f"sqlite:///{tmp_path / 'consent.sqlite'}")
    first, second = dict[Place, bytes](), dict[Place, bytes]()
    mine = rows_after((0, FIRST_HASH), 2, first)
    theirs = rows_after((0, FIRST_HASH), 3, second, "their-")
    other.append(theirs, second, 3)
    with pytest.raises(Conflict):
        chain.append(mine, first, 2)
    assert list(chain.rows()) == theirs


def test_many_pseudonyms_and_references_are_asked_for_at_once(chain: ConsentChain) -> None:
    nodes: dict[Place, bytes] = {}
    rows = rows_after((0, FIRST_HASH), 1_200, nodes)
    chain.append(rows, nodes, 0)
    assert len(chain.known([row.event_ref for row in rows])) == 1_200
    assert len(chain.of_subjects(["s"])) == 1_200


def test_agreements_are_kept_once_and_dropped_by_person(chain: ConsentChain) -> None:
    for document in (b"first", b"second"):
        chain.keep_agreement(KeptAgreement("agr_1", "ada", document))
    chain.keep_agreement(KeptAgreement("agr_2", "bob", b"his"))
    assert chain.agreement("agr_1") == KeptAgreement("agr_1", "ada", b"first")
    assert chain.drop_agreements(["ada"]) == 1
    assert chain.agreement("agr_1") is None
    assert chain.agreements_of(["ada", "bob"]) == [KeptAgreement("agr_2", "bob", b"his")]


def test_secrets_are_made_once_kept_and_dropped_without_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "control.sqlite"
    secrets = HomeSecrets(f"sqlite:///{path}")
    assert secrets.secret("master", b"one") == secrets.secret("master", b"two") == b"one"
    refs = {bytes([number]) * 32: bytes([number, 7]) * 16 for number in range(3)}
    assert secrets.subjects(refs, refs) == refs
    assert secrets.subjects(refs, {next(iter(refs)): b"another"}) == refs
    assert secrets.drop_subjects(list(refs)[:2]) == 2
    assert secrets.subjects(refs) == dict(list(refs.items())[2:])
    secrets.close()  # with the last connection the WAL is written back and goes
    assert bytes([1, 7]) * 16 not in path.read_bytes()
    assert bytes([2, 7]) * 16 in path.read_bytes()


def test_the_kept_head_only_grows(tmp_path: Path) -> None:
    secrets = HomeSecrets(f"sqlite:///{tmp_path / 'control.sqlite'}")
    assert secrets.head() is None
    for size in (2, 5, 3):
        secrets.keep_head(Head(size, bytes([size]) * 32, bytes(32)))
    assert secrets.head() == Head(5, bytes([5]) * 32, bytes(32))


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "consent.sqlite"
    path.write_bytes(b"something else entirely, and long enough to be looked at" * 10)
    with pytest.raises(Unavailable, match="consent ledger"):
        ConsentChain(f"sqlite:///{path}")
