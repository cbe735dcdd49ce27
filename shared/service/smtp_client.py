"""A session with a mail server, as its address says."""

from aiosmtplib import SMTP

from shared.service.mail_server import MailServerAddress


def smtp_client(address: MailServerAddress, seconds: float) -> SMTP:
    """A client that is not connected yet. `seconds`: how long the server may take for one answer."""
    return SMTP(
        hostname=address.host,
        port=address.port,
        username=address.user,
        password=address.password.get_secret_value() if address.password else None,
        use_tls=address.scheme == "smtps",
        start_tls=address.scheme == "smtp+starttls",
        timeout=seconds,
    )
