"""Settings of notify."""

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.notify.domain.quiet import QuietHours
from services.notify.domain.rates import Rates, Scope
from shared.service.mail_server import MailSettings
from shared.service.settings import ServiceSettings


class NotifySettings(MailSettings, ServiceSettings):
    """What notify's environment says, beside what every service is told."""

    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_NOTIFY_", frozen=True)

    http_port: int = Field(8004, description="HTTP port: the API, health, metrics and AsyncAPI.")
    message_domain: str = Field(
        "firstbuy.example", pattern=r"^[A-Za-z0-9.-]+$", description="Domain of the mails' message ids."
    )
    selection_url: str = Field(
        "",
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$",
        description="Address at which firms reach selection, so that mails link to the pack of a selected product; "
        "empty: they do not.",
    )
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$",
        description="Address at which people reach notify, so that mails to applicants have a link *this was not me* "
        "and one to where the entry stands; only `/not-me/…` and `/entry/…` need be reachable. Empty: they have "
        "neither, and name the programme office.",
    )
    bounce_address: str = Field(
        "",
        pattern=r"^([A-Za-z0-9._-]{1,14}@[A-Za-z0-9.-]+)?$",
        description="Where mails that can't be delivered come back to, each under a name of its own "
        "(`local+delivery-tag@domain`; `local` has up to 14 characters); what arrives there is to be given to "
        "`firstbuy notify bounce`. Empty: to the sender's address.",
    )
    mail_per_second: float = Field(0, ge=0, description="Mails one replica sends a second at most; 0: no limit.")
    quiet_hours: str = Field(
        "21:00-08:00",
        description="Hours of Korea in which no mail is sent that can wait for the morning (not receipts, nor a "
        "reminder before a close; rehearsals know none); empty: none.",
    )
    digest_seconds: float = Field(
        60, ge=0, description="How long notices of awards and purchases wait for others to the same person."
    )
    digest_from: int = Field(5, ge=2, description="From so many on they go to a person in one mail.")
    closing_soon_hours: float = Field(
        72, gt=0, description="So long before a round closes its institutions are reminded (programme time)."
    )
    webhook_connections: int = Field(64, ge=1, description="Connections one replica keeps to webhooks' receivers.")
    webhook_timeout_seconds: float = Field(15, gt=0, description="How long a receiver may take for its whole answer.")
    webhook_per_second: float = Field(
        0, ge=0, description="Webhooks one replica sends to one receiver a second at most; 0: no limit."
    )
    private_webhooks: bool = Field(
        False,
        description="Webhooks may go to private addresses: only where receivers stand in a network of one's own.",
    )
    mails_per_mailbox_hour: int = Field(
        10, ge=0, description="Mails to one applicant's address an hour at most; what is more goes in one mail. 0: all."
    )
    mails_per_mailbox_day: int = Field(30, ge=0, description="The same a day.")
    mails_per_domain_hour: int = Field(
        200, ge=0, description="Mails to applicants at one domain an hour at most, but at `MAIL_PROVIDERS`. 0: all."
    )
    mails_per_network_hour: int = Field(
        300,
        ge=0,
        description="Mails an hour at most about what one network (IPv4 /24, IPv6 /48) sent to intake. 0: all.",
    )
    mail_providers: str = Field(
        "naver.com,gmail.com,daum.net,hanmail.net,kakao.com,nate.com,korea.kr,outlook.com,outlook.kr,hotmail.com,"
        "icloud.com,yahoo.com",
        description="Domains of which each address is another person's: they have no rate of their own.",
    )
    mail_connections: int = Field(8, ge=1, description="Connections one replica keeps to the mail server.")
    claimed_deliveries: int = Field(400, ge=1, description="Most deliveries claimed at once.")
    lease_seconds: int = Field(
        90, ge=5, description="After this long without an outcome a claimed delivery is taken again by any replica."
    )
    retry_seconds: float = Field(
        2, gt=0, description="Pause after the first failed attempt; doubles up to ten minutes."
    )
    horizon_hours: float = Field(48, gt=0, description="After this long a delivery that still fails is given up.")

    heads_seconds: float = Field(
        60, ge=0, description="Institutions get the signed audit heads of one service at most this often: the newest."
    )

    @field_validator("quiet_hours")
    @classmethod
    def _times(cls, written: str) -> str:
        QuietHours.parse(written)
        return written

    @property
    def rates(self) -> Rates:
        """Limits on mails to applicants."""
        most = {
            Scope.MAILBOX_HOUR: self.mails_per_mailbox_hour,
            Scope.MAILBOX_DAY: self.mails_per_mailbox_day,
            Scope.DOMAIN_HOUR: self.mails_per_domain_hour,
            Scope.NETWORK_HOUR: self.mails_per_network_hour,
        }
        return Rates(most, frozenset(name.strip().lower() for name in self.mail_providers.split(",")))

    @property
    def quiet(self) -> QuietHours | None:
        """The quiet hours; None if there are none."""
        return QuietHours.parse(self.quiet_hours)
