"""Settings of the portal."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from shared.contracts.access import SERVICES
from shared.service.mail_server import MailSettings
from shared.service.settings import DatabaseSettings

LEAST_KEY = 32
_ADDRESS = r"^https?://[^\s/?#]+(/[^\s?#]*[^\s/?#])?$"


class PortalSettings(MailSettings, DatabaseSettings):
    """What the portal's environment says, beside what every process of a deployment is told."""

    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_PORTAL_", frozen=True)

    http_port: int = Field(8000, description="HTTP port: the pages, health and metrics.")
    intake_url: str = Field("http://127.0.0.1:8001", pattern=_ADDRESS, description="Address of intake.")
    eligibility_url: str = Field("http://127.0.0.1:8002", pattern=_ADDRESS, description="Address of eligibility.")
    selection_url: str = Field("http://127.0.0.1:8003", pattern=_ADDRESS, description="Address of selection.")
    notify_url: str = Field("http://127.0.0.1:8004", pattern=_ADDRESS, description="Address of notify.")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s/?#]+)?$",
        description="Where people reach the portal: mailed links and feeds lead there, and never to where a request "
        "says it came. Without one it does not serve.",
    )
    service_seconds: float = Field(10, gt=0, description="How long a service may take for one answer.")
    fresh_seconds: float = Field(
        1, ge=0, description="How long what a service said is shown before it is asked again, in the background."
    )
    kept_seconds: float = Field(
        300, gt=0, description="How long it is shown at most, while a service does not answer; then the page says so."
    )
    secure: bool = Field(
        False, description="Pages are reached by https alone: cookies are for https. Set it wherever a proxy does TLS."
    )

    sealing_key: SecretStr = Field(
        SecretStr(""),
        description="Text of 32 characters or more that seals the tokens of applications in the database; further "
        "ones, one a line, only open what they sealed. Without one it does not serve.",
    )
    edge_token: SecretStr = Field(
        SecretStr(""),
        description="Token of role `edge` (`firstbuy token create`): the moment at which the portal had read a form "
        "counts, within intake's drain. Empty: the moment at which intake reads it.",
    )
    session_hours: float = Field(12, gt=0, description="How long somebody stays signed in without doing anything.")
    draft_days: float = Field(90, ge=1, description="How long after its round's close an unsent draft is kept.")

    @field_validator("sealing_key")
    @classmethod
    def _long_enough(cls, keys: SecretStr) -> SecretStr:
        """Raises ValueError."""
        if any(len(key) < LEAST_KEY for key in keys.get_secret_value().split()):
            raise ValueError(f"a key has {LEAST_KEY} characters at least")
        return keys

    @property
    def sealing_keys(self) -> list[str]:
        """The keys, the one that seals first."""
        return self.sealing_key.get_secret_value().split()

    @property
    def services(self) -> dict[str, str]:
        """Address of each service, by its name."""
        return {name: getattr(self, f"{name}_url") for name in SERVICES}
