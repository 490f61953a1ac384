"""The letters of the portal: a link to sign in, and a word when a new way in was used or made."""

from customering.app.mailing import Letter
from customering.portal.words import Words


def sign_in_letter(
    words: Words, *, to: str, shop_name: str, link: str, code: str, minutes: int
) -> Letter:
    """Write the letter with a link to sign in."""
    spoken = f"{code[:4]} {code[4:]}"
    text = words("mail.sign_in.text", shop=shop_name, link=link, code=spoken, minutes=minutes)
    return Letter(to=to, subject=words("mail.sign_in.subject", shop=shop_name), text=text)


def new_device_letter(
    words: Words, *, to: str, shop_name: str, link: str, label: str, moment: str
) -> Letter:
    """Write the letter that tells of a sign-in from a browser not seen before."""
    label = label or words("devices.unknown")
    text = words("mail.new_device.text", shop=shop_name, link=link, label=label, moment=moment)
    return Letter(to=to, subject=words("mail.new_device.subject", shop=shop_name), text=text)


def passkey_letter(
    words: Words, *, to: str, shop_name: str, link: str, label: str, moment: str
) -> Letter:
    """Write the letter that tells of a passkey that was added."""
    text = words("mail.passkey.text", shop=shop_name, link=link, label=label, moment=moment)
    return Letter(to=to, subject=words("mail.passkey.subject", shop=shop_name), text=text)
