"""Passkeys: signing in with what a device of the person holds, without a letter or a password.

A passkey is a pair of keys that a device makes for one site. It signs a challenge of ours after
its owner unlocked it, and tells who they are by itself: nobody types a name, so nothing can be
learned by trying names. Every challenge is for one browser and one use, holds some minutes, and
works once.

References
----------
W3C, Web Authentication: An API for accessing Public Key Credentials, Level 2, sections 7.1 and 7.2.
OWASP ASVS 5.0: 6.3.3, 6.5.1, 6.6.2, 6.7.1.
"""

import hmac
import secrets
from collections.abc import Callable, Collection
from typing import Any, Literal

from customering.app.passkey_challenges import Challenges, Use
from customering.app.passkey_told import Site as Site
from customering.app.passkey_told import Told as Told
from customering.app.passkey_told import base64url, does_not_hold
from customering.kernel.clock import format_instant
from customering.kernel.errors import Invalid
from customering.kernel.ids import Identifier, stable_id
from customering.stores.portal_passkeys import PasskeyRow, PortalPasskeys

PASSKEYS_MOST = 20
LABEL_MOST = 60


class Passkeys:
    """The passkeys of one home; any thread may use it.

    Parameters
    ----------
    url
        The control database.
    clock
        Gives the real present, milliseconds since 1970.
    secret
        Seals challenges; 32 bytes of this home.
    chance
        Gives that many bytes nobody can guess.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], int],
        secret: bytes,
        *,
        chance: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store = PortalPasskeys(url)
        self._clock = clock
        self._secret = secret
        self._challenges = Challenges(self._store, clock, secret, chance)

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    # Adding one

    def ask_to_add(
        self,
        site: Site,
        person: Identifier,
        names: Collection[Identifier],
        shown_name: str,
        *,
        bound_to: str,
    ) -> dict[str, Any]:
        """Give what a browser asks a device for, to make a passkey.

        Parameters
        ----------
        person
            Whom it is to let in.
        names
            Everything that names them.
        shown_name
            What the device lists it under, for its owner to tell accounts apart.
        bound_to
            The secrets of the browser that asks: no other one can answer.

        Raises
        ------
        Invalid
            When the person has 20 already.
        """
        from customering.app.passkey_ceremonies import asked_to_add  # see there

        held = self._store.of(names)
        _check_room(held)
        return asked_to_add(
            site,
            handle=self._handle(person),
            shown_name=shown_name,
            challenge=self._challenges.make("add", bound_to),
            held=held,
        )

    def add(
        self,
        site: Site,
        person: Identifier,
        names: Collection[Identifier],
        told: Told,
        label: str,
        *,
        bound_to: str,
    ) -> PasskeyRow:
        """Keep a passkey that a device made.

        Raises
        ------
        Invalid
            When what was told does not hold, the name cannot be shown, or there are 20 already.
        """
        from customering.app.passkey_ceremonies import added, invalid_as_one, is_synced

        label = checked_label(label)
        _check_room(self._store.of(names))
        with invalid_as_one():
            made = added(site, told, self._used_up(told, "add", bound_to))
        row = PasskeyRow(
            credential=made.credential_id,
            passkey_id=stable_id("passkey", made.credential_id.hex()),
            person=person,
            handle=self._handle(person),
            site=site.host,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            label=label,
            is_synced=is_synced(made),
            begun_at=self._clock(),
        )
        if not self._store.add(row):
            raise does_not_hold()
        return row

    # Using one

    def ask_to_enter(
        self,
        site: Site,
        use: Literal["enter", "confirm"],
        names: Collection[Identifier] = (),
        *,
        bound_to: str,
    ) -> dict[str, Any]:
        """Give what a browser asks a device for, to prove who sits before it.

        Parameters
        ----------
        use
            To sign in anybody, or to confirm somebody who is signed in.
        names
            What names whoever is signed in; nothing of them to sign in, so that what is asked for
            is the same for everybody.
        """
        from customering.app.passkey_ceremonies import asked_to_enter

        held = self._store.of(names) if names else []
        return asked_to_enter(site, challenge=self._challenges.make(use, bound_to), held=held)

    def enter(
        self, site: Site, use: Literal["enter", "confirm"], told: Told, *, bound_to: str
    ) -> PasskeyRow:
        """Check what a device signed, and give the passkey it did it with.

        Raises
        ------
        Invalid
            When it does not hold, whatever the reason: always in the same words.
        """
        from customering.app.passkey_ceremonies import entered, invalid_as_one

        with invalid_as_one():
            challenge = self._used_up(told, use, bound_to)
            row = self._store.find(base64url(told.credential))
            if row is None or not hmac.compare_digest(row.handle, base64url(told.handle)):
                raise does_not_hold()
            signed = entered(site, told, challenge, row)
        is_first = self._store.note_used(
            row.credential,
            before=row.sign_count,
            after=signed.new_sign_count,
            now_ms=self._clock(),
        )
        if not is_first:
            raise does_not_hold()
        return row

    # The list of them

    def of(self, names: Collection[Identifier]) -> list[PasskeyRow]:
        """Give the passkeys of a person, the newest first."""
        return self._store.of(names)

    def rename(self, names: Collection[Identifier], passkey_id: str, label: str) -> bool:
        """Give a passkey of a person another name; False when they have none of this id.

        Raises
        ------
        Invalid
            When the name cannot be shown.
        """
        return self._store.rename(names, passkey_id, checked_label(label)) > 0

    def remove(self, names: Collection[Identifier], passkey_id: str) -> bool:
        """Remove a passkey of a person; False when they have none of this id."""
        return self._store.remove(names, passkey_id) > 0

    def forget(self, names: Collection[Identifier]) -> int:
        """Remove every passkey of a person, and give how many there were."""
        return self._store.forget(names)

    def _used_up(self, told: Told, use: Use, bound_to: str) -> bytes:
        """Give the challenge that was answered, which holds no more from here on."""
        from customering.app.passkey_ceremonies import answered

        client_data = answered(told)
        challenge = client_data.challenge
        if client_data.cross_origin or not self._challenges.use(challenge, use, bound_to):
            raise does_not_hold()
        return challenge

    def _handle(self, person: Identifier) -> bytes:
        """Give what devices know a person by: it follows from who they are, and tells nobody."""
        return hmac.digest(self._secret, f"handle {person}".encode(), "sha256")


def told_of(passkey: PasskeyRow) -> dict[str, Any]:
    """Give what a person is told of a passkey when they take their data along."""
    return {
        "label": passkey.label,
        "person": passkey.person,
        "site": passkey.site,
        "is_synced": passkey.is_synced,
        "begun_at": format_instant(passkey.begun_at),
        "used_at": format_instant(passkey.used_at) if passkey.used_at else None,
    }


def checked_label(label: str) -> str:
    """Give the name of a passkey as it is kept.

    Raises
    ------
    Invalid
        When it is empty, cannot be shown, or has more than 60 characters.
    """
    label = " ".join(label.split())
    if not label or len(label) > LABEL_MOST or not label.isprintable():
        raise Invalid("the passkey has no name that can be shown", hint="such as: my telephone")
    return label


def _check_room(held: Collection[PasskeyRow]) -> None:
    if len(held) >= PASSKEYS_MOST:
        raise Invalid(f"there are {PASSKEYS_MOST} already", hint="remove one that is not used")
