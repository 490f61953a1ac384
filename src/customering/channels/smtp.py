"""Letters by SMTP, to the one mail server that the operator names."""

from email.message import EmailMessage

import aiosmtplib

from customering.channels.model import MailSettings
from customering.kernel.errors import Unavailable


async def send_by_smtp(message: EmailMessage, settings: MailSettings) -> None:
    """Hand a message to the mail server.

    Raises
    ------
    Unavailable
        When the server cannot be reached or does not take it; the address is not repeated.
    """
    try:
        await aiosmtplib.send(
            message,
            hostname=settings.host,
            port=settings.port,
            username=settings.user or None,
            password=settings.password or None,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            timeout=settings.timeout_seconds,
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Unavailable(
            f"the mail server did not take a letter ({type(error).__name__})",
            hint="check mail.host, mail.port, mail.security and the password",
        ) from error
