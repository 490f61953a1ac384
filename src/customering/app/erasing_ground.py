"""What an erasure needs of an open home, and what it gives of it."""

from collections.abc import Callable, Collection
from typing import Protocol

from customering.app.erasing import Stores
from customering.app.erasing_certificate import Signer
from customering.app.erasing_gate import admission_of
from customering.app.erasing_registers import Forget
from customering.app.erasing_scope import Part
from customering.app.folding import Folding
from customering.app.home import Home
from customering.consent.rights_scope import Scope
from customering.events.model import Event
from customering.identity.rules import IdentityRules
from customering.kernel.ids import Identifier
from customering.profile.traits import TraitSet
from customering.stores.erasing_journal import ErasureJournal
from customering.stores.history import History
from customering.stores.rights import RightsStore
from customering.stores.sqlite_log import SqliteLog
from customering.stores.state import State

STATE = "state.sqlite"
"""The file in a home that keeps profiles."""


class ErasableHome(Protocol):
    """What an erasure needs of an open home; `customering.app.engine.Engine` is one."""

    @property
    def home(self) -> Home:
        """Where its files are."""
        ...

    @property
    def log(self) -> SqliteLog:
        """The log, opened for writing."""
        ...

    @property
    def history(self) -> History:
        """The copy of the log."""
        ...

    @property
    def rules(self) -> IdentityRules:
        """The rules of identity."""
        ...

    @property
    def journal(self) -> ErasureJournal:
        """What was erased."""
        ...

    @property
    def rights(self) -> RightsStore:
        """What people asked for."""
        ...

    @property
    def state(self) -> State:
        """The stored profiles and links."""
        ...

    @property
    def traits(self) -> TraitSet:
        """The traits in force."""
        ...

    @property
    def folding(self) -> Folding:
        """The profiles."""
        ...

    @property
    def clock(self) -> Callable[[], int]:
        """The real present. Milliseconds since 1970."""
        ...

    @property
    def present(self) -> int:
        """The instant everything is judged at. Milliseconds since 1970."""
        ...

    @property
    def are_profiles_current(self) -> bool:
        """Whether the stored profiles were folded by the definitions in force."""
        ...

    @property
    def registers(self) -> dict[str, Forget]:
        """What else keeps something of people, by its name in the certificate."""
        ...

    @property
    def signer(self) -> Signer | None:
        """What signs certificates; None in a home without a key."""
        ...

    def keep_journal_copy(self) -> None:
        """Copy the journal to where the settings say, if they do."""
        ...

    def let_go_of_profiles(self) -> None:
        """Let go of the profiles in memory; they are read anew when next used."""
        ...

    def forget_learned(self, names: Collection[Identifier]) -> None:
        """Let go of decisions whose outcomes are waited for, in memory and on disk."""
        ...


def stores_of(home: ErasableHome) -> Stores:
    """Give where a home keeps what people did."""
    return Stores(home.home.folder, home.log, home.history, home.rules, home.journal)


def let_in(home: ErasableHome) -> None:
    """Have the log ask, before it takes something in, what was erased."""
    categories = home.home.loaded.settings.rights.categories
    home.log.admission = admission_of(home.journal.tombstones(), home.rules, categories)


def part_of(
    home: ErasableHome,
    scope: Scope,
    names: Collection[Identifier],
    linking: Collection[str] | None = (),
) -> Part:
    """Give what finds a part of a person in this home."""
    own = home.home.loaded.settings.rights.categories
    return Part(names, home.rules, scope, own, linking)


def events_of(home: ErasableHome, anchor: Identifier) -> list[Event]:
    """Give what is filed under an anchor, as far as it was folded."""
    return home.history.events_of([anchor], before_offset=home.folding.offset)
