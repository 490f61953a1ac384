"""What a device is asked to make or to use a passkey, and whether what it told holds.

Imported when somebody first uses a passkey, and by nothing before: the library that checks them,
with all it knows of certificates, takes a tenth of a second and 7 MB.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import options_to_json_dict, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CollectedClientData,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from customering.app.passkey_told import Site, Told, base64url, does_not_hold
from customering.kernel.errors import Invalid
from customering.stores.portal_passkeys import PasskeyRow

_ASKED_MS = 5 * 60_000
_logger = logging.getLogger("customering.portal")


def asked_to_add(
    site: Site, *, handle: bytes, shown_name: str, challenge: bytes, held: Iterable[PasskeyRow]
) -> dict[str, Any]:
    """Give what a browser asks a device for, to make a passkey; those held are not made again."""
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_name=shown_name,
        user_id=handle,
        challenge=challenge,
        timeout=_ASKED_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential) for one in held],
    )
    return options_to_json_dict(options)


def added(site: Site, told: Told, challenge: bytes) -> VerifiedRegistration:
    """Check what a device told of a passkey that it made; `invalid_as_one` around it."""
    return verify_registration_response(
        credential=told.registration(),
        expected_challenge=challenge,
        expected_rp_id=site.host,
        expected_origin=site.origin,
        require_user_verification=True,
    )


def is_synced(made: VerifiedRegistration) -> bool:
    """Tell whether a passkey is on several devices of its owner."""
    return made.credential_device_type is CredentialDeviceType.MULTI_DEVICE


def asked_to_enter(site: Site, *, challenge: bytes, held: Iterable[PasskeyRow]) -> dict[str, Any]:
    """Give what a browser asks a device for, to prove who sits before it."""
    options = generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        timeout=_ASKED_MS,
        allow_credentials=[
            PublicKeyCredentialDescriptor(id=one.credential)
            for one in held
            if one.site == site.host
        ],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def entered(site: Site, told: Told, challenge: bytes, row: PasskeyRow) -> VerifiedAuthentication:
    """Check what a device signed with a passkey; `invalid_as_one` around it."""
    return verify_authentication_response(
        credential=told.assertion(),
        expected_challenge=challenge,
        expected_rp_id=site.host,
        expected_origin=site.origin,
        credential_public_key=row.public_key,
        credential_current_sign_count=row.sign_count,
        require_user_verification=True,
    )


def answered(told: Told) -> CollectedClientData:
    """Give what the browser says that it was asked; `invalid_as_one` around it."""
    return parse_client_data_json(base64url(told.client_data))


@contextmanager
def invalid_as_one() -> Iterator[None]:
    """Say of whatever does not hold the same: a page must not teach anybody what is missing.

    What a device tells is read by a library that lets errors of many kinds out of bytes that mean
    nothing; each of them says the same, which is that they do not hold.
    """
    try:
        yield
    except Invalid:
        _logger.warning("a passkey did not hold")
        raise
    except (WebAuthnException, ArithmeticError, LookupError, TypeError, ValueError) as error:
        _logger.warning("a passkey did not hold: %s", type(error).__name__)
        raise does_not_hold() from error
