"""Mails the links by which people sign in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as CRLF
from email.utils import make_msgid

import structlog
from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from services.portal.domain.texts import Texts
from shared.programme.mail_addresses import mailable
from shared.service.mail_server import MailServerAddress
from shared.service.smtp_client import smtp_client

_log = structlog.get_logger()


class MailAwayError(Exception):
    """The mail server took no mail now."""

    code = "mail-away"


class AddressRefusedError(Exception):
    """The mail server takes no mail for this address."""

    code = "address-refused"


@dataclass(frozen=True, slots=True)
class Mailer:
    """Sends one mail over a connection of its own: a sign-in is rare beside a page."""

    server: Callable[[], MailServerAddress]
    sender_name: str
    sender_address: str
    seconds: float

    async def send_link(self, email: str, link: str, expires_at: datetime, texts: Texts, now: datetime) -> None:
        """Mails a link. Raises MailAwayError or AddressRefusedError."""
        client = smtp_client(self.server(), self.seconds)
        mail = self._composed(email, link, expires_at, texts, now)
        try:
            async with client:
                await client.send_message(mail, sender=self.sender_address, recipients=[mailable(email)])
        except SMTPRecipientsRefused as error:
            if all(500 <= refused.code < 600 for refused in error.recipients):
                raise AddressRefusedError from error
            raise MailAwayError from error
        except (SMTPException, OSError) as error:
            answer = error.code if isinstance(error, SMTPResponseException) else None
            _log.warning("mails no link: the mail server is away", error=type(error).__name__, answer=answer)
            raise MailAwayError from error

    def _composed(self, email: str, link: str, expires_at: datetime, texts: Texts, now: datetime) -> EmailMessage:
        mail = EmailMessage(policy=CRLF)
        local, _, domain = self.sender_address.rpartition("@")
        mail["From"] = Address(self.sender_name, local, domain)
        mail["To"] = mailable(email)
        mail["Subject"] = texts("mail.subject")
        mail["Date"] = now
        mail["Message-ID"] = make_msgid(domain=domain)
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["Content-Language"] = texts.language.value
        mail.set_content(texts("mail.text", link=link, until=texts.minute(expires_at)), cte="base64")
        return mail
