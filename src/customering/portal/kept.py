"""Ways in and out that a person made on their page, as they stand in what they take along."""

from customering.app import grants, passkeys, portal_transfers
from customering.app.grants import Grants
from customering.app.passkeys import Passkeys
from customering.app.portal_transfers import Transfers
from customering.app.rights_desk import RightsDesk


def put_into_takeout(
    rights: RightsDesk, held: Passkeys, programs: Grants, transfers: Transfers
) -> None:
    """Have them put into the ZIP of everything; nothing that lets anybody in is in it."""
    rights.take_along_also(
        "passkeys",
        "the passkeys that let you in here",
        lambda names: [passkeys.told_of(one) for one in held.of(names)],
    )
    rights.take_along_also(
        "programs",
        "the programs that act for you here",
        lambda names: [grants.told_of(one) for one in programs.of(names)],
    )
    rights.take_along_also(
        "transfers",
        "the links by which you handed your data to others",
        lambda names: [portal_transfers.told_of(one) for one in transfers.of(names)],
    )
