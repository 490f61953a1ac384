"""Typed identifiers in their one normal form, so that equal people have equal strings."""

import re
import unicodedata
from functools import lru_cache
from typing import Any

import phonenumbers

from customering.kernel.errors import InvalidEvent
from customering.kernel.ids import Identifier, identifier

_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KIND_SEPARATORS = re.compile(r"[\s.\-]+")
_VALUE_LENGTH_MAX = 500  # the Segment spec's limit of a groupId, the longest id it names
_NEVER_IN_EMAIL = re.compile(r'[@<>(),;:\\"\[\] \u00a0]')
_EMAIL_LENGTH_MAX = 254  # RFC 5321, errata 1690
_LOCAL_PART_LENGTH_MAX = 64  # RFC 5321, section 4.5.3.1.1
_PHONE_CACHE_ENTRIES = 4_096


def normalise(kind: str, value: Any, region: str = "") -> Identifier:
    """Give an identifier in its normal form.

    Parameters
    ----------
    kind
        Type of the identifier, such as ``email``, ``phone``, ``user_id`` or ``loyalty_card``. Upper
        case, dots, hyphens and blanks are read as the Segment spec writes them: ``ios.idfa`` is
        ``ios_idfa``.
    value
        Text, or a number that stands for its digits. Text is trimmed and brought to Unicode NFC.
    region
        Two-letter country of telephone numbers written without a country code; empty for none.

    Raises
    ------
    InvalidEvent
        When the value cannot name anybody; the message says why and never repeats the value.

    Notes
    -----
    E-mail addresses are compared in lower case, the local part too. RFC 5321 lets a mail system
    tell ``Ada@`` from ``ada@``, but none in use does, while people type both. Dots and plus-tags
    are kept: whether they matter differs from one mail system to the next. A domain outside ASCII
    takes its IDNA form, so both spellings are one. Telephone numbers take the form of ITU-T E.164.

    Examples
    --------
    >>> normalise("email", " Ada.L+news@Example.ORG ")
    'email:ada.l+news@example.org'
    >>> normalise("phone", "030 901820", region="DE")
    'phone:+4930901820'
    >>> normalise("user_id", 42)
    'user_id:42'
    """
    kind = normal_kind(kind)
    text = _text(value)
    if kind == "email":
        text = _email(text)
    elif kind == "phone":
        text = _phone(text, region)
    return identifier(kind, text)


@lru_cache(maxsize=1_024)
def normal_kind(kind: str) -> str:
    """Give the type of an identifier in its normal form: lower case, words joined by ``_``.

    Raises
    ------
    InvalidEvent
        When it is not a name of letters, digits and ``_`` of at most 64 characters.

    Examples
    --------
    >>> normal_kind("Android.IDFA")
    'android_idfa'
    """
    name = _KIND_SEPARATORS.sub("_", kind.strip().lower())
    if _KIND.fullmatch(name) is None:
        raise InvalidEvent(
            "The type of an identifier is not a name",
            hint="Use up to 64 letters, digits and underscores, such as loyalty_card.",
        )
    return name


def _text(value: Any) -> str:
    """Read an identifier as trimmed text; whole numbers stand for their digits."""
    if isinstance(value, str):
        text = value.strip()
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
    elif isinstance(value, int) and not isinstance(value, bool):
        text = str(value)
    elif isinstance(value, float) and value.is_integer():
        text = str(int(value))
    else:
        raise InvalidEvent(
            f"An identifier is a text or a whole number, not {_json_type(value)}",
            hint="Send the id as a text.",
        )
    if not text:
        raise InvalidEvent("An identifier is empty", hint="Leave it out, or send null.")
    if len(text) > _VALUE_LENGTH_MAX:
        raise InvalidEvent(
            f"An identifier is longer than {_VALUE_LENGTH_MAX} characters",
            hint="Send a shorter id, such as a hash.",
        )
    if not text.isprintable():
        raise InvalidEvent(
            "An identifier holds control or invisible characters",
            hint="Send only characters that can be seen.",
        )
    return text


def _json_type(value: Any) -> str:
    """Name the JSON type of a value for a message."""
    if value is None:
        return "null"
    names = {bool: "a boolean", float: "a fraction", dict: "an object", list: "a list"}
    return names.get(type(value), "something else")


def _email(text: str) -> str:
    """Give an address in lower case with its domain in ASCII."""
    local, at, domain = text.rpartition("@")
    local, domain = local.lower(), domain.lower().rstrip(".")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise _not_an_email() from error
    address = f"{local}{at}{domain}"
    well_formed = (
        0 < len(local) <= _LOCAL_PART_LENGTH_MAX
        and len(address) <= _EMAIL_LENGTH_MAX
        and "." in domain.strip(".")
        and ".." not in domain
        and not domain.startswith(".")
        and _NEVER_IN_EMAIL.search(local + domain) is None
    )
    if not well_formed:
        raise _not_an_email()
    return address


def _not_an_email() -> InvalidEvent:
    """Build the refusal of an address."""
    return InvalidEvent(
        "An e-mail address is not of the form name@domain",
        hint="Send one plain address, without a display name.",
    )


@lru_cache(maxsize=_PHONE_CACHE_ENTRIES)
def _phone(text: str, region: str) -> str:
    """Give a telephone number as E.164; reading one takes some 50 us, so results are kept.

    Spreadsheets drop the plus of ``+49...``: digits that are no number of the region but are one
    with a plus before them are read so.
    """
    number = _parse_phone(text, region)
    if text.isdigit() and (number is None or not phonenumbers.is_valid_number(number)):
        international = _parse_phone(f"+{text}", "")
        if international is not None and phonenumbers.is_valid_number(international):
            number = international
    if number is None:
        raise InvalidEvent(
            "A telephone number cannot be read",
            hint="Send it with its country code, such as +49..., or set events.default_region.",
        )
    if not phonenumbers.is_possible_number(number):
        raise InvalidEvent(
            "A telephone number has too few or too many digits for its country",
            hint="Check the country code, or set events.default_region.",
        )
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _parse_phone(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    """Read a telephone number; None when it is none."""
    try:
        return phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None
