"""Pseudonyms of the people in the consent ledger: keyed hashes, each with a secret of its own.

Who deletes the secret of a name cuts everything filed under its pseudonym from the person for good.
"""

from collections.abc import Callable, Collection, Iterable
from hmac import digest as hmac

from customering.kernel.ids import Identifier
from customering.stores.home_secrets import HomeSecrets

_SECRET_BYTES = 32
_SUBJECT_BYTES = 16


class Pseudonyms:
    """Gives names their pseudonyms.

    Parameters
    ----------
    kept
        Where the secrets lie, under keyed hashes of the names.
    chance
        Gives that many bytes nobody can guess.
    """

    def __init__(self, kept: HomeSecrets, chance: Callable[[int], bytes]) -> None:
        self._kept = kept
        self._chance = chance
        self._master = kept.secret("pseudonyms", chance(_SECRET_BYTES))

    def ref(self, kind: str, text: str) -> str:
        """Give a keyed hash of a text, which nobody without the key can guess back, in hex."""
        return hmac(self._master, f"{kind}\0{text}".encode(), "sha256").hex()

    def of(self, names: Iterable[Identifier]) -> dict[Identifier, str]:
        """Give the pseudonyms of some names; those that have none are left out."""
        refs = self._refs(names)
        return self._given(refs, self._kept.subjects(refs.values()))

    def make(self, names: Iterable[Identifier]) -> dict[Identifier, str]:
        """Give the pseudonyms of some names; those that have none get one."""
        refs = self._refs(names)
        found = self._kept.subjects(refs.values())
        lacking = set(refs.values()) - found.keys()
        if lacking:
            new = {ref: self._chance(_SECRET_BYTES) for ref in lacking}
            found |= self._kept.subjects(lacking, new)
        return self._given(refs, found)

    def forget(self, names: Iterable[Identifier]) -> int:
        """Delete the secrets of some names, and give how many there were."""
        refs: Collection[bytes] = self._refs(names).values()
        return self._kept.drop_subjects(refs)

    def _refs(self, names: Iterable[Identifier]) -> dict[Identifier, bytes]:
        return {name: bytes.fromhex(self.ref("name", name)) for name in names}

    def _given(
        self, refs: dict[Identifier, bytes], found: dict[bytes, bytes]
    ) -> dict[Identifier, str]:
        return {
            name: hmac(found[ref], b"subject", "sha256")[:_SUBJECT_BYTES].hex()
            for name, ref in refs.items()
            if ref in found
        }
