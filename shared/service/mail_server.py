"""Where a mail server is, and how to log in: `smtp[s]://user:password@host:port`."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

DEFAULT_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServerAddress:
    """Where the mail server is, and how to log in."""

    host: str
    port: int
    scheme: str
    user: str | None
    password: SecretStr | None

    @classmethod
    def parse(cls, url: str) -> "MailServerAddress":
        """Parses a mail server URL. Raises ValueError, whose text never contains the password."""
        wanted = "must be smtp://host:port, smtp+starttls://… or smtps://…"
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:  # its text quotes what is in place of the port
            raise ValueError(wanted) from None
        if parts.scheme not in DEFAULT_PORTS or not host or parts.path not in {"", "/"}:
            raise ValueError(wanted)
        return cls(
            host,
            port or DEFAULT_PORTS[parts.scheme],
            parts.scheme,
            unquote(parts.username) if parts.username else None,
            SecretStr(unquote(parts.password)) if parts.password else None,
        )
