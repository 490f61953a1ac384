"""What must be remembered of profiles: the state of each anchor, and how far the log was folded."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from customering.kernel.ids import Identifier


class ProfileStore(Protocol):
    """The states of anchors as packed bytes, with the offset of the log they stand for.

    States and offset change in one transaction, so that after a crash the fold goes on where the
    states stop: no event is lost and none is counted twice.
    """

    def get(self, anchors: Iterable[Identifier]) -> dict[Identifier, bytes]:
        """Give the states that are kept; anchors never seen are left out."""
        ...

    def put(self, states: Mapping[Identifier, bytes], offset: int, fingerprint: str) -> None:
        """Keep states, replacing those of the same anchors.

        Parameters
        ----------
        offset
            Events of the log below this offset are folded into the states.
        fingerprint
            Of the traits the states are kept for, `TraitSet.fingerprint`.

        Raises
        ------
        Unavailable
            When nothing can be written now; then nothing was.
        """
        ...

    def offset(self) -> int:
        """Give the offset up to which (exclusive) the log is folded; 0 before the first event."""
        ...

    def fingerprint(self) -> str:
        """Give the fingerprint of the traits that are kept; empty before the first state.

        When it differs from that of the traits in force, the states must be folded anew.
        """
        ...

    def forget(self, anchors: Iterable[Identifier]) -> None:
        """Remove the states of anchors whose person is erased."""
        ...

    def clear(self) -> None:
        """Remove every state and set the offset to 0, so that the log is folded anew."""
        ...
