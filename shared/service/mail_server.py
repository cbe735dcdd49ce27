"""Where a mail server is, and how to log in: `smtp[s]://user:password@host:port`."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from shared.service.settings_files import Settings

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


class MailSettings(Settings):
    """Of a process that sends mail: its mail server, and whom its mails are from."""

    model_config = SettingsConfigDict(frozen=True)

    smtp_url: SecretStr = Field(
        SecretStr("smtp://127.0.0.1:25"),
        description="Mail server, `smtp[s]://user:password@host:port`; `smtp+starttls://` to insist on STARTTLS.",
    )
    smtp_timeout_seconds: float = Field(15, gt=0, description="How long the mail server may take for one answer.")
    sender_address: str = Field(
        "no-reply@firstbuy.example",
        pattern=r"^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$",
        description="Address mails are sent from.",
    )
    sender_name: str = Field("Firstbuy", pattern=r"^[^\x00-\x1f]+$", description="Name mails are sent under.")

    @field_validator("smtp_url")
    @classmethod
    def _readable(cls, url: SecretStr) -> SecretStr:
        MailServerAddress.parse(url.get_secret_value())
        return url

    @property
    def mail_server(self) -> MailServerAddress:
        """The mail server's address, parsed."""
        return MailServerAddress.parse(self.smtp_url.get_secret_value())
