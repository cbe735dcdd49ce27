"""Settings of the portal."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.contracts.access import SERVICES
from shared.service.settings import ProcessSettings

_ADDRESS = r"^https?://[^\s/?#]+(/[^\s?#]*[^\s/?#])?$"


class PortalSettings(ProcessSettings):
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
        description="Where people reach the portal, for links in feeds; empty: as the request's Host says.",
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

    @property
    def services(self) -> dict[str, str]:
        """Address of each service, by its name."""
        return {name: getattr(self, f"{name}_url") for name in SERVICES}
